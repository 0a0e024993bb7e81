"""Ids of items in an order, as runs of consecutive ids: all items but a few take a few numbers, however many."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np


@dataclass(frozen=True, eq=False)
class IdRuns:
    """Distinct ids in an order. firsts: (r,) int64, the first id of each run; lengths: (r,) int64, above 0.

    backwards: whether the order is the runs' from the last id to the first.
    """

    firsts: np.ndarray
    lengths: np.ndarray
    backwards: bool = False
    _ends: np.ndarray = field(init=False, repr=False)  # the place behind each run

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ends", np.cumsum(self.lengths))

    @classmethod
    def of(cls, ids: Sequence[int] | np.ndarray) -> Self:
        """These ids, in their order."""
        values = np.asarray(ids, dtype=np.int64)
        begins = np.flatnonzero(np.diff(values, prepend=values[:1] - 2) != 1)
        return cls(values[begins], np.diff(begins, append=len(values)))

    @classmethod
    def all_but(cls, last: int, without: np.ndarray) -> Self:
        """The ids from 1 to `last` without those of `without`, which ascend."""
        gaps = np.concatenate([[0], without[without <= last], [last + 1]]).astype(np.int64)
        firsts, lengths = gaps[:-1] + 1, np.diff(gaps) - 1
        return cls(firsts[lengths > 0], lengths[lengths > 0])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, part: slice) -> np.ndarray:
        """(k,) int64: the ids at these places."""
        wanted = range(len(self))[part]
        places = np.arange(wanted.start, wanted.stop, wanted.step)
        if self.backwards:
            places = len(self) - 1 - places
        run = np.searchsorted(self._ends, places, side="right")
        return self.firsts[run] + places - (self._ends - self.lengths)[run]

    def __reversed__(self) -> Self:
        return replace(self, backwards=not self.backwards)

    def without(self, ids: np.ndarray) -> Self:
        """Those that are not among these ids (k,); the runs ascend."""
        runs = self._runs_of(ids)
        cuts = ids[runs >= 0]
        # each run is cut into the parts before, between and behind the ids that are taken out of it
        firsts = np.concatenate([self.firsts, cuts + 1])
        ends = np.concatenate([self.firsts + self.lengths, cuts])
        firsts, ends = np.sort(firsts), np.sort(ends)
        lengths = ends - firsts
        return type(self)(firsts[lengths > 0], lengths[lengths > 0], self.backwards)

    def has(self, ids: np.ndarray) -> np.ndarray:
        """(k,) bool: which of these ids are among them."""
        return self._runs_of(ids) >= 0

    def place_of(self, item_id: int) -> int | None:
        """The place of an id; None: it is not among them."""
        run = int(self._runs_of(np.array([item_id]))[0])
        if run < 0:
            return None
        place = int((self._ends - self.lengths)[run] + item_id - self.firsts[run])
        return len(self) - 1 - place if self.backwards else place

    def up_to(self, item_id: int) -> int:
        """How many of them are at most this id, where the runs ascend."""
        run = int(np.searchsorted(self.firsts, item_id, side="right")) - 1
        if run < 0:
            return 0
        behind = self.lengths[run] - 1 - (item_id - self.firsts[run])
        return int(self._ends[run] - max(behind, 0))

    def _runs_of(self, ids: np.ndarray) -> np.ndarray:
        """(k,) int64: the run of each of these ids; −1: it is in none."""
        if not len(self.firsts):
            return np.full(len(ids), -1)
        order = np.argsort(self.firsts, kind="stable")
        run = order[np.maximum(np.searchsorted(self.firsts[order], ids, side="right") - 1, 0)]
        behind = ids - self.firsts[run]
        return np.where((behind >= 0) & (behind < self.lengths[run]), run, -1)
