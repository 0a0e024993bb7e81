"""What turns inputs into features: the interface, and a pretrained network behind it."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from labeler.backbones.catalogue import JOINT
from labeler.backbones.exported import Run, kept
from labeler.backbones.weights import key
from labeler.core import processes
from labeler.core.inputs import Input
from labeler.core.items import Progress
from labeler.core.memory import at_a_time

if TYPE_CHECKING:
    from torch import nn

    from labeler.backbones.network import Network

# Imports of labeler.backbones.onnx and of devices are deferred: they load torch, which takes seconds.

GPU_BATCH = 512  # items that a GPU sees at a time; fewer where its memory is short
AHEAD = 2  # batches that are prepared while the network works on one

Arrays = tuple[np.ndarray, ...]


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

    def encode(self, inputs: Sequence[Input], on_progress: Progress | None = None) -> np.ndarray:
        """(n, sum(dims)) float32 for n image paths or texts."""
        ...


@dataclass(frozen=True)
class Joined:
    """Several encoders side by side: their features stand beside each other, each layer a block of its own.

    Heads learn from all of them. The networks among them can be fine-tuned, see `networks_of`.
    """

    parts: tuple[Encoder, ...]

    @property
    def name(self) -> str:
        return JOINT.join(part.name for part in self.parts)

    @property
    def key(self) -> str:
        return key("joined", *(part.key for part in self.parts))

    @property
    def dims(self) -> tuple[int, ...]:
        return tuple(width for part in self.parts for width in part.dims)

    def encode(self, inputs: Sequence[Input], on_progress: Progress | None = None) -> np.ndarray:
        """(n, sum(dims)) float32 for n image paths or texts."""
        return np.concatenate([part.encode(inputs, on_progress) for part in self.parts], axis=1)

    def columns(self, part: Encoder) -> slice:
        """Where the features of one of the parts stand."""
        start = sum(sum(before.dims) for before in self.parts[: self.parts.index(part)])
        return slice(start, start + sum(part.dims))


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
    views: Callable[[Any], Sequence[Any]] | None = None  # the slices of a stack, whose features are averaged
    mixed: bool = True  # whether a GPU may use less than float32

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process: not what this one has loaded."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}

    @cached_property
    def network(self) -> "Network":
        """The network in torch; copy it before training it."""
        return self.build()

    @cached_property
    def _run(self) -> Run:
        return self._compiled(lambda: self.network, self.key)

    def encode(self, inputs: Sequence[Input], on_progress: Progress | None = None) -> np.ndarray:
        """(n, sum(dims)) float32 for n image paths or texts; of a stack, the mean over its slices.

        Raises: LabelerError: an image cannot be read; the message names it.
        """
        single, counts = self.slices(inputs)

        def report(done: int) -> None:
            if on_progress:
                on_progress(done * len(inputs) // len(single), len(inputs))

        return averaged(self.run_over(single, self._run, sum(self.dims), report), counts)

    def run_over(
        self, inputs: Sequence[Any], run: Run, width: int, report: Callable[[int], None] = lambda done: None
    ) -> np.ndarray:
        """(m, width) float32: what `run` makes of each input, or slice of a stack.

        Args:   report: called with the number of inputs that are done.
        Raises: LabelerError: as `encode`.
        """
        results = np.empty((len(inputs), width), dtype=np.float32)
        done = 0
        for positions, batch in self._batches(inputs, collated=True):
            results[positions] = run(*batch)
            done += len(positions)
            report(done)
        return results

    def slices(self, inputs: Sequence[Any]) -> tuple[list[Any], np.ndarray]:
        """What the network reads of each input, one after the other, and (n,) how much: 1, or the slices of a stack."""
        views = [[content] if self.views is None else self.views(content) for content in inputs]
        return [view for of_item in views for view in of_item], np.array([len(of_item) for of_item in views], dtype=int)

    def activations(self, inputs: Sequence[Any], cut: int) -> list[Arrays]:
        """What the first `cut` stages, which fine-tuning leaves as they are, make of each input, or slice of a stack.

        Returns: for each input the arrays that `Network.tail` takes, without the axis of the batch.
        """
        run = self._advancing(cut)
        result: list[Arrays] = [()] * len(inputs)
        for positions, items in self._batches(inputs, collated=False):
            for position, item in zip(positions, run(items), strict=True):
                result[position] = item
        return result

    def advance(self, items: Sequence[Arrays], cut: int) -> list[Arrays]:
        """As `activations`, of what is prepared already."""
        run = self._advancing(cut)
        return [
            advanced
            for start in range(0, len(items), self.batch_size)
            for advanced in run(items[start : start + self.batch_size])
        ]

    def first(self, cut: int) -> Run:
        """The first `cut` stages as one function of a batch, exported once for all who ask for as many."""
        if not cut:
            return lambda x, *rest: x
        return self._compiled(lambda: self.network.first(cut), f"{self.key}-first{cut}")

    def _compiled(self, build: "Callable[[], nn.Module]", key: str) -> Run:
        """See `labeler.backbones.onnx.compiled`; what is exported already runs on a CPU without torch."""
        if computed_on_cpu(self) == "float32" and (run := kept(key)) is not None:
            return run
        from labeler.backbones import onnx

        return onnx.compiled(build, self.example, self.dynamic_axes, key, self.mixed)

    @property
    def reads_texts(self) -> bool:
        """Whether the arrays of an input are as long as it is."""
        return self.dynamic_axes > 1

    @property
    def batch_size(self) -> int:
        """How many inputs the network sees at a time on this machine; fewer where memory was short."""
        return at_a_time(self._usual_batch)

    @cached_property
    def _usual_batch(self) -> int:
        """How many inputs this machine takes where memory is enough; a GPU wants many."""
        if not processes.may_have_gpu():
            return self.batch
        from labeler.backbones import devices

        return self.batch if devices.on_cpu() else max(self.batch, GPU_BATCH)

    def _advancing(self, cut: int) -> "Callable[[Sequence[Arrays]], list[Arrays]]":
        if not cut:
            return list
        run = self.first(cut)

        def advance(items: Sequence[Arrays]) -> list[Arrays]:
            # a text's activations are as long as the text: padding goes
            rows = zip(items, run(*collate(items)), strict=True)
            return [(row[: len(item[0])].copy() if self.reads_texts else row, *item[1:]) for item, row in rows]

        return advance

    def _batches(self, inputs: Sequence[Any], collated: bool) -> Iterator[tuple[np.ndarray, Any]]:
        """Positions of each batch's inputs, and what they are prepared to: a list of items, or their `collate`d arrays.

        Texts of like length go together, so little is padding. While the network works on one batch, the next ones are
        prepared in another thread.
        """
        order = np.argsort([len(content) if isinstance(content, str) else 0 for content in inputs], kind="stable")
        size, zeros = self.batch_size, _zeros
        if size > self.batch:
            from labeler.backbones import devices

            zeros = devices.zeros
        parts = [order[start : start + size] for start in range(0, len(order), size)]

        def prepared(part: np.ndarray) -> Any:
            items = self.prepare([inputs[p] for p in part])
            return collate(items, zeros) if collated else items

        with ThreadPoolExecutor(1) as other_thread:  # a single one: tokenizers cannot be shared
            waiting = deque[Future[Any]]()
            for number, part in enumerate(parts):
                for following in parts[number + len(waiting) : number + 1 + AHEAD]:
                    waiting.append(other_thread.submit(prepared, following))
                yield part, waiting.popleft().result()


def side_by_side(encoder: Encoder) -> tuple[Encoder, ...]:
    """The encoders that are used together; of a single one itself."""
    return encoder.parts if isinstance(encoder, Joined) else (encoder,)


def networks_of(encoder: Encoder | None) -> tuple[Pretrained, ...]:
    """The networks that an encoder is or has: what can be fine-tuned."""
    return tuple(part for part in side_by_side(encoder) if isinstance(part, Pretrained)) if encoder else ()


def network_of(encoder: Encoder | None) -> Pretrained | None:
    """The first of `networks_of`; None: there is none."""
    return next(iter(networks_of(encoder)), None)


def columns_of(encoder: Encoder | None, part: Encoder) -> slice:
    """Where the features of a part stand among those of the whole encoder, which may be the part itself."""
    return encoder.columns(part) if isinstance(encoder, Joined) else slice(None)


def features_key(encoder: Encoder) -> str:
    """As `Encoder.key`; where features are not computed by a CPU in float32, with the device and the precision.

    Features that differ in the last digits never share a cache.
    """
    network = network_of(encoder)
    where = computed_on(network) if network else {}
    usual = not where or (where["device"], where["precision"]) == ("cpu", "float32")
    return encoder.key if usual else f"{encoder.key}-{where['device']}-{where['precision']}"


def computed_on(network: Pretrained) -> dict[str, str]:
    """What the numbers of a network depend on here: the device and its name, the precision, on a GPU its libraries."""
    if precision := computed_on_cpu(network):
        return {"device": "cpu", "precision": precision, "name": processes.processor()}
    from labeler.backbones import devices

    return devices.facts(network.mixed, network.reads_texts)


def computed_on_cpu(network: Pretrained) -> str:
    """The precision where it is certain without torch that a CPU computes, as there is no GPU; else ""."""
    if processes.may_have_gpu():
        return ""
    narrow = network.mixed and network.reads_texts and processes.multiplies_bfloat16()
    return "bfloat16" if narrow else "float32"


def averaged(features: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(n, d) float32 features of items from those of their slices (m, d), as `Pretrained.slices` counts them."""
    if len(features) == len(counts):
        return features
    starts = np.cumsum(counts) - counts
    return (np.add.reduceat(features, starts, axis=0) / counts[:, None]).astype(np.float32)


def _zeros(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    return np.zeros(shape, dtype)


def collate(items: Sequence[Arrays], zeros: Callable[[tuple[int, ...], np.dtype], np.ndarray] = _zeros) -> Arrays:
    """One batch of the items' arrays; along their first axis shorter ones are filled up with zeros.

    Args: zeros: makes an array of a shape and a type.
    """
    batch = []
    for parts in zip(*items, strict=True):
        whole = zeros((len(parts), max(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype)
        for row, part in zip(whole, parts, strict=True):
            row[: len(part)] = part
        batch.append(whole)
    return tuple(batch)
