"""The texts or images of many items, read when they are asked for."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, overload

import numpy as np

READ_AT_ONCE = 4096  # items


class ImageFile(Protocol):
    """The file of an image: a path, or an object of a store."""

    @property
    def name(self) -> str: ...

    @property
    def suffix(self) -> str: ...

    def read_bytes(self) -> bytes: ...

    def __hash__(self) -> int: ...


# An item as encoders take it: a text, or the file of an image.
Input = str | ImageFile

Read = Callable[[Sequence[int]], list[Input]]  # ids in; what an encoder takes out, in the same order


class Inputs(Sequence[Input]):
    """What an encoder takes of each item, by position: image paths or texts, which are not kept in memory."""

    def __init__(self, ids: np.ndarray, read: Read) -> None:
        """
        Args: ids: (n,) int of the items. read: can be pickled where this is sent to another process.
        """
        self.ids, self.read = ids, read

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Input: ...

    @overload
    def __getitem__(self, index: slice) -> "Inputs": ...

    def __getitem__(self, index: int | slice) -> "Input | Inputs":
        if isinstance(index, slice):
            return Inputs(self.ids[index], self.read)
        return self.read([int(self.ids[index])])[0]

    def __iter__(self) -> Iterator[Input]:
        for start in range(0, len(self.ids), READ_AT_ONCE):
            yield from self.read(self.ids[start : start + READ_AT_ONCE].tolist())

    def at(self, positions: np.ndarray) -> "Inputs":
        """The inputs at `positions` (k,), not yet read."""
        return Inputs(self.ids[positions], self.read)


def at(inputs: Sequence[Input], positions: np.ndarray) -> Sequence[Input]:
    """The inputs at `positions` (k,); of `Inputs`, not yet read."""
    if isinstance(inputs, Inputs):
        return inputs.at(positions)
    return [inputs[position] for position in positions.tolist()]
