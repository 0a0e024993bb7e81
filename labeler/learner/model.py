"""Models: features, normalised layer by layer, and linear heads; or fine-tuned networks under such heads."""

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy.special import expit, softmax

from labeler.backbones.encoder import Pretrained, averaged, collate
from labeler.backbones.features import Features
from labeler.core.errors import LabelerError
from labeler.core.memory import at_a_time
from labeler.core.rounds import Dataset, Rows, Training

if TYPE_CHECKING:
    from labeler.backbones.exported import Run
    from labeler.backbones.network import Network

# Imports of torch, safetensors and of labeler.backbones.devices, network and onnx are deferred: they are slow to load.

_ROWS = 1024  # embeddings that are in memory at a time: the cache holds them
_BATCH = 64  # items that the trained stages see at a time


class Model(Protocol):
    """A classifier that a round trains."""

    def predict_proba(self, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """(k, C) float64 over all of the project's classes.

        Rows sum to 1, and a class without a label gets 0. Where an item has several classes, each column is the
        probability of that class's yes.
        """
        ...

    def to_bytes(self) -> bytes:
        """The model as a safetensors file."""
        ...


@dataclass(frozen=True)
class Normalizer:
    """Centres each layer's features and scales them to length 1, so that all layers have the same weight.

    mean: (d,) float32. dims: how many columns each layer takes.
    """

    mean: np.ndarray
    dims: tuple[int, ...]

    @classmethod
    def fit(cls, embeddings: Rows, dims: Sequence[int]) -> "Normalizer":
        """A normalizer that centres `embeddings` (n, d); the sums of those on disk are kept beside them."""
        if isinstance(embeddings, Features):
            return cls(embeddings.mean().astype(np.float32), tuple(dims))
        total = np.zeros(embeddings.shape[1])
        for start in range(0, len(embeddings), _ROWS):
            total += embeddings[start : start + _ROWS].sum(axis=0, dtype=np.float64)
        return cls((total / max(len(embeddings), 1)).astype(np.float32), tuple(dims))

    def apply(self, embeddings: np.ndarray) -> np.ndarray:
        """Normalised features.

        Args:    embeddings: (k, d) float.
        Returns: (k, d) float32; each layer's columns have length 1, or 0 where they equal the mean.
        Raises:  LabelerError: the number of columns differs from that of the mean.
        """
        if embeddings.shape[1] != len(self.mean):
            raise LabelerError(
                "the model was trained on {mean} features, and the backbone gives {shape}: "
                "train again, or set learner.backbone back.",
                mean=len(self.mean),
                shape=embeddings.shape[1],
            )
        result = np.subtract(embeddings, self.mean, dtype=np.float32)
        for columns in self.layers():
            length = np.linalg.norm(result[:, columns], axis=1, keepdims=True)
            result[:, columns] /= np.maximum(length, 1e-12)
        return result

    def layers(self) -> Iterator[slice]:
        """The columns of each layer."""
        stop = 0
        for width in self.dims:
            start, stop = stop, stop + width
            yield slice(start, stop)


@dataclass(frozen=True)
class LinearHeads:
    """Linear classifiers on the dataset's normalised embeddings; the prediction is the mean of theirs.

    The heads of the frozen learner are fitted in different ways to the same labels, those of a committee in the same
    way to bootstraps of the labels.

    classes: (c,) int, the classes that have labels. weight: (M, c, d) float32. bias: (M, c) float32.
    several: whether an item has several classes; then each has a sigmoid of its own, else all share a softmax.
    """

    normalizer: Normalizer
    classes: np.ndarray
    n_classes: int
    weight: np.ndarray
    bias: np.ndarray
    several: bool = False

    def member_proba(self, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """(M, k, C) float64: the probabilities by each head, as `predict_proba`.

        Raises: LabelerError: the dataset's embeddings are from another backbone.
        """
        proba = np.empty((len(self.weight), len(positions), self.n_classes))
        for start in range(0, len(positions), _ROWS):
            rows = slice(start, start + _ROWS)
            proba[:, rows] = self.of_features(dataset.embeddings[positions[rows]])
        return proba

    def predict_proba(self, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """As `Model.predict_proba`.

        Raises: LabelerError: the dataset's embeddings are from another backbone.
        """
        proba = np.empty((len(positions), self.n_classes))
        for start in range(0, len(positions), _ROWS):
            rows = slice(start, start + _ROWS)
            proba[rows] = self.of_features(dataset.embeddings[positions[rows]]).mean(axis=0)
        return proba

    def of_features(self, features: np.ndarray) -> np.ndarray:
        """(M, k, C) float64 probabilities from (k, d) features that are not yet normalised."""
        members, classes, width = self.weight.shape
        logits = self.normalizer.apply(features) @ self.weight.reshape(-1, width).T
        logits = logits.reshape(len(features), members, classes) + self.bias
        if self.several:
            return expit(logits.astype(np.float64)).swapaxes(0, 1)
        return spread(logits, self.classes, self.n_classes).swapaxes(0, 1)

    def to_bytes(self) -> bytes:
        """The model as a safetensors file."""
        return _to_bytes(self, {"kind": "frozen"}, {})


@dataclass(frozen=True)
class TunedNetwork:
    """A network whose last blocks were trained.

    cut: the stages before it are those of the encoder. parameters: the trained ones by name; all others are the
    encoder's. columns: where its features stand among those of all encoders.
    """

    encoder: Pretrained
    cut: int
    parameters: dict[str, np.ndarray]
    columns: slice = field(default_factory=lambda: slice(None))

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process: not what this one has loaded."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}

    @cached_property
    def network(self) -> "Network":
        """The encoder's network with the trained parameters in place."""
        import torch

        from labeler.backbones import devices

        with torch.inference_mode(False):  # whoever asks first may be predicting, and explanations need gradients
            network = copy.deepcopy(self.encoder.network)
            trained = {name: torch.from_numpy(value) for name, value in self.parameters.items()}
            network.load_state_dict(trained, strict=False)
            return devices.placed(network)


@dataclass(frozen=True)
class FineTuned:
    """Networks whose last blocks were trained, and frozen heads; the prediction is the weighted mean of both.

    The mean is more robust than either: their errors differ.

    frozen: heads on the frozen features. head: heads on the same columns, where the features of the trained networks
    stand in place of their frozen ones; what other encoders beside them say, they read, too. networks: the trained
    ones. share: their weight in the mean, 0 to 1.
    """

    frozen: LinearHeads
    head: LinearHeads
    networks: tuple[TunedNetwork, ...]
    share: float

    def predict_proba(self, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """As `Model.predict_proba`. On a CPU the stages that were not trained run in ONNX Runtime.

        Raises: LabelerError: an image cannot be read.
        """
        return self.of_features(self.features(dataset, positions), dataset, positions)

    def of_features(self, features: Sequence[np.ndarray], dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """As `predict_proba`, from the trained networks' features of the items."""
        tuned = self._of_head(features, dataset, positions).mean(axis=0)
        return self.share * tuned + (1 - self.share) * self.frozen.predict_proba(dataset, positions)

    def member_proba(self, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """(M, k, C) as `LinearHeads.member_proba`, if `frozen` and `head` have M members each."""
        tuned = self._of_head(self.features(dataset, positions), dataset, positions)
        return self.share * tuned + (1 - self.share) * self.frozen.member_proba(dataset, positions)

    def _of_head(self, features: Sequence[np.ndarray], dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """(M, k, C) probabilities by `head`, from the trained networks' features of the items."""
        columns = [network.columns for network in self.networks]
        return self.head.of_features(in_place(features, dataset.embeddings[positions], columns))

    def features(self, dataset: Dataset, positions: np.ndarray) -> list[np.ndarray]:
        """Of each network (k, d) float32 features, not yet normalised; of a stack the mean over its slices.

        Raises: LabelerError: an image cannot be read.
        """
        inputs = dataset.inputs_at(positions)
        return [read(inputs)[0] for read in self._readers]

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process: not what this one has loaded."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}

    @cached_property
    def _readers(self) -> "list[Reader]":
        return [reader([network]) for network in self.networks]

    def to_bytes(self) -> bytes:
        """The trained part of the model as a safetensors file; the rest is the encoders'.

        The file of a single network is as it was when there were no others beside it.
        """
        (encoder, cut), *others = [(network.encoder.key, network.cut) for network in self.networks]
        about: dict[str, Any] = {"kind": "finetune", "encoder": encoder, "cut": cut, "share": self.share}
        if others:
            about["others"] = others
        tensors = {
            tuned_prefix(number) + name: value
            for number, network in enumerate(self.networks)
            for name, value in network.parameters.items()
        }
        tensors |= {"head.weight": self.head.weight, "head.bias": self.head.bias}
        return _to_bytes(self.frozen, about, tensors)


@dataclass(frozen=True)
class Fitted:
    """A model, how it came about, and earlier states of a fine-tuned one, if they were asked for."""

    model: Model
    training: Training
    snapshots: tuple[FineTuned, ...] = ()


def tuned_prefix(number: int) -> str:
    """What the names of a trained network's parameters begin with in a file; networks are counted from 0."""
    return f"tuned{number or ''}."


def in_place(features: Sequence[np.ndarray], embeddings: np.ndarray, columns: Sequence[slice]) -> np.ndarray:
    """(k, D) float32: the frozen features of all encoders, with those of trained networks in their columns.

    Args: features: of each trained network (k, d). embeddings: (k, D) of the encoders, which stay as they are.
    """
    whole = np.array(embeddings, dtype=np.float32)
    for own, place in zip(features, columns, strict=True):
        whole[:, place] = own
    return whole


def on_all_columns(heads: LinearHeads, columns: slice) -> LinearHeads:
    """Heads whose weights are those of a network's columns alone, with zeros for all others that the normalizer has."""
    weight = np.zeros((*heads.weight.shape[:2], len(heads.normalizer.mean)), dtype=np.float32)
    weight[:, :, columns] = heads.weight
    return replace(heads, weight=weight)


# Inputs in, for each network (k, d) float32 features out.
Reader = Callable[[Sequence[Any]], list[np.ndarray]]


def reader(networks: Sequence[TunedNetwork]) -> Reader:
    """A function that reads inputs once for all of the networks, which are states of one training.

    What the frozen stages make of an input is the same for all of them. On a GPU they run with the trained ones; on a
    CPU they run in ONNX Runtime.
    """
    from labeler.backbones import devices, onnx
    from labeler.backbones.network import Tails

    if devices.on_cpu():
        return partial(_read_on_cpu, networks)
    run = onnx.in_torch(Tails([tuned.network for tuned in networks], networks[0].cut), networks[0].encoder.mixed)
    return partial(_read_on_gpu, networks, run)


def _read_on_cpu(networks: Sequence[TunedNetwork], inputs: Sequence[Any]) -> list[np.ndarray]:
    import torch

    from labeler.backbones import devices

    encoder, cut, width = networks[0].encoder, networks[0].cut, sum(networks[0].encoder.dims)
    single, counts = encoder.slices(inputs)
    features = np.empty((len(networks), len(single), width), dtype=np.float32)
    for begin in range(0, len(single), _ROWS):
        items = encoder.activations(single[begin : begin + _ROWS], cut)
        # inputs of similar length share a batch, so that there is little padding
        order = np.argsort([len(item[0]) for item in items], kind="stable")
        size = at_a_time(_BATCH)
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            batch = tuple(torch.from_numpy(array) for array in collate([items[row] for row in rows]))
            with torch.inference_mode(), devices.autocast(encoder.mixed, encoder.reads_texts):
                for number, tuned in enumerate(networks):
                    features[number, begin + rows] = tuned.network.tail(cut, *batch).float().numpy()
    return [averaged(own, counts) for own in features]


def _read_on_gpu(networks: Sequence[TunedNetwork], run: "Run", inputs: Sequence[Any]) -> list[np.ndarray]:
    encoder, width = networks[0].encoder, sum(networks[0].encoder.dims)
    single, counts = encoder.slices(inputs)
    features = encoder.run_over(single, run, len(networks) * width)
    return [averaged(features[:, n * width : (n + 1) * width], counts) for n in range(len(networks))]


def spread(logits: np.ndarray, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Probabilities over all classes from logits (…, c) of the classes that have labels; the others get 0.

    Returns: (…, n_classes) float64.
    """
    proba = np.zeros((*logits.shape[:-1], n_classes))
    proba[..., classes] = softmax(logits.astype(np.float64), axis=-1)
    return proba


def _to_bytes(head: LinearHeads, about: dict[str, Any], tensors: dict[str, np.ndarray]) -> bytes:
    from safetensors.numpy import save

    about |= {"n_classes": head.n_classes, "dims": head.normalizer.dims, "several": head.several}
    tensors |= {
        "mean": head.normalizer.mean,
        "classes": head.classes,
        "weight": head.weight,
        "bias": head.bias,
    }
    return save({k: np.ascontiguousarray(v) for k, v in tensors.items()}, {"labeler": json.dumps(about)})
