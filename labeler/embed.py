"""Frozen backbone → embeddings: how a network encodes a batch, and the cache on disk that makes it do so once."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from labeler.errors import BackboneError
from labeler.types import Progress

if TYPE_CHECKING:
    from labeler.onnx import Network, Run

try:
    import fcntl
except ImportError:  # Windows: one process at a time is then up to who starts them
    fcntl = None  # type: ignore[assignment]

Arrays = tuple[np.ndarray, ...]

CHUNK = 1024  # items between two writes: what a crash costs at most

# Two append-only files: rows of float32, and one content hash a line, in the same order.
_VECTORS, _HASHES = "vectors.f32", "hashes.txt"


class Encoder(Protocol):
    """What turns inputs into features."""

    @property
    def name(self) -> str: ...

    @property
    def key(self) -> str:
        """Identifies all that the features depend on: weights, preparation, input size, layers."""
        ...

    @property
    def dims(self) -> tuple[int, ...]:
        """How many of the columns each of the layers takes."""
        ...

    def encode(self, inputs: Sequence[Path | str], on_progress: Progress | None = None) -> np.ndarray:
        """(n, sum(dims)) float32 for n image paths or texts."""
        ...


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
        missing = {h: one for h, one in zip(hashes, inputs, strict=True) if h not in rows}
        _append(missing, encoder, home, width, on_progress)
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
    missing: dict[str, Path | str], encoder: Encoder, home: Path, width: int, on_progress: Progress | None
) -> None:
    names, inputs, total = list(missing), list(missing.values()), len(missing)
    for start in range(0, total, CHUNK):
        stop = min(start + CHUNK, total)
        within = (lambda done, _, start=start: on_progress(start + done, total)) if on_progress else None
        vectors = np.ascontiguousarray(encoder.encode(inputs[start:stop], within), dtype=np.float32)
        if vectors.shape != (stop - start, width):
            raise BackboneError(f"backbone {encoder.name!r} returned {vectors.shape}, not {(stop - start, width)}.")
        if not np.isfinite(vectors).all():
            raise BackboneError(
                f"backbone {encoder.name!r} returned NaN or infinity for {names[start]} or an item near it: "
                "choose another backbone."
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


# ---------------------------------------------------------------- a pretrained network as an encoder


@dataclass(frozen=True)
class Pretrained:
    """An encoder that is a pretrained network. The network is built in torch only when that is needed."""

    name: str
    key: str
    dims: tuple[int, ...]
    build: Callable[[], "Network"]
    prepare: Callable[[Sequence[Any]], list[Arrays]]  # inputs → for each one the arrays that the network takes
    example: Arrays  # a batch of two
    dynamic_axes: int = 1  # leading axes of the arrays that vary: 1 batch; 2 batch and length
    batch: int = 32

    @cached_property
    def network(self) -> "Network":
        """The network in torch; copy it before training it."""
        return self.build()

    @cached_property
    def _run(self) -> "Run":
        from labeler import onnx

        return onnx.compiled(lambda: self.network, self.example, self.dynamic_axes, self.key)

    def encode(self, inputs: Sequence[Path | str], on_progress: Progress | None = None) -> np.ndarray:
        """(n, sum(dims)) float32 for n image paths or texts.

        Raises: LabelerError: an image cannot be read; the message names it.
        """
        features = np.empty((len(inputs), sum(self.dims)), dtype=np.float32)
        done = 0
        for positions, items in self._batches(inputs):
            features[positions] = self._run(*collate(items))
            done += len(items)
            if on_progress:
                on_progress(done, len(inputs))
        return features

    def activations(self, inputs: Sequence[Path | str], cut: int) -> list[Arrays]:
        """What the first `cut` stages, which fine-tuning leaves as they are, make of each input.

        Returns: for each input the arrays that `Network.tail` takes, without the axis of the batch.
        """
        run = self._advancing(cut)
        result: list[Arrays] = [()] * len(inputs)
        for positions, items in self._batches(inputs):
            for position, item in zip(positions, run(items), strict=True):
                result[position] = item
        return result

    def advance(self, items: Sequence[Arrays], cut: int) -> list[Arrays]:
        """As `activations`, of what is prepared already."""
        run = self._advancing(cut)
        return [one for start in range(0, len(items), self.batch) for one in run(items[start : start + self.batch])]

    def first(self, cut: int) -> "Run":
        """The first `cut` stages as one function of a batch, exported once for all who ask for as many."""
        from labeler import onnx

        if not cut:
            return lambda x, *rest: x
        key = f"{self.key}-first{cut}"
        return onnx.compiled(lambda: self.network.first(cut), self.example, self.dynamic_axes, key)

    def _advancing(self, cut: int) -> "Callable[[Sequence[Arrays]], list[Arrays]]":
        if not cut:
            return list
        run = self.first(cut)

        def advance(items: Sequence[Arrays]) -> list[Arrays]:
            # a text's activations are as long as the text: padding goes
            rows = zip(items, run(*collate(items)), strict=True)
            texts = self.dynamic_axes > 1
            return [(row[: len(item[0])].copy() if texts else row, *item[1:]) for item, row in rows]

        return advance

    def _batches(self, inputs: Sequence[Path | str]) -> Iterator[tuple[np.ndarray, list[Arrays]]]:
        """Positions and prepared arrays of each batch; texts of like length go together, so little is padding.

        While the network works on one batch, the next is prepared in another thread.
        """
        order = np.argsort([len(one) if isinstance(one, str) else 0 for one in inputs], kind="stable")
        parts = [order[start : start + self.batch] for start in range(0, len(order), self.batch)]
        with ThreadPoolExecutor(1) as ahead:
            prepare = lambda part: ahead.submit(self.prepare, [inputs[p] for p in part])  # noqa: E731
            following = prepare(parts[0]) if parts else None
            for number, part in enumerate(parts):
                assert following is not None
                items = following.result()
                following = prepare(parts[number + 1]) if number + 1 < len(parts) else None
                yield part, items


def collate(items: Sequence[Arrays]) -> Arrays:
    """One batch of the items' arrays; along their first axis shorter ones are filled up with zeros."""
    batch = []
    for parts in zip(*items, strict=True):
        whole = np.zeros((len(parts), max(map(len, parts)), *parts[0].shape[1:]), dtype=parts[0].dtype)
        for row, part in zip(whole, parts, strict=True):
            row[: len(part)] = part
        batch.append(whole)
    return tuple(batch)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
