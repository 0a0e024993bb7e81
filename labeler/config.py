"""`project.toml` → `Config`, validated once. Every key has a default; an unknown or wrong one is named."""

import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from labeler.errors import ConfigError
from labeler.types import Modality


@dataclass(frozen=True)
class QueryConfig:
    """What is asked next. `seeding` picks the first `seed_size` labels, `strategy` all later ones."""

    strategy: str = "auto"
    seeding: str = "k_means"
    seed_size: int = 20
    batch: int = 20  # labels between rounds
    random_share: float = 0.1  # control arm: share of each batch drawn at random
    candidates: int = 50_000  # larger pools are subsampled before the strategy looks at them


@dataclass(frozen=True)
class LearnerConfig:
    """What learns. `auto` backbones look at the data; `auto` learners are frozen heads."""

    kind: Literal["auto", "frozen", "finetune"] = "auto"
    backbone: str = "auto"
    input_size: int = 128  # pixels of an image's sides
    members: int = 5  # committee size
    epochs: int = 12  # at most, when fine-tuning
    learning_rate: float = 1e-2  # of the head, when fine-tuning; unfrozen blocks take a tenth
    unfrozen: int = 2  # last blocks that fine-tuning trains


@dataclass(frozen=True)
class LabelingConfig:
    """How answers are collected."""

    overlap: int = 1  # annotators an item is given to
    holdout_share: float = 0.2  # share of the queue given to unlabeled holdout items, until all have a label
    reservation_seconds: float = 60.0


@dataclass(frozen=True)
class Config:
    """A project's settings."""

    name: str
    classes: tuple[str, ...]
    modality: Modality = "image"
    target_accuracy: float = 0.9
    budget: int = 1000  # labels in all
    query: QueryConfig = field(default_factory=QueryConfig)
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    labeling: LabelingConfig = field(default_factory=LabelingConfig)

    def __post_init__(self) -> None:
        _check(self)

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
    "learner.input_size": (32, 1024),
    "learner.members": (2, 100),
    "learner.epochs": (1, 1000),
    "learner.learning_rate": (1e-7, 1.0),
    "learner.unfrozen": (0, 1000),
    "labeling.overlap": (1, 100),
    "labeling.holdout_share": (0.0, 0.9),
    "labeling.reservation_seconds": (5, 86_400),
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
    for key, (low, high) in _LIMITS.items():
        value: Any = config
        for part in key.split("."):
            value = getattr(value, part)
        if not low <= value <= high:
            raise ConfigError(f"{key} = {value} is out of range: choose a value from {low:g} to {high:g}.")


def parse(values: dict[str, Any], where: str = "project.toml") -> Config:
    """A validated `Config` from plain values.

    Raises: ConfigError: names the key and what it may be.
    """
    return _section(Config, values, where, "")


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
    if isinstance(hint, type) and issubclass(hint, QueryConfig | LearnerConfig | LabelingConfig):
        return _section(hint, value, where, key + ".")
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise wrong
        return value
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise wrong
        return tuple(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or isinstance(value, bool) is not (hint is bool):
        raise wrong
    return value


def _in_words(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(repr, get_args(hint)))
    if get_origin(hint) is tuple:
        return "a list of strings"
    return {int: "a whole number", float: "a number", str: "a string"}.get(hint, str(hint))


def to_toml(config: Config) -> str:
    """The text of a `project.toml` that reads back as `config`, with every key shown."""
    top, sections = [], []
    for key, value in config.as_dict().items():
        if isinstance(value, dict):
            sections += ["", f"[{key}]", *(f"{k} = {_literal(v)}" for k, v in value.items())]
        else:
            top.append(f"{key} = {_literal(value)}")
    return "\n".join(top + sections) + "\n"


def _literal(value: Any) -> str:
    if isinstance(value, str):
        escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
        body = "".join(escapes.get(c, c if ord(c) >= 32 and ord(c) != 127 else f"\\u{ord(c):04x}") for c in value)
        return f'"{body}"'
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return repr(value)
