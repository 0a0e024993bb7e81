"""`project.toml`: read into a `Config`, and written back so that a person's comments and order survive."""

import re
import tomllib
from collections.abc import Mapping, MutableMapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array

from labeler.core.errors import ConfigError
from labeler.core.settings import ClassDetail, Config, FeedConfig
from labeler.core.settings_parser import parse


def load(path: Path) -> Config:
    """The validated settings in a `project.toml`.

    Raises: ConfigError: the file is missing, is not TOML, or a key is unknown or wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return _parsed_with_lines(text, path)
    except FileNotFoundError:
        raise ConfigError("{path} does not exist: is this a project folder? `init` makes one.", path=path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("{path} is not valid TOML: {error}.", path=path, error=error) from None


def _parsed_with_lines(text: str, path: Path) -> Config:
    """The settings in the text of a file; an error names the file, and the line of the setting that is wrong."""
    try:
        return parse_text(text, str(path))
    except ConfigError as error:
        line = _line_of(error, text)
        place = f"{path}, line {line}" if line else str(path)
        if error.fields.get("where") == str(path):
            return parse_text(text, place)  # which raises it anew
        raise ConfigError("{place}: {problem}", place=place, problem=error) from error


def _line_of(error: ConfigError, text: str) -> int | None:
    """The number of the line with the setting that an error is about; None where there is none."""
    lines: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+([^]]+)\]", line):
            section = header[1].strip() + "."
            lines.setdefault(_unquoted(header[1]), number)
        elif key := re.match(r"\s*([\w.\"' -]+?)\s*=", line):
            lines.setdefault(_unquoted(section + key[1]), number)
    names = [str(error.fields.get(name, "")) for name in ("unknown", "key", "where")]
    return next((lines[name] for name in [*names, str(error).partition(" ")[0]] if name in lines), None)


def _unquoted(key: str) -> str:
    return key.replace('"', "").replace("'", "").strip()


def parse_text(text: str, where: str = "project.toml") -> Config:
    """The settings in the text of a `project.toml`; raises as `load` does."""
    return parse(tomllib.loads(text), where)


def inline(values: Mapping[str, Any]) -> str:
    """The values as TOML on one line, such as `C = 3.0, kernel = "rbf"`; empty for none."""
    table = tomlkit.inline_table()
    table.update(values)
    return table.as_string()[1:-1].strip()


def from_inline(text: str, key: str) -> dict[str, Any]:
    """The values of such a line.

    Args:   key: of the settings that they are of.
    Raises: ConfigError: the line is not TOML.
    """
    try:
        values: dict[str, Any] = tomllib.loads(f"values = {{ {text.strip().strip(',')} }}")["values"]
    except tomllib.TOMLDecodeError:
        raise ConfigError(
            "{key}: {text!r} cannot be read; write `name = value` with commas between, texts in quotation marks, as in"
            ' `C = 3.0, kernel = "rbf"`.',
            key=key,
            text=text,
        ) from None
    return values


def to_toml(config: Config) -> str:
    """The text of a `project.toml` that reads back as `config`, with every key shown."""
    return tomlkit.dumps(config.as_dict())


def rewritten(text: str, config: Config) -> str:
    """The text of a `project.toml` with the values of `config`; the rest of the text stays.

    Settings that are not in the text are added where they differ from their defaults. A text that tomlkit cannot change
    in place is replaced: TOML can spread a table over a file in ways that tomlkit does not write.
    """
    empty = {name: ClassDetail() for name in config.classes}
    defaults = Config(config.name, config.classes, class_details=empty).as_dict()
    defaults["feeds"] = {name: _feed_defaults() for name in config.feeds}
    try:
        document = tomlkit.parse(text)
        _update(document, config.as_dict(), defaults)
        changed = tomlkit.dumps(document)
        if _without_empty_details(parse_text(changed)) == _without_empty_details(config):
            return changed
    except (TOMLKitError, tomllib.TOMLDecodeError, ConfigError):
        pass
    return to_toml(config)


def _feed_defaults() -> dict[str, Any]:
    """The settings of a feed that need not be given."""
    return {entry.name: entry.default for entry in fields(FeedConfig) if entry.default is not MISSING}


def _without_empty_details(config: Config) -> Config:
    details = {name: detail for name, detail in config.class_details.items() if detail != ClassDetail()}
    return replace(config, class_details=details)


def _update(table: MutableMapping[str, Any], values: dict[str, Any], defaults: dict[str, Any]) -> None:
    """Set these values in the table, and leave equal ones untouched."""
    for key in [key for key in table if key not in values]:  # a removed class, or a setting's former name
        del table[key]
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(table.get(key), MutableMapping):
            _update(table[key], value, defaults.get(key, {}))
        elif isinstance(value, dict):
            if changed := _differing(value, defaults.get(key, {})):
                table[key] = changed
        elif key in table:
            _set(table, key, list(value) if isinstance(value, tuple) else value)
        elif value != defaults.get(key):
            table[key] = value


def _differing(values: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """The values that differ from the defaults, in nested tables too."""
    changed: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            if inner := _differing(value, defaults.get(key, {})):
                changed[key] = inner
        elif value != defaults.get(key):
            changed[key] = value
    return changed


def _set(table: MutableMapping[str, Any], key: str, value: Any) -> None:
    before = table[key]
    if value == before and type(value) is type(getattr(before, "unwrap", lambda: before)()):
        return
    if isinstance(before, Array) and value[: len(before)] == before:
        before.extend(value[len(before) :])  # comments between the entries stay
    else:
        table[key] = value
