"""The texts or images of many items, read when they are asked for."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np

READ_AT_ONCE = 4096  # items

Read = Callable[[Sequence[int]], list[Path | str]]  # ids in; what an encoder takes out, in the same order


class Inputs(Sequence[Path | str]):
    """What an encoder takes of each item, by position: image paths or texts, which are not kept in memory."""

    def __init__(self, ids: np.ndarray, read: Read) -> None:
        """
        Args: ids: (n,) int of the items. read: can be pickled where this is sent to another process.
        """
        self.ids, self.read = ids, read

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Path | str: ...

    @overload
    def __getitem__(self, index: slice) -> "Inputs": ...

    def __getitem__(self, index: int | slice) -> "Path | str | Inputs":
        if isinstance(index, slice):
            return Inputs(self.ids[index], self.read)
        return self.read([int(self.ids[index])])[0]

    def __iter__(self) -> Iterator[Path | str]:
        for start in range(0, len(self.ids), READ_AT_ONCE):
            yield from self.read(self.ids[start : start + READ_AT_ONCE].tolist())

    def at(self, positions: np.ndarray) -> "Inputs":
        """The inputs at `positions` (k,), not yet read."""
        return Inputs(self.ids[positions], self.read)


def at(inputs: Sequence[Path | str], positions: np.ndarray) -> Sequence[Path | str]:
    """The inputs at `positions` (k,); of `Inputs`, not yet read."""
    if isinstance(inputs, Inputs):
        return inputs.at(positions)
    return [inputs[position] for position in positions.tolist()]
