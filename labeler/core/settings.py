"""`project.toml` → `Config`, validated once. Every key has a default; an unknown or wrong one is named."""

import re
import tomllib
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from labeler.core.errors import ConfigError
from labeler.core.items import ClassesAnItem, Modality, Reveal
from labeler.core.rounds import Rule
from labeler.i18n.messages import mark

Auto = Literal["auto"]
Augmentation = Literal["flip", "flip_vertical", "crop", "colour", "noise"]

# Keys of the desk that no class can have: its own actions.
RESERVED_KEYS = "usfnwg"
MOST_CLASSES = 1000


@dataclass(frozen=True)
class QueryConfig:
    """What is asked next. `seeding` picks the first `seed_size` labels, `strategy` all later ones."""

    strategy: str = "auto"
    seeding: str = "k_means"
    seed_size: int = 20
    batch: int = 20  # labels between rounds
    random_share: float = 0.1  # control arm: share of each batch drawn at random
    candidates: int = 50_000  # larger pools are subsampled before the strategy looks at them
    more_of: tuple[str, ...] = ()  # "column=value" of imported columns: items that are asked about more
    more_share: float = 0.5  # share of what the strategy asks that are such items, where there are any


@dataclass(frozen=True)
class FinetuneConfig:
    """The levers of fine-tuning. `"auto"` is what was measured to be good for images or for texts.

    Layer groups ("blocks") are counted from the output: the head first, then the backbone's last block.
    """

    start: Literal["pretrained", "last"] = "pretrained"  # each round anew, or shrunk and perturbed from the last one
    objective: Literal["auto", "cross_entropy", "contrastive", "both"] = "auto"
    unfrozen: int | Auto = "auto"  # last blocks that are trained; the others stay as they are
    head_epochs: float = 0.0  # share of the epochs in which the head is trained alone
    gradual: bool = False  # after those the blocks follow one by one, the last block first
    epochs: int | Auto = "auto"  # fewer if they do not fit in learner.round_seconds
    batch: int = 32
    accumulate: int = 1  # batches between two steps, where memory is short
    learning_rate: float | Auto = "auto"  # of the last block
    head_learning_rate: float = 1e-2
    decay: float | Auto = "auto"  # of the learning rate from each block to the one before it
    schedule: Literal["cosine", "one_cycle", "constant"] = "cosine"
    warmup: float = 0.1  # share of the steps in which the learning rate rises
    early_stopping: bool = False  # keep the weights of the epoch that was best on the validation slice
    weight_decay: float = 0.01
    l2_sp: float = 0.0  # pull of the trained weights towards the pretrained ones
    dropout: float = 0.0
    label_smoothing: float = 0.1
    class_weights: Literal["none", "balanced"] = "none"
    augment: tuple[Augmentation, ...] = ()  # of images; a mirrored scan may mean something else
    augment_strength: float = 0.5  # of crops, colours and noise
    token_dropout: float = 0.0  # share of a text's tokens that are left out each time
    frozen_batch_norm: bool = True  # its statistics stay those of the pretrained network
    mixed_precision: bool = True  # bfloat16 where the device is made for it; the weights stay in full precision
    refit: bool | Auto = "auto"  # once the check is passed, train anew on all labels; "auto": if there is time
    compile: bool = False  # torch.compile; pays on a GPU with many labels


@dataclass(frozen=True)
class LearnerConfig:
    """What learns. `auto` backbones look at the data; `auto` learners fine-tune where labels suffice."""

    kind: Literal["auto", "frozen", "finetune"] = "auto"
    backbone: str = "auto"
    adapted: bool = False  # start from the weights that `adapt` trained on the pool, see `labeler.jobs.adaptations`
    input_size: int = 128  # pixels of an image's sides
    members: int = 5  # committee size
    committee: Literal["bootstrap", "dropout", "snapshots"] = "bootstrap"
    round_seconds: float = 60.0  # that fine-tuning may take, and as many for scoring the pool after it
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)


@dataclass(frozen=True)
class LabelingConfig:
    """How answers are collected."""

    overlap: int = 1  # annotators an overlapped item is given to
    overlap_share: float = 1.0  # share of the items that are overlapped, where overlap is more than 1
    holdout_share: float = 0.2  # share of the queue given to unlabeled holdout items, until all have a label
    reservation_seconds: float = 60.0
    reveal: Reveal = "never"  # the model's prediction; what is measured on, the holdout, is always answered blind
    show_others: bool = False  # whether annotators may see what others answered
    grid: bool = False  # offer to confirm many like predictions at once
    qualification: int = 0  # items with known answers that a newcomer answers first
    qualification_pass: float = 0.8  # share of them that must be right
    paused: bool = False  # nobody is given items
    keywords: tuple[str, ...] = ()  # that are highlighted in texts, capitals or not
    relabel: bool = True  # with overlap: ask again about labels in doubt, where that teaches more than a new item


@dataclass(frozen=True)
class EvaluationConfig:
    """How the holdout is measured on."""

    active_testing: bool = False  # label first the holdout items that tell most about the accuracy, and weigh them


@dataclass(frozen=True)
class StoppingConfig:
    """When labeling may stop. The lead decides; only the rules in `stop_when` stop by themselves."""

    stop_when: tuple[Rule, ...] = ()
    kappa: float = 0.99  # stable: agreement of successive models, the mean of the last `kappa_rounds`
    kappa_rounds: int = 3
    uncertainty: float = 0.05  # confident: mean of 1 − the highest probability
    gain: float = 0.002  # gain: accuracy that the next batch is expected to add


@dataclass(frozen=True)
class TeamConfig:
    """Who leads, what an hour costs, and what is shown about people."""

    leads: tuple[str, ...] = ()  # see everybody's row and review labels; empty: everybody is one
    show: tuple[Literal["items", "speed", "agreement", "skips"], ...] = ("items", "speed", "agreement", "skips")
    rate: float = 0.0  # cost of an hour, of annotators without a rate of their own
    currency: str = "USD"
    idle_seconds: int = 300  # an answer counts so long at most: who takes longer has gone for a coffee


@dataclass(frozen=True)
class ClassDetail:
    """How the desk shows a class; what is empty is chosen by the desk or left out."""

    key: str = ""  # that answers with it
    colour: str = ""  # "#rrggbb"
    description: str = ""
    group: str = ""  # classes of a group stand together, and can be assigned to annotators


@dataclass(frozen=True)
class Config:
    """A project's settings."""

    name: str
    classes: tuple[str, ...]
    modality: Modality = "image"
    answers: ClassesAnItem = "one"  # classes an item has: exactly one, or several or none (multi-label)
    target_accuracy: float = 0.9  # with several classes: of items whose whole set is right
    budget: int = 1000  # labels in all
    query: QueryConfig = field(default_factory=QueryConfig)
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    labeling: LabelingConfig = field(default_factory=LabelingConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    stopping: StoppingConfig = field(default_factory=StoppingConfig)
    team: TeamConfig = field(default_factory=TeamConfig)
    class_details: dict[str, ClassDetail] = field(default_factory=dict)  # by class, as far as there is something to say

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


# (section, key) → (lowest, highest) that make sense.
_LIMITS: dict[str, tuple[float, float]] = {
    "target_accuracy": (0.0, 1.0),
    "budget": (1, 10_000_000),
    "query.seed_size": (2, 100_000),
    "query.batch": (1, 100_000),
    "query.random_share": (0.0, 1.0),
    "query.candidates": (100, 10_000_000),
    "query.more_share": (0.0, 1.0),
    "learner.input_size": (32, 1024),
    "learner.members": (2, 100),
    "learner.round_seconds": (1, 86_400),
    "learner.finetune.unfrozen": (0, 1000),
    "learner.finetune.head_epochs": (0, 1),
    "learner.finetune.epochs": (1, 1000),
    "learner.finetune.batch": (2, 4096),
    "learner.finetune.accumulate": (1, 1024),
    "learner.finetune.learning_rate": (1e-7, 1.0),
    "learner.finetune.head_learning_rate": (1e-7, 1.0),
    "learner.finetune.decay": (0.01, 1),
    "learner.finetune.warmup": (0, 0.9),
    "learner.finetune.weight_decay": (0, 1),
    "learner.finetune.l2_sp": (0, 10),
    "learner.finetune.dropout": (0, 0.9),
    "learner.finetune.label_smoothing": (0, 0.5),
    "learner.finetune.augment_strength": (0, 1),
    "learner.finetune.token_dropout": (0, 0.9),
    "labeling.overlap": (1, 100),
    "labeling.overlap_share": (0.0, 1.0),
    "labeling.holdout_share": (0.0, 0.9),
    "labeling.qualification": (0, 1000),
    "labeling.qualification_pass": (0.0, 1.0),
    "labeling.reservation_seconds": (5, 86_400),
    "stopping.kappa": (0.0, 1.0),
    "stopping.kappa_rounds": (1, 100),
    "stopping.uncertainty": (0.0, 1.0),
    "stopping.gain": (0.0, 1.0),
    "team.rate": (0.0, 1e9),
    "team.idle_seconds": (5, 86_400),
}


def _check(config: Config) -> None:
    if not config.name.strip():
        raise ConfigError("name is empty: give the project a name.")
    if len(config.classes) < 2:
        raise ConfigError('classes needs at least two names, e.g. classes = ["cat", "dog"].')
    for name in config.classes:
        if not name.strip() or name != name.strip():
            raise ConfigError(f"classes holds {name!r}: a class name is not empty and has no spaces around it.")
    if len(set(config.classes)) < len(config.classes):
        twice = next(c for c in config.classes if config.classes.count(c) > 1)
        raise ConfigError(f"classes names {twice!r} twice: name each class once.")
    objective = config.learner.finetune.objective
    if config.several and objective not in ("auto", "cross_entropy"):
        raise ConfigError(
            f'learner.finetune.objective = "{objective}" pulls items of one class together, which says nothing where'
            ' items have several: choose "auto" or "cross_entropy".'
        )
    if len(config.classes) > MOST_CLASSES:
        raise ConfigError(f"classes names {len(config.classes)} classes: at most {MOST_CLASSES} can be shown.")
    for wish in config.query.more_of:
        if not all(part.strip() for part in wish.partition("=")):
            raise ConfigError(f"query.more_of holds {wish!r}: name a column and its value, e.g. 'site=Seoul'.")
    _check_details(config)
    for key, (low, high) in _LIMITS.items():
        value: Any = config
        for part in key.split("."):
            value = getattr(value, part)
        if value != "auto" and not low <= value <= high:
            raise ConfigError(f"{key} = {value} is out of range: choose a value from {low:g} to {high:g}.")


def _check_details(config: Config) -> None:
    taken: dict[str, str] = {}
    for name, detail in config.class_details.items():
        where = f"class_details.{name}"
        if name not in config.classes:
            raise ConfigError(f"{where}: {name!r} is not one of the classes; remove it or name a class.")
        if detail.colour and not re.fullmatch(r"#[0-9a-fA-F]{6}", detail.colour):
            raise ConfigError(f"{where}.colour = {detail.colour!r} must be a colour such as '#1f77b4'.")
        if key := detail.key.lower():
            if len(key) != 1 or not key.isalnum() or key in RESERVED_KEYS:
                raise ConfigError(
                    f"{where}.key = {detail.key!r} must be one letter or digit, and none of {', '.join(RESERVED_KEYS)},"
                    " which the desk uses itself."
                )
            if key in taken:
                raise ConfigError(f"{where}.key = {detail.key!r} is the key of {taken[key]!r} already: choose another.")
            taken[key] = name


def parse(values: dict[str, Any], where: str = "project.toml") -> Config:
    """A validated `Config` from plain values.

    Raises: ConfigError: names the key and what it may be.
    """
    return _section(Config, _renamed(values), where, "")


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


def load(path: Path) -> Config:
    """Read and validate a `project.toml`.

    Raises: ConfigError: the file is missing, is not TOML, or a key is unknown or wrong.
    """
    try:
        return parse(tomllib.loads(path.read_text(encoding="utf-8-sig")), str(path))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist: is this a project folder? `init` makes one.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from None


def _section(kind: type, values: Any, where: str, prefix: str) -> Any:
    if not isinstance(values, dict):
        raise ConfigError(f"{where}: {prefix.rstrip('.')} must be a table, e.g. [{prefix.rstrip('.')}].")
    hints, known = get_type_hints(kind), {f.name for f in fields(kind)}
    for key in values:
        if key not in known:
            raise ConfigError(f"{where}: unknown key {prefix + key!r}; known are {', '.join(sorted(known))}.")
    missing = {"name", "classes"} & known - set(values)
    if missing:
        raise ConfigError(f"{where}: {' and '.join(sorted(missing))} must be given.")
    return kind(**{key: _value(hints[key], value, where, prefix + key) for key, value in values.items()})


def _value(hint: Any, value: Any, where: str, key: str) -> Any:
    wrong = ConfigError(f"{where}: {key} = {value!r} must be {_in_words(hint)}.")
    if is_dataclass(hint):
        return _section(hint, value, where, key + ".")  # type: ignore[arg-type]
    if get_origin(hint) is Union:  # a number or "auto"
        literal = next(one for one in get_args(hint) if get_origin(one) is Literal)
        number = next(one for one in get_args(hint) if one is not literal)
        if value in get_args(literal):
            return value
        hint = number
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise wrong
        return value
    if get_origin(hint) is dict:  # a table of tables
        if not isinstance(value, dict):
            raise wrong
        return {name: _section(get_args(hint)[1], one, where, f"{key}.{name}.") for name, one in value.items()}
    if get_origin(hint) is tuple:
        one = get_args(hint)[0]
        allowed = get_args(one)  # of a Literal; none for `str`
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise wrong
        if allowed and not set(value) <= set(allowed):
            raise wrong
        return tuple(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or isinstance(value, bool) is not (hint is bool):
        raise wrong
    return value


def _in_words(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return ("one of " if len(get_args(hint)) > 1 else "") + ", ".join(map(repr, get_args(hint)))
    if get_origin(hint) is Union:
        return " or ".join(_in_words(one) for one in get_args(hint))
    if get_origin(hint) is dict:
        return "a table of tables"
    if get_origin(hint) is tuple:
        allowed = get_args(get_args(hint)[0])
        return "a list of " + (f"any of {', '.join(map(repr, allowed))}" if allowed else "strings")
    return {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}.get(hint, str(hint))


def to_toml(config: Config) -> str:
    """The text of a `project.toml` that reads back as `config`, with every key shown."""
    return "\n".join(_tables("", config.as_dict())) + "\n"


def _tables(name: str, values: dict[str, Any]) -> list[str]:
    plain = any(not isinstance(value, dict) for value in values.values())
    lines = ["", f"[{name}]"] if name and (plain or not values) else []
    lines += [f"{key} = {_literal(value)}" for key, value in values.items() if not isinstance(value, dict)]
    for key, value in values.items():
        if isinstance(value, dict):
            lines += _tables(f"{name}.{_key(key)}".lstrip("."), value)
    return lines


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _literal(name)


def _literal(value: Any) -> str:
    if isinstance(value, str):
        escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
        body = "".join(escapes.get(c, c if ord(c) >= 32 and ord(c) != 127 else f"\\u{ord(c):04x}") for c in value)
        return f'"{body}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return repr(value)
