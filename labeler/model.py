"""Models: features, normalised layer by layer, and a linear head; or a fine-tuned network under such a head."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy.special import softmax

from labeler.embed import Arrays, Encoder, Pretrained, collate
from labeler.errors import LabelerError
from labeler.types import Dataset

if TYPE_CHECKING:
    import torch

    from labeler.onnx import Network

_ROWS = 4096  # embeddings that are in memory at a time


class Model(Protocol):
    """What a round trains: class probabilities of items."""

    def predict_proba(self, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """(k, C) float64, rows sum to 1, over all of the project's classes; one without a label gets 0."""
        ...

    def save(self, path: Path) -> None:
        """Write the model to one file, whole or not at all."""
        ...


@dataclass(frozen=True)
class Normalizer:
    """Centres each layer's features and scales them to length 1, so that no layer drowns another.

    mean: (d,) float32. dims: how many columns each layer takes.
    """

    mean: np.ndarray
    dims: tuple[int, ...]

    @classmethod
    def fit(cls, embeddings: np.ndarray, dims: Sequence[int]) -> "Normalizer":
        """A normalizer that centres `embeddings` (n, d), which may be a memory map larger than the memory."""
        total = np.zeros(embeddings.shape[1])
        for start in range(0, len(embeddings), _ROWS):
            total += embeddings[start : start + _ROWS].sum(axis=0, dtype=np.float64)
        return cls((total / max(len(embeddings), 1)).astype(np.float32), tuple(dims))

    def apply(self, embeddings: np.ndarray) -> np.ndarray:
        """Normalised features.

        Args:    embeddings: (k, d) float.
        Returns: (k, d) float32; each layer's columns have length 1, or 0 where there was nothing but the mean.
        Raises:  LabelerError: the number of columns is another one.
        """
        if embeddings.shape[1] != len(self.mean):
            raise LabelerError(
                f"the model was trained on {len(self.mean)} features, and the backbone gives {embeddings.shape[1]}: "
                "train again, or set learner.backbone back."
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
class FrozenHead:
    """A linear softmax classifier on the dataset's normalised embeddings.

    classes: (c,) int, the classes that have labels. weight: (c, d) float32. bias: (c,) float32.
    """

    normalizer: Normalizer
    classes: np.ndarray
    n_classes: int
    weight: np.ndarray
    bias: np.ndarray

    def predict_proba(self, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """As `Model.predict_proba`.

        Raises: LabelerError: the dataset's embeddings are from another backbone.
        """
        proba = np.empty((len(positions), self.n_classes))
        for start in range(0, len(positions), _ROWS):
            rows = slice(start, start + _ROWS)
            features = self.normalizer.apply(dataset.embeddings[positions[rows]])
            proba[rows] = spread(features @ self.weight.T + self.bias, self.classes, self.n_classes)
        return proba

    def save(self, path: Path) -> None:
        """Write the model to one file, whole or not at all."""
        _write(path, {"kind": "frozen"}, _tensors(self))


@dataclass(frozen=True)
class Committee:
    """Linear heads over the same normalised embeddings that each saw another bootstrap of the labels.

    weight: (M, c, d) float32. bias: (M, c) float32. classes: (c,) int.
    """

    normalizer: Normalizer
    classes: np.ndarray
    n_classes: int
    weight: np.ndarray
    bias: np.ndarray

    def member_proba(self, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """(M, k, C) float64, rows sum to 1.

        Raises: LabelerError: the dataset's embeddings are from another backbone.
        """
        members, _, width = self.weight.shape
        proba = np.empty((members, len(positions), self.n_classes))
        for start in range(0, len(positions), _ROWS):
            rows = slice(start, start + _ROWS)
            features = self.normalizer.apply(dataset.embeddings[positions[rows]])
            logits = (features @ self.weight.reshape(-1, width).T).reshape(len(features), members, -1) + self.bias
            proba[:, rows] = spread(logits, self.classes, self.n_classes).swapaxes(0, 1)
        return proba


@dataclass(frozen=True)
class FineTuned:
    """A backbone whose last blocks were trained, under a linear head on its normalised features.

    `head` has the same form as a frozen one. The stages before `cut` are those of the encoder.
    `tuned` are the trained parameters by name; the rest of the network is the encoder's.
    """

    encoder: Pretrained
    head: FrozenHead
    cut: int
    tuned: dict[str, np.ndarray]

    def predict_proba(self, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """As `Model.predict_proba`. The stages that are as they were run in ONNX Runtime on a CPU.

        Raises: LabelerError: an image cannot be read.
        """
        import torch

        from labeler import onnx

        items = self.encoder.activations([dataset.inputs[p] for p in positions], self.cut)
        network, head = self._network, TorchHead(self.head)
        proba = np.empty((len(positions), self.head.n_classes))
        # like lengths together, so that little is padding
        order = np.argsort([len(item[0]) for item in items], kind="stable")
        with torch.inference_mode():
            for start in range(0, len(order), 64):
                rows = order[start : start + 64]
                batch = to_device(collate([items[r] for r in rows]))
                with onnx.autocast():
                    features = network.tail(self.cut, *batch)
                logits = head(features).cpu().numpy()
                proba[rows] = spread(logits, self.head.classes, self.head.n_classes)
        return proba

    @cached_property
    def _network(self) -> "Network":
        import copy

        import torch

        from labeler import onnx

        network = copy.deepcopy(self.encoder.network)
        state = {name: torch.from_numpy(value) for name, value in self.tuned.items()}
        network.load_state_dict(state, strict=False)
        return network.to(onnx.device())

    def save(self, path: Path) -> None:
        """Write the trained part of the model to one file, whole or not at all."""
        tensors = _tensors(self.head) | {f"tuned.{name}": value for name, value in self.tuned.items()}
        _write(path, {"kind": "finetune", "encoder": self.encoder.key, "cut": self.cut}, tensors)


def spread(logits: np.ndarray, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Probabilities over all classes from logits (…, c) of those that have labels; the others get 0.

    Returns: (…, n_classes) float64.
    """
    proba = np.zeros((*logits.shape[:-1], n_classes))
    proba[..., classes] = softmax(logits.astype(np.float64), axis=-1)
    return proba
