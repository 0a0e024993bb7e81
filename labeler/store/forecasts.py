"""Forecasts: each round's probabilities for the holdout and for the items that rounds are compared on.

They are stored over the classes of their round, and read over those of today. With age they are thinned, see
`labeler.store.forecast_forms`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from labeler.core.class_changes import ClassChange, are_told_apart, proba_today, stay_apart
from labeler.core.rounds import Forecast, ForecastKind
from labeler.store.class_changes import ClassChanges
from labeler.store.database import Database
from labeler.store.forecast_forms import YOUNG, Form, form_at, is_complete, packed, unpacked


@dataclass(frozen=True)
class _Axes:
    """What the probabilities of some rounds are of. class_change: the latest change of the classes at that time."""

    items: np.ndarray
    classes: Sequence[str]
    class_change: int


class Forecasts:
    """Forecasts, as arrays."""

    def __init__(self, db: Database, class_changes: ClassChanges) -> None:
        self.db = db
        self.class_changes = class_changes

    def get(self, number: int, kind: ForecastKind) -> Forecast | None:
        """The forecast of a round; None where there was no model, in rounds of earlier versions, and where the round's
        model cannot tell today's classes apart: one was split, or others were merged or retired and the forecast is an
        older one that was thinned.
        """
        return dict(self._each(kind, "AND round = ?", [number])).get(number)

    def rounds(self) -> list[int]:
        """The numbers of the rounds whose forecast of the holdout can be read, see `get`, ascending."""
        return self._readable([stored.change for stored in self.class_changes.all()])

    def lost_by(self, change: ClassChange) -> int:
        """How many of these rounds could not be read after a change of the classes."""
        changes = [stored.change for stored in self.class_changes.all()]
        return len(self._readable(changes)) - len(self._readable([*changes, change]))

    def _readable(self, changes: Sequence[ClassChange]) -> list[int]:
        rows = self.db.execute("SELECT round, axes, form FROM forecasts WHERE kind = 'holdout' ORDER BY round")
        forms: dict[tuple[int, Form], list[int]] = {}
        for number, axes, form in rows:
            forms.setdefault((axes, form), []).append(number)
        of_axes = {key: self._axes(key, with_items=False) for key in {axes for axes, _ in forms}}
        readable = [n for (key, form), n in forms.items() if _is_readable(of_axes[key], form, changes)]
        return sorted(number for numbers in readable for number in numbers)

    def each(self, kind: ForecastKind, after: int = 0) -> Iterator[tuple[int, Forecast]]:
        """The forecasts that can be read, see `get`, of the rounds after this one: their numbers and arrays, oldest
        first. `items` is the same array where the items are the same.
        """
        return self._each(kind, "AND round > ?", [after])

    def _each(self, kind: ForecastKind, where: str, values: Sequence[int]) -> Iterator[tuple[int, Forecast]]:
        changes, config = self.class_changes.all(), self.db.config
        of_axes: dict[int, _Axes] = {}
        rows = self.db.execute(
            f"SELECT round, axes, form, proba FROM forecasts WHERE kind = ? {where} ORDER BY round", [kind, *values]
        )
        for number, key, form, blob in rows:
            axes = of_axes.get(key) or of_axes.setdefault(key, self._axes(key))
            if not _is_readable(axes, form, [stored.change for stored in changes]):
                continue
            proba, since = unpacked(blob, form, len(axes.items), len(axes.classes)), changes[axes.class_change :]
            today = proba_today(proba, axes.classes, since, config.classes, config.several)
            if today is not None:
                yield number, Forecast(axes.items, today, is_complete(form, len(axes.classes)))

    def _axes(self, key: int, with_items: bool = True) -> _Axes:
        items = "items" if with_items else "x''"
        (row,) = self.db.rows(f"SELECT classes, class_change, {items} AS items FROM forecast_axes WHERE id = ?", [key])
        return _Axes(np.frombuffer(row["items"], "<i8"), json.loads(row["classes"]), row["class_change"])

    def add(self, number: int, forecasts: Mapping[ForecastKind, Forecast]) -> None:
        """Store the forecasts of a round that is stored already, and thin those of older rounds. Only the last two
        rounds keep their `stop` forecasts.
        """
        several = self.db.config.several
        for kind, forecast in forecasts.items():
            form = form_at(number, number, forecast.proba.shape[1], several)
            self.db.execute(
                "INSERT INTO forecasts (round, kind, axes, form, proba) VALUES (?, ?, ?, ?, ?)",
                [number, kind, self._key_of(number, forecast.items), form, packed(forecast.proba, form, several)],
            )
        self._thin(number)
        self.db.execute("DELETE FROM forecasts WHERE kind = 'stop' AND round < ?", [number - 1])
        self.db.execute("DELETE FROM forecast_axes WHERE id NOT IN (SELECT axes FROM forecasts)")

    def _key_of(self, number: int, items: np.ndarray) -> int:
        """The id of the axes of a round's forecast of these items, which rounds before it may have had as well."""
        axes = [items.astype("<i8").tobytes(), number]
        is_same = "(classes, class_change) = (SELECT config ->> '$.classes', class_change FROM rounds WHERE number = ?)"
        key: int | None = self.db.value(f"SELECT id FROM forecast_axes WHERE items = ? AND {is_same}", axes)
        if key is not None:
            return key
        return self.db.value(
            "INSERT INTO forecast_axes (items, classes, class_change)"
            " SELECT ?, config ->> '$.classes', class_change FROM rounds WHERE number = ? RETURNING id",
            axes,
        )

    def _thin(self, latest: int) -> None:
        """Bring older forecasts of the holdout into the form of their age."""
        rows = self.db.rows(
            "SELECT round, axes FROM forecasts WHERE kind = 'holdout' AND form = 'probabilities' AND round <= ?",
            [latest - YOUNG],
        )
        of_axes = {key: self._axes(key) for key in {row["axes"] for row in rows}}
        several = self.db.config.several
        for row in rows:
            number, axes = row["round"], of_axes[row["axes"]]
            form = form_at(number, latest, len(axes.classes), several)
            if form != "probabilities":
                blob = self.db.value("SELECT proba FROM forecasts WHERE round = ? AND kind = 'holdout'", [number])
                proba = unpacked(blob, "probabilities", len(axes.items), len(axes.classes))
                self.db.execute(  # an UPDATE would leave the pages of the database partly empty
                    "REPLACE INTO forecasts (round, kind, axes, form, proba) VALUES (?, 'holdout', ?, ?, ?)",
                    [number, row["axes"], form, packed(proba, form, several)],
                )


def _is_readable(axes: _Axes, form: Form, changes: Sequence[ClassChange]) -> bool:
    """Whether a forecast can be read over the classes after all of these changes."""
    since = changes[axes.class_change :]
    if is_complete(form, len(axes.classes)):
        return are_told_apart(axes.classes, since)
    return stay_apart(axes.classes, since)
