"""Embeddings of inputs, kept on disk so that each input is encoded once."""

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from labeler.backbones import speeds
from labeler.backbones.encoder import Encoder, Joined
from labeler.core.errors import BackboneError
from labeler.core.items import Progress

try:
    import fcntl
except ImportError:  # Windows: one process at a time is then up to who starts them
    fcntl = None  # type: ignore[assignment]


CHUNK = 1024  # items between two writes: what a crash costs at most

# Two append-only files: rows of float32, and one content hash a line, in the same order.
_VECTORS, _HASHES = "vectors.f32", "hashes.txt"


def embed(
    inputs: Sequence[Path | str],
    hashes: Sequence[str],
    encoder: Encoder,
    folder: Path,
    on_progress: Progress | None = None,
) -> np.ndarray:
    """Embeddings of the inputs, from the cache where they are known, else computed and added to it.

    Safe against a crash at any time, and against another process that does the same.

    Args:    inputs: n image paths or texts. hashes: n content hashes, which identify them in the cache.
             folder: the cache; each encoder keeps its own files in `folder/<encoder.key>/`.
             on_progress: called with (done, total) of the items that had to be computed.
    Returns: (n, sum(encoder.dims)) float32, read-only and memory-mapped if the rows lie in the file in this order.
    Raises:  BackboneError: the encoder returned NaN or infinity. LabelerError: an input cannot be read.
    """
    home = folder / encoder.key
    home.mkdir(parents=True, exist_ok=True)
    width = sum(encoder.dims)
    with _locked(home):
        rows = _repair(home, width)
        missing = {h: content for h, content in zip(hashes, inputs, strict=True) if h not in rows}
        if isinstance(encoder, Joined):  # a part that did not change is not computed again
            names, contents = list(missing), list(missing.values())
            parts = [embed(contents, names, part, folder, on_progress) for part in encoder.parts]
            _append(missing, encoder, home, lambda rows, _: np.concatenate([part[rows] for part in parts], axis=1))
        else:
            contents, began = list(missing.values()), time.perf_counter()
            _append(missing, encoder, home, lambda rows, told: encoder.encode(contents[rows], told), on_progress)
            speeds.keep(encoder.name, len(missing), time.perf_counter() - began)
        rows |= {h: row for row, h in enumerate(missing, len(rows))}
    wanted = np.fromiter((rows[h] for h in hashes), dtype=np.intp, count=len(hashes))
    if not len(wanted):
        return np.empty((0, width), dtype=np.float32)
    vectors = np.memmap(home / _VECTORS, dtype=np.float32, mode="r", shape=(len(rows), width))
    if np.array_equal(wanted, np.arange(wanted[0], wanted[0] + len(wanted))):
        return vectors[wanted[0] : wanted[0] + len(wanted)]
    return np.asarray(vectors[wanted])


def cached(hashes: Collection[str], home: Path, width: int) -> tuple[np.ndarray, dict[str, int]]:
    """All vectors of one encoder that are on disk, memory-mapped, and the row of each of `hashes` that is among them.

    Reads only, so that nobody waits for an encoder that is at work.

    Args: home: the encoder's folder in the cache. width: sum(encoder.dims).
    """
    try:
        whole = (home / _VECTORS).stat().st_size // (4 * width)
        with (home / _HASHES).open(encoding="utf-8") as lines:
            rows = {h: row for row, line in enumerate(lines) if row < whole and (h := line.rstrip("\n")) in hashes}
    except FileNotFoundError:
        whole, rows = 0, {}
    if not whole:
        return np.empty((0, width), dtype=np.float32), {}
    return np.memmap(home / _VECTORS, dtype=np.float32, mode="r", shape=(whole, width)), rows


def _append(
    missing: Collection[str],
    encoder: Encoder,
    home: Path,
    features: Callable[[slice, Progress | None], np.ndarray],
    on_progress: Progress | None = None,
) -> None:
    """Write the features of the missing items, by their hashes; `features` gives those of some of them, by position."""
    names, total, width = list(missing), len(missing), sum(encoder.dims)
    for start in range(0, total, CHUNK):
        stop = min(start + CHUNK, total)
        within = (lambda done, _, start=start: on_progress(start + done, total)) if on_progress else None
        vectors = np.ascontiguousarray(features(slice(start, stop), within), dtype=np.float32)
        if vectors.shape != (stop - start, width):
            raise BackboneError(
                "backbone {name!r} returned {shape}, not {width}.",
                name=encoder.name,
                shape=vectors.shape,
                width=(stop - start, width),
            )
        if not np.isfinite(vectors).all():
            raise BackboneError(
                "backbone {name!r} returned NaN or infinity for {names} or an item near it: choose another backbone.",
                name=encoder.name,
                names=names[start],
            )
        # Vectors first: a hash in the index promises that its vector is on disk.
        _write(home / _VECTORS, vectors.tobytes())
        _write(home / _HASHES, "".join(f"{name}\n" for name in names[start:stop]).encode())
        if on_progress:
            on_progress(stop, total)


def _write(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _repair(home: Path, width: int) -> dict[str, int]:
    """Cut off what a crash left half written. Gives back the row of each content hash."""
    for name in (_VECTORS, _HASHES):
        (home / name).touch()
    lines = (home / _HASHES).read_bytes().splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n"):
        lines.pop()
    row_bytes = 4 * width
    whole = min(len(lines), (home / _VECTORS).stat().st_size // row_bytes)
    for name, size in ((_HASHES, sum(map(len, lines[:whole]))), (_VECTORS, whole * row_bytes)):
        if (home / name).stat().st_size != size:
            os.truncate(home / name, size)
    return {line.decode().rstrip("\n"): row for row, line in enumerate(lines[:whole])}


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    with (home / "lock").open("w") as file:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield  # closing the file gives the lock back, also when the process dies
