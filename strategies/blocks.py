"""Arrays that may be larger than memory, such as a memory map in half precision, read a block of rows at a time.

Half precision is widened to float32, block by block; nothing here makes a copy of a pool.
"""

from collections.abc import Callable, Iterator

import numpy as np

ENTRIES = 2**20  # numbers in a block: 4 MB of float32, about what a core's cache holds
FEW = 2**17  # the same where it is calculated number by number: a faster, smaller cache holds them
WIDE = 1024  # rows that a block is compared with at a time


def slices(n: int, width: int, entries: int | None = None) -> Iterator[slice]:
    """The rows of each block of an array of n rows with so many numbers each; of no rows, one empty block."""
    step = max(1, (entries or ENTRIES) // max(1, width))
    return (slice(start, min(start + step, n)) for start in range(0, max(n, 1), step))


def rows(X: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Each block of X (n, d) with its place; float16 comes as float32, anything else as it is."""
    for part in slices(*X.shape):
        yield part, widened(X[part])


def by_rows(function: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
    """What `function` gives for each row, put together; it is called with a block of rows of each of the arrays.

    Args:    function: of blocks (…, b, d) → (b, …). arrays: (…, n, d), rows along the last axis but one.
    Returns: (n, …).
    """
    *others, n, width = arrays[0].shape
    parts = slices(n, width * int(np.prod(others)), FEW)
    return np.concatenate([function(*(widened(array[..., part, :]) for array in arrays)) for part in parts])


def widened(X: np.ndarray) -> np.ndarray:
    """X in a type that can be calculated with: float16 becomes float32."""
    return X.astype(np.float32) if X.dtype == np.float16 else X


def finite(X: np.ndarray) -> bool:
    """Whether X (n, d) holds neither NaN nor infinity."""
    for part in slices(*X.shape):
        if X.dtype == np.float16:  # by its bits, which is ten times as fast
            if (X[part].view(np.uint16) & 0x7C00).max(initial=0) == 0x7C00:
                return False
        elif not np.isfinite(X[part]).all():
            return False
    return True


def mean(X: np.ndarray) -> np.ndarray:
    """The mean row of X (n, d), added up in double precision; (d,) in the type that X is calculated with."""
    total = np.zeros(X.shape[1])
    for _, block in rows(X):
        total += np.ones(len(block), dtype=block.dtype) @ block
    return (total / max(1, len(X))).astype(widened(X[:0]).dtype)


def take(X: np.ndarray, positions: np.ndarray, centre: np.ndarray | float = 0) -> np.ndarray:
    """The rows of X at these positions, less `centre`: a copy of them alone."""
    taken = widened(X[positions])
    taken -= np.asarray(centre, dtype=taken.dtype)
    return taken


def nearest(X: np.ndarray, others: np.ndarray, centre: np.ndarray | float = 0) -> tuple[np.ndarray, np.ndarray]:
    """Squared distance from each row of X to the nearest of the others, and which one that is.

    Args:    X: (n, d). others: (m, d). centre: (d,) is taken from both, so that ‖x‖² + ‖y‖² − 2 x·y does not cancel
             when they lie far from 0.
    Returns: (n,) squared distances, 0 or more, infinite where there are no others; (n,) positions into others.
    """
    kind = widened(X[:0]).dtype
    others = others.astype(kind) - np.asarray(centre, dtype=kind)
    squares = np.einsum("ij,ij->i", others, others)
    away, which = np.full(len(X), np.inf, dtype=kind), np.zeros(len(X), dtype=np.intp)
    for part in slices(len(X), max(X.shape[1], min(len(others), WIDE))):
        block = np.subtract(widened(X[part]), centre, dtype=kind)
        for start in range(0, len(others), WIDE):
            block_columns = slice(start, start + WIDE)
            between = block @ others[block_columns].T
            between *= -2
            between += squares[block_columns]
            best = between.argmin(axis=1)
            least = between[np.arange(len(best)), best]
            which[part] = np.where(least < away[part], best + start, which[part])
            np.minimum(away[part], least, out=away[part])
        away[part] += np.einsum("ij,ij->i", block, block)
    return np.maximum(away, 0, out=away), which


def nearest_squared(X: np.ndarray, others: np.ndarray, centre: np.ndarray | float = 0) -> np.ndarray:
    """Squared distance from each row of X to the nearest of the others (see `nearest`)."""
    return nearest(X, others, centre)[0]
