"""Settings by their names with dots, such as `query.strategy`: what differs, and what two people changed at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from labeler.core.errors import ConfigError
from labeler.core.settings import Config

Flat = dict[str, Any]  # plain values by their names with dots

DETAILS = "class_details"  # names of classes stand in its keys, and may have dots themselves


@dataclass(frozen=True)
class Clash:
    """A setting that two people changed to different values. opened: the value that both began with.

    by, at: who saved the present value, and when; "" where somebody changed the file. None as a value: it is not set.
    """

    name: str
    opened: Any
    now: Any
    mine: Any
    by: str = ""
    at: str = ""


class SettingsClashError(ConfigError):
    """Somebody else has changed the same settings meanwhile. `clashes` says which, and nothing was saved."""

    clashes: tuple[Clash, ...] = ()
    now: Config


@dataclass(frozen=True)
class Merge:
    """The settings of two people together. clashes: where they cannot be; the present value stands in `settings`."""

    settings: Flat
    clashes: tuple[Clash, ...]


def flat(settings: Mapping[str, Any], above: str = "") -> Flat:
    """Nested settings by their names with dots. Empty details of classes are left out: they say nothing."""
    values: Flat = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            values |= flat(value, f"{above}{name}.")
        elif value != "" or not above.startswith(f"{DETAILS}."):
            values[f"{above}{name}"] = list(value) if isinstance(value, tuple) else value
    return values


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in their tables again: what `flat` was made of."""
    values: dict[str, Any] = {}
    for name, value in settings.items():
        table = values
        *above, last = _parts(name)
        for part in above:
            table = table.setdefault(part, {})
        table[last] = value
    return values


def _parts(name: str) -> list[str]:
    section, _, rest = name.partition(".")
    if section != DETAILS:
        return name.split(".")
    return [section, class_of(name), rest.rpartition(".")[2]]


def class_of(name: str) -> str:
    """The class that a setting of `class_details` is of."""
    return name.removeprefix(f"{DETAILS}.").rpartition(".")[0]


def changed_names(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names whose values differ, in the order of the settings."""
    return [name for name in {**before, **after} if before.get(name) != after.get(name)]


def is_one_of(name: str, sections: Iterable[str]) -> bool:
    """Whether a setting is one of these, or lies in one of these sections."""
    return any(name == section or name.startswith(f"{section}.") for section in sections)


def merged(opened: Flat, now: Flat, mine: Flat) -> Merge:
    """What somebody changed in the settings that they opened, in the settings as they are now."""
    clashes = []
    together = dict(now)
    for name in changed_names(opened, mine):
        value = mine.get(name)
        if now.get(name) not in (opened.get(name), value):
            clashes.append(Clash(name, opened.get(name), now.get(name), value))
        elif value is None:
            together.pop(name, None)
        else:
            together[name] = value
    return Merge(together, tuple(clashes))
