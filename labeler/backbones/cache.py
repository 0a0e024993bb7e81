"""Embeddings of inputs, kept on disk so that each input is encoded once."""

import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np

from labeler.backbones import speeds
from labeler.backbones.encoder import Encoder, Joined, features_key
from labeler.backbones.row_files import FEATURE_KEYS, FEATURES, RowFile
from labeler.core.errors import BackboneError
from labeler.core.items import Progress

CHUNK = 1024  # items before the first write to the disk
A_WRITE = 2.0  # seconds of work between two writes, about: what a crash costs at most


def vectors_of(encoder_key: str, width: int, folder: Path) -> RowFile:
    """The file of an encoder's vectors of so many columns, below the cache `folder`."""
    return RowFile(folder / encoder_key, (width,), np.dtype(np.float32), FEATURES, FEATURE_KEYS)


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
             folder: the cache; each encoder keeps its own files there, see `features_key`.
             on_progress: called with (done, total) of the items that had to be computed.
    Returns: (n, sum(encoder.dims)) float32, read-only and memory-mapped if the rows lie in the file in this order.
    Raises:  BackboneError: the encoder returned NaN or infinity. LabelerError: an input cannot be read.
    """
    file, width = vectors_of(features_key(encoder), sum(encoder.dims), folder), sum(encoder.dims)
    with file.locked():
        rows = file.repair()
        missing = {h: content for h, content in zip(hashes, inputs, strict=True) if h not in rows}
        if isinstance(encoder, Joined):  # a part that did not change is not computed again
            names, contents = list(missing), list(missing.values())
            parts = [embed(contents, names, part, folder, on_progress) for part in encoder.parts]
            _append(missing, encoder, file, lambda rows, _: np.concatenate([part[rows] for part in parts], axis=1))
        else:
            contents, began = list(missing.values()), time.perf_counter()
            _append(missing, encoder, file, lambda rows, told: encoder.encode(contents[rows], told), on_progress)
            speeds.keep(encoder.name, len(missing), time.perf_counter() - began)
        rows |= {h: row for row, h in enumerate(missing, len(rows))}
    wanted = np.fromiter((rows[h] for h in hashes), dtype=np.intp, count=len(hashes))
    if not len(wanted):
        return np.empty((0, width), dtype=np.float32)
    vectors = file.array(len(rows))
    if np.array_equal(wanted, np.arange(wanted[0], wanted[0] + len(wanted))):
        return vectors[wanted[0] : wanted[0] + len(wanted)]
    return np.asarray(vectors[wanted])


def cached(hashes: Collection[str], encoder_key: str, width: int, folder: Path) -> tuple[np.ndarray, dict[str, int]]:
    """All vectors of one encoder that are on disk, memory-mapped, and the row of each of `hashes` that is among them.

    Reads only, so that nobody waits for an encoder that is at work. Where several devices embedded items, the vectors
    are those of one of them, which embedded the most.

    Args: encoder_key: `Encoder.key`. width: sum(encoder.dims). folder: the cache.
    """
    homes = [encoder_key, *sorted(path.name for path in folder.glob(f"{encoder_key}-*"))]
    files = [vectors_of(home, width, folder) for home in homes]
    file, rows = max(((file, file.find(hashes)) for file in files), key=lambda pair: len(pair[1]))
    return file.array(file.count() if rows else 0), rows


def _append(
    missing: Collection[str],
    encoder: Encoder,
    file: RowFile,
    features: Callable[[slice, Progress | None], np.ndarray],
    on_progress: Progress | None = None,
) -> None:
    """Write the features of the missing items, by their hashes; `features` gives those of some of them, by position."""
    names, total, width = list(missing), len(missing), sum(encoder.dims)
    start, chunk = 0, CHUNK
    while start < total:
        stop, began = min(start + chunk, total), time.perf_counter()
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
        file.append(names[start:stop], vectors)
        if on_progress:
            on_progress(stop, total)
        if time.perf_counter() - began < A_WRITE / 2:  # a GPU encodes tens of thousands in that time
            chunk *= 2
        start = stop
