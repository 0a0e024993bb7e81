"""Embeddings of inputs, kept on disk so that each input is encoded once."""

import time
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from labeler.backbones import speeds
from labeler.backbones.encoder import Encoder, Joined, features_key, network_of
from labeler.backbones.features import SHARD, FeatureFiles, Features, as_keys, narrowed, rows_of
from labeler.core.errors import BackboneError
from labeler.core.inputs import Input, at
from labeler.core.items import Progress
from labeler.engine import engines
from labeler.engine.protocol import Report, ignore

CHUNK = 1024  # items that are encoded together; more where a device sees more at a time
A_WRITE = 1.0  # seconds of work between two writes, about: what a crash costs at most


def embed(
    inputs: Sequence[Input],
    hashes: Sequence[str] | np.ndarray,
    encoder: Encoder,
    folder: Path,
    on_progress: Progress | None = None,
    rows: np.ndarray | None = None,
) -> Features:
    """Embeddings of the inputs, from the cache where they are known, else computed and added to it.

    Safe against a crash at any time, and against another process that does the same.

    Args:    inputs: n image paths or texts, which are read a chunk at a time. hashes: n content hashes, str or bytes,
             which identify them in the cache. folder: the cache; each encoder keeps its own files there, see
             `features_key`. on_progress: called with (done, total) of the items that had to be computed.
             rows: (n,) int, where `rows_on_disk` found them before; those that are no longer there are searched for.
    Returns: the features by position, which stay on disk.
    Raises:  BackboneError: the encoder returned NaN or infinity. LabelerError: an input cannot be read.
    """
    width, keys, engine = sum(encoder.dims), as_keys(hashes), engines.current()
    key, times = engine.call(where_encoded, encoder)
    chunk = CHUNK * times
    files = FeatureFiles(folder / key, width)
    with files.locked():
        shards = files.shards()
        rows = rows_of(shards, keys, rows)
        absent = np.flatnonzero(rows < 0)
        missing = _first_of_each(keys, absent)
        if len(missing):
            contents, names, began = at(inputs, missing), keys[missing], time.perf_counter()
            parts = [slice(start, min(start + chunk, len(names))) for start in range(0, len(names), chunk)]
            if isinstance(encoder, Joined):  # a part that did not change is not computed again
                columns = [embed(contents, names, part, folder, on_progress) for part in encoder.parts]
                _append(files, names, (np.concatenate([c[part] for c in columns], axis=1) for part in parts))
            else:
                chunks = ((list(contents[part]), names[part][0].decode()) for part in parts)
                told = _counted(on_progress, len(names))
                _append(files, names, engine.map(partial(encoded, encoder), chunks, told, gpu=True))
                if not engine.apart:
                    speeds.keep(encoder.name, len(missing), time.perf_counter() - began)
            full, shards = shards[:-1], files.shards()  # rows that were there keep their places
            added = rows_of(shards[len(full) :], keys[absent])
            rows[absent] = np.where(added < 0, -1, added + sum(map(len, full)))
    return Features.of(shards, rows, width)


def where_encoded(encoder: Encoder) -> tuple[str, int]:
    """`features_key` on this machine, and how many times `CHUNK` inputs are encoded together.

    How many never depends on time: an input's features have the same bits only among the same others.
    """
    network = network_of(encoder)
    return features_key(encoder), max(1, network.batch_size // network.batch) if network else 1


def rows_on_disk(hashes: np.ndarray, encoder: Encoder, folder: Path) -> np.ndarray:
    """(n,) int: where the features of items with these content hashes (n,) bytes are on disk, see `embed`; −1: they are
    not.
    """
    key, _times = engines.current().call(where_encoded, encoder)
    files = FeatureFiles(folder / key, sum(encoder.dims))
    with files.locked():
        return rows_of(files.shards(), as_keys(hashes))


def encoded_together(encoder: Encoder) -> int:
    """How many inputs are encoded together where there are many."""
    _key, times = engines.current().call(where_encoded, encoder)
    return CHUNK * times


def encoded(encoder: Encoder, chunk: tuple[Sequence[Input], str], report: Report = ignore) -> np.ndarray:
    """(k, d) float32: what the encoder makes of a chunk of inputs.

    Args:    chunk: the inputs, and the content hash of the first, for the error.
    Raises:  BackboneError: it returned another shape, or NaN or infinity. LabelerError: an input cannot be read.
    """
    contents, name = chunk
    told = 0

    def on_progress(done: int, _: int) -> None:
        nonlocal told
        report(done - told)
        told = done

    vectors = np.ascontiguousarray(encoder.encode(contents, on_progress), dtype=np.float32)
    report(len(contents) - told)
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


def _append(files: FeatureFiles, names: np.ndarray, chunks: Iterable[np.ndarray]) -> None:
    """Write the features of the missing items, by their hashes (n,), those of about a second at a time."""
    waiting, start, began = list[np.ndarray](), 0, time.perf_counter()

    def write() -> None:
        nonlocal start, began
        if waiting:
            rows = np.concatenate(waiting)
            files.append(names[start : start + len(rows)], rows)
            start, began = start + len(rows), time.perf_counter()
            waiting.clear()

    try:
        for chunk in chunks:
            if waiting and narrowed(chunk).dtype != narrowed(waiting[-1]).dtype:
                write()  # what is written together has one type, and the file must not depend on time
            waiting.append(chunk)
            if time.perf_counter() - began > A_WRITE or sum(map(len, waiting)) >= SHARD:
                write()
    finally:  # also of what was encoded before an input that cannot be read
        write()


def _counted(on_progress: Progress | None, total: int) -> Report:
    """A report that tells how many of all are done."""
    done = 0

    def report(parts: int) -> None:
        nonlocal done
        done += parts
        if on_progress:
            on_progress(done, total)

    return report
