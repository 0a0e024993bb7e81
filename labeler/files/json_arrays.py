"""JSON arrays, read an entry at a time, whatever their size; numbers stay as they are written: 1e3 may be a label."""

import json
import re
from collections.abc import Iterator
from itertools import count, islice
from typing import Any, cast

from labeler.core.errors import SourceError

PART = 1 << 16  # characters that are read at a time, or more
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_SPACE = re.compile(r"[ \t\r\n]*")


def loads(text: str) -> Any:
    """The value of a JSON text, with its numbers as texts."""
    return _DECODER.decode(text)


def entries_of_array(parts: Iterator[str], name: str, longest: int) -> Iterator[tuple[int, Any]]:
    """The entries of an array with their numbers, read one after the other.

    Args:   parts, name, longest: see `JsonText`.
    Raises: SourceError: it is no array, or an entry is no JSON or far too long; names the line.
    """
    text = JsonText(parts, name, longest)
    text.expect("[")
    if text.next_character() != "]":
        for number in count(1):
            yield number, text.value()
            if text.expect(",", "]") == "]":
                break
    else:
        text.expect("]")
    text.expect("")


class JsonText:
    """The text of a JSON file, of which no more is kept than the entry that is being read.

    Args: parts: of the text. name: of the file. longest: characters of an entry.
    """

    def __init__(self, parts: Iterator[str], name: str, longest: int) -> None:
        self._parts, self._name, self._longest = parts, name, longest
        self._kept, self._place, self._line = "", 0, 1

    def next_character(self) -> str:
        """What follows the white space here; empty at the end of the file."""
        while True:
            self._place = cast(re.Match[str], _SPACE.match(self._kept, self._place)).end()  # it matches nothing, too
            if self._place < len(self._kept) or not self._read(1):
                return self._kept[self._place : self._place + 1]

    def expect(self, *characters: str) -> str:
        """The next character, which is passed over. Raises: SourceError: it is another one."""
        if (character := self.next_character()) not in characters:
            expected = " or ".join(repr(each) if each else "the end" for each in characters)
            raise self._wrong(f"Expecting {expected}", self._place)
        self._place += len(character)
        return character

    def value(self) -> Any:
        """The value that begins here. Raises: SourceError: it is no JSON, or far too long."""
        self.next_character()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._kept, self._place)
            except json.JSONDecodeError as error:  # the value is wrong, or goes on in what was not read
                behind = error.pos - self._place
                if not self._read(len(self._kept) - self._place):
                    raise self._wrong(error.msg, behind) from None
            except RecursionError as error:
                raise self._wrong(str(error), self._place) from None
            else:
                if end < len(self._kept) or not self._read(1):  # a number may go on
                    self._place = end
                    return value

    def _read(self, least: int) -> bool:
        """Forget what was passed over, and read so many characters more; False at the end of the file."""
        self._line += self._kept.count("\n", 0, self._place)
        more = "".join(islice(self._parts, 1 + least // PART))
        self._kept, self._place = self._kept[self._place :] + more, 0
        if len(self._kept) > self._longest + PART:
            raise self._wrong("one entry is too long", 0)
        return bool(more)

    def _wrong(self, problem: str, place: int) -> SourceError:
        where = f"{problem}: line {self._line + self._kept.count(chr(10), 0, place)}"
        return SourceError("{name} is not valid JSON ({error}): put that right.", name=self._name, error=where)
