"""Rows of new items → the table of items: each content once, with its first label and its first group.

SQLite moves the rows by itself, from a table of the same database or of another file, so that a row costs no Python.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from labeler.core.items import NewItem, Split
from labeler.store.class_changes import ClassChanges
from labeler.store.database import Database, Row, now
from labeler.store.objects import dump_object

# The annotator that imported labels are stored under.
IMPORT = "import"
# What the ids of the requests of imported answers begin with; nobody else's do.
BY_IMPORT = "import:"

COLUMNS = "content_hash, source, text, media, label, split, metadata, of_group, object, answers"
DEFINITIONS = (
    "id INTEGER PRIMARY KEY, content_hash TEXT NOT NULL, source TEXT NOT NULL, text TEXT, media TEXT, label TEXT,"
    " split TEXT, metadata TEXT NOT NULL, of_group TEXT, object TEXT, answers TEXT"
)
_CACHE = 64  # MiB of the database that are kept in memory while a file is stored
_as_json = json.JSONEncoder(ensure_ascii=False).encode
_quoted = json.encoder.encode_basestring  # as `_as_json` of a string, without an encoder for each call


@dataclass(frozen=True)
class Part:
    """The `n` rows of `table`, which has `COLUMNS`, behind the id `first` and up to the id `last`.

    drawn: the table of the ids of those that are drawn for the holdout, others without a split go to the pool; None:
    that is decided later.
    """

    table: str
    first: int
    last: int
    n: int
    drawn: str | None = None

    @property
    def rows(self) -> str:
        """What stands behind SELECT; values: `first` and `last`."""
        return f"FROM {self.table} WHERE id > :first AND id <= :last"

    @property
    def sides(self) -> str:
        """The columns `split`, `drawn` and `chance` of the items, to be selected from `rows`; value: `later`."""
        if self.drawn is None:
            return "split, 0 AS drawn, NULL AS chance"
        is_drawn = f"id IN (SELECT id FROM {self.drawn})"
        return (
            f"COALESCE(split, iif({is_drawn}, 'holdout', 'pool')) AS split, split IS NULL AND {is_drawn} AS drawn,"
            " iif(split IS NULL AND :later, 0, NULL) AS chance"
        )


def insert(table: str, columns: str = COLUMNS) -> str:
    """The statement that adds one row to a table with `COLUMNS`, see `values_of`."""
    return f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' for _ in columns.split(','))})"


def values_of(item: NewItem) -> tuple[str | None, ...]:
    """The item's values, in the order of `COLUMNS`."""
    metadata = ", ".join([f"{_quoted(name)}: {_quoted(value)}" for name, value in item.metadata.items()])
    content = item.content_hash, item.source, item.text, item.media
    return *content, item.label, item.split, f"{{{metadata}}}", item.group, dump_object(item.object), _answers(item)


def _answers(item: NewItem) -> str | None:
    """The answers that came with an item, as JSON; None where none did."""
    if not item.answers:
        return None
    return _as_json([asdict(answer.given) | {"label": answer.label} for answer in item.answers])


class Incoming:
    """New items that are stored."""

    def __init__(self, db: Database, class_changes: ClassChanges) -> None:
        self.db = db
        self.class_changes = class_changes

    @contextmanager
    def file(self, path: Path) -> Iterator[str]:
        """The name under which the tables of another database can be read within the block.

        Transactions in the block do not wait for the disk; the next one behind it does, for all of them. The file must
        stay until then.
        """
        pragmas = {name: self.db.value(f"PRAGMA {name}") for name in ("synchronous", "cache_size")}
        self.db.execute("ATTACH ? AS incoming", [str(path)])
        try:
            self.db.execute("PRAGMA main.synchronous = NORMAL")
            self.db.execute(f"PRAGMA main.cache_size = -{_CACHE << 10}")
            yield "incoming"
        finally:
            for name, value in pragmas.items():
                self.db.execute(f"PRAGMA main.{name} = {value}")
            self.db.execute("DETACH incoming")

    @contextmanager
    def items(self, items: Sequence[NewItem]) -> Iterator[Part]:
        """The rows of items, within the block."""
        self.db.execute(f"CREATE TEMP TABLE IF NOT EXISTS incoming_items ({DEFINITIONS})")
        self.db.executemany(insert("incoming_items"), map(values_of, items))
        yield Part("incoming_items", 0, len(items), len(items))
        self.db.execute("DELETE FROM incoming_items")

    def take(self, part: Part, import_id: int | None) -> int:
        """The number of items that rows bring, stored in one transaction; a content that is already there is not stored
        twice.

        An item whose import was undone is there again, as a new one.
        """
        values = {"first": part.first, "last": part.last, "at": now(), "import": import_id}
        with self.db.write():
            values["later"] = self._is_later(import_id)
            again = self._bring_back(part, values)
            added = self.db.execute(
                "INSERT INTO items (content_hash, split, drawn, chance, text, media, source, metadata, of_group,"
                f" added_at, import_id, object) SELECT content_hash, {part.sides}, text, media, source, metadata,"
                f" of_group, :at, :import, object {part.rows} ORDER BY id ON CONFLICT (content_hash) DO NOTHING",
                values,
            ).rowcount
            self._count(added, import_id)
            if added < part.n:
                self._complete(part, values)
        return added + again

    def _count(self, added: int, import_id: int | None) -> None:
        """Count new items at once what triggers count of each changed one, as an import would wait for each."""
        if added:
            self.db.execute("UPDATE imports SET items = items + ? WHERE id = ?", [added, import_id])

    def _is_later(self, import_id: int | None) -> bool:
        """Whether another import has brought items of the holdout, so that it is not drawn first from this one."""
        return bool(
            self.db.value("SELECT 1 FROM items WHERE split = 'holdout' AND import_id IS NOT ? LIMIT 1", [import_id])
        )

    def _bring_back(self, part: Part, values: Row) -> int:
        """The number of items that were withdrawn and are there again."""
        if not self.db.value("SELECT 1 FROM imports WHERE undone_at IS NOT NULL LIMIT 1"):
            return 0
        return self.db.execute(
            f"""
            UPDATE items SET withdrawn = NULL, split = new.split, drawn = new.drawn, chance = new.chance,
                             source = new.source, metadata = new.metadata, of_group = new.of_group,
                             added_at = :at, import_id = :import
            FROM (SELECT content_hash, {part.sides}, source, metadata, of_group, MIN(id) {part.rows}
                  GROUP BY content_hash) new
            WHERE items.content_hash = new.content_hash AND items.withdrawn IS NOT NULL
            """,
            values,
        ).rowcount

    def _complete(self, part: Part, values: Row) -> None:
        """Let items that were stored before take part again, and give them the group that they have not had yet."""
        self.db.execute(  # the import has stored the file of an image anew
            "UPDATE items SET unreadable = NULL WHERE unreadable IS NOT NULL"
            f" AND content_hash IN (SELECT content_hash {part.rows})",
            values,
        )
        self.db.execute(  # an object may have moved since, or is a file of the project from now on
            f"""
            UPDATE items SET media = new.media, object = new.object
            FROM (SELECT content_hash, media, object, MIN(id) {part.rows} AND media IS NOT NULL
                  GROUP BY content_hash) new
            WHERE items.content_hash = new.content_hash AND items.object IS NOT NULL
            """,
            values,
        )
        self.db.execute(
            f"""
            UPDATE items SET of_group = new.of_group
            FROM (SELECT content_hash, of_group, MIN(id) {part.rows} AND of_group IS NOT NULL GROUP BY content_hash) new
            WHERE items.content_hash = new.content_hash AND items.of_group IS NULL
            """,
            values,
        )

    def label(self, part: Part, import_id: int | None, split: Split | None = None) -> int:
        """The number of labels stored in one transaction: the first of each content, for items that have none.

        A known label becomes an annotation by `import`, also for an item that was stored without a label.

        Args: split: whose items get labels; None: all.
        """
        with self.db.write():
            change = self.class_changes.latest()
            # after a change of the classes an item may get an imported label once more
            # and after its import was undone
            suffix = (f":{change}" if change else "") + (f":import-{import_id}" if import_id else "")
            return self.db.execute(
                f"""
                INSERT INTO annotations (request_id, item_id, annotator, action, label, today, class_change, at)
                SELECT '{BY_IMPORT}' || items.id || :suffix, items.id, :by, 'label', new.label, new.label, :change, :at
                FROM (SELECT content_hash, label, MIN(id) AS place {part.rows} AND label IS NOT NULL
                      GROUP BY content_hash) new
                CROSS JOIN items ON items.content_hash = new.content_hash
                WHERE items.split IS COALESCE(:split, items.split)
                      AND NOT EXISTS (SELECT 1 FROM answers WHERE item_id = items.id)
                ORDER BY new.place
                ON CONFLICT (annotator, request_id) DO NOTHING
                """,
                {
                    "first": part.first,
                    "last": part.last,
                    "suffix": suffix,
                    "by": IMPORT,
                    "change": change,
                    "at": now(),
                    "split": split,
                },
            ).rowcount

    def answers(self, part: Part, import_id: int, split: Split | None = None) -> tuple[int, int]:
        """The number of answers stored in one transaction that people gave in another tool, with their decisions.

        An answer is stored unless its annotator has one to the item already, a decision unless one holds.

        Args:    as in `label`.
        Returns: labels, and all answers of people.
        """
        with self.db.write():
            values = {
                "first": part.first,
                "last": part.last,
                "suffix": f":{self.class_changes.latest()}:import-{import_id}",
                "change": self.class_changes.latest(),
                "at": now(),
                "split": split,
            }
            given = f"""
                FROM (SELECT content_hash, answers, id AS place {part.rows} AND answers IS NOT NULL) new
                CROSS JOIN items ON items.content_hash = new.content_hash AND items.split IS NOT NULL
                CROSS JOIN json_each(new.answers) entry
                WHERE items.split IS COALESCE(:split, items.split)
            """
            added = self.db.rows(
                f"""
                INSERT INTO annotations (request_id, item_id, annotator, action, label, today, class_change, at,
                                         seconds, unsure, note)
                SELECT '{BY_IMPORT}' || items.id || :suffix, items.id, entry.value ->> 'annotator',
                       entry.value ->> 'action', entry.value ->> 'label', entry.value ->> 'label', :change,
                       COALESCE(entry.value ->> 'at', :at), entry.value ->> 'seconds', entry.value ->> 'unsure',
                       entry.value ->> 'note'
                {given} AND entry.value ->> 'action' IN ('label', 'skip', 'flag') AND NOT EXISTS (
                    SELECT 1 FROM answers WHERE item_id = items.id AND annotator = entry.value ->> 'annotator')
                ORDER BY new.place, entry.key
                ON CONFLICT (annotator, request_id) DO NOTHING
                RETURNING action = 'label' AS labels, annotator <> '{IMPORT}' AS people
                """,
                values,
            )
            self.db.execute(
                f"""
                INSERT INTO adjudications (request_id, item_id, by, action, label, before, at, today, class_change)
                SELECT '{BY_IMPORT}' || items.id || :suffix, items.id, entry.value ->> 'annotator',
                       iif(entry.value ->> 'action' = 'decide', 'label', 'exclude'), entry.value ->> 'label',
                       items.label, COALESCE(entry.value ->> 'at', :at), entry.value ->> 'label', :change
                {given} AND entry.value ->> 'action' IN ('decide', 'exclude')
                        AND NOT EXISTS (SELECT 1 FROM adjudged WHERE item_id = items.id)
                ORDER BY new.place, entry.key
                ON CONFLICT (request_id) DO NOTHING
                """,
                values,
            )
        return sum(row["labels"] for row in added), sum(row["people"] for row in added)

    def in_two_groups(self, table: str) -> tuple[int, int]:
        """The number of rows whose content is stored in another group, such as the same image under two patients, and
        how many of these two groups are on both sides of the split; a group that has no item of its own has no side.
        """
        if not self.db.value(f"SELECT 1 FROM {table} WHERE of_group IS NOT NULL LIMIT 1"):
            return 0, 0
        (row,) = self.db.rows(
            f"""
            WITH sides AS (
                SELECT of_group, MAX(split) AS side FROM items
                WHERE of_group IS NOT NULL AND split IS NOT NULL GROUP BY of_group
            )
            SELECT COUNT(*) AS pairs, COALESCE(SUM(one.side <> other.side), 0) AS across
            FROM {table} new JOIN items ON items.content_hash = new.content_hash AND items.of_group <> new.of_group
            LEFT JOIN sides one ON one.of_group = items.of_group LEFT JOIN sides other ON other.of_group = new.of_group
            """
        )
        return row["pairs"], row["across"]
