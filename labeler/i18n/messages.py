"""What people read, in their language. The English text is the key, as in gettext; without translation it is shown.

`_("{n} items", n=3)` is for texts made where somebody reads them; `translate(text)` for English ones made elsewhere: by
the worker, which has no reader, or as an error, whose sentence logs and the command line show as it is. The
translations are in `labeler/i18n/locale/`, and `make words` brings them up to date.
"""

import logging
import re
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache, lru_cache
from pathlib import Path
from string import Formatter
from typing import Any

# Imports of babel are deferred: English needs no catalogue.

log = logging.getLogger(__name__)

LANGUAGES = {"en": "English", "ko": "한국어"}
DEFAULT = "en"
LOCALE = Path(__file__).parent / "locale"

# What may stand in a field: while a text's sentences are told apart none of them ends there, afterwards whatever it is.
END = r"\.\s+(?=\w)"
ONE_SENTENCE, WHATEVER = rf"(?:(?!{END}).)*?", ".*?"

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
    known = [(weight, name) for weight, name in wanted if name in LANGUAGES and weight > 0]
    return max(known, key=lambda one: one[0], default=(1.0, DEFAULT))[1]  # of equals the first


# ---------------------------------------------------------------- texts


def mark(message: str) -> str:
    """The message as it is: marks a constant that is translated where it is shown."""
    return message


def _(message: str, /, **values: object) -> str:
    """A message in the current language, with the values in its fields; `{share:.0%}` formats one."""
    return _filled(_translations(language()).get(message, message), message, values)


def n_(one: str, many: str, n: float, /, **values: object) -> str:
    """`one` or `many` in the current language, as `n` asks for; `n` is a field as well."""
    return _(one if n == 1 else many, n=n, **values)


def _filled(translation: str, message: str, values: Mapping[str, object]) -> str:
    if not values:
        return translation
    try:
        return translation.format(**values)
    except (LookupError, ValueError, TypeError, AttributeError) as error:  # its fields are not the message's
        log.warning("The translation %r cannot be filled (%s).", translation, error)
        return message.format(**values)


def translate(text: object) -> str:
    """An English text that was made elsewhere, in the current language: found by the message that it was made from.

    Phrases in its fields are translated as well; a single word in one may be a name, and stays.
    """
    return _translate(str(text), language())


@lru_cache(maxsize=1000)
def _translate(text: str, name: str) -> str:
    for found in (_sentence(text, name), _sentences(text, name), _sentence(text, name, WHATEVER)):
        if found is not None:
            return found
    return text


def _sentence(text: str, name: str, within: str = ONE_SENTENCE) -> str | None:
    """The translation of a text that one message was made into; None if there is no such message."""
    if (found := _translations(name).get(text)) is not None:
        return found
    for pattern, translation in _patterns(name, within):
        if match := pattern.fullmatch(text):
            values = {field: _translate(v, name) if " " in v else v for field, v in match.groupdict().items()}
            return "".join(literal + values.get(field or "", "") for literal, field in _parts(translation))
    return None


def _sentences(text: str, name: str) -> str | None:
    """The translation of several sentences, of which the first ones at least are a message."""
    for end in reversed(list(re.finditer(END, text))):
        if (found := _sentence(text[: end.start() + 1], name)) is not None:
            return f"{found} {_translate(text[end.end() :], name)}"
    return None


@cache
def _patterns(name: str, within: str) -> list[tuple[re.Pattern[str], str]]:
    """What texts made from each message look like, with its translation; those with most words of their own first."""
    found = []
    for message, translation in _translations(name).items():
        own = "".join(literal for literal, _field in _parts(message))
        if fields_of(message) and re.search(r"[^\W\d_]{2}", own):
            found.append((len(own), _pattern(message, within), translation))
    return [(pattern, translation) for _size, pattern, translation in sorted(found, key=lambda one: -one[0])]


def _pattern(message: str, within: str) -> re.Pattern[str]:
    seen: set[str] = set()
    pattern = ""
    for literal, field in _parts(message):
        pattern += re.escape(literal)
        if field:
            pattern += f"(?P={field})" if field in seen else f"(?P<{field}>{within})"
            seen.add(field)
    return re.compile(pattern, re.DOTALL)


def fields_of(message: str) -> set[str]:
    """The names of a message's fields."""
    return {field for _literal, field in _parts(message) if field}


def _parts(message: str) -> list[tuple[str, str | None]]:
    """Its literal texts, each with the field that follows; none if its braces do not match."""
    try:
        return [(literal, field) for literal, field, *_format in Formatter().parse(message)]
    except ValueError:
        return []


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
            found: Any = read_po(file, abort_invalid=True)
    except Exception as error:
        log.warning("%s cannot be read, so there is English only: %s", path, error)
        return {}
    return {
        message.id: (message.string, tuple(place for place, _line in message.locations))
        for message in found
        if message.id and message.string and not message.fuzzy
    }
