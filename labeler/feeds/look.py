"""A look at a feed: what it needs to know, what it has brought, and the errors that end it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labeler.core.errors import LabelerError
from labeler.core.items import Modality, Problem
from labeler.core.settings import FeedConfig
from labeler.files.sources import SourceColumns

MOST_ROWS = 10_000  # that one look brings; the next one follows at once
MOST_FILES = 5000
MOST_BYTES = 1 << 30


class FeedError(LabelerError):
    """A feed that cannot be read, or may not be."""


@dataclass(frozen=True)
class Look:
    """What a look at a feed needs.

    home: where the projects are. target: an empty folder for what it brings. cursor: the largest value that was read;
    None: none was. unread: which of some files were not read in this version yet, see `Feeds.unread`.
    """

    name: str
    feed: FeedConfig
    modality: Modality
    home: Path
    target: Path
    cursor: Any = None
    unread: Callable[[Mapping[str, str]], set[str]] = field(default=lambda versions: {*versions})

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

    sources: what is to be imported, with its columns. cursor: from which the next look goes on. versions: of the files
    that were read, by name. problems: what cannot be imported. is_more: whether more waits.
    """

    sources: Sequence[tuple[Path, SourceColumns]] = ()
    cursor: Any = None
    versions: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    is_more: bool = False


def table_of(look: Look, records: Sequence[Mapping[str, Any]]) -> list[tuple[Path, SourceColumns]]:
    """A table with these records, named after the feed; nothing where there are none."""
    if not records:
        return []
    path = look.target / f"{look.name}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")
    return [(path, look.columns)]
