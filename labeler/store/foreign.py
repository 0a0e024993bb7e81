"""Predictions of somebody else's models, as they came: what they say in today's classes follows from the changes since.

A model's predictions are stored some at a time, so that nobody who labels waits. They count once all of them are there,
and take the place of those that the same name and version had before, in one transaction.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from labeler.core.blinding import OPEN
from labeler.core.class_changes import StoredChange, label_today, proba_today, stay_apart
from labeler.core.decisions import proba_of_items
from labeler.core.foreign import ForeignForecast, ForeignModel
from labeler.core.items import ModelSays
from labeler.core.labels import labels_at
from labeler.store.audit import AuditLog
from labeler.store.class_changes import ClassChanges
from labeler.store.database import Database, Row, now
from labeler.store.parts import AT_ONCE, let_others_write

_MODELS = (
    "SELECT id, model AS name, version, at, by, source, n, classes, class_change FROM foreign_models WHERE complete"
)
Key = Literal["item_id", "item", "item_source"]  # what finds an item, see `ForeignPrediction`
_SEARCHED: dict[Key, str] = {"item_id": "id", "item": "content_hash", "item_source": "source"}
_AMONG = "AND p.item_id IN (SELECT value FROM json_each(?))"
# Items that can have a prediction: those of an import that was undone, and erased ones, cannot.
_THERE = "split IS NOT NULL AND erased_at IS NULL"


@dataclass(frozen=True)
class NewForeign:
    """A prediction of the item `item_id`, to be stored. label: a stored text. proba: (C,) over the classes."""

    item_id: int
    label: str
    proba: np.ndarray | None = None
    confidence: float | None = None


class ForeignModels:
    """Models of somebody else, with their predictions."""

    def __init__(self, db: Database, class_changes: ClassChanges) -> None:
        self.db = db
        self.class_changes = class_changes
        self.audit = AuditLog(db)

    def all(self) -> list[ForeignModel]:
        """The models whose predictions are all there, the newest first."""
        return [_as_model(row) for row in self.db.rows(f"{_MODELS} ORDER BY id DESC")]

    def named(self, name: str, version: str) -> ForeignModel | None:
        """The model with this name and version."""
        rows = self.db.rows(f"{_MODELS} AND model = ? AND version = ?", [name, version])
        return _as_model(rows[0]) if rows else None

    # ---------------------------------------------------------------- storing

    def ids_of(self, key: Key, values: Sequence[object]) -> Row:
        """The id of the item that has each of these values; 0: several have it. Values of no item are left out."""
        column = _SEARCHED[key]
        if column == "source":
            self._index_sources()
            searched = "SELECT source AS value, iif(n = 1, id, 0) AS id FROM temp.item_sources WHERE source"
        else:
            searched = f"SELECT {column} AS value, id FROM items WHERE {_THERE} AND {column}"
        rows = self.db.rows(f"{searched} IN (SELECT value FROM json_each(?))", [json.dumps(list(values))])
        return {row["value"]: row["id"] for row in rows}

    def _index_sources(self) -> None:
        """Items by where they came from, for this connection: nothing else looks for them by that."""
        if not self.db.rows("SELECT 1 FROM temp.sqlite_schema WHERE name = 'item_sources'"):
            self.db.execute(
                "CREATE TEMP TABLE item_sources AS"
                f" SELECT source, MIN(id) AS id, COUNT(*) AS n FROM items WHERE {_THERE} GROUP BY source"
            )
            self.db.execute("CREATE INDEX temp.item_sources_source ON item_sources (source)")

    def begin(self, name: str, version: str, source: str, class_change: int) -> int:
        """The id of a model whose predictions are about to come; none of them count yet.

        Args: class_change: number of the latest change of the classes when the store's settings were read.
        """
        classes = json.dumps(self.db.config.classes, ensure_ascii=False)
        with self.db.write():
            return self.db.value(
                "INSERT INTO foreign_models (model, version, at, by, source, classes, class_change)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
                [name, version, now(), self.db.actor.name, source, classes, class_change],
            )

    def put(self, model: int, predictions: Sequence[NewForeign]) -> int:
        """Store predictions of a model that was begun, in one transaction; how many items had none from it yet.

        The first prediction of an item stays.
        """
        rows = [
            (model, p.item_id, p.label, None if p.proba is None else p.proba.astype("<f4").tobytes(), p.confidence)
            for p in predictions
        ]
        with self.db.write():
            before = self.db.connection.total_changes
            self.db.executemany(
                "INSERT INTO foreign_predictions (model_id, item_id, label, proba, confidence) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                rows,
            )
            return self.db.connection.total_changes - before

    def finish(self, models: Iterable[int]) -> list[bool]:
        """Let the predictions of models count that were begun, all of them at once or none; of each model whether it
        takes the place of one with its name and version.
        """
        replaced = []
        query = "SELECT COUNT(*) FROM foreign_predictions WHERE model_id = ?"
        n_of = {model: self.db.value(query, [model]) for model in models}  # before the lock: it reads all of them
        with self.db.write():
            for model, n in n_of.items():
                (row,) = self.db.rows("SELECT model, version, source FROM foreign_models WHERE id = ?", [model])
                before = self.named(row["model"], row["version"])
                if before:
                    self.db.execute("UPDATE foreign_models SET complete = 0 WHERE id = ?", [before.id])
                self.db.execute("UPDATE foreign_models SET complete = 1, n = ? WHERE id = ?", [n, model])
                was = {"items": before.n} if before else None
                self.audit.record(self.db.actor, "predictions imported", row, was, {"items": n})
                replaced.append(before is not None)
        self.forget_unfinished()
        return replaced

    def remove(self, model: ForeignModel) -> None:
        """Remove a model with its predictions."""
        with self.db.write():
            self.db.execute("UPDATE foreign_models SET complete = 0 WHERE id = ?", [model.id])
            what = {"model": model.name, "version": model.version, "source": model.source}
            self.audit.record(self.db.actor, "predictions removed", what, {"items": model.n}, None)
        self.forget_unfinished()

    def forget_unfinished(self) -> None:
        """Delete predictions that do not count: of an import that was cut off, and those that others took the place of.

        Nobody else may import meanwhile.
        """
        unfinished = [row["id"] for row in self.db.rows("SELECT id FROM foreign_models WHERE NOT complete")]
        for model in unfinished:
            while self._delete_some(model):
                let_others_write(self.db, AT_ONCE)
            with self.db.write():
                self.db.execute("DELETE FROM foreign_models WHERE id = ?", [model])

    def _delete_some(self, model: int) -> bool:
        """Whether predictions of a model may be left: `AT_ONCE` of them are deleted at most."""
        with self.db.write():
            deleted = self.db.execute(
                "DELETE FROM foreign_predictions WHERE (model_id, item_id) IN"
                " (SELECT model_id, item_id FROM foreign_predictions WHERE model_id = ? LIMIT ?)",
                [model, AT_ONCE],
            )
        return deleted.rowcount == AT_ONCE

    # ---------------------------------------------------------------- reading

    def holdout(self, model: ForeignModel) -> ForeignForecast:
        """What a model says of the holdout's items, by ascending id."""
        return self._forecast(model, "JOIN items i ON i.id = p.item_id AND i.split = 'holdout'")

    def everything(self, model: ForeignModel) -> ForeignForecast:
        """All that a model says, by ascending id."""
        return self._forecast(model, "")

    def of(self, model: ForeignModel, items: Sequence[int]) -> ForeignForecast:
        """What a model says of those of the items that it has predicted, by ascending id."""
        return self._forecast(model, "", [_ids(items)], _AMONG)

    def pool(self, model: ForeignModel, items: Sequence[int]) -> ForeignForecast:
        """What a model says of those of the items that are in the pool, by ascending id."""
        return self._forecast(model, "JOIN items i ON i.id = p.item_id AND i.split = 'pool'", [_ids(items)], _AMONG)

    def shown(self, items: Sequence[int]) -> dict[int, list[ModelSays]]:
        """What the models say of each of these items, the newest model first; nothing of blind items, whose answers may
        not depend on any model, see `labeler.core.blinding`.
        """
        if not items or not (models := self.all()):
            return {}
        rows = self.db.rows(
            f"SELECT i.id FROM items i WHERE {OPEN} AND i.id IN (SELECT value FROM json_each(?))", [_ids(items)]
        )
        said: dict[int, list[ModelSays]] = {row["id"]: [] for row in rows}
        for model in models:
            of = self.of(model, sorted(said))
            for item, label, share in zip(of.items.tolist(), of.labels, of.confidence.tolist(), strict=True):
                said[item].append(ModelSays(model.title, label, None if np.isnan(share) else share))
        return said

    def _forecast(
        self, model: ForeignModel, join: str, values: Sequence[object] = (), condition: str = ""
    ) -> ForeignForecast:
        changes, config = self.class_changes.since(model.class_change), self.db.config
        rows = self.db.execute(
            f"SELECT p.item_id, p.label, p.proba, p.confidence FROM foreign_predictions p {join}"
            f" WHERE p.model_id = ? {condition} ORDER BY p.item_id",
            [model.id, *values],
        ).fetchall()
        today = {label: label_today(label, changes, config.several) for label in {row[1] for row in rows}}
        kept = [row for row in rows if today[row[1]] is not None]
        labels = [str(today[row[1]]) for row in kept]
        proba = self._proba([row[2] for row in kept], model, changes)
        of_labels = np.full(len(kept), np.nan)
        targets = labels_at(range(len(kept)), labels, config)
        of_labels[targets.positions] = proba_of_items(proba[targets.positions], targets.targets)
        if stay_apart(model.classes, [stored.change for stored in changes]):
            given = np.array([np.nan if row[3] is None else row[3] for row in kept], dtype=float)
            of_labels = np.where(np.isnan(given), of_labels, given)
        items = np.array([row[0] for row in kept], dtype=np.int64)
        return ForeignForecast(items, tuple(labels), proba, of_labels, len(rows) - len(kept))

    def _proba(self, blobs: Sequence[bytes | None], model: ForeignModel, changes: Sequence[StoredChange]) -> np.ndarray:
        """(n, C) probabilities in today's classes; NaN where none were given, or where a class was split since."""
        config = self.db.config
        proba = np.full((len(blobs), len(config.classes)), np.nan)
        with_proba = [place for place, blob in enumerate(blobs) if blob is not None]
        if with_proba:
            given = np.frombuffer(b"".join(blobs[place] or b"" for place in with_proba), "<f4")
            given = given.reshape(-1, len(model.classes)).astype(float)
            today = proba_today(given, model.classes, changes, config.classes, config.several)
            if today is not None:
                proba[with_proba] = today
        return proba


def _ids(items: Sequence[int]) -> str:
    return json.dumps([int(item) for item in items])


def _as_model(row: Row) -> ForeignModel:
    return ForeignModel(**row | {"classes": tuple(json.loads(row["classes"]))})
