"""Forecasts: each round's probabilities for the holdout and for the items that rounds are compared on."""

from collections.abc import Mapping

import numpy as np

from labeler.core.rounds import Forecast, ForecastKind
from labeler.store.database import Database, Row


class Forecasts:
    """Forecasts, as arrays."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def get(self, number: int, kind: ForecastKind) -> Forecast | None:
        """The forecast of a round; None where there was no model, and in rounds of earlier versions."""
        rows = self.db.rows("SELECT items, proba FROM forecasts WHERE round = ? AND kind = ?", [number, kind])
        return _as_forecast(rows[0]) if rows else None

    def rounds(self) -> list[int]:
        """The numbers of the rounds whose forecast of the holdout is kept, ascending."""
        return [
            row["round"] for row in self.db.rows("SELECT round FROM forecasts WHERE kind = 'holdout' ORDER BY round")
        ]

    def all(self, kind: ForecastKind) -> dict[int, Forecast]:
        """The forecasts of all rounds, by round, oldest first."""
        rows = self.db.rows("SELECT round, items, proba FROM forecasts WHERE kind = ? ORDER BY round", [kind])
        return {row["round"]: _as_forecast(row) for row in rows}

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


def _as_forecast(row: Row) -> Forecast:
    items = np.frombuffer(row["items"], "<i8")
    proba = np.frombuffer(row["proba"], "<f4")
    return Forecast(items, proba.reshape(len(items), len(proba) // max(len(items), 1)))  # a holdout may be empty
