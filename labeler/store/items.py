"""Items: added, counted and read."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from labeler.core.errors import LabelerError, MissingError
from labeler.core.groups import GroupCounts, codes
from labeler.core.hashes import hashes_in
from labeler.core.items import (
    READ_AT_ONCE,
    AddResult,
    Content,
    Counts,
    InOrder,
    Item,
    ItemColumns,
    NewItem,
    Split,
    StillOpen,
)
from labeler.core.labels import names_of
from labeler.store.arrivals import UNDECIDED, LaterItems
from labeler.store.audit import AuditLog
from labeler.store.class_changes import ClassChanges
from labeler.store.database import Database, Row
from labeler.store.incoming import IMPORT, Incoming
from labeler.store.objects import load_object

# Items that are in no list of all; each condition has an index.
WITHOUT_SPLIT = ("withdrawn IS NOT NULL", UNDECIDED)
UNLISTED = (*WITHOUT_SPLIT, "unreadable IS NOT NULL", "erased_at IS NOT NULL")
# Items with a label and a split, as their index finds them.
LABELED = "label IS NOT NULL AND split IN ('pool', 'holdout')"

# How many people's labels an item is to get. The content hash decides which items are overlapped, so that they spread
# evenly over rounds and stay the same.
SETTLED = "CASE WHEN substr(i.content_hash, 1, 6) < :overlapped THEN :overlap ELSE 1 END"
WANTED = f"MAX({SETTLED}, i.wanted)"
MOST_HOLDERS = 9  # people that an item's `holders` counts
ANY_HOLDERS = f"holders IN ({', '.join(map(str, range(MOST_HOLDERS + 1)))})"  # as an index needs it
PREFIX = 3  # digits of the content hash by which `open_counts` counts


class Items:
    """Items and their labels. Which of them are held out, `labeler.store.holdout` draws."""

    def __init__(self, db: Database, class_changes: ClassChanges) -> None:
        self.db = db
        self.incoming = Incoming(db, class_changes)
        self.later = LaterItems(db)
        self.audit = AuditLog(db)

    def add(self, items: Sequence[NewItem], import_id: int | None = None) -> AddResult:
        """Store items with their known labels in one transaction, see `Incoming.take`."""
        with self.db.write(), self.incoming.items(items) as part:
            added = self.incoming.take(part, import_id)
            return AddResult(added, len(items) - added, self.incoming.label(part, import_id))

    def restore(self, item_id: int) -> None:
        """Bring back an item whose import was undone while somebody was answering it: no answer is thrown away."""
        self.db.execute(
            "UPDATE items SET split = withdrawn, withdrawn = NULL WHERE id = ? AND withdrawn IS NOT NULL", [item_id]
        )

    def split_of(self, hashes: Sequence[str]) -> dict[str, Split | None]:
        """The split of each stored item among `hashes`; those that are not stored are left out."""
        rows = self.db.rows(
            "SELECT content_hash, split FROM items WHERE content_hash IN (SELECT value FROM json_each(?))",
            [json.dumps(list(hashes))],
        )
        return {row["content_hash"]: row["split"] for row in rows}

    def groups(self, split: Split | None = None) -> dict[int, str]:
        """The group of each item that has one, by item id; of one split, or of both."""
        rows = self.db.rows(
            "SELECT id, of_group FROM items WHERE of_group IS NOT NULL AND split IN (SELECT value FROM json_each(?))",
            [json.dumps([split] if split else ["pool", "holdout"])],
        )
        return {row["id"]: row["of_group"] for row in rows}

    def group_sides(self) -> dict[str, Split]:
        """The split of each group; of one that is in both, the pool."""
        rows = self.db.rows(
            "SELECT of_group, MAX(split) AS split FROM items WHERE of_group IS NOT NULL AND split IS NOT NULL"
            " GROUP BY of_group"
        )
        return {row["of_group"]: row["split"] for row in rows}

    def group_counts(self) -> GroupCounts | None:
        """How the groups lie in pool and holdout, an item without a group as a group by itself; None without any."""
        items, groups = self.db.execute("SELECT items, groups FROM group_totals").fetchone()
        if not items:
            return None
        in_all = self.db.value("SELECT SUM(n) FROM item_counts")
        of_holdout = self.db.execute("SELECT of_group FROM items WHERE split = 'holdout'").fetchall()
        in_holdout = {group for (group,) in of_holdout if group is not None}
        return GroupCounts(
            self.db.config.evaluation.group_column,
            items=in_all,
            groups=groups + in_all - items,
            holdout_items=len(of_holdout),
            holdout_groups=len(in_holdout) + sum(group is None for (group,) in of_holdout),
            straddling=self._also_in_pool(in_holdout),
        )

    def _also_in_pool(self, groups: Iterable[str]) -> int:
        """How many of these groups have an item in the pool."""
        return self.db.value(
            "SELECT COUNT(*) FROM json_each(?) asked WHERE EXISTS ("
            " SELECT 1 FROM items WHERE of_group = asked.value AND +split = 'pool')",
            [json.dumps(sorted(groups))],
        )

    def all(self) -> list[Item]:
        """All items whose split is decided, in the order of import, without those that were erased or set aside."""
        return [
            as_item(r)
            for r in self.db.rows(
                "SELECT id, content_hash, split, source, text, media, of_group, object FROM items"
                " WHERE split IS NOT NULL AND erased_at IS NULL AND unreadable IS NULL ORDER BY id"
            )
        ]

    def columns(self) -> ItemColumns:
        """The items of `all` as columns, without what they hold: for a pool of any size."""
        with self.db.read():
            hashes = self._hashes()
            is_listed, is_holdout = hashes != b"", np.zeros(len(hashes), dtype=bool)
            is_listed[ids_where(self.db, *UNLISTED)] = False
            is_holdout[ids_where(self.db, "split = 'holdout'")] = True
            group_of = self.groups()
        ids = np.flatnonzero(is_listed)
        listed = slice(1, None) if len(ids) == len(hashes) - 1 else ids  # all: without a copy
        groups = codes([group_of.get(item) for item in ids.tolist()]) if group_of else None
        return ItemColumns(ids, hashes[listed], is_holdout[listed], groups)

    def _hashes(self) -> np.ndarray:
        """(m,) bytes, by item id: the content hash; empty where there is no item.

        An index covers what is read, so that no text is; SQLite joins many rows to one, since each row that comes back
        becomes objects, which takes longer than all that is done with them.
        """
        hashes = np.zeros(self.db.value("SELECT COALESCE(MAX(id), 0) FROM items") + 1, dtype="S1")
        last: str | None = ""
        while True:
            ids, names, last = self.db.execute(
                "SELECT group_concat(id, ' '), group_concat(content_hash, char(10)), MAX(content_hash) FROM ("
                " SELECT id, content_hash FROM items WHERE content_hash > ? ORDER BY content_hash LIMIT ?)",
                [last, READ_AT_ONCE],
            ).fetchone()
            if last is None:
                return hashes
            part = hashes_in(f"{names}\n".encode())
            if part.itemsize > hashes.itemsize:
                hashes = hashes.astype(part.dtype)
            hashes[np.fromstring(ids, dtype=np.int64, sep=" ")] = part

    def contents(self, ids: Sequence[int]) -> list[Content]:
        """What each item holds, in the order of `ids`.

        Raises: LabelerError: one of them was erased.
        """
        rows = self.db.execute(
            "SELECT i.text, i.media, i.content_hash, i.object"
            " FROM json_each(?) asked JOIN items i ON i.id = asked.value"
            " WHERE i.erased_at IS NULL ORDER BY asked.key",
            [json.dumps(list(ids))],
        ).fetchall()
        if len(rows) != len(ids):
            raise LabelerError("An item was erased while it was being read: the next round goes without it.")
        return [Content(text, media, name, load_object(stored)) for text, media, name, stored in rows]

    def hashes_of(self, ids: Iterable[int]) -> dict[int, str]:
        """The content hash of each of these items, in their order; without those that were erased or set aside."""
        rows = self.db.execute(
            "SELECT i.id, i.content_hash FROM json_each(?) asked JOIN items i ON i.id = asked.value"
            " WHERE i.split IS NOT NULL AND i.erased_at IS NULL AND i.unreadable IS NULL ORDER BY asked.key",
            [json.dumps([int(i) for i in ids])],
        )
        return dict(rows.fetchall())

    def get(self, item_id: int) -> Item | None:
        rows = self.db.rows("SELECT * FROM items WHERE id = ? AND split IS NOT NULL AND erased_at IS NULL", [item_id])
        return as_item(rows[0]) if rows else None

    def set_metadata(self, item_id: int, changes: Mapping[str, str | None]) -> Item:
        """The item after a change of its metadata. Args: changes: new values by name; None takes a name out.

        Raises: MissingError: there is no such item.
        """
        with self.db.write():
            item = self.get(item_id)
            if item is None:
                raise MissingError("There is no item {id} in this project.", id=item_id)
            before = dict(item.metadata)
            after = {name: value for name, value in {**before, **changes}.items() if value is not None}
            if after != before:
                text = json.dumps(after, ensure_ascii=False)
                self.db.execute("UPDATE items SET metadata = ? WHERE id = ?", [text, item_id])
                names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
                was, now_is = ({name: values.get(name) for name in names} for values in (before, after))
                self.audit.record(self.db.actor, "metadata changed", {"item": item_id}, was, now_is)
        return replace(item, metadata=after)

    def labels(self) -> dict[int, str]:
        """The current label of each labeled item, by item id."""
        return dict(sorted(self.db.execute("SELECT item_id, label FROM labels")))  # an index covers the query

    def labeled_in_order(self) -> list[InOrder]:
        """The labeled pool items in the order of their first label, which decides who chose them.

        Items that only leads decided come last.
        """
        rows = self.db.rows(
            """
            SELECT i.id AS item_id, COALESCE(a.chosen IS NULL AND q.strategy = 'random', 0) AS drawn,
                   a.chosen IS NOT NULL AS chosen, q.strategy
            FROM items i
            LEFT JOIN (SELECT item_id, MIN(id) AS id FROM annotations WHERE today IS NOT NULL GROUP BY item_id) first
                ON first.item_id = i.id
            LEFT JOIN annotations a ON a.id = first.id LEFT JOIN queries q ON q.id = a.query_id
            WHERE i.split = 'pool' AND i.label IS NOT NULL ORDER BY first.id IS NULL, first.id, i.id
            """
        )
        return [InOrder(row["item_id"], bool(row["drawn"]), bool(row["chosen"]), row["strategy"]) for row in rows]

    def chosen_by_hand(self) -> set[int]:
        """The labeled pool items that a person chose: on the page Items, or to be asked next."""
        if not self.db.value("SELECT 1 FROM annotations WHERE chosen IS NOT NULL LIMIT 1"):
            return set()
        return {row.item_id for row in self.labeled_in_order() if row.chosen}

    def labels_without_chosen(self, labels: Sequence[int]) -> list[int]:
        """How many of the pool's first labels are of items that nobody chose, for each of these numbers of labels."""
        if not self.chosen_by_hand():
            return list(labels)
        others = np.concatenate([[0], np.cumsum([not row.chosen for row in self.labeled_in_order()])])
        return [int(others[min(n, len(others) - 1)]) for n in labels]

    def flagged(self) -> set[int]:
        """Unlabeled items that nobody is asked about: with an open flag, excluded by a lead, erased, or set aside."""
        rows = self.db.rows(
            """
            SELECT id FROM items WHERE flagged UNION SELECT id FROM items WHERE adjudicated = 'exclude'
            UNION SELECT id FROM items WHERE erased_at IS NOT NULL AND label IS NULL
            UNION SELECT id FROM items WHERE unreadable IS NOT NULL AND label IS NULL
            """
        )
        return {row["id"] for row in rows}

    def count_labeled(self) -> int:
        """The number of labeled pool items: the x axis of the learning curve."""
        return self.db.value("SELECT COALESCE(SUM(n), 0) FROM item_counts WHERE split = 'pool' AND label > ''")

    def still_open(self) -> StillOpen:
        """The items that can still get a label, and the answers that people can still give."""
        rows = self.db.rows("SELECT split, n FROM item_counts WHERE open AND label = ''")
        items = {row["split"]: row["n"] for row in rows}
        pool, holdout = items.get("pool", 0), items.get("holdout", 0)
        return StillOpen(pool, holdout, pool + holdout + self._answers_further())

    def _answers_further(self) -> int:
        """The answers that people can still give beyond one about each item without a label: for the overlap, and where
        a lead asks for more.
        """
        values = self.overlap_values()
        overlap, overlapped = values["overlap"], values["overlapped"]
        further = 0
        if overlap > 1:
            further += self._overlapped(0, overlapped) * (overlap - 1)
            further += sum(self._overlapped(labels, overlapped) * (overlap - labels) for labels in range(1, overlap))
        return further + self.db.value(
            f"""
            SELECT COALESCE(SUM(MAX(wanted, settled) - MAX(labels, settled)), 0) FROM (
                SELECT i.wanted, i.labels, {SETTLED} AS settled FROM items i WHERE i.wanted > i.labels AND i.open
            )
            """,
            values,
        )

    def _overlapped(self, labels: int, before: str) -> int:
        """The number of open items with so many labels whose content hash begins with less than `before`."""
        prefix = before[:PREFIX]
        whole = self.db.value(
            "SELECT COALESCE(SUM(n), 0) FROM open_counts WHERE labels = ? AND prefix < ?", [labels, prefix]
        )
        return whole + self.db.value(
            f"SELECT COUNT(*) FROM items WHERE open AND labels = ? AND {ANY_HOLDERS} AND split IN ('pool', 'holdout')"
            " AND content_hash >= ? AND content_hash < ?",
            [labels, prefix, before],
        )

    def pool_open(self) -> int:
        """The number of pool items that can still get a label."""
        return self.db.value("SELECT n FROM item_counts WHERE split = 'pool' AND label = '' AND open") or 0

    def overlap_values(self) -> Row:
        """The values of the parameters in `WANTED`."""
        labeling = self.db.config.labeling
        overlapped = "g" if labeling.overlap_share >= 1 else f"{int(labeling.overlap_share * 16**6):06x}"
        return {"overlap": labeling.overlap, "overlapped": overlapped}

    def labels_spent(self) -> int:
        """The number of answers with a label by people, in pool and holdout, which the budget pays for."""
        return self.db.value("SELECT COALESCE(SUM(labels), 0) FROM tally WHERE annotator <> ?", [IMPORT])

    def labels_by(self, annotator: str) -> int:
        """The number of labels by an annotator."""
        return self.db.value("SELECT labels FROM tally WHERE annotator = ?", [annotator]) or 0

    def counts(self, annotator: str = "") -> Counts:
        """Items and labels in pool and holdout; `mine` counts the labels of `annotator`."""
        splits = {r["split"]: r["n"] for r in self.db.rows("SELECT split, SUM(n) AS n FROM item_counts GROUP BY split")}
        labeled = self.db.rows(
            "SELECT split, label, SUM(n) AS n FROM item_counts WHERE label > '' AND n GROUP BY split, label"
        )
        pool = {r["label"]: r["n"] for r in labeled if r["split"] == "pool"}
        per_class = dict.fromkeys(self.db.config.classes, 0)
        for label, n in pool.items():
            for name in names_of(label, self.db.config):
                if name in per_class:  # a class may have been removed from the project
                    per_class[name] += n
        return Counts(
            pool=splits.get("pool", 0),
            holdout=splits.get("holdout", 0),
            labeled=sum(pool.values()),
            holdout_labeled=sum(r["n"] for r in labeled if r["split"] == "holdout"),
            answers_by_people=self.labels_spent(),
            mine=self.labels_by(annotator),
            per_class=per_class,
            open=self.still_open(),
            newer=self.later.newer(),
        )

    def composition(self) -> list[Row]:
        """A row for each split: how many items it has, how many of them are labeled, decided, excluded, drawn, or have
        an imported label, and when the first and the last item were added.
        """
        counted = self.db.rows(
            "SELECT split, SUM(n) AS items, SUM(n * (label > '')) AS labeled, SUM(n * known) AS imported_labels"
            " FROM item_counts GROUP BY split HAVING SUM(n) ORDER BY split DESC"
        )
        decided = self.db.execute(
            "SELECT split, adjudicated, COUNT(*) FROM items WHERE adjudicated IS NOT NULL GROUP BY 1, 2"
        )
        n_of = {(split, kind): n for split, kind, n in decided}
        return [
            {
                **row,
                "decided": n_of.get((row["split"], "label"), 0),
                "taken_out": n_of.get((row["split"], "exclude"), 0),
                **(self._drawn_and_times() if row["split"] == "holdout" else {"drawn": 0, **self._times_of_pool()}),
            }
            for row in counted
        ]

    def _drawn_and_times(self) -> Row:
        """How many items of the holdout were drawn, and when its first and last items came."""
        (row,) = self.db.rows(
            "SELECT SUM(drawn) AS drawn, MIN(added_at) AS first_added, MAX(added_at) AS last_added"
            " FROM items WHERE split = 'holdout'"
        )
        return row

    def _times_of_pool(self) -> Row:
        """When the first and the last item of the pool came: of each import only its first and last item is read."""
        of_import = "SELECT added_at FROM items WHERE import_id IS m.id AND +split = 'pool' ORDER BY id {order} LIMIT 1"
        (row,) = self.db.rows(
            f"SELECT MIN(({of_import.format(order='ASC')})) AS first_added,"
            f" MAX(({of_import.format(order='DESC')})) AS last_added"
            " FROM (SELECT id FROM imports UNION ALL SELECT NULL) m"
        )
        return row

    def answer_totals(self) -> Row:
        """Totals of people's answers: annotators, current answers by kind, changes, and the first and last time."""
        (totals,) = self.db.rows(
            """
            SELECT COUNT(DISTINCT a.annotator) AS annotators, SUM(a.action = 'label') AS labels,
                   SUM(a.action = 'skip') AS skips, SUM(a.action = 'flag') AS flags, SUM(a.unsure) AS unsure,
                   (SELECT COUNT(*) FROM annotations WHERE annotator <> :import AND supersedes IS NOT NULL) AS changes,
                   MIN(a.at) AS first, MAX(a.at) AS last
            FROM answers a WHERE a.annotator <> :import
            """,
            {"import": IMPORT},
        )
        return {name: value or 0 if name not in ("first", "last") else value for name, value in totals.items()}

    def export(self) -> list[Row]:
        """All rows of `stream`."""
        return [*self.stream()]

    def stream(self) -> Iterator[Row]:
        """One row for each item, in the order of import, with its label and what its answers say together."""
        rows = self.db.stream(
            """
            SELECT i.id AS item_id, i.source, i.split, i.text, i.media, i.content_hash, i.metadata, i.label,
                   CASE WHEN i.label IS NULL THEN NULL WHEN i.adjudicated = 'label' THEN 'decision'
                        WHEN MAX(a.annotator = :import AND a.label = i.label) THEN 'import' ELSE 'votes'
                   END AS label_from,
                   COUNT(a.label) AS votes, 1.0 * SUM(a.label = i.label) / NULLIF(COUNT(a.label), 0) AS agreement,
                   GROUP_CONCAT(a.annotator, ';') FILTER (WHERE a.annotator <> :import) AS annotators,
                   MAX(a.chosen) AS chosen, COALESCE(MAX(a.unsure), 0) AS unsure,
                   COALESCE(MAX(a.action = 'flag' AND a.id > i.cleared), 0) AS flagged,
                   i.adjudicated IS 'exclude' AS excluded,
                   GROUP_CONCAT(a.note, char(10)) FILTER (WHERE a.note <> '') AS notes,
                   d.by AS decided_by, d.at AS decided_at,
                   MIN(a.at) AS first_answered_at, MAX(a.at) AS last_answered_at, i.added_at
            FROM items i NOT INDEXED LEFT JOIN answers a ON a.item_id = i.id
            LEFT JOIN adjudged d ON d.item_id = i.id AND i.adjudicated IS NOT NULL
            WHERE i.split IS NOT NULL GROUP BY i.id ORDER BY i.id
            """,
            {"import": IMPORT},
        )
        for row in rows:
            yield row | {"metadata": json.loads(row["metadata"])}

    def exported(self) -> int:
        """The number of rows of `stream`."""
        return self.db.value("SELECT COALESCE(SUM(n), 0) FROM item_counts")

    def metadata_names(self) -> list[str]:
        """The names in the metadata of the rows of `stream`, in the order in which they occur."""
        # read in this order without an index: sorting would hold all rows
        rows = self.db.execute(
            "SELECT DISTINCT m.key FROM items i NOT INDEXED CROSS JOIN json_each(i.metadata) m"
            " WHERE i.split IS NOT NULL AND i.metadata <> '{}'"
        )
        return [name for (name,) in rows]

    def id_of(self, content_hash: str) -> int | None:
        """The id of the item with this content."""
        return self.db.value("SELECT id FROM items WHERE content_hash = ? AND split IS NOT NULL", [content_hash])

    def holdout_labels(self) -> dict[int, str]:
        """The current label of each labeled item of the holdout, by item id."""
        rows = self.db.rows("SELECT id, label FROM items WHERE split = 'holdout' AND label IS NOT NULL ORDER BY id")
        return {row["id"]: row["label"] for row in rows}


def ids_where(db: Database, *conditions: str) -> np.ndarray:
    """(n,) int64 ids of the items of which one of the conditions holds, ascending."""
    rows = db.execute(" UNION ".join(f"SELECT id FROM items WHERE {condition}" for condition in conditions))
    return np.sort(as_ids(rows))


def as_ids(rows: Iterable[tuple[int]]) -> np.ndarray:
    """(n,) int64 of rows with one column."""
    return np.fromiter((row[0] for row in rows), dtype=np.int64)


def as_item(row: Row) -> Item:
    metadata = json.loads(row.get("metadata") or "{}")  # lists of all items leave it out
    values = {name: row[name] for name in ("id", "content_hash", "split", "source", "text", "media")}
    return Item(**values, metadata=metadata, group=row.get("of_group"), object=load_object(row["object"]))
