"""How fast images and texts are embedded: from files and from arrays, beside timm and transformers as one uses them."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
import transformers

from bench.gpu.inputs import Pictures, Size, image_encoder, text_encoder, texts
from bench.gpu.machine import seconds
from bench.gpu.tables import Row
from labeler.backbones import devices
from labeler.backbones.encoder import Arrays, Pretrained

PLAIN_BATCH = 256  # of the plain loops
REPEATED = 3  # runs of which the fastest counts


def images(size: Size, folder: Path, pictures: Pictures, networks: Sequence[tuple[str, int]]) -> Iterator[Row]:
    """Images/s of each network from arrays and from files, and what decoding alone allows."""
    for name, pixels in networks:
        files, _ = pictures.first(size.images if pixels <= 128 else size.images // 4)
        yield from _of_network(image_encoder(name, pixels, folder), name, files)


def _of_network(encoder: Pretrained, name: str, files: list[Path]) -> Iterator[Row]:
    n, what = len(files), f"{name}, {encoder.example[0].shape[-1]} pixels"
    encoder.prepare(files[:64])
    decoding = _best(lambda: encoder.prepare(files), 1)
    arrays = np.stack([image for (image,) in encoder.prepare(files)])
    in_memory = _prepared(encoder, [(image,) for image in arrays])
    first = _best(in_memory, 1)
    ours = _best(in_memory, REPEATED)
    encoder.encode(files[:1024])
    from_files = _best(lambda: encoder.encode(files), 1)
    model: Any = devices.placed(timm.create_model(name, num_classes=0).eval())
    _plain_images(model, arrays)
    plain = _best(lambda: _plain_images(model, arrays), REPEATED)
    yield Row(f"{what}: from arrays, beside plain timm", n / ours, "images/s", n / plain)
    yield Row(f"{what}: from arrays, the first time", n / first, "images/s")
    yield Row(f"{what}: from arrays, beside the network alone", n / ours, "images/s", _alone(model, arrays))
    yield Row(f"{what}: from files, beside decoding alone", n / from_files, "images/s", n / decoding)


def _prepared(encoder: Pretrained, items: Sequence[Arrays]) -> Callable[[], np.ndarray]:
    """A function that embeds items that are prepared already."""

    def prepare(rows: Sequence[int]) -> list[Arrays]:
        return [items[row] for row in rows]

    of_rows = replace(encoder, prepare=prepare, views=None)
    return lambda: of_rows.encode(range(len(items)))  # type: ignore[arg-type]  # rows in place of what is in them


@torch.inference_mode()
def _plain_images(model: Any, arrays: np.ndarray) -> np.ndarray:
    """What one writes with timm: batches of normalised pixels, in bfloat16 where the card has it."""
    results = []
    for start in range(0, len(arrays), PLAIN_BATCH):
        (x,) = devices.to_device((arrays[start : start + PLAIN_BATCH],))
        with devices.autocast():
            batch = ((x.float() - 127.5) / 127.5).contiguous(memory_format=torch.channels_last)
            results.append(model(batch))
    return torch.cat(results).float().cpu().numpy()


@torch.inference_mode()
def _alone(model: Any, arrays: np.ndarray) -> float:
    """Images/s of the network in bfloat16 on a batch that is in the card's memory already: the card's limit."""
    n = min(512, len(arrays))
    precise = devices.half()
    batch = torch.from_numpy(arrays[:n]).to(devices.device(), precise).contiguous(memory_format=torch.channels_last)
    model = model.to(precise)
    return n / seconds(lambda: model(batch), 5)


def texts_of_lengths(size: Size, folder: Path) -> Iterator[Row]:
    """Texts/s of a network like MiniLM, tokenised and from tokens, beside plain transformers."""
    encoder = text_encoder(folder)
    model = transformers.AutoModel.from_pretrained(folder / "like-minilm").eval().to(devices.device())
    for tokens in size.tokens:
        yield from _of_length(encoder, model, tokens, texts(size.texts, tokens))


def _of_length(encoder: Pretrained, model: Any, tokens: int, documents: Sequence[str]) -> Iterator[Row]:
    n, what = len(documents), f"texts of {tokens} tokens"
    from_tokens = _prepared(encoder, encoder.prepare(documents))
    first = _best(from_tokens, 1)
    ours = _best(from_tokens, REPEATED)
    whole = _best(lambda: encoder.encode(documents), REPEATED)
    tokenising = _best(lambda: encoder.prepare(documents), 1)
    _plain_texts(model, encoder, documents)
    plain = _best(lambda: _plain_texts(model, encoder, documents), REPEATED)
    yield Row(f"{what}, tokenised and embedded, beside transformers", n / whole, "texts/s", n / plain)
    yield Row(f"{what}, from tokens", n / ours, "texts/s")
    yield Row(f"{what}, from tokens, the first time", n / first, "texts/s")
    yield Row(f"{what}, tokenised alone", n / tokenising, "texts/s")


@torch.inference_mode()
def _plain_texts(model: Any, encoder: Pretrained, documents: Sequence[str]) -> np.ndarray:
    """What one writes with transformers: batches of 64, the mean over the tokens."""
    tokenizer: Any = getattr(encoder.prepare, "tokenizer")  # noqa: B009, since a protocol has no such attribute
    results = []
    for start in range(0, len(documents), 64):
        batch = tokenizer(list(documents[start : start + 64]), padding=True, truncation=True, return_tensors="pt")
        batch = {name: tensor.to(devices.device()) for name, tensor in batch.items() if name != "token_type_ids"}
        with devices.autocast():
            hidden = model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1)
        results.append(((hidden * mask).sum(1) / mask.sum(1)).float().cpu())
    return torch.cat(results).numpy()


def _best(run: Callable[[], Any], times: int) -> float:
    """The seconds of the fastest of several runs."""
    taken = []
    for _ in range(times):
        devices.wait()
        began = time.perf_counter()
        run()
        devices.wait()
        taken.append(time.perf_counter() - began)
    return min(taken)
