"""What people wrote within texts that are Markdown: it is shown letter for letter."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, timedelta
from numbers import Number

# Signs that mean something anywhere, and where they do only at the beginning or the end of a word or a line.
_SIGNS = re.compile(r"[\\`*\[\]<>|~$]|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])")
_LINES = re.compile(r"^([ \t]*)(?=(?:#{1,6}|[+-])(?:\s|$)|(?:=+|-{2,})[ \t]*$)", re.MULTILINE)
_NUMBERS = re.compile(r"^([ \t]*\d+)(?=[.)](\s|$))", re.MULTILINE)
# Streamlit looks for icons, emojis and addresses in the finished text, where a backslash does not count any more: an
# invisible word joiner keeps what it would look for apart.
_JOINER = "\u2060"
_SHORTCODES = re.compile(r":(?=[\w+/-]+:)")
_ADDRESSES = re.compile(r"(?<=http:)(?=//)|(?<=https:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
_DIRECTIVES = re.compile(r":(?=[a-zA-Z])")

_is_markdown: ContextVar[bool] = ContextVar("markdown", default=False)


class Markdown(str):
    """A text for places that show Markdown; in `plain` the same for those that do not, such as tables and charts."""

    plain: str

    def __new__(cls, text: str, plain: str | None = None) -> "Markdown":
        made = super().__new__(cls, text)
        made.plain = text if plain is None else plain
        return made


def escaped(text: object) -> Markdown:
    """What somebody wrote, as Markdown that shows it letter for letter."""
    if isinstance(text, Markdown):
        return text
    plain = str(text)
    shown = _ADDRESSES.sub(_JOINER, _SHORTCODES.sub(f":{_JOINER}", plain))
    shown = _DIRECTIVES.sub(r"\\:", _SIGNS.sub(r"\\\g<0>", shown))
    return Markdown(_NUMBERS.sub(r"\1\\", _LINES.sub(r"\1\\", shown)), plain)


def joined(between: str, parts: Iterable[str]) -> Markdown:
    """Texts one after the other; those that are not Markdown are escaped."""
    texts = [escaped(part) for part in parts]
    return Markdown(between.join(texts), between.join(text.plain for text in texts))


def in_code(text: str) -> Markdown:
    """What somebody wrote, in the type of code."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return Markdown(f"{fence} {text} {fence}" if "`" in text else f"{fence}{text}{fence}", text)


def plain(text: str) -> str:
    """A text for places that do not show Markdown."""
    return text.plain if isinstance(text, Markdown) else text


def is_markdown() -> bool:
    """Whether messages are Markdown in this context, as on the pages."""
    return _is_markdown.get()


def use_markdown(choice: bool) -> None:
    """Make messages as Markdown from now on in this context, or as plain text."""
    _is_markdown.set(choice)


@contextmanager
def plain_texts() -> Iterator[None]:
    """Within the block messages are plain text: for a file that is written, or a chart."""
    token = _is_markdown.set(False)
    try:
        yield
    finally:
        _is_markdown.reset(token)


class Field:
    """A value that is put into a message: formatted first, as its message asks for, and escaped then."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __format__(self, spec: str) -> str:
        return self._shown(format(self.value, spec))

    def __repr__(self) -> str:
        return self._shown(repr(self.value))

    def __str__(self) -> str:
        return self._shown(str(self.value))

    def _shown(self, text: str) -> str:
        return text if isinstance(self.value, Markdown | Number | date | timedelta) else escaped(text)
