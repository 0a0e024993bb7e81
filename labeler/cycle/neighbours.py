"""The items of a pool that are most similar to some of its items, without reading the features of all of them.

An inverted file (Sivic and Zisserman 2003): items are grouped by the nearest of some centroids, and only the groups
nearest to an item are searched. Which items are in a group is kept; their similarity is computed from the features, so
that a wrong entry can hide a neighbour but never make one up.
"""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from scipy.sparse import csr_matrix

from labeler.core.rounds import Dataset
from labeler.core.whole_files import write_whole
from labeler.learner.model import Normalizer

FILE = "neighbours.npz"  # beside an encoder's features
SEARCHED_WHOLE = 1 << 17  # items; a pass over fewer takes about a second
MOST_GROUPS = 1024
A_GROUP = 256  # items at least in a group, on average
PROBED = 32  # groups that are searched for an item
TAUGHT_BY = 32  # items a group that the centroids are learned from
PASSES = 10  # of k-means
CHECKED = 256  # items whose group is computed again before a file is believed
AGREEMENT = 0.95  # of those that have to be the same: another processor may put an item between two groups elsewhere
_ROWS = 8192  # features in memory at a time


@dataclass(frozen=True)
class Nearest:
    """The neighbours of m items, the nearest first.

    positions: (m, k) int. similarity: (m, k) cosine similarities of features; −inf where there are fewer than k.
    """

    positions: np.ndarray
    similarity: np.ndarray

    @classmethod
    def none(cls, m: int, k: int) -> Self:
        """No neighbours yet."""
        return cls(np.zeros((m, k), dtype=np.intp), np.full((m, k), -np.inf, dtype=np.float32))

    def add(self, rows: np.ndarray, positions: np.ndarray, similarity: np.ndarray) -> None:
        """Keep the nearest k among those known and others, for some of the items.

        Args: rows: (r,) of the items. positions: (c,) others. similarity: (r, c) theirs.
        """
        k = self.positions.shape[1]
        all_positions = np.hstack([self.positions[rows], np.broadcast_to(positions, similarity.shape)])
        all_similarity = np.hstack([self.similarity[rows], similarity])
        best = np.argsort(-all_similarity, axis=1, kind="stable")[:, :k]
        self.positions[rows] = np.take_along_axis(all_positions, best, axis=1)
        self.similarity[rows] = np.take_along_axis(all_similarity, best, axis=1)


@dataclass(frozen=True)
class Groups:
    """Items by the nearest centroid.

    normalizer: of the features, fitted to the first `taught_by` items, as the centroids (g, d) are. of: (n,) uint16,
    the group of each item.
    """

    normalizer: Normalizer
    centroids: np.ndarray
    taught_by: int
    of: np.ndarray

    def nearest(self, features: np.ndarray) -> np.ndarray:
        """(k,) uint16: the groups of normalised features (k, d)."""
        return np.argmax(features @ self.centroids.T, axis=1).astype(np.uint16)

    def write(self, path: Path) -> None:
        """Keep the groups in a file, whole or not at all."""
        file = io.BytesIO()
        dims, taught_by = np.array(self.normalizer.dims), np.array(self.taught_by)
        np.savez(file, mean=self.normalizer.mean, dims=dims, centroids=self.centroids, taught_by=taught_by, of=self.of)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, hashlib.sha256(file.getvalue()).digest() + file.getvalue())

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The groups in a file; None: it is missing, or it is damaged, which its checksum shows."""
        try:
            content = path.read_bytes()
        except OSError:
            return None
        size = hashlib.sha256().digest_size
        if hashlib.sha256(content[size:]).digest() != content[:size]:
            return None
        with np.load(io.BytesIO(content[size:])) as parts:
            normalizer = Normalizer(parts["mean"], tuple(parts["dims"].tolist()))
            return cls(normalizer, parts["centroids"], int(parts["taught_by"]), parts["of"])


@dataclass(frozen=True)
class Neighbours:
    """A data set in which similar items are found.

    Its groups are made when they are first needed, and follow from the features alone: whether they are read, added to
    or made anew does not change what is found. They are made anew whenever the items have doubled.

    folder: where the groups are kept; None: only in memory.
    """

    dataset: Dataset
    folder: Path | None = None

    def nearest(self, items: np.ndarray, k: int, among: np.ndarray) -> Nearest:
        """The `k` items of `among` that are most similar to each of `items`, approximately where there are many.

        Args: items: (m,) positions. among: (n,) bool, of all items of the data set.
        """
        groups = self.groups
        features = self._features(items, groups.normalizer)
        found = Nearest.none(len(items), min(k, len(self.dataset)))
        if not len(items):
            return found
        probed = np.argsort(-(features @ groups.centroids.T), axis=1, kind="stable")[:, :PROBED]
        for group, positions in _members(groups, np.unique(probed), among):
            asking = np.flatnonzero((probed == group).any(axis=1))
            for start in range(0, len(positions), _ROWS):
                some = positions[start : start + _ROWS]
                found.add(asking, some, features[asking] @ self._features(some, groups.normalizer).T)
        return found

    @cached_property
    def groups(self) -> Groups:
        """The groups of all items, from the file as far as it can be believed; what was made is kept."""
        n, path = len(self.dataset), self.folder / FILE if self.folder else None
        kept = Groups.read(path) if path else None
        groups = kept if kept and self._is_right(kept) else self._taught()
        if len(groups.of) < n:
            groups = replace(groups, of=np.concatenate([groups.of, self._assigned(groups, len(groups.of))]))
            if path and len(groups.centroids) > 1:
                groups.write(path)
        return groups

    def _is_right(self, groups: Groups) -> bool:
        """Whether groups are of this data set: some of them, drawn at random, are computed again."""
        n, width = len(groups.of), self.dataset.embeddings.shape[1]
        if groups.taught_by != _taught_by(len(self.dataset)) or not groups.taught_by <= n <= len(self.dataset):
            return False
        if groups.centroids.shape[1:] != (width,) or groups.normalizer.dims != self.dataset.dims:
            return False
        some = np.sort(np.random.default_rng(0).choice(n, min(CHECKED, n), replace=False))
        agreement = np.mean(groups.nearest(self._features(some, groups.normalizer)) == groups.of[some])
        return bool(agreement >= AGREEMENT)

    def _taught(self) -> Groups:
        """The normalizer and the centroids, without items yet: k-means on unit vectors (Dhillon and Modha 2001)."""
        taught_by = _taught_by(len(self.dataset))
        n = 1 if taught_by < SEARCHED_WHOLE else min(MOST_GROUPS, taught_by // A_GROUP)
        rng = np.random.default_rng(0)
        sample = np.sort(rng.choice(taught_by, min(taught_by, max(n * TAUGHT_BY, _ROWS)), replace=False))
        raw = np.asarray(self.dataset.embeddings[sample])
        normalizer = Normalizer.fit(raw, self.dataset.dims)
        features = normalizer.apply(raw)
        groups = Groups(normalizer, features[rng.choice(len(features), n, replace=False)], taught_by, np.empty(0, "u2"))
        for _ in range(PASSES if n > 1 else 0):
            members = (np.ones(len(features), "f4"), (groups.nearest(features), np.arange(len(features))))
            sums = csr_matrix(members, shape=(n, len(features))) @ features
            lengths = np.linalg.norm(sums, axis=1, keepdims=True)
            centroids = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), groups.centroids)
            groups = replace(groups, centroids=centroids.astype(np.float32))
        return groups

    def _assigned(self, groups: Groups, start: int) -> np.ndarray:
        """(n − start,) uint16: the groups of the items from `start` on."""
        of = np.zeros(len(self.dataset) - start, dtype=np.uint16)
        if len(groups.centroids) > 1:
            for first in range(start, len(self.dataset), _ROWS):
                some = np.arange(first, min(first + _ROWS, len(self.dataset)))
                of[some - start] = groups.nearest(self._features(some, groups.normalizer))
        return of

    def _features(self, positions: np.ndarray, normalizer: Normalizer) -> np.ndarray:
        """(k, d) float32 of length 1."""
        return normalizer.apply(self.dataset.embeddings[positions]) / np.float32(np.sqrt(len(normalizer.dims)))


def _members(groups: Groups, wanted: np.ndarray, among: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each wanted group, with the positions of its items that are `among`."""
    is_wanted = np.zeros(len(groups.centroids), dtype=bool)
    is_wanted[wanted] = True
    positions = np.flatnonzero(among & is_wanted[groups.of])
    of = groups.of[positions]
    positions, of = (array[np.argsort(of, kind="stable")] for array in (positions, of))
    starts = np.searchsorted(of, wanted)
    yield from zip(wanted.tolist(), np.split(positions, starts[1:]), strict=True)


def _taught_by(n: int) -> int:
    """How many of `n` items teach the centroids: the first ones, so that items which are added change nothing."""
    return 1 << (n.bit_length() - 1)
