"""The records of a round: data set, labels, metrics, training, ranking, forecasts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np

from labeler.core.inputs import Input, at
from labeler.core.items import Prediction

Rule = Literal["target", "budget", "stable", "confident", "gain", "exhausted"]  # of stopping
ForecastKind = Literal["holdout", "stop"]


class Rows(Protocol):
    """(n, d) numbers by position: an array, or `labeler.backbones.features.Features`, which stay on disk."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, positions: Any, /) -> np.ndarray: ...

    def __array__(self) -> np.ndarray: ...


@dataclass(frozen=True)
class Dataset:
    """All items of a project as arrays; positions index them.

    `inputs` are image paths or texts, perhaps read when they are asked for; `embeddings` is (n, d) float32 from the
    frozen backbone, in memory or on disk, and `dims` holds the number of columns of each of the backbone's layers.
    `groups`: (n,) int, equal for the items of one group, such as a patient; None: there are no groups.
    """

    inputs: Sequence[Input]
    embeddings: Rows
    dims: tuple[int, ...]
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    @cached_property
    def is_of_texts(self) -> bool:
        """Whether the inputs are texts; the first one is read to tell."""
        return len(self) > 0 and isinstance(self.inputs[0], str)

    def inputs_at(self, positions: np.ndarray) -> list[Input]:
        """The inputs of the items at `positions` (k,)."""
        return list(at(self.inputs, positions))

    def part(self, positions: np.ndarray) -> "Dataset":
        """The items at `positions` alone, with a copy of their embeddings."""
        return Dataset(
            self.inputs_at(positions), np.asarray(self.embeddings[positions]), self.dims, self.groups_of(positions)
        )

    def groups_of(self, positions: np.ndarray) -> np.ndarray | None:
        """(k,) the groups of the items at `positions`; None: there are no groups."""
        return None if self.groups is None else self.groups[positions]


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
    """How good a model is on `n` holdout items. `low` and `high` bound accuracy's 95% interval.

    `calibration_error`: the distance of confidence from accuracy, 0 to 1; None in rounds of version 0.1.
    `micro_f1`: only where items have several classes; `accuracy` is then that of whole sets (subset accuracy).
    `groups`: that the items are of, such as patients; the interval is then between groups. None: there are no groups.
    `later`: how many of the items came with later imports; all are weighted then. None: none of them did.
    """

    n: int
    accuracy: float
    low: float
    high: float
    macro_f1: float
    calibration_error: float | None = None
    micro_f1: float | None = None
    groups: int | None = None
    later: int | None = None


@dataclass(frozen=True)
class Epoch:
    """The losses and accuracies of one epoch; `number` counts from 1. Losses are mean cross-entropies in nats.

    Where items have several classes, losses and accuracies are means over all decisions, a yes or no for each class.

    The training figures are means over the epoch, with augmentation, dropout and label smoothing. The validation
    figures are those on held-out labels; None without any.
    """

    number: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None


@dataclass(frozen=True)
class Training:
    """How a model was trained.

    epochs: of fine-tuning; empty for frozen heads. chosen: every lever with its final value, none of them "auto".
    share: the fine-tuned network's weight in the probabilities, from 0 (the frozen heads alone) to 1.
    note: one sentence on the choices and their reasons. validation_items: number of labels in validation; 0: none, or
    unknown. computed_on: the device that the network ran on, its precision and its libraries; empty without a network.
    inexact: operations of the GPU whose result may differ from one run to the next. start: how much counts in the heads
    what is known of the classes without labels; 0: nothing, see `labeler.learner.prior`.
    """

    epochs: tuple[Epoch, ...] = ()
    chosen: Mapping[str, Any] = field(default_factory=dict)
    share: float = 0.0
    note: str = ""
    validation_items: int = 0
    computed_on: Mapping[str, str] = field(default_factory=dict)
    inexact: Sequence[str] = field(default_factory=list)
    start: float = 0.0


@dataclass(frozen=True)
class Remeasured:
    """The metrics of rounds by the holdout's current labels; None: a round cannot be measured on them.

    basis: a digest of all that they depend on but the forecasts. latest: the number of the latest round then: up to it,
    all rounds are measured on that basis. 0: nothing can be said of that.
    """

    metrics: Mapping[int, Metrics | None] = field(default_factory=dict)
    basis: str = ""
    latest: int = 0


@dataclass(frozen=True)
class Ranked:
    """A position of the dataset in a ranking, which has the best first."""

    position: int
    strategy: str
    score: float | None


@dataclass(frozen=True)
class Forecast:
    """A model's probabilities for some items, kept so that metrics can be recomputed when labels change.

    items: (n,) int ids. proba: (n, C) float32. complete: False: of an older round, of which the predicted classes and
    their probabilities are kept; all other classes share the rest evenly.
    """

    items: np.ndarray
    proba: np.ndarray
    complete: bool = True


@dataclass(frozen=True)
class RoundResult:
    """The metrics and the ranking of one turn of the cycle.

    metrics: None without a model or a labeled holdout. training: None without a model.
    """

    labels: int
    strategy: str
    seed: int
    metrics: Metrics | None
    ranking: tuple[Ranked, ...]
    train_seconds: float
    query_seconds: float
    training: Training | None = None


@dataclass(frozen=True)
class FinishedRound:
    """A round as it enters the store.

    items: the item ids of `result.ranking`. predictions: the model's for these items; None for an item whose prediction
    must stay hidden. model: path of the model's file below the project's folder; None without a model. agreement,
    uncertainty: see `Round`. class_change: number of the latest change of the classes when the labels were read.
    left_out: how many items were not embedded yet, so that the round knows nothing of them.
    """

    number: int
    result: RoundResult
    items: Sequence[int] = ()
    predictions: Sequence[Prediction | None] | None = None
    forecasts: Mapping[ForecastKind, Forecast] = field(default_factory=dict)
    agreement: float | None = None
    uncertainty: float | None = None
    model: str | None = None
    class_change: int = 0
    left_out: int = 0


@dataclass(frozen=True)
class Round:
    """A finished round as stored, without its training, which `Rounds.training_of` reads."""

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
    class_change: int = 0  # number of the latest change of the classes when it read its labels
    left_out: int = 0  # items that were not embedded yet
    reachable: int | None = None  # pool labels that there could be in all when it ended; None: of an older version
