"""The labeled items most similar to an item, by the model's features; from the cache, without torch."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labeler.backbones.cache import cached
from labeler.learner.model import Normalizer

_ROWS = 512  # features in memory at a time


@dataclass(frozen=True)
class Neighbour:
    """An item by its content hash. similarity: the cosine similarity of its features and the item's."""

    content_hash: str
    similarity: float


def nearest(
    content_hash: str, among: Collection[str], n: int, encoder: str, normalizer: Normalizer, folder: Path
) -> list[Neighbour]:
    """The `n` items of `among` nearest to an item, the nearest first; fewer where fewer are embedded.

    Args:    content_hash: of the item, which is no neighbour of itself. among: content hashes of labeled items.
             encoder: key of the encoder of the features. normalizer: the model's.
             folder: the cache of embeddings, see `labeler.backbones.cache`.
    """
    vectors, rows = cached({content_hash, *among}, encoder, len(normalizer.mean), folder)
    own = rows.pop(content_hash, None)
    if own is None or not rows:
        return []
    hashes, places = list(rows), np.fromiter(rows.values(), dtype=np.intp, count=len(rows))
    item = _unit(normalizer.apply(vectors[[own]]))[0]
    similarity = np.concatenate(
        [
            _unit(normalizer.apply(vectors[places[start : start + _ROWS]])) @ item
            for start in range(0, len(places), _ROWS)
        ]
    )
    order = np.argsort(-similarity, kind="stable")[:n]
    return [Neighbour(hashes[place], float(similarity[place])) for place in order]


def _unit(features: np.ndarray) -> np.ndarray:
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
