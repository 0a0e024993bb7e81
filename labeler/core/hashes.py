"""Content hashes of many items as one array of bytes (n,)."""

import numpy as np

ENDING = 8  # characters that `endings` has


def hashes_in(lines: bytes) -> np.ndarray:
    """(k,) bytes: the hashes in as many lines, each of which has its end."""
    length = lines.find(b"\n") + 1
    if not length or len(lines) % length:
        return np.array(lines.split(b"\n")[:-1], dtype=np.bytes_)
    if (np.frombuffer(lines, dtype=np.uint8)[length - 1 :: length] != ord("\n")).any():
        return np.array(lines.split(b"\n")[:-1], dtype=np.bytes_)
    return np.frombuffer(lines, dtype=f"S{length}").astype(f"S{length - 1}")


def endings(hashes: np.ndarray) -> np.ndarray:
    """(n,) uint64 of the last characters: by the first ones, other things are chosen.

    Where hashes have the same length, the order of these numbers is that of the reversed hashes, but for ties.
    """
    characters = np.ascontiguousarray(hashes).view(np.uint8).reshape(len(hashes), hashes.itemsize)[:, -ENDING:]
    last = np.zeros((len(hashes), ENDING), dtype=np.uint8)
    last[:, ENDING - characters.shape[1] :] = characters
    return last.view("<u8").ravel()
