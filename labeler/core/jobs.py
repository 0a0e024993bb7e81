"""Requests to the processes beside the app: rounds, comparisons, searches, adaptations, comparisons
of encoders, audits, takeouts, maps, explanations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

JobState = Literal["queued", "running", "done", "failed"]
# How the worker before this one ended: it crashed by itself, memory was short, or something outside ended it.
Ending = Literal["crashed", "memory", "outside"]
# A job whose process crashed by itself so often is given up: the next attempt would crash as well.
CRASHES = 3
Sampler = Literal["tpe", "random", "grid"]
BackgroundState = Literal["queued", "running", "done", "failed", "cancelled"]
Takeout = Literal["predictions", "model"]
ExplanationKind = Literal["saw", "local"]


@dataclass(frozen=True)
class Job:
    """A requested round and its progress.

    attempts: how often a worker took it up. crashes: how often a worker crashed by itself in it. halvings: how often
    its batches were halved, as memory was short.
    """

    id: int
    reason: str
    state: JobState
    done: int
    total: int
    message: str
    error: str | None
    attempts: int
    crashes: int = 0
    halvings: int = 0


@dataclass(frozen=True)
class ComparisonRequest:
    """A comparison of query strategies on the project's own labels, or on a labeled table or folder.

    `source` is a path on the server or the name of an uploaded file; None stands for the project's own labels.
    """

    strategies: tuple[str, ...]
    seeds: int
    rounds: int  # queries after the first labels
    batch: int
    seed_size: int
    source: str | None = None
    uploaded: bool = False
    content_column: str | None = None  # of texts or image paths; None: the column with a usual name
    label_column: str = "label"
    split_column: str | None = None
    group_column: str | None = None


@dataclass(frozen=True)
class TuningRequest:
    """A search for better settings of the learner, within `seconds`.

    trials: the highest number of trials, with those of an earlier search on the same labels. backbones: to try besides
    the project's own. levers: names of the levers that are varied; empty: the default levers of `sampler`.
    augment: kinds of augmentation to try besides those that the project uses.
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
    """Self-supervised training of the backbone's last `blocks` on the pool, for about `seconds`.

    use: whether the project uses the adapted weights afterwards.
    """

    seconds: float = 120.0
    blocks: int = 2
    seed: int = 0
    use: bool = False


@dataclass(frozen=True)
class EncoderRequest:
    """A comparison of the encoders on this machine on the first `labels` labels of the pool.

    encoders: their names as the request found them. class_change: number of the latest change of the classes.
    """

    labels: int
    encoders: tuple[str, ...]
    class_change: int = 0


@dataclass(frozen=True)
class EncoderAnswer:
    """What was done about the encoder that a comparison proposes. by: empty where the settings did it."""

    comparison: int
    answer: Literal["used", "declined"]
    by: str
    at: str
    report: Mapping[str, Any]


@dataclass(frozen=True)
class AuditRequest:
    """An audit of the rounds, after a round was finished or labels were changed, see `labeler.jobs.audits`."""

    round: int


@dataclass(frozen=True)
class TakeoutRequest:
    """Something to be made ready that takes a while: predictions for items without a label, or the published model."""

    what: Takeout


@dataclass(frozen=True)
class MapRequest:
    """A map of the pool: the predictions for all of its items, and places in two dimensions for a sample of them.

    It is of a project in the state that these numbers name: the latest round, item and change of the classes.
    """

    round: int
    newest_item: int
    class_change: int


@dataclass(frozen=True)
class ImportRequest:
    """An import that may take long. source: a path on the server; one below the project's folder is a copy of what was
    uploaded, which goes when the import ends.

    name: of the source as people know it. columns: see `SourceColumns`, by what they hold. shown: columns that
    annotators are to see beside the item. first: whether the project is new, and so must get an item. predictions: the
    columns with a model's predictions, see `labeler.projects.foreign_columns.PredictionColumns`; empty: there are none.
    """

    source: str
    name: str
    columns: Mapping[str, str]
    keep_labels: Literal["all", "holdout"] = "all"
    shown: tuple[str, ...] = ()
    first: bool = False
    predictions: Mapping[str, Any] = field(default_factory=dict)


Request = TypeVar("Request")


@dataclass(frozen=True)
class BackgroundJob(Generic[Request]):
    """A job beside the rounds, without its report, which `Background.report_of` reads.

    attempts, crashes, halvings: see `Job`.
    """

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
    crashes: int = 0
    halvings: int = 0


Comparison = BackgroundJob[ComparisonRequest]
Tuning = BackgroundJob[TuningRequest]
EncoderComparison = BackgroundJob[EncoderRequest]
AdaptationJob = BackgroundJob[AdaptationRequest]
Audit = BackgroundJob[AuditRequest]
TakeoutJob = BackgroundJob[TakeoutRequest]
MapJob = BackgroundJob[MapRequest]
ImportJob = BackgroundJob[ImportRequest]


@dataclass(frozen=True)
class Explanation:
    """Why a model gave an item its probabilities: `saw` looks into the model, `local` varies the item."""

    content_hash: str
    model: str  # path of the model's file below the project's folder
    kind: ExplanationKind
    state: JobState = "queued"
    result: Mapping[str, Any] | None = None
    error: str | None = None
