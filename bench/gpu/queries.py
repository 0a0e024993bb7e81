"""Margin and k-center on ten million items, as the strategies compute them: on the CPU."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

import strategies
from bench.gpu.inputs import Size
from bench.gpu.tables import Row
from labeler.backbones import devices

WIDTH, CLASSES, BATCH, LABELED, ROWS = 384, 10, 100, 50, 500_000


def large(size: Size) -> Iterator[Row]:
    """The seconds of a query, with the check of the candidates; k-center also as one writes it first in torch."""
    n, rng = size.vectors, np.random.default_rng(0)
    torch.manual_seed(0)
    embeddings = np.empty((n, WIDTH), dtype=np.float32)
    for start in range(0, n, ROWS):
        rows = min(ROWS, n - start)
        embeddings[start : start + rows] = torch.randn(rows, WIDTH, device=devices.device()).cpu().numpy()
    proba = np.exp(embeddings[:, :CLASSES])
    proba /= proba.sum(axis=1, keepdims=True)
    labeled, ids = embeddings[:LABELED].copy(), np.arange(n)
    margin, k_center = strategies.get("margin"), strategies.get("k_center")
    of_proba = _seconds(lambda: margin.query(strategies.Candidates(ids, proba), BATCH, rng))
    yield Row(f"margin, {BATCH} of {n:,} items", of_proba, "s")
    targets = np.arange(LABELED) % CLASSES
    of_embeddings = _seconds(
        lambda: k_center.query(strategies.Candidates(ids, None, None, embeddings, labeled, targets), BATCH, rng)
    )
    plain: float | None = None
    if devices.device().type == "cuda":
        plain = _seconds(lambda: _in_torch(embeddings, labeled))
    what = f"k-center, {BATCH} of {n:,} × {WIDTH} on the CPU, beside the GPU item by item"
    yield Row(what, of_embeddings, "s", plain, more_is_better=False)


def _in_torch(embeddings: np.ndarray, labeled: np.ndarray) -> list[int]:
    """k-center-greedy with all vectors in the card's memory, the copy to it included."""
    items = torch.from_numpy(embeddings).to(devices.device())
    squares = items.square().sum(1)
    away, chosen = torch.full((len(items),), torch.inf, device=items.device), list[int]()
    for center in torch.from_numpy(labeled).to(items.device):
        away = torch.minimum(away, squares + center.square().sum() - 2 * items @ center)
    for _ in range(BATCH):
        chosen.append(int(away.argmax()))
        center = items[chosen[-1]]
        away = torch.minimum(away, squares + center.square().sum() - 2 * items @ center)
    return chosen


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
