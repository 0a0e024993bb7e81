"""Embeddings of inputs, kept on disk so that each input is encoded once."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from labeler.backbones import speeds
from labeler.backbones.encoder import Encoder, Joined, features_key
from labeler.backbones.features import SHARD, FeatureFiles, Features, as_keys, rows_of
from labeler.core.errors import BackboneError
from labeler.core.inputs import at
from labeler.core.items import Progress

CHUNK = 1024  # items before the first write to the disk
A_WRITE = 2.0  # seconds of work between two writes, about: what a crash costs at most

Chunk = Callable[[slice, Progress | None], np.ndarray]  # the features of some of the missing items, by position


def embed(
    inputs: Sequence[Path | str],
    hashes: Sequence[str] | np.ndarray,
    encoder: Encoder,
    folder: Path,
    on_progress: Progress | None = None,
) -> Features:
    """Embeddings of the inputs, from the cache where they are known, else computed and added to it.

    Safe against a crash at any time, and against another process that does the same.

    Args:    inputs: n image paths or texts, which are read a chunk at a time. hashes: n content hashes, str or bytes,
             which identify them in the cache. folder: the cache; each encoder keeps its own files there, see
             `features_key`. on_progress: called with (done, total) of the items that had to be computed.
    Returns: the features by position, which stay on disk.
    Raises:  BackboneError: the encoder returned NaN or infinity. LabelerError: an input cannot be read.
    """
    width, keys = sum(encoder.dims), as_keys(hashes)
    files = FeatureFiles(folder / features_key(encoder), width)
    with files.locked():
        shards = files.shards()
        missing = _first_of_each(keys, np.flatnonzero(rows_of(shards, keys) < 0))
        if len(missing):
            contents, names, began = at(inputs, missing), keys[missing], time.perf_counter()
            if isinstance(encoder, Joined):  # a part that did not change is not computed again
                parts = [embed(contents, names, part, folder, on_progress) for part in encoder.parts]
                _append(files, names, lambda rows, _: np.concatenate([part[rows] for part in parts], axis=1))
            else:
                _append(files, names, _encoding(encoder, contents, names), on_progress)
                speeds.keep(encoder.name, len(missing), time.perf_counter() - began)
            shards = files.shards()
    return Features.of(shards, keys, width)


def encoded(encoder: Encoder, contents: Sequence[Path | str], name: str, on_progress: Progress | None) -> np.ndarray:
    """(k, d) float32: what the encoder makes of a chunk of inputs.

    Args:    name: the content hash of the first, for the error.
    Raises:  BackboneError: it returned another shape, or NaN or infinity. LabelerError: an input cannot be read.
    """
    vectors = np.ascontiguousarray(encoder.encode(contents, on_progress), dtype=np.float32)
    width = (len(contents), sum(encoder.dims))
    if vectors.shape != width:
        raise BackboneError(
            "backbone {name!r} returned {shape}, not {width}.", name=encoder.name, shape=vectors.shape, width=width
        )
    if not np.isfinite(vectors).all():
        raise BackboneError(
            "backbone {name!r} returned NaN or infinity for {names} or an item near it: choose another backbone.",
            name=encoder.name,
            names=name,
        )
    return vectors


def cached(hashes: Collection[str], encoder_key: str, width: int, folder: Path) -> tuple[Features, dict[str, int]]:
    """All features of one encoder that are on disk, and the row of each of `hashes` that is among them.

    Reads only, so that nobody waits for an encoder that is at work. Where several devices embedded items, the features
    are those of one of them, which embedded the most.

    Args: encoder_key: `Encoder.key`. width: sum(encoder.dims). folder: the cache.
    """
    homes = [encoder_key, *sorted(path.name for path in folder.glob(f"{encoder_key}-*"))]
    pairs = [FeatureFiles(folder / home, width).find(hashes) for home in homes]
    return max(pairs, key=lambda pair: len(pair[1]))


def _first_of_each(keys: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """(m,) those of `positions` (k,), in order, whose key stands at none before them."""
    _, first = np.unique(keys[positions], return_index=True)
    return positions[np.sort(first)]


def _encoding(encoder: Encoder, contents: Sequence[Path | str], names: np.ndarray) -> Chunk:
    def features(chunk: slice, on_progress: Progress | None) -> np.ndarray:
        return encoded(encoder, list(contents[chunk]), names[chunk][0].decode(), on_progress)

    return features


def _append(files: FeatureFiles, names: np.ndarray, features: Chunk, on_progress: Progress | None = None) -> None:
    """Write the features of the missing items, by their hashes (n,), a chunk at a time."""
    for chunk in _chunks(len(names)):
        files.append(names[chunk], features(chunk, _within(chunk, len(names), on_progress)))
        if on_progress:
            on_progress(chunk.stop, len(names))


def _chunks(total: int) -> Iterator[slice]:
    """Parts of `total` items; they get longer while one takes little time."""
    start, size = 0, CHUNK
    while start < total:
        began = time.perf_counter()
        yield slice(start, min(start + size, total))
        start += size
        if time.perf_counter() - began < A_WRITE / 2:  # a GPU encodes tens of thousands in that time
            size = min(2 * size, SHARD)


def _within(chunk: slice, total: int, on_progress: Progress | None) -> Progress | None:
    """What is told of the progress within a chunk."""
    return (lambda done, _: on_progress(chunk.start + done, total)) if on_progress else None
