"""The rows of an import in a file of their own, until all of them are read: then they are stored, or forgotten."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from labeler.core.items import ForeignPrediction, NewItem, Problem
from labeler.i18n.messages import dump, load
from labeler.store.driver import connect
from labeler.store.incoming import DEFINITIONS, insert, values_of

_TABLES = f"""
    CREATE TABLE IF NOT EXISTS items ({DEFINITIONS});
    CREATE TABLE IF NOT EXISTS problems (id INTEGER PRIMARY KEY, source TEXT NOT NULL, reason TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS predictions (id INTEGER PRIMARY KEY, item TEXT NOT NULL, source TEXT NOT NULL,
        model TEXT NOT NULL, version TEXT NOT NULL, labels TEXT NOT NULL, probabilities TEXT, confidence REAL);
    CREATE TABLE IF NOT EXISTS drawn (id INTEGER PRIMARY KEY);  -- items that are drawn for the holdout
    CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);  -- JSON
"""


class Staged:
    """Items and problems in the order of the source, and facts about the import. Close it, or use it in a `with` block.

    The file is forgotten after a crash unless it was finished, so nothing waits for the disk.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = connect(path)
        self.connection.execute("PRAGMA synchronous=OFF")
        self.connection.executescript(_TABLES)
        columns = {row[0] for row in self.connection.execute("SELECT name FROM pragma_table_info('items')")}
        for column in {"object", "answers"} - columns:  # an earlier version was cut off
            self.connection.execute(f"ALTER TABLE items ADD COLUMN {column} TEXT")

    def add(self, items: Sequence[NewItem], problems: Sequence[Problem]) -> None:
        """Append rows of the source."""
        with self.connection:
            self.connection.executemany(insert("items"), map(values_of, items))
            self.connection.executemany(
                "INSERT INTO problems (source, reason) VALUES (?, ?)", [(p.source, dump(p.reason)) for p in problems]
            )

            self.connection.executemany(
                "INSERT INTO predictions (item, source, model, version, labels, probabilities, confidence)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [_prediction(item, prediction) for item in items for prediction in item.predictions],
            )

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

    def parts(self, size: int) -> Iterator[tuple[int, int]]:
        """The rows in the order of the source, so many at a time: the row before the first, and the last."""
        last, end = 0, self.connection.execute("SELECT COALESCE(MAX(id), 0) FROM items").fetchone()[0]
        while last < end:
            first, last = last, min(last + size, end)
            yield first, last

    def media(self, size: int) -> Iterator[list[tuple[str, str]]]:
        """The content hash and the path of each image that is a file, so many at a time."""
        for first, last in self.parts(size):
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
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _prediction(item: NewItem, prediction: ForeignPrediction) -> tuple[Any, ...]:
    """The values of a prediction, in the order of the columns."""
    shares = None if prediction.probabilities is None else json.dumps(dict(prediction.probabilities))
    said = json.dumps(prediction.labels, ensure_ascii=False), shares, prediction.confidence
    return item.content_hash, item.source, prediction.model, prediction.version, *said
