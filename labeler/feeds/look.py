"""A look at a feed: what it needs to know, what it has brought, and the errors that end it."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labeler.core.errors import LabelerError
from labeler.core.items import Modality, Problem
from labeler.core.settings import FeedConfig
from labeler.files.sources import ROW, SourceColumns
from labeler.i18n.messages import Message

MOST_ROWS = 10_000  # that one look brings; the next one follows at once
MOST_FILES = 5000
MOST_BYTES = 1 << 30
SECONDS = 300.0  # after which a look takes nothing more; the next one goes on at once


class FeedError(LabelerError):
    """A feed that cannot be read, or may not be."""


def _all(versions: Mapping[str, str]) -> set[str]:
    return {*versions}


def _quiet(done: int, total: int, size: int) -> None:
    pass


@dataclass(frozen=True)
class Look:
    """What a look at a feed needs.

    home: where the projects are. target: an empty folder for what it brings. cursor: the largest value that was read;
    None: none was. resume: how the look before has left it, see `Brought`. until: the time, on the monotonic clock,
    after which nothing more is taken. unread: which of some files were not read in this version yet, see
    `Feeds.unread`. tell: takes how many files or records were read so far, of how many (0: not known), and their bytes.
    """

    name: str
    feed: FeedConfig
    modality: Modality
    home: Path
    target: Path
    cursor: Any = None
    resume: Mapping[str, Any] = field(default_factory=dict)
    until: float = field(default_factory=lambda: time.monotonic() + SECONDS)
    unread: Callable[[Mapping[str, str]], set[str]] = _all
    tell: Callable[[int, int, int], None] = _quiet

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be taken."""
        return time.monotonic() > self.until

    @property
    def columns(self) -> SourceColumns:
        """The columns of a table, as the settings of the feed name them."""
        feed = self.feed
        content = {"text": feed.text} if self.modality == "text" else {"image": feed.image}
        named = content | {"label": feed.label, "group": feed.group}
        return SourceColumns(**{role: column for role, column in named.items() if column})


@dataclass(frozen=True)
class Brought:
    """What a look has brought.

    sources: what is to be imported, with its columns. cursor: the largest value that was read. versions: of the files
    that were read, by name. problems: what cannot be imported. is_more: whether more waits. resume: what the next look
    needs to go on. kept_version: the one version of which files stay known besides; None: all. bytes: that were read.
    names: what a source is called at the feed's place, where its own name does not say that. rows: the files that the
    rows of a source are, where each is one.
    """

    sources: Sequence[tuple[Path, SourceColumns]] = ()
    cursor: Any = None
    versions: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    is_more: bool = False
    resume: Mapping[str, Any] = field(default_factory=dict)
    kept_version: str | None = None
    bytes: int = 0
    names: Mapping[Path, str] = field(default_factory=dict)
    rows: Mapping[Path, Sequence[str]] = field(default_factory=dict)

    def at_its_place(self, source: Path, problem: Problem) -> Problem:
        """A problem of a source, or of a row or file in it, with the names that files have at the feed's place."""
        within = problem.source.removeprefix(source.name)  # such as " row 3", or "/a.png"
        row, files = within.removeprefix(ROW), self.rows.get(source, ())
        if row.isdigit() and 0 < int(row) <= len(files):
            name = file = files[int(row) - 1]
        else:
            name = (self.names.get(source, source.name) + within).removeprefix("/") or source.name
            file = name.removesuffix(within) if within.startswith(ROW) else name
        reason = Message.of(problem.reason)
        # a sentence may name the file as well, without its folder
        whole = {
            key: file if isinstance(value, str) and f"/{file}".endswith(f"/{value}") else value
            for key, value in reason.fields.items()
        }
        return Problem(name, Message(reason.message, **whole))


def records_of(look: Look) -> Path:
    """The path of the table of the records that a look brings."""
    return look.target / f"{look.name}.jsonl"


def table_of(look: Look, records: Sequence[Mapping[str, Any]]) -> list[tuple[Path, SourceColumns]]:
    """A table with these records, named after the feed; nothing where there are none."""
    if not records:
        return []
    path = records_of(look)
    with path.open("w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")
    return [(path, look.columns)]
