"""The settings of a project: each with its type, its range, its default and one sentence that describes it."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from functools import cache
from operator import attrgetter
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NoReturn,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from annotated_types import Interval
from typing_extensions import Doc

from labeler.core.errors import ConfigError
from labeler.core.items import ClassesAnItem, Modality, Reveal
from labeler.core.rounds import Rule
from labeler.i18n.messages import mark

if TYPE_CHECKING:
    from pydantic import TypeAdapter  # slow to load, as above
    from pydantic_core import ErrorDetails

Auto = Literal["auto"]
Augmentation = Literal["flip", "flip_vertical", "crop", "colour", "noise"]

# Keys of the desk that no class can have: its own actions.
RESERVED_KEYS = "usfnwg"
MOST_CLASSES = 1000

# Ranges that several settings share.
Share = Annotated[float, Interval(ge=0, le=1)]
Rate = Annotated[float, Interval(ge=1e-7, le=1)]  # of learning


@dataclass(frozen=True)
class QueryConfig:
    """What is asked next."""

    strategy: Annotated[str, Doc("Query strategy that picks every batch after the seed set.")] = "auto"
    seeding: Annotated[str, Doc("Query strategy that picks the seed set, before there is a model.")] = "k_means"
    seed_size: Annotated[int, Interval(ge=2, le=100_000), Doc("Labels in the seed set.")] = 20
    batch: Annotated[int, Interval(ge=1, le=100_000), Doc("Labels between two rounds.")] = 20
    random_share: Annotated[
        Share, Doc("Share of each batch that is drawn at random: the control arm of the learning curve.")
    ] = 0.1
    candidates: Annotated[
        int,
        Interval(ge=100, le=10_000_000),
        Doc("Candidates that the strategy scores at most; a larger pool is subsampled first."),
    ] = 50_000
    more_of: Annotated[
        tuple[str, ...], Doc("Items that are asked about more often, each as `column=value` of an imported column.")
    ] = ()
    more_share: Annotated[
        Share, Doc("Share of the strategy's items that match `query.more_of`, as long as there are such items.")
    ] = 0.5


@dataclass(frozen=True)
class FinetuneConfig:
    """The levers of fine-tuning. `"auto"` is the value that was measured to be good for images or for texts.

    Layer groups ("blocks") are counted from the output: the head first, then the backbone's last block.
    """

    start: Annotated[
        Literal["pretrained", "last"],
        Doc("Weights that each round starts from: the pretrained ones, or the last round's, shrunk and perturbed."),
    ] = "pretrained"
    objective: Annotated[
        Literal["auto", "cross_entropy", "contrastive", "both"], Doc("Loss that fine-tuning minimises.")
    ] = "auto"
    unfrozen: Annotated[
        Annotated[int, Interval(ge=0, le=1000)] | Auto,
        Doc("Number of the backbone's last blocks that are trained; all other blocks stay frozen."),
    ] = "auto"
    head_epochs: Annotated[Share, Doc("Share of the epochs in which the head is trained alone.")] = 0.0
    gradual: Annotated[
        bool, Doc("Whether the blocks are unfrozen one after another, the last one first, once the head is trained.")
    ] = False
    epochs: Annotated[
        Annotated[int, Interval(ge=1, le=1000)] | Auto,
        Doc("Epochs of fine-tuning; fewer are run if they do not fit in `learner.round_seconds`."),
    ] = "auto"
    batch: Annotated[int, Interval(ge=2, le=4096), Doc("Items in a batch of the optimiser.")] = 32
    accumulate: Annotated[
        int, Interval(ge=1, le=1024), Doc("Batches whose gradients are summed before a step, where memory is short.")
    ] = 1
    learning_rate: Annotated[Rate | Auto, Doc("Learning rate of the backbone's last block.")] = "auto"
    head_learning_rate: Annotated[Rate, Doc("Learning rate of the head.")] = 1e-2
    decay: Annotated[
        Annotated[float, Interval(ge=0.01, le=1)] | Auto,
        Doc("Factor of the learning rate from each block to the one before it."),
    ] = "auto"
    schedule: Annotated[
        Literal["cosine", "one_cycle", "constant"], Doc("How the learning rate changes over the steps.")
    ] = "cosine"
    warmup: Annotated[float, Interval(ge=0, le=0.9), Doc("Share of the steps in which the learning rate rises.")] = 0.1
    early_stopping: Annotated[
        bool, Doc("Whether the weights of the epoch that was best on the validation slice are kept.")
    ] = False
    weight_decay: Annotated[Share, Doc("Weight decay of the optimiser.")] = 0.01
    l2_sp: Annotated[
        float, Interval(ge=0, le=10), Doc("Strength of the penalty (L2-SP) on the distance to the pretrained weights.")
    ] = 0.0
    dropout: Annotated[float, Interval(ge=0, le=0.9), Doc("Dropout before the head.")] = 0.0
    label_smoothing: Annotated[float, Interval(ge=0, le=0.5), Doc("Label smoothing of the cross-entropy.")] = 0.1
    class_weights: Annotated[
        Literal["none", "balanced"], Doc("Whether rare classes weigh more in the loss (`balanced`).")
    ] = "none"
    augment: Annotated[
        tuple[Augmentation, ...],
        Doc("Random changes of the training images; none by default, because a mirrored scan may mean something else."),
    ] = ()
    augment_strength: Annotated[Share, Doc("Strength of the crops, the colour changes and the noise.")] = 0.5
    token_dropout: Annotated[
        float, Interval(ge=0, le=0.9), Doc("Share of a text's tokens that are left out at each reading.")
    ] = 0.0
    frozen_batch_norm: Annotated[
        bool, Doc("Whether the statistics of batch normalisation stay those of the pretrained network.")
    ] = True
    mixed_precision: Annotated[
        bool, Doc("Whether bfloat16 is used where the device supports it; the weights stay in full precision.")
    ] = True
    refit: Annotated[
        bool | Auto,
        Doc("Whether the model is trained anew on all labels once it is validated; `auto`: if the time allows."),
    ] = "auto"
    compile: Annotated[bool, Doc("Whether `torch.compile` is used; it pays on a GPU with many labels.")] = False


@dataclass(frozen=True)
class LearnerConfig:
    """What learns."""

    kind: Annotated[
        Literal["auto", "frozen", "finetune"],
        Doc("A head on frozen features, a fine-tuned backbone, or whichever the number of labels allows (`auto`)."),
    ] = "auto"
    backbone: Annotated[
        str, Doc("Name or folder of the pretrained backbone; `auto` chooses one by the modality and the language.")
    ] = "auto"
    adapted: Annotated[
        bool, Doc("Whether learning starts from the weights that were adapted to the pool without labels.")
    ] = False
    input_size: Annotated[int, Interval(ge=32, le=1024), Doc("Side in pixels that images are scaled to.")] = 128
    members: Annotated[int, Interval(ge=2, le=100), Doc("Members of the committee.")] = 5
    committee: Annotated[
        Literal["bootstrap", "dropout", "snapshots"], Doc("How the members of the committee come to differ.")
    ] = "bootstrap"
    round_seconds: Annotated[
        float,
        Interval(ge=1, le=86_400),
        Doc("Seconds that fine-tuning may take in a round; scoring the pool may take as many again."),
    ] = 60.0
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)


@dataclass(frozen=True)
class LabelingConfig:
    """How answers are collected."""

    overlap: Annotated[int, Interval(ge=1, le=100), Doc("Annotators that an overlapped item is given to.")] = 1
    overlap_share: Annotated[
        Share, Doc("Share of the items that are overlapped, where `labeling.overlap` is more than 1.")
    ] = 1.0
    holdout_share: Annotated[
        float,
        Interval(ge=0, le=0.9),
        Doc("Share of the queue that is given to unlabeled holdout items until all of them have a label."),
    ] = 0.2
    reservation_seconds: Annotated[
        float,
        Interval(ge=5, le=86_400),
        Doc("Seconds after which an unanswered item goes to somebody else."),
    ] = 60.0
    reveal: Annotated[
        Reveal,
        Doc("When annotators see the model's prediction; holdout items are always answered without it."),
    ] = "never"
    show_others: Annotated[bool, Doc("Whether annotators may see what others answered.")] = False
    grid: Annotated[bool, Doc("Whether the desk offers to confirm many items of one predicted class at once.")] = False
    qualification: Annotated[
        int, Interval(ge=0, le=1000), Doc("Items with known answers that a new annotator answers first.")
    ] = 0
    qualification_pass: Annotated[Share, Doc("Share of the qualification items that must be answered right.")] = 0.8
    paused: Annotated[bool, Doc("Whether labeling is paused: nobody is given items.")] = False
    keywords: Annotated[
        tuple[str, ...], Doc("Words that are highlighted in texts, whether written in capitals or not.")
    ] = ()
    relabel: Annotated[
        bool,
        Doc("Whether overlap goes to labels in doubt where a second label teaches more than a new item."),
    ] = True


@dataclass(frozen=True)
class EvaluationConfig:
    """How models are measured on the holdout."""

    active_testing: Annotated[
        bool, Doc("Whether the holdout items that tell most about the accuracy are labeled first, and weighted for it.")
    ] = False


@dataclass(frozen=True)
class StoppingConfig:
    """When labeling may stop. The lead decides; only the rules in `stop_when` stop by themselves."""

    stop_when: Annotated[tuple[Rule, ...], Doc("Stopping rules that stop the labeling by themselves.")] = ()
    kappa: Annotated[
        Share, Doc("Rule `stable`: mean agreement (kappa) of successive models, from which on they count as stable.")
    ] = 0.99
    kappa_rounds: Annotated[
        int, Interval(ge=1, le=100), Doc("Rule `stable`: rounds over which the agreement is averaged.")
    ] = 3
    uncertainty: Annotated[
        Share, Doc("Rule `confident`: mean of 1 − the highest probability, below which the model counts as confident.")
    ] = 0.05
    gain: Annotated[
        Share, Doc("Rule `gain`: expected gain in accuracy from the next batch, below which labeling stops.")
    ] = 0.002


@dataclass(frozen=True)
class TeamConfig:
    """Who leads, what an hour costs, and what is shown about people."""

    leads: Annotated[
        tuple[str, ...],
        Doc("Names of the leads, who see everybody's figures and review labels; empty: everybody is a lead."),
    ] = ()
    show: Annotated[
        tuple[Literal["items", "speed", "agreement", "skips"], ...], Doc("Figures that are shown about annotators.")
    ] = ("items", "speed", "agreement", "skips")
    rate: Annotated[
        float, Interval(ge=0, le=1_000_000_000), Doc("Cost of an hour of an annotator who has no rate of their own.")
    ] = 0.0
    currency: Annotated[str, Doc("Currency that costs are shown in.")] = "USD"
    idle_seconds: Annotated[
        int,
        Interval(ge=5, le=86_400),
        Doc("Seconds that an answer counts at most as working time; a longer one is taken for a break."),
    ] = 300


@dataclass(frozen=True)
class ClassDetail:
    """How the desk shows a class; an empty value is chosen by the desk or left out."""

    key: Annotated[str, Doc("Key that answers with the class.")] = ""
    colour: Annotated[str, Doc("Colour of the class, as `#rrggbb`.")] = ""
    description: Annotated[str, Doc("Sentence about the class that annotators see.")] = ""
    group: Annotated[
        str, Doc("Group of the class: classes of a group stand together and can be assigned to annotators.")
    ] = ""


@dataclass(frozen=True)
class Config:
    """A project's settings."""

    name: Annotated[str, Doc("Name of the project that people see.")]
    classes: Annotated[tuple[str, ...], Doc("Names of the classes, at least two.")]
    modality: Annotated[Modality, Doc("What is labeled.")] = "image"
    answers: Annotated[
        ClassesAnItem, Doc("Classes that an item has: exactly one, or several, which may be none (multi-label).")
    ] = "one"
    target_accuracy: Annotated[
        Share,
        Doc("Accuracy on the holdout that labeling aims at; with several classes: exact matches of the whole set."),
    ] = 0.9
    budget: Annotated[int, Interval(ge=1, le=10_000_000), Doc("Labels that may be spent in all.")] = 1000
    query: QueryConfig = field(default_factory=QueryConfig)
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    labeling: LabelingConfig = field(default_factory=LabelingConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    stopping: StoppingConfig = field(default_factory=StoppingConfig)
    team: TeamConfig = field(default_factory=TeamConfig)
    class_details: dict[str, ClassDetail] = field(default_factory=dict)  # by class, those that have details

    def __post_init__(self) -> None:
        _check(self)

    @property
    def several(self) -> bool:
        """Whether an item has several classes, or none."""
        return self.answers == "several"

    @property
    def accuracy(self) -> str:
        """What the share of right answers is called: with several classes an answer is a whole set."""
        return mark("subset accuracy") if self.several else mark("accuracy")

    @property
    def outcomes(self) -> int:
        """How many outcomes a decision of the model has: the classes, or yes and no for each of several."""
        return 2 if self.several else len(self.classes)

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, e.g. to be stored with a round."""
        return asdict(self) | {"classes": list(self.classes)}


def _check(config: Config) -> None:
    if not config.name.strip():
        raise ConfigError("name is empty: give the project a name.")
    if len(config.classes) < 2:
        raise ConfigError('classes needs at least two names, e.g. classes = ["cat", "dog"].')
    for name in config.classes:
        if not name.strip() or name != name.strip():
            raise ConfigError(
                "classes holds {name!r}: a class name is not empty and has no spaces around it.", name=name
            )
    if len(set(config.classes)) < len(config.classes):
        twice = next(c for c in config.classes if config.classes.count(c) > 1)
        raise ConfigError("classes names {twice!r} twice: name each class once.", twice=twice)
    objective = config.learner.finetune.objective
    if config.several and objective not in ("auto", "cross_entropy"):
        raise ConfigError(
            'learner.finetune.objective = "{objective}" pulls items of one class together, which says nothing where'
            ' items have several: choose "auto" or "cross_entropy".',
            objective=objective,
        )
    if len(config.classes) > MOST_CLASSES:
        raise ConfigError(
            "classes names {classes} classes: at most {most_classes} can be shown.",
            classes=len(config.classes),
            most_classes=MOST_CLASSES,
        )
    for wish in config.query.more_of:
        if not all(part.strip() for part in wish.partition("=")):
            raise ConfigError(
                "query.more_of holds {wish!r}: name a column and its value, e.g. 'site=Seoul'.", wish=wish
            )
    _check_details(config)
    for setting in described():
        if setting.limits is not None:
            value = attrgetter(setting.key)(config)
            if value != "auto" and not setting.limits[0] <= value <= setting.limits[1]:
                _refuse_range(setting.key, value, setting.limits)


def _refuse_range(key: str, value: float, limits: tuple[float, float]) -> NoReturn:
    low, high = limits
    raise ConfigError(
        "{key} = {value} is out of range: choose a value from {low:,} to {high:,}.",
        key=key,
        value=value,
        low=low,
        high=high,
    )


def _check_details(config: Config) -> None:
    taken: dict[str, str] = {}
    for name, detail in config.class_details.items():
        where = f"class_details.{name}"
        if name not in config.classes:
            raise ConfigError(
                "{where}: {name!r} is not one of the classes; remove it or name a class.", where=where, name=name
            )
        if detail.colour and not re.fullmatch(r"#[0-9a-fA-F]{6}", detail.colour):
            raise ConfigError(
                "{where}.colour = {colour!r} must be a colour such as '#1f77b4'.", where=where, colour=detail.colour
            )
        if key := detail.key.lower():
            if len(key) != 1 or not key.isalnum() or key in RESERVED_KEYS:
                raise ConfigError(
                    "{where}.key = {key!r} must be one letter or digit, and none of {reserved_keys},"
                    " which the desk uses itself.",
                    where=where,
                    key=detail.key,
                    reserved_keys=", ".join(RESERVED_KEYS),
                )
            if key in taken:
                raise ConfigError(
                    "{where}.key = {key!r} is the key of {taken!r} already: choose another.",
                    where=where,
                    key=detail.key,
                    taken=taken[key],
                )
            taken[key] = name


# ---------------------------------------------------------------- what the settings are


class Setting(NamedTuple):
    """One setting, as the documentation shows it."""

    key: str  # dotted; `<class>` stands for the name of a class
    may_be: str  # its type and range, or its choices, in words
    default: Any  # None: the setting must be given
    description: str  # one sentence
    limits: tuple[float, float] | None  # lowest and highest value


@cache
def described() -> tuple[Setting, ...]:
    """All settings in the order in which `project.toml` has them."""
    return tuple(_settings_of(Config, ""))


def _settings_of(kind: type, prefix: str) -> Iterator[Setting]:
    for entry, hint in zip(fields(kind), _hints(kind).values(), strict=True):
        key = prefix + entry.name
        if is_dataclass(hint):
            yield from _settings_of(hint, f"{key}.")  # type: ignore[arg-type]
        elif get_origin(hint) is dict:
            yield from _settings_of(get_args(hint)[1], f"{key}.<class>.")
        else:
            default = None if entry.default is MISSING else entry.default
            (description,) = (note.documentation for note in hint.__metadata__ if isinstance(note, Doc))
            yield Setting(key, _in_words(hint), default, description, _limits(hint))


def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _limits(hint: Any) -> tuple[float, float] | None:
    """The lowest and the highest value of a number, also of one that may be "auto" instead."""
    for note in getattr(hint, "__metadata__", ()):
        if isinstance(note, Interval):
            return note.ge, note.le  # type: ignore[return-value]
    return next(filter(None, map(_limits, _kinds(hint))), None)


def _kinds(hint: Any) -> tuple[Any, ...]:
    """The types that a value may have, one or several."""
    if get_origin(hint) is Annotated:
        return _kinds(hint.__origin__)
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else ()


def _in_words(hint: Any) -> str:
    """What a value of this type may be."""
    limits = None if _kinds(hint) else _limits(hint)
    kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if limits is not None:
        return f"{_WORDS[kind]} from {limits[0]:,} to {limits[1]:,}"
    if get_origin(kind) is Literal:
        return ("one of " if len(get_args(kind)) > 1 else "") + ", ".join(map(repr, get_args(kind)))
    if kinds := _kinds(kind):
        return " or ".join(map(_in_words, kinds))
    if get_origin(kind) is dict:
        return "a table of tables"
    if get_origin(kind) is tuple:
        choices = get_args(get_args(kind)[0])
        return "a list of " + (f"any of {', '.join(map(repr, choices))}" if choices else "strings")
    return _WORDS[kind]


_WORDS = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}

# ---------------------------------------------------------------- plain values → settings


def parse(values: dict[str, Any], where: str = "project.toml") -> Config:
    """A validated `Config` from plain values.

    Args:   where: the file that holds the values, as error sentences name it.
    Raises: ConfigError: names the key and what it may be.
    """
    from pydantic import ValidationError  # here, because pydantic takes as long to load as numpy

    values = _renamed(values)
    try:
        # Strict JSON takes a list for a tuple and a table for a record, but no text or truth value for a number.
        return _adapter().validate_json(json.dumps(values, default=str), strict=True, extra="forbid")
    except ValidationError as error:
        _refuse_values(error.errors(include_url=False), values, where)  # never returns


@cache
def _adapter() -> "TypeAdapter[Config]":
    from pydantic import TypeAdapter  # slow to load, as above

    return TypeAdapter(Config)


def _refuse_values(problems: "Sequence[ErrorDetails]", values: dict[str, Any], where: str) -> NoReturn:
    """Raise the first problem as a sentence; an unknown key comes first, as a misspelled one explains a missing one."""
    first = min(problems, key=lambda problem: problem["type"] != "unexpected_keyword_argument")
    if first["type"] == "missing":
        missing = sorted(str(problem["loc"][-1]) for problem in problems if problem["type"] == "missing")
        raise ConfigError("{where}: {missing} must be given.", where=where, missing=" and ".join(missing)) from None
    key, hint, value = _at(first["loc"], values)
    if first["type"] == "unexpected_keyword_argument":
        unknown, known = ".".join(map(str, first["loc"])), ", ".join(sorted(_hints(hint)))
        raise ConfigError(
            "{where}: unknown key {unknown!r}; known are {known}.", where=where, unknown=unknown, known=known
        ) from None
    if is_dataclass(hint):
        raise ConfigError("{where}: {key} must be a table, e.g. [{key}].", where=where, key=key) from None
    if (limits := _limits(hint)) and first["type"] in ("greater_than_equal", "less_than_equal"):
        _refuse_range(key, value, limits)
    may_be = _in_words(hint)
    raise ConfigError(
        "{where}: {key} = {value!r} must be {may_be}.", where=where, key=key, value=value, may_be=may_be
    ) from None


def _at(location: Sequence[int | str], values: dict[str, Any]) -> tuple[str, Any, Any]:
    """The dotted key, the type and the value of the setting or section that holds an error's location."""
    parts: list[str] = []
    hint: Any = Config
    value: Any = values
    for part in map(str, location):
        if is_dataclass(hint) and part in (hints := _hints(hint)):  # type: ignore[arg-type]
            hint = hints[part]
        elif get_origin(hint) is dict:
            hint = get_args(hint)[1]
        else:  # an unknown key, a place in a list, or one of several types
            break
        value = value[part]
        parts.append(part)
    return ".".join(parts), hint, value


def _renamed(values: dict[str, Any]) -> dict[str, Any]:
    """Settings of version 0.1 under their names of today."""
    learner = values.get("learner")
    if not isinstance(learner, dict) or not isinstance(levers := learner.get("finetune", {}), dict):
        return values
    moved = {"epochs": "epochs", "unfrozen": "unfrozen", "learning_rate": "head_learning_rate"}
    old = {new: learner[name] for name, new in moved.items() if name in learner}
    if not old:
        return values
    kept = {name: value for name, value in learner.items() if name not in moved}
    return values | {"learner": kept | {"finetune": old | levers}}
