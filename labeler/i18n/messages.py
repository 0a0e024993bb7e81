"""What people read, in their language. The English text is the key, as in gettext; without translation it is shown.

`_("{n} items", n=3)` is for texts made where somebody reads them; `translate(text)` for English ones made elsewhere: by
the worker, which has no reader, or as an error, whose sentence logs and the command line show as it is. The
translations are in `labeler/i18n/locale/`, and `make words` brings them up to date.
"""

import json
import logging
import re
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from numbers import Number
from pathlib import Path
from string import Formatter
from typing import Any

from labeler.i18n.markdown import Field, Markdown, escaped, is_markdown, plain

# Imports of babel are deferred: English needs no catalogue.

log = logging.getLogger(__name__)

LANGUAGES = {"en": "English", "ko": "한국어"}
DEFAULT = "en"
LOCALE = Path(__file__).parent / "locale"
_PERCENT = re.compile("%(?=[\uac00-\ud7a3])")
_language: ContextVar[str] = ContextVar("language", default=DEFAULT)


def language() -> str:
    """The language of this context, a key of `LANGUAGES`; English where nobody has chosen one."""
    return _language.get()


def use(name: str) -> None:
    """Speak this language from now on in this context, or English if it is none of `LANGUAGES`."""
    _language.set(name if name in LANGUAGES else DEFAULT)


def preferred(accepted: str | None) -> str:
    """The language that a browser asks for, of those there are.

    Args: accepted: a locale, or an Accept-Language header: `ko-KR,ko;q=0.9,en;q=0.8`.
    """
    wanted = []
    for part in (accepted or "").split(","):
        name, _, quality = part.partition(";")
        weight = re.fullmatch(r"\s*q=([01](?:\.\d+)?)\s*", quality)
        wanted.append((float(weight[1]) if weight else 1.0, name.strip().lower().replace("_", "-").partition("-")[0]))
    offered = [(weight, name) for weight, name in wanted if name in LANGUAGES and weight > 0]
    return max(offered, key=lambda choice: choice[0], default=(1.0, DEFAULT))[1]  # of equals the first


# ---------------------------------------------------------------- texts


class Message(str):
    """An English text that still has the message and the fields that it was made from.

    Its text is what logs and the command line show; `translate` puts the same fields into the translated message.
    """

    message: str
    fields: dict[str, object]

    def __new__(cls, message: str, /, **fields: object) -> "Message":
        if isinstance(message, Message) and not fields:
            return message
        text = super().__new__(cls, message.format(**fields) if fields else message)
        text.message, text.fields = str(message), fields
        return text

    @classmethod
    def of(cls, text: object) -> "Message":
        """The message of an error, or of another text, which has no fields then."""
        message, fields = getattr(text, "message", None), getattr(text, "fields", None)
        return cls(message, **fields) if isinstance(message, str) and isinstance(fields, Mapping) else cls(str(text))

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:  # for pickle and copy
        return (self.message,), self.fields


def mark(message: str, /, **fields: object) -> Message:
    """The English message, with the values in its fields; it is translated where it is shown."""
    return Message(message, **fields)


def sentences(*texts: object) -> Message:
    """Several messages, or errors, as one: with a space between them, and each translated by itself."""
    kept = [text for text in texts if str(text)]
    names = [f"text{position}" for position in range(len(kept))]
    return Message(" ".join(f"{{{name}}}" for name in names), **dict(zip(names, kept, strict=True)))


def _(message: str, /, **values: object) -> str:
    """A message in the current language, with the values in its fields; `{share:.0%}` formats one.

    On pages it is `Markdown`, in which the values are escaped: what people wrote is shown letter for letter.
    """
    translation = _translations(language()).get(message, message)
    if not is_markdown():
        return _filled(translation, message, values)
    shown = _filled(translation, message, {name: Field(value) for name, value in values.items()})
    as_text = _filled(translation, message, {name: plain(v) if isinstance(v, str) else v for name, v in values.items()})
    return Markdown(shown, as_text)


def n_(singular: str, plural: str, n: float, /, **values: object) -> str:
    """`singular` or `plural` in the current language, as `n` asks for; `n` is a field as well."""
    return _(singular if n == 1 else plural, n=n, **values)


def _filled(translation: str, message: str, values: Mapping[str, object]) -> str:
    if not values:
        return _unbroken(translation)
    try:
        return _unbroken(translation.format(**values))
    except (LookupError, ValueError, TypeError, AttributeError) as error:  # its fields are not the message's
        log.warning("The translation %r cannot be filled (%s).", translation, error)
        return message.format(**values)


def _unbroken(text: str) -> str:
    """The text with a word joiner between a percent sign and Korean letters, where lines break even by `keep-all`."""
    return _PERCENT.sub("%\u2060", text) if "%" in text else text


def translate(text: object) -> str:
    """A text that was made elsewhere, in the current language: a `Message`, an error, or a message without fields.

    Fields that are themselves messages or errors are translated as well; any other text stays as it is.
    """
    if isinstance(text, Markdown):
        return text
    message = Message.of(text)
    if is_markdown() and not hasattr(text, "fields") and not _is_message(message):
        return escaped(text)
    fields = {name: translate(v) if hasattr(v, "fields") else v for name, v in message.fields.items()}
    return _(message.message, **fields)


def _is_message(text: str) -> bool:
    """Whether the program says this text, so that its Markdown is meant; what people wrote is in no catalogue."""
    return escaped(str(text)) == text or any(text in _translations(name) for name in LANGUAGES)


def dump(text: object) -> str:
    """A message or an error as it is stored, so that `load` gives it back: JSON where it has fields."""
    message = Message.of(text)
    if not message.fields:
        return str(message)
    fields = {name: _plain(value) for name, value in message.fields.items()}
    return json.dumps({"message": message.message, "fields": fields}, ensure_ascii=False)


def load(stored: str) -> str:
    """What `dump` stored: a `Message` again. Another text, e.g. of an older version, stays as it is."""
    if not stored.startswith('{"message"'):
        return stored
    try:
        values = json.loads(stored)
        fields = {name: load(value) if isinstance(value, str) else value for name, value in values["fields"].items()}
        return Message(values["message"], **fields)
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        log.warning("The stored message %r cannot be filled (%s).", stored, error)
        return stored


def to_json(values: object) -> str:
    """JSON in which each message stands as `dump` stores it; `from_json` reads it."""

    def stored(value: object) -> object:
        if isinstance(value, Mapping):
            return {name: stored(part) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return [stored(part) for part in value]
        return dump(value) if isinstance(value, Message) else value

    return json.dumps(stored(values), ensure_ascii=False)


def from_json(text: str) -> Any:
    """The values of `to_json`, whose messages are messages again where they are the values of a mapping."""

    def loaded(values: dict[str, object]) -> dict[str, object]:
        return {name: load(value) if isinstance(value, str) else value for name, value in values.items()}

    return json.loads(text, object_hook=loaded)


def _plain(value: object) -> object:
    """A field as JSON can hold it."""
    if isinstance(value, Number) and hasattr(value, "item"):  # of numpy
        return value.item()
    if isinstance(value, Message) and not value.fields:  # marked as one, so that it is translated within another
        return json.dumps({"message": value.message, "fields": {}}, ensure_ascii=False)
    return value if value is None or isinstance(value, bool | int | float) else dump(value)


def fields_of(message: str) -> set[str]:
    """The names of a message's fields; none if its braces do not match."""
    try:
        return {field for _literal, field, *_format in Formatter().parse(message) if field}
    except ValueError:
        return set()


# ---------------------------------------------------------------- catalogues


def catalogue(name: str, folder: str = "") -> dict[str, str]:
    """The translations into a language: English text → text. Empty for English.

    Args: folder: only those of messages that are used in the files below it, e.g. "pages/desk".
    """
    return {message: text for message, (text, files) in _read(name).items() if any(f.startswith(folder) for f in files)}


@cache
def _translations(name: str) -> dict[str, str]:
    return {message: text for message, (text, _files) in _read(name).items()}


@cache
def _read(name: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Message → its translation, and the files that it is used in; none if the catalogue cannot be read."""
    if name == DEFAULT:
        return {}
    from babel.messages.pofile import read_po

    path = LOCALE / f"{name}.po"
    try:
        with path.open("rb") as file:
            entries: Any = read_po(file, abort_invalid=True)
    except Exception as error:
        log.warning("%s cannot be read, so there is English only: %s", path, error)
        return {}
    return {
        message.id: (message.string, tuple(place for place, _line in message.locations))
        for message in entries
        if message.id and message.string and not message.fuzzy
    }
