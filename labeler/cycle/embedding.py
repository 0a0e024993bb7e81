"""Which items a round can use: those with features. A pool of any size is ranked soon, and the rest is embedded later.

Items are embedded in one order: the labeled ones, which a model learns from and is measured on, the holdout, and then
the pool by a hash, as good as at random. So what is embedded of the pool is at any time a random sample of it, but for
labeled items, which no strategy chooses from.
"""

import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from labeler.backbones.cache import embed, encoded_together, rows_on_disk
from labeler.backbones.encoder import Encoder
from labeler.core.hashes import endings
from labeler.core.inputs import at
from labeler.core.items import ItemColumns, Progress
from labeler.projects.project import Project

FIRST_PART = 64  # items; each part is twice as long as the one before, up to what is encoded together
PART_SECONDS = 5.0  # parts of whole chunks become longer while they take less than half of it; features stay the same


@dataclass
class Missing:
    """The items that have no features yet, in the order in which they are embedded.

    project, encoder, items: as in a snapshot. rows: (n,) where the features of each item were at first, see
    `rows_on_disk`. positions: (m,) of `items`, without features. labeled: how many of them, the first ones, have a
    label. size: items of the next part. each: seconds that an item of the last part took.
    """

    project: Project
    encoder: Encoder
    items: ItemColumns
    rows: np.ndarray
    positions: np.ndarray
    labeled: int
    size: int
    each: float = 0.0

    @classmethod
    def of(cls, project: Project, encoder: Encoder, items: ItemColumns, is_labeled: np.ndarray) -> "Missing":
        """What is missing on the disk. Args: is_labeled: (n,) bool."""
        rows = rows_on_disk(items.hashes, encoder, project.embeddings)
        missing = np.flatnonzero(rows < 0)
        keys = (endings(items.hashes[missing]), ~items.holdout[missing], ~is_labeled[missing])
        order = np.lexsort(keys)
        return cls(project, encoder, items, rows, missing[order], int(is_labeled[missing].sum()), FIRST_PART)

    def __len__(self) -> int:
        return len(self.positions)

    def others(self) -> tuple[ItemColumns, np.ndarray]:
        """The items that have features, and the `rows` of these."""
        if not len(self):
            return self.items, self.rows
        is_there = np.ones(len(self.items), dtype=bool)
        is_there[self.positions] = False
        return self.items.at(is_there), self.rows[is_there]

    def embed_until(self, deadline: float, on_progress: Progress) -> None:
        """Embed those with a label, and others in parts until `deadline` by `time.monotonic`.

        The last parts are smaller, so that none ends long after it.

        Raises: BackboneError, LabelerError: as `labeler.backbones.cache.embed`.
        """
        total = len(self)
        while len(self) and (self.labeled > 0 or time.monotonic() < deadline):
            while not self.labeled and self.size > FIRST_PART and self._ends_at() > deadline:
                self.size //= 2
            self.embed_part(partial(_shifted, on_progress, total - len(self), total))

    def embed_part(self, on_progress: Progress | None = None) -> None:
        """Embed the next part. Raises: as `embed_until`."""
        began, part = time.monotonic(), self.positions[: self.size]
        inputs = at(self.project.inputs(self.items.ids), part)
        embed(inputs, self.items.hashes[part], self.encoder, self.project.embeddings, on_progress)
        self.each = (time.monotonic() - began) / len(part)
        self.positions, self.labeled = self.positions[len(part) :], max(0, self.labeled - len(part))
        together = encoded_together(self.encoder)
        if self.size < together:
            self.size = min(2 * self.size, together)
        elif self.each * len(part) < PART_SECONDS / 2:
            self.size *= 2

    def _ends_at(self) -> float:
        """When the next part would end, if its items take as long as those of the last one."""
        return time.monotonic() + self.each * min(self.size, len(self))


def _shifted(on_progress: Progress, before: int, total: int, done: int, _of_part: int) -> None:
    """Tell of the progress within a part as one within all that is missing."""
    on_progress(before + done, total)
