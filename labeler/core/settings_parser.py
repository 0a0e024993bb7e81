"""Plain values from a file or a form → validated settings."""

import json
from collections.abc import Sequence
from dataclasses import is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, get_args, get_origin

from labeler.core.errors import ConfigError
from labeler.core.setting_descriptions import in_words, limits_of, types_of
from labeler.core.setting_rules import refuse_range
from labeler.core.settings import Config

if TYPE_CHECKING:
    from pydantic import TypeAdapter  # slow to load, as below
    from pydantic_core import ErrorDetails


def parse(values: dict[str, Any], where: str = "project.toml") -> Config:
    """A validated `Config` from plain values.

    Args:   where: the name of the file or form in error messages.
    Raises: ConfigError: a value is wrong; the message names the key and what it may be.
    """
    from pydantic import ValidationError  # here, because pydantic takes as long to load as numpy

    values = _renamed(values)
    try:
        # Strict JSON accepts a list for a tuple and a table for a record, but no string or boolean for a number.
        return _adapter().validate_json(json.dumps(values, default=str), strict=True, extra="forbid")
    except ValidationError as error:
        _refuse_values(error.errors(include_url=False), values, where)  # never returns


@cache
def _adapter() -> "TypeAdapter[Config]":
    from pydantic import TypeAdapter  # slow to load, as above

    return TypeAdapter(Config)


def _refuse_values(problems: "Sequence[ErrorDetails]", values: dict[str, Any], where: str) -> NoReturn:
    """Raise the first problem as a sentence. Unknown keys come first: a misspelled key explains a missing one."""
    first = min(problems, key=lambda problem: problem["type"] != "unexpected_keyword_argument")
    if first["type"] == "missing":
        missing = sorted(str(problem["loc"][-1]) for problem in problems if problem["type"] == "missing")
        raise ConfigError("{where}: {missing} must be given.", where=where, missing=" and ".join(missing)) from None
    key, hint, value = _at(first["loc"], values)
    if first["type"] == "unexpected_keyword_argument":
        unknown, known_keys = ".".join(map(str, first["loc"])), ", ".join(sorted(types_of(hint)))
        raise ConfigError(
            "{where}: unknown key {unknown!r}; known are {known}.", where=where, unknown=unknown, known=known_keys
        ) from None
    if is_dataclass(hint):
        raise ConfigError("{where}: {key} must be a table, e.g. [{key}].", where=where, key=key) from None
    if (limits := limits_of(hint)) and first["type"] in ("greater_than_equal", "less_than_equal"):
        refuse_range(key, value, limits)
    may_be = in_words(hint)
    raise ConfigError(
        "{where}: {key} = {value!r} must be {may_be}.", where=where, key=key, value=value, may_be=may_be
    ) from None


def _at(location: Sequence[int | str], values: dict[str, Any]) -> tuple[str, Any, Any]:
    """The dotted key, the type and the value of the setting or section that holds an error's location."""
    parts: list[str] = []
    hint: Any = Config
    value: Any = values
    for part in map(str, location):
        if is_dataclass(hint) and part in (hints := types_of(hint)):  # type: ignore[arg-type]
            hint = hints[part]
        elif get_origin(hint) is dict:
            hint = get_args(hint)[1]
        else:  # an unknown key, a place in a list, or one of several types
            break
        value = value[part]
        parts.append(part)
    return ".".join(parts), hint, value


def _renamed(values: dict[str, Any]) -> dict[str, Any]:
    """The values with settings of version 0.1 under their present names."""
    learner = values.get("learner")
    if not isinstance(learner, dict) or not isinstance(levers := learner.get("finetune", {}), dict):
        return values
    moved = {"epochs": "epochs", "unfrozen": "unfrozen", "learning_rate": "head_learning_rate"}
    old = {new: learner[name] for name, new in moved.items() if name in learner}
    if not old:
        return values
    kept = {name: value for name, value in learner.items() if name not in moved}
    return values | {"learner": kept | {"finetune": old | levers}}
