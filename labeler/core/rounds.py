"""What a round learns from and brings: data sets, labels, metrics, rankings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from labeler.learner.model import Model


Rule = Literal["target", "budget", "stable", "confident", "gain", "exhausted"]  # of stopping
ForecastKind = Literal["holdout", "stop"]


@dataclass(frozen=True)
class Dataset:
    """All items that a round can look at, as arrays; positions index it.

    `inputs` are image paths or texts, `embeddings` is (n, d) float32 from the frozen backbone,
    and `dims` says how many of the d columns each of the backbone's layers takes.
    """

    inputs: Sequence[Path | str]
    embeddings: np.ndarray
    dims: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class Labels:
    """Labeled positions of a dataset.

    positions: (m,) int. targets: (m,) int class indices, or, where an item has several classes, (m, C) of 0 and 1.
    """

    positions: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def several(self) -> bool:
        """Whether an item has several classes, or none."""
        return self.targets.ndim == 2


@dataclass(frozen=True)
class Metrics:
    """How good a model is on `n` holdout items. `low` and `high` bound accuracy's 95 % interval.

    `calibration_error`: how far its confidence is from its accuracy, 0 to 1; None in rounds of version 0.1.
    `micro_f1`: where an item has several classes; `accuracy` is then of whole sets (subset accuracy).
    """

    n: int
    accuracy: float
    low: float
    high: float
    macro_f1: float
    calibration_error: float | None = None
    micro_f1: float | None = None


@dataclass(frozen=True)
class Epoch:
    """What one pass over the labels did, `number` counting from 1. Losses are mean cross-entropies in nats.

    Where an item has several classes, losses and accuracies are means over all its decisions, one yes or no a class.

    Those of training are means over the epoch, with whatever augmentation, dropout and smoothing there is; those of
    validation are on labels that were held back, and None where none were.
    """

    number: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None


@dataclass(frozen=True)
class Training:
    """How a model came about.

    epochs: of fine-tuning; empty for frozen heads. chosen: every lever as it was in the end, none of them "auto".
    share: of the fine-tuned network in the probabilities, from 0 (the frozen heads alone) to 1.
    note: in words, what was decided and why. validation_items: that the validation of each epoch is measured on;
    0: none, or unknown.
    """

    epochs: tuple[Epoch, ...] = ()
    chosen: Mapping[str, Any] = field(default_factory=dict)
    share: float = 0.0
    note: str = ""
    validation_items: int = 0


@dataclass(frozen=True)
class Ranked:
    """One position of the dataset that is to be asked, best first."""

    position: int
    strategy: str
    score: float | None


@dataclass(frozen=True)
class Forecast:
    """What a round's model says of some items, kept so that it can be measured at any time, by the labels of then.

    items: (n,) int ids. proba: (n, C) float32.
    """

    items: np.ndarray
    proba: np.ndarray


@dataclass(frozen=True)
class RoundResult:
    """What one turn of the cycle brought. `metrics` and `model` are None while there is nothing to train on.

    `watched`: (w, C) what the model says of the positions that its state watches, for the forecasts.
    """

    labels: int
    strategy: str
    seed: int
    model: "Model | None"
    metrics: Metrics | None
    ranking: tuple[Ranked, ...]
    train_seconds: float
    query_seconds: float
    training: Training | None = None
    watched: np.ndarray | None = None


@dataclass(frozen=True)
class Round:
    """A finished round as stored, without its training; `Rounds.training_of` has that."""

    number: int
    labels: int
    strategy: str
    seed: int
    model: str | None
    metrics: Metrics | None
    train_seconds: float
    query_seconds: float
    finished_at: str
    agreement: float | None = None  # kappa with the round before, on the items that rounds are compared on
    uncertainty: float | None = None  # mean of 1 − the highest probability, on the same items
