"""The rows of an import in a file of their own, until all of them are read: then they are stored, or forgotten."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from labeler.core.items import ForeignPrediction, NewItem, Problem
from labeler.i18n.messages import dump, load
from labeler.store.driver import connect
from labeler.store.incoming import COLUMNS, DEFINITIONS, insert, values_of

IN_ORDER = 100_000  # rows that keep the order of the source
COMMITTED = 20_000  # rows of a transaction: each writes all pages at which rows are added
_DIGITS = 2  # of the content hash, by which the rows behind those are ordered
_PLACES = 1 << 40  # more than a source has rows
_TABLES = f"""
    CREATE TABLE IF NOT EXISTS items ({DEFINITIONS});
    CREATE TABLE IF NOT EXISTS problems (id INTEGER PRIMARY KEY, source TEXT NOT NULL, reason TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS predictions (id INTEGER PRIMARY KEY, item TEXT NOT NULL, source TEXT NOT NULL,
        model TEXT NOT NULL, version TEXT NOT NULL, labels TEXT NOT NULL, probabilities TEXT, confidence REAL);
    CREATE TABLE IF NOT EXISTS drawn (id INTEGER PRIMARY KEY);  -- items that are drawn for the holdout
    CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);  -- JSON
"""


class Staged:
    """Items and problems of a source, and facts about the import. Close it, or use it in a `with` block.

    The first items have the order of the source. Those behind them are ordered by the beginning of their content hash:
    the project's indexes of hashes are so large then that rows in any other order would each write pages of their own.
    Equal items keep their order. The file is forgotten after a crash unless it was finished, so nothing waits for the
    disk.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = connect(path)
        self.connection.execute("PRAGMA synchronous=OFF")
        self.connection.executescript(_TABLES)
        columns = {row[0] for row in self.connection.execute("SELECT name FROM pragma_table_info('items')")}
        for column in {"object", "answers"} - columns:  # an earlier version was cut off
            self.connection.execute(f"ALTER TABLE items ADD COLUMN {column} TEXT")
        self._read: int | None = None  # items; None: they have not been counted yet

    def add(self, items: Sequence[NewItem], problems: Sequence[Problem]) -> None:
        """Append rows of the source.

        Rows whose files are in the project are committed at once: after a crash the files are removed with them.
        """
        before = self.counts()[0] if self._read is None else self._read
        rows = [(_id(place, item.content_hash), *values_of(item)) for place, item in enumerate(items, before + 1)]
        self.connection.executemany(insert("items", f"id, {COLUMNS}"), sorted(rows))
        self.connection.executemany(
            "INSERT INTO problems (source, reason) VALUES (?, ?)", [(p.source, dump(p.reason)) for p in problems]
        )
        self.connection.executemany(
            "INSERT INTO predictions (item, source, model, version, labels, probabilities, confidence)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [_prediction(item, prediction) for item in items for prediction in item.predictions],
        )
        self._read = before + len(rows)
        if self._read // COMMITTED > before // COMMITTED or any(item.media for item in items):
            self.connection.commit()

    def draw(self, ids: Iterable[int] | None) -> None:
        """Decide that these items are drawn for the holdout, and no others; None: that is decided later."""
        with self.connection:
            self.connection.executemany("INSERT INTO drawn (id) VALUES (?)", [(item,) for item in ids or ()])
        self.keep({"drawn": ids is not None})

    def predictions(self) -> Iterator[ForeignPrediction]:
        """The predictions of models that came with the items."""
        rows = self.connection.execute(
            "SELECT model, labels, probabilities, version, item, source, confidence FROM predictions ORDER BY id"
        )
        for model, labels, probabilities, version, item, source, confidence in rows:
            shares = json.loads(probabilities) if probabilities else None
            yield ForeignPrediction(
                model, tuple(json.loads(labels)), shares, version, item, row=source, confidence=confidence
            )

    def parts(self, size: int) -> Iterator[tuple[int, int, int]]:
        """The rows in their order, so many at a time: the id before the first, that of the last, and how many."""
        last = 0
        while True:
            first = last
            last, n = self.connection.execute(
                "SELECT MAX(id), COUNT(*) FROM (SELECT id FROM items WHERE id > ? ORDER BY id LIMIT ?)", [first, size]
            ).fetchone()
            if not n:
                return
            yield first, last, n

    def media(self, size: int) -> Iterator[list[tuple[str, str]]]:
        """The content hash and the path of each image that is a file, so many at a time."""
        for first, last, _ in self.parts(size):
            yield self.connection.execute(
                "SELECT content_hash, media FROM items WHERE id > ? AND id <= ? AND media IS NOT NULL"
                " AND object IS NULL",
                [first, last],
            ).fetchall()

    def counts(self) -> tuple[int, int]:
        """The number of items, equal ones included, and the number of problems."""
        query = "SELECT (SELECT COUNT(*) FROM items), (SELECT COUNT(*) FROM problems)"
        items, problems = self.connection.execute(query).fetchone()
        return items, problems

    def problems(self, most: int) -> list[Problem]:
        """The first problems."""
        rows = self.connection.execute("SELECT source, reason FROM problems ORDER BY id LIMIT ?", [most])
        return [Problem(source, load(reason)) for source, reason in rows]

    def keep(self, facts: Mapping[str, Any]) -> None:
        """Keep facts, which JSON can hold, in place of those of the same names."""
        with self.connection:
            rows = [(name, json.dumps(value, ensure_ascii=False)) for name, value in facts.items()]
            self.connection.executemany("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", rows)

    def facts(self) -> dict[str, Any]:
        """The facts that were kept."""
        return {name: json.loads(value) for name, value in self.connection.execute("SELECT name, value FROM facts")}

    def close(self) -> None:
        self.connection.commit()
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _id(place: int, content_hash: str) -> int:
    """The id of the item that is at this place of the source, counted from 1: ids are the order of the items."""
    return place if place <= IN_ORDER else (1 + int(content_hash[:_DIGITS], 16)) * _PLACES + place


def _prediction(item: NewItem, prediction: ForeignPrediction) -> tuple[Any, ...]:
    """The values of a prediction, in the order of the columns."""
    shares = None if prediction.probabilities is None else json.dumps(dict(prediction.probabilities))
    said = json.dumps(prediction.labels, ensure_ascii=False), shares, prediction.confidence
    return item.content_hash, item.source, prediction.model, prediction.version, *said
