"""What each setting may be, in words and as limits, read from the types of the settings' dataclasses."""

from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, reduce
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from annotated_types import Interval
from typing_extensions import Doc

from labeler.i18n.messages import Message, mark


class Setting(NamedTuple):
    """One setting, as the documentation shows it."""

    key: str  # dotted; `<class>` and `<feed>` stand for the name of a class or feed
    may_be: str  # its type and range, or its choices, in words
    default: Any  # None: the setting must be given
    description: str  # one sentence
    limits: tuple[float, float] | None  # lowest and highest value


@cache
def described(kind: type) -> tuple[Setting, ...]:
    """The settings of a dataclass in the order in which `project.toml` has them, those of its sections as well."""
    return tuple(_settings_of(kind, ""))


def _settings_of(kind: type, prefix: str) -> Iterator[Setting]:
    for entry, hint in zip(fields(kind), types_of(kind).values(), strict=True):
        key = prefix + entry.name
        if is_dataclass(hint):
            yield from _settings_of(hint, f"{key}.")  # type: ignore[arg-type]
        elif get_origin(hint) is dict:
            yield from _settings_of(get_args(hint)[1], f"{key}.<{_NAMED[entry.name]}>.")
        else:
            default = None if entry.default is MISSING else entry.default
            if entry.default_factory is not MISSING:
                default = entry.default_factory()
            (description,) = (note.documentation for note in hint.__metadata__ if isinstance(note, Doc))
            yield Setting(key, in_words(hint), default, description, limits_of(hint))


def types_of(kind: type) -> dict[str, Any]:
    """The type of each field of a dataclass, with its limits and its description."""
    return get_type_hints(kind, include_extras=True)


def limits_of(hint: Any) -> tuple[float, float] | None:
    """The lowest and the highest value of a number, also of one that may be "auto" instead."""
    for note in getattr(hint, "__metadata__", ()):
        if isinstance(note, Interval):
            return note.ge, note.le  # type: ignore[return-value]
    return next(filter(None, map(limits_of, _alternatives(hint))), None)


def _alternatives(hint: Any) -> tuple[Any, ...]:
    """The types that a value may have, one or several."""
    if get_origin(hint) is Annotated:
        return _alternatives(hint.__origin__)
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else ()


def in_words(hint: Any) -> Message:
    """What a value of this type may be, as a message."""
    limits = None if _alternatives(hint) else limits_of(hint)
    kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if limits is not None:
        return mark("{kind} from {low:,} to {high:,}", kind=_WORDS[kind], low=limits[0], high=limits[1])
    if get_origin(kind) is Literal:
        choices = get_args(kind)
        return mark("one of {choices}", choices=_listed(choices)) if len(choices) > 1 else Message(_listed(choices))
    if alternatives := _alternatives(kind):
        return reduce(
            lambda first, second: mark("{first} or {second}", first=first, second=second), map(in_words, alternatives)
        )
    if get_origin(kind) is dict:
        return mark("a table of tables") if is_dataclass(get_args(kind)[1]) else mark("a table of values")
    if get_origin(kind) is tuple:
        choices = get_args(get_args(kind)[0])
        return mark("a list of any of {choices}", choices=_listed(choices)) if choices else mark("a list of strings")
    return _WORDS[kind]


def _listed(choices: tuple[object, ...]) -> str:
    return ", ".join(map(repr, choices))


_NAMED = {"class_details": "class", "feeds": "feed"}  # what the names in a table of tables are of
_WORDS = {
    int: mark("a whole number"),
    float: mark("a number"),
    str: mark("a string"),
    bool: mark("true or false"),
}
