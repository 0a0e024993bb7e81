"""Frozen dataclasses that flow through the house, in the order of the flow. They know no SQL, torch or browser."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import numpy as np

if TYPE_CHECKING:
    from labeler.model import Model

Modality = Literal["image", "text"]
ClassesAnItem = Literal["one", "several"]
Split = Literal["pool", "holdout"]
Action = Literal["label", "skip", "flag", "undo"]
Reveal = Literal["never", "after", "before"]  # when annotators see what the model predicts, relative to their answer
JobState = Literal["queued", "running", "done", "failed"]
Sampler = Literal["tpe", "random", "grid"]
ExplanationKind = Literal["saw", "local"]
AdjudicationAction = Literal["label", "exclude", "return"]
ForecastKind = Literal["holdout", "stop"]
Rule = Literal["target", "budget", "stable", "confident", "gain", "exhausted"]  # of stopping
BackgroundState = Literal["queued", "running", "done", "failed", "cancelled"]

# What encodes, trains and imports reports how far it is: (done, total).
Progress = Callable[[int, int], None]


# ---------------------------------------------------------------- import


@dataclass(frozen=True)
class NewItem:
    """An item as the importer found it. `split=None` leaves the choice to the draw of the holdout."""

    content_hash: str
    source: str
    text: str | None = None
    media: str | None = None  # path below the project's folder
    label: str | None = None
    split: Split | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AddResult:
    """What one call of `Store.add_items` did. `labels_added` counts known labels that were stored."""

    added: int
    duplicates: int
    labels_added: int


@dataclass(frozen=True)
class Problem:
    """A row or file that could not be imported, and why, in words."""

    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


@dataclass(frozen=True)
class ImportReport:
    """What an import did; the sum of `added`, `duplicates` and `problems` is the number of rows read."""

    added: int
    duplicates: int
    labels_added: int
    pool: int  # items in the pool after the import
    holdout: int
    problems: tuple[Problem, ...]


# ---------------------------------------------------------------- items and answers


@dataclass(frozen=True)
class Item:
    """A stored item: an image below the project's folder, or a text."""

    id: int
    content_hash: str
    split: Split
    source: str
    text: str | None
    media: str | None
    metadata: Mapping[str, str] = field(default_factory=dict, compare=False)  # a table's other columns, where read


@dataclass(frozen=True)
class Reason:
    """Why an item was asked."""

    strategy: str
    score: float | None
    rank: int
    round: int  # 0: before the first ranking was ready
    model: str | None
    seed: int | None


@dataclass(frozen=True)
class Prediction:
    """What a round's model said of an item that it asked about. `confidence`: the probability of `label`, 0 to 1."""

    label: str
    confidence: float


@dataclass(frozen=True)
class Reserved:
    """An item that one annotator's tab holds until `expires_at` (seconds since the epoch)."""

    item: Item
    reason: Reason | None
    expires_at: float
    prediction: Prediction | None = None


@dataclass(frozen=True)
class Answer:
    """One key press on its way to the store. `request_id` makes sending it twice harmless.

    `undo` takes back the annotator's current answer to `item_id`; only `label` carries a label. `unsure`: a label that
    the annotator would like to be looked at again. `reveal`: what the annotator had seen of the model's prediction.
    """

    request_id: str
    item_id: int
    action: Action
    label: str | None = None
    seconds: float | None = None
    tab: str | None = None
    unsure: bool = False
    note: str | None = None
    reveal: Reveal = "never"


@dataclass(frozen=True)
class Receipt:
    """What became of an answer: stored now or before (`ok`), or refused with the reason.

    `prediction`: what the model had said, where the project reveals it after the answer.
    """

    request_id: str
    ok: bool
    reason: str | None = None
    prediction: Prediction | None = None


@dataclass(frozen=True)
class Annotator:
    """Somebody who labels. `groups`: of classes, whose items (by the model's prediction) are theirs alone."""

    name: str
    joined_at: str
    role: str = ""
    groups: tuple[str, ...] = ()
    paused: bool = False
    guidelines: str = ""  # digest of those that were seen last
    qualified: bool | None = None  # None: by the qualification items, if there are any; else the lead's word


@dataclass(frozen=True)
class Waiting:
    """Why an annotator has nothing to answer: a code, and what a sentence about it needs to say."""

    reason: Literal["paused", "stopped", "unqualified", "budget", "others", "empty", "training", "done"]
    n: int = 0


@dataclass(frozen=True)
class Counts:
    """Where a project stands. `labeled` counts pool items; `mine` counts the asking annotator's labels."""

    pool: int
    holdout: int
    labeled: int
    holdout_labeled: int
    answers_by_people: int
    mine: int
    per_class: Mapping[str, int]


# ---------------------------------------------------------------- the cycle


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
class Job:
    """A round that was asked for."""

    id: int
    reason: str
    state: JobState
    done: int
    total: int
    message: str
    error: str | None
    attempts: int


@dataclass(frozen=True)
class Round:
    """A finished round as stored, without its training; `Store.training_of` has that."""

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


# ---------------------------------------------------------------- beside the rounds


@dataclass(frozen=True)
class ComparisonRequest:
    """Strategies to be compared, and on what: the project's own labels, or a labeled table or folder.

    `source` is a path on the server or the name of an uploaded file; None stands for the project's own labels.
    """

    strategies: tuple[str, ...]
    seeds: int
    rounds: int  # queries after the first labels
    batch: int
    seed_size: int
    source: str | None = None
    uploaded: bool = False
    content_column: str | None = None  # of texts or image paths; None: the obvious one
    label_column: str = "label"
    split_column: str | None = None


@dataclass(frozen=True)
class TuningRequest:
    """A search for better settings of the learner, within `seconds`.

    trials: settings at most, with those of an earlier search on the same labels. backbones: to try besides the
    project's own. levers: what is varied, by name; empty: what `sampler` varies by default.
    augment: of images, which may be tried besides those that the project uses already.
    """

    sampler: Sampler = "tpe"
    seconds: float = 1800.0
    trials: int = 60
    backbones: tuple[str, ...] = ()
    levers: tuple[str, ...] = ()
    augment: tuple[str, ...] = ()
    folds: int = 3
    seed: int = 0


@dataclass(frozen=True)
class AdaptationRequest:
    """Self-supervised training of the backbone's last `blocks` on the pool, for about so many `seconds`.

    use: whether the settings then have the adapted weights used.
    """

    seconds: float = 120.0
    blocks: int = 2
    seed: int = 0
    use: bool = False


@dataclass(frozen=True)
class AuditRequest:
    """What is measured beside a round, once it is finished or what people said was changed, see `labeler.audit`."""

    round: int


Request = TypeVar("Request")


@dataclass(frozen=True)
class BackgroundJob(Generic[Request]):
    """Something asked for that runs beside the rounds, without its report; `Background.report_of` has that."""

    id: int
    request: Request
    state: BackgroundState
    attempts: int
    done: int  # of `total`: a comparison counts rounds, a search seconds, an adaptation steps
    total: int
    message: str
    error: str | None
    requested_by: str
    requested_at: str
    finished_at: str | None


Comparison = BackgroundJob[ComparisonRequest]
Tuning = BackgroundJob[TuningRequest]
AdaptationJob = BackgroundJob[AdaptationRequest]
Audit = BackgroundJob[AuditRequest]


# ---------------------------------------------------------------- beside the desk


@dataclass(frozen=True)
class Explanation:
    """What a model's scores of an item come from: `saw` looks into the model, `local` tries variations of the item."""

    content_hash: str
    model: str  # path of the model's file below the project's folder
    kind: ExplanationKind
    state: JobState = "queued"
    result: Mapping[str, Any] | None = None
    error: str | None = None
