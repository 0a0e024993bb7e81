"""Items as the page Items lists them: searched and filtered into ids, and read a page at a time with their history."""

import json
import math
import time
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from labeler.core.id_runs import IdRuns
from labeler.core.items import Item, Split
from labeler.store.asked_next import ASKABLE
from labeler.store.database import Database, Row
from labeler.store.items import IMPORT, LABELED, UNLISTED, WITHOUT_SPLIT, as_item, ids_where

State = Literal["labeled", "unlabeled", "flagged", "unsure", "excluded", "chosen", "waiting"]

BEGINNING = 400  # characters of a text in a list
LOOK = 5000  # items that a search reads at once

# Which items are in a state; those without a label are all but few.
_STATES: dict[State, str] = {
    "labeled": LABELED,
    "flagged": "i.flagged",
    "unsure": "i.id IN (SELECT item_id FROM answers WHERE unsure)",
    "excluded": "i.adjudicated = 'exclude'",
    "chosen": "i.id IN (SELECT item_id FROM answers WHERE chosen IS NOT NULL)",
    "waiting": f"{ASKABLE} AND i.id IN (SELECT item_id FROM asked_next WHERE taken_back_at IS NULL)",
}


@dataclass(frozen=True)
class ItemFilter:
    """Which items are listed; None and "" let all through.

    words: all of them occur in the text or in the name of the item's source; words between quotes stand together.
    name: of a class of the item's label. annotator: who answered it. column, value: of the imported table.
    """

    words: str = ""
    split: Split | None = None
    name: str | None = None
    annotator: str | None = None
    state: State | None = None
    column: str | None = None
    value: str = ""


@dataclass(frozen=True)
class Listed:
    """An item of a list, its text cut. labels: answers with a label. open_flag: whether it waits for the lead."""

    item: Item
    label: str | None
    labels: int
    adjudicated: str | None
    open_flag: bool


@dataclass(frozen=True)
class Event:
    """Something that happened to an item.

    kind: imported, ranked, asked, withdrawn, label, skip, flag, undo, decision, exclude, return, decision undone.
    who: "" where nobody did it. label: as it was given; today: what it says in today's classes. how: who chose the item
    of an answer, see `core.items.Chosen`; of what is ranked, the strategy. text: a note or a reason.
    """

    kind: str
    at: str
    who: str = ""
    label: str | None = None
    today: str | None = None
    how: str | None = None
    round: int | None = None
    rank: int | None = None
    unsure: bool = False
    text: str = ""


@dataclass(frozen=True)
class Found:
    """What a search has found so far. ids: in its order. looked: how many items it has looked at, of `of`; last: the id
    of the last of them, 0 before the first.
    """

    ids: IdRuns
    looked: int
    of: int
    last: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to look at."""
        return self.looked >= self.of


NOTHING = Found(IdRuns.of([]), 0, 0)


class Catalogue:
    """Items, listed and looked at one by one.

    Words and columns are searched by reading the items: an index of trigrams would double the database and miss Korean
    words of two syllables (docs/benchmarks/speed.md). So a search ends after a while, and goes on when it is asked to.
    """

    def __init__(self, db: Database) -> None:
        self.db = db

    def ids(self, wanted: ItemFilter) -> np.ndarray:
        """(n,) int64 ids of the items that a filter lets through, ascending."""
        return self.search(wanted).ids[:]

    # wide: where a search begins, and where it ends
    def search(
        self,
        wanted: ItemFilter,
        seconds: float = math.inf,
        so_far: Found = NOTHING,
        newest_first: bool = False,
        among: np.ndarray | None = None,
    ) -> Found:
        """What a filter lets through, in the order of import, searched for so many seconds.

        Without words and a column all is found at once, by indexes alone.

        Args: so_far: what the search has found before. among: (k,) ids, to which it is limited, in
              their order in place of that of import.
        """
        with self.db.read():
            candidates = self.candidates(wanted)
            if among is not None:
                candidates = IdRuns.of(among[candidates.has(among)])
            if newest_first:
                candidates = reversed(candidates)
            if not _to_read(wanted)[0]:
                n = len(candidates)
                return Found(candidates, n, n)
            return self._read_on(wanted, candidates, so_far, seconds)

    def after(self, wanted: ItemFilter, after: int, most: int, seconds: float) -> Found:
        """The first items behind this id that a filter lets through, or those found in so many seconds.

        Args: most: it ends once it has found so many; where items have to be read, it may have found more.
        """
        with self.db.read():
            candidates = self.candidates(wanted)
            place, n = candidates.up_to(after), len(candidates)
            if _to_read(wanted)[0]:
                return self._read_on(wanted, candidates, Found(NOTHING.ids, place, n), seconds, most)
        ids = candidates[place : place + most]
        return Found(IdRuns.of(ids), place + len(ids), n, int(ids[-1]) if len(ids) else after)

    def _read_on(
        self, wanted: ItemFilter, candidates: IdRuns, so_far: Found, seconds: float, most: int | None = None
    ) -> Found:
        """What is found of these candidates, those that are looked at already included."""
        conditions, values = _to_read(wanted)
        until = time.monotonic() + seconds
        found, looked = [so_far.ids[:]], so_far.looked
        while looked < len(candidates):
            part = candidates[looked : looked + LOOK]
            looked += len(part)
            found.append(self._among(part, conditions, values))
            if time.monotonic() >= until or (most is not None and sum(map(len, found)) >= most):
                break
        last = candidates[max(looked - 1, 0) : looked]
        return Found(IdRuns.of(np.concatenate(found)), looked, len(candidates), int(last[0]) if len(last) else 0)

    def _among(self, ids: np.ndarray, conditions: list[str], values: Row) -> np.ndarray:
        """(k,) int64: those of these ids (n,), in their order, whose items fulfil the conditions."""
        low, high = int(ids.min()), int(ids.max())
        if high - low < 2 * len(ids):
            where, values = "i.id BETWEEN :low AND :high", values | {"low": low, "high": high}
        else:
            where, values = "i.id IN (SELECT value FROM json_each(:ids))", values | {"ids": json.dumps(ids.tolist())}
        rows = self.db.execute(f"SELECT i.id FROM items i WHERE {' AND '.join([where, *conditions])}", values)
        return ids[np.isin(ids, np.fromiter((row[0] for row in rows), np.int64))]

    def candidates(self, wanted: ItemFilter) -> IdRuns:
        """What a filter lets through as far as indexes tell: without its words and its column."""
        listed, without = self._listed(), list[np.ndarray]()
        if wanted.name or wanted.annotator or wanted.state not in (None, "unlabeled"):
            conditions, values = _few(wanted, self.db.config.several)
            rows = self.db.execute(f"SELECT i.id FROM items i WHERE {' AND '.join(conditions)}", values)
            few = np.sort(np.fromiter((row[0] for row in rows), dtype=np.int64))
            listed = IdRuns.of(few[listed.has(few)])
        if wanted.state == "unlabeled":
            without.append(ids_where(self.db, LABELED, "adjudicated = 'exclude'"))
        if wanted.split == "pool":
            without.append(ids_where(self.db, "split = 'holdout'"))
        if wanted.split == "holdout":
            holdout = ids_where(self.db, "split = 'holdout'")
            listed = IdRuns.of(holdout[listed.has(holdout)])
        return listed.without(np.unique(np.concatenate(without))) if without else listed

    def _listed(self) -> IdRuns:
        """All items that are listed, without reading them: all ids but the few that are not, by their indexes.
        Where some ids are of no item, those that are listed are read.
        """
        last = self.db.value("SELECT COALESCE(MAX(id), 0) FROM items")
        with_split = self.db.value("SELECT COALESCE(SUM(n), 0) FROM item_counts")
        if with_split + len(ids_where(self.db, *WITHOUT_SPLIT)) < last:
            return IdRuns.of(ids_where(self.db, "listed"))
        return IdRuns.all_but(last, ids_where(self.db, *UNLISTED, "+label IS NULL AND split = 'holdout'"))

    def page(self, item_ids: Sequence[int]) -> list[Listed]:
        """These items, in this order; those that are gone or not listed are left out."""
        rows = self.db.rows(
            f"""
            SELECT i.id, i.content_hash, i.split, i.source, substr(i.text, 1, {BEGINNING}) AS text, i.media, i.object,
                   i.metadata, i.label, i.labels, i.adjudicated, i.flagged AS open_flag
            FROM json_each(?) wanted CROSS JOIN items i ON i.id = wanted.value WHERE i.listed ORDER BY wanted.key
            """,
            [json.dumps([int(i) for i in item_ids])],
        )
        return [Listed(as_item(r), r["label"], r["labels"], r["adjudicated"], bool(r["open_flag"])) for r in rows]

    def newest(self) -> int:
        """The id of the item with a split that was added last; 0 without items."""
        # `+id`: the index has the few items of the holdout, while the table would be read from its end to one of them
        return (
            self.db.value(
                "SELECT MAX(id) FROM (SELECT MAX(id) AS id FROM items WHERE listed"
                " UNION ALL SELECT MAX(+id) FROM items WHERE split = 'holdout')"
            )
            or 0
        )

    def unlisted(self) -> int:
        """The number of holdout items without a label, which no list shows: they are answered without being known."""
        return self.db.value(
            "SELECT COALESCE(SUM(n), 0) - (SELECT COUNT(*) FROM items"
            " WHERE erased_at IS NOT NULL AND +split = 'holdout' AND label IS NULL)"
            " FROM item_counts WHERE split = 'holdout' AND label = ''"
        )

    def annotators(self) -> list[str]:
        """Everybody who has answered, by name; without imports."""
        rows = self.db.rows("SELECT annotator FROM tally WHERE annotator <> ? ORDER BY annotator", [IMPORT])
        return [row["annotator"] for row in rows]

    def labels_of(self, item_ids: Iterable[int]) -> dict[int, str]:
        """The label of each of these items that has one."""
        rows = self.db.execute(
            "SELECT id, label FROM items WHERE id IN (SELECT value FROM json_each(?)) AND label IS NOT NULL",
            [json.dumps([int(i) for i in item_ids])],
        )
        return dict(rows.fetchall())

    def history(self, item_id: int) -> list[Event]:
        """All that happened to an item, in the order of time. Rankings are its best place in each round."""
        values = {"item": item_id, "import": IMPORT}
        rows = [row for query in _HISTORY for row in self.db.rows(query, values)]
        events = [Event(**row | {"unsure": bool(row.get("unsure"))}) for row in rows]
        return sorted(events, key=lambda event: event.at)

    def held_by(self, item_id: int) -> list[str]:
        """Who has the item on the desk now."""
        rows = self.db.rows("SELECT annotator FROM reservations WHERE item_id = ? ORDER BY annotator", [item_id])
        return [row["annotator"] for row in rows]


# The names in the label of an item `i` as a JSON list; a label from before items had several classes is no list.
_NAMES = "CASE WHEN i.label LIKE '[%' AND json_valid(i.label) THEN i.label ELSE json_array(i.label) END"


def _few(wanted: ItemFilter, several: bool) -> tuple[list[str], Row]:
    """The SQL conditions on an item `i` that only few fulfil, and the values of their parameters."""
    conditions, values = list[str](), Row()
    if wanted.name is not None:
        is_of_class = f":name IN (SELECT value FROM json_each({_NAMES}))" if several else "i.label = :name"
        conditions += [LABELED, is_of_class]
        values["name"] = wanted.name
    if wanted.annotator:
        conditions.append("i.id IN (SELECT item_id FROM answers WHERE annotator = :annotator)")
        values["annotator"] = wanted.annotator
    if wanted.state and wanted.state != "unlabeled":
        conditions.append(_STATES[wanted.state])
    return conditions, values


def _to_read(wanted: ItemFilter) -> tuple[list[str], Row]:
    """The SQL conditions on an item `i` for which it has to be read, and the values of their parameters."""
    conditions, values = list[str](), Row()
    for place, word in enumerate(words_in(wanted.words)):
        conditions.append(f"(i.text LIKE :word{place} ESCAPE '\\' OR i.source LIKE :word{place} ESCAPE '\\')")
        values[f"word{place}"] = "%" + "".join(f"\\{c}" if c in "\\%_" else c for c in word) + "%"
    if wanted.column:
        conditions.append("CAST(COALESCE(json_extract(i.metadata, :column), '') AS TEXT) = :value")
        values |= {"column": '$."' + wanted.column.replace('"', "") + '"', "value": wanted.value}
    return conditions, values


def words_in(search: str) -> list[str]:
    """The words of a search, composed as imported texts are; words between quotes are one."""
    parts = unicodedata.normalize("NFC", search).split('"')
    return [
        word
        for place, part in enumerate(parts)
        for word in ([part.strip()] if place % 2 and len(parts) > place + 1 else part.split())
        if word
    ]


# What happened to an item, from each table that has some of it; columns as in `Event`.
_HISTORY = (
    "SELECT 'imported' AS kind, added_at AS at, source AS text FROM items WHERE id = :item",
    """
    SELECT 'ranked' AS kind, COALESCE(r.finished_at, i.added_at) AS at, q.strategy AS how, q.round, q.rank
    FROM queries q JOIN items i ON i.id = q.item_id LEFT JOIN rounds r ON r.number = q.round WHERE q.item_id = :item
    """,
    """
    SELECT 'asked' AS kind, at, by AS who, selection AS text FROM asked_next WHERE item_id = :item
    UNION ALL
    SELECT 'withdrawn', taken_back_at, by, '' FROM asked_next WHERE item_id = :item AND taken_back_at IS NOT NULL
    """,
    """
    SELECT a.action AS kind, a.at, a.annotator AS who, a.label, a.today, a.chosen AS how, a.unsure,
           COALESCE(a.note, '') AS text
    FROM annotations a WHERE a.item_id = :item
    """,
    """
    SELECT CASE WHEN a.action = 'label' THEN 'decision' WHEN a.action = 'undo' THEN 'decision undone' ELSE a.action END
           AS kind, a.at, a.by AS who, a.label, a.today, a.reason AS text
    FROM adjudications a WHERE a.item_id = :item
    """,
)
