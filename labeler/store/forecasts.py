"""Forecasts: each round's probabilities for the holdout and for the items that rounds are compared on.

They are stored over the classes of their round, and read over those of today.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from labeler.core.class_changes import StoredChange, proba_today
from labeler.core.rounds import Forecast, ForecastKind
from labeler.store.class_changes import ClassChanges
from labeler.store.database import Database, Row


class Forecasts:
    """Forecasts, as arrays."""

    def __init__(self, db: Database, class_changes: ClassChanges) -> None:
        self.db = db
        self.class_changes = class_changes

    def get(self, number: int, kind: ForecastKind) -> Forecast | None:
        """The forecast of a round; None where there was no model, in rounds of earlier versions, and where the round's
        model cannot tell today's classes apart, since one was split.
        """
        return self._read(kind, "AND f.round = ?", [number]).get(number)

    def rounds(self) -> list[int]:
        """The numbers of the rounds whose forecast of the holdout can be read, ascending."""
        rows = self._rows("f.round", "holdout")
        changes = self.class_changes.all() if rows else []
        return [
            row["round"] for row in rows if self._today(row, np.empty((0, len(row["classes"]))), changes) is not None
        ]

    def all(self, kind: ForecastKind) -> dict[int, Forecast]:
        """The forecasts of all rounds that can be read, see `get`, by round, oldest first."""
        return self._read(kind)

    def _read(self, kind: ForecastKind, where: str = "", values: Sequence[int] = ()) -> dict[int, Forecast]:
        rows = self._rows("f.round, f.items, f.proba", kind, where, values)
        changes, forecasts = self.class_changes.all() if rows else [], {}
        for row in rows:
            items = np.frombuffer(row["items"], "<i8")
            proba = np.frombuffer(row["proba"], "<f4").reshape(len(items), len(row["classes"]))
            today = self._today(row, proba, changes)
            if today is not None:
                forecasts[row["round"]] = Forecast(items, today)
        return forecasts

    def _rows(self, columns: str, kind: ForecastKind, where: str = "", values: Sequence[int] = ()) -> list[Row]:
        """The forecasts' columns, with `classes`, those of the round, and `class_change`."""
        rows = self.db.rows(
            f"SELECT {columns}, r.class_change, r.config ->> '$.classes' AS classes FROM forecasts f"
            f" JOIN rounds r ON r.number = f.round WHERE f.kind = ? {where} ORDER BY f.round",
            [kind, *values],
        )
        return [row | {"classes": json.loads(row["classes"])} for row in rows]

    def _today(self, row: Row, proba: np.ndarray, changes: Sequence[StoredChange]) -> np.ndarray | None:
        config, since = self.db.config, changes[row["class_change"] :]
        return proba_today(proba, row["classes"], since, config.classes, config.several)

    def add(self, number: int, forecasts: Mapping[ForecastKind, Forecast]) -> None:
        """Store a round's forecasts. Only the last two rounds keep their `stop` forecasts."""
        self.db.executemany(
            "INSERT INTO forecasts (round, kind, items, proba) VALUES (?, ?, ?, ?)",
            [
                (number, kind, f.items.astype("<i8").tobytes(), f.proba.astype("<f4").tobytes())
                for kind, f in forecasts.items()
            ],
        )
        self.db.execute("DELETE FROM forecasts WHERE kind = 'stop' AND round < ?", [number - 1])
