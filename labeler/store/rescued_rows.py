"""Rows that were rescued from a damaged database, in which anything may stand: their table and their item."""

from labeler.store.database import Database, Row

# What is rescued, in the order in which it is written: what people did, and nobody can make again.
TABLES = ("class_changes", "annotators", "annotations", "adjudications", "asked_next", "stops", "refused_answers")


class UnfitError(Exception):
    """A row that cannot be put back; says why."""


def table_of(row: object) -> str:
    """The table that a rescued row is of; files of earlier versions hold annotations alone, and do not say it."""
    table = row.get("table", "annotations") if isinstance(row, dict) else None
    return table if table in TABLES else "annotations"


def has(row: object, texts: tuple[str, ...], numbers: tuple[str, ...] = ("id",)) -> bool:
    """Whether a row has text in some columns, of one character at least, and whole numbers in others."""
    if not isinstance(row, dict):
        return False
    return all(isinstance(row.get(name), str) and row[name] for name in texts) and all(
        isinstance(row.get(name), int) for name in numbers
    )


def item_of(db: Database, row: Row) -> int:
    """The id that the item of a row has here, by its content where that is known.

    Raises: UnfitError: it is not here.
    """
    if content := row.get("content_hash"):
        number = db.value("SELECT id FROM items WHERE content_hash = ? AND erased_at IS NULL", [content])
    else:  # an item that came later has the number of another one
        number = db.value(
            "SELECT id FROM items WHERE id = ? AND added_at <= ? AND erased_at IS NULL", [row["item_id"], row["at"]]
        )
    if number is None:
        raise UnfitError("its item is not in this project: import it, and put the answers back once more")
    return int(number)


def text_or_none(row: Row, name: str) -> str | None:
    return row[name] if isinstance(row.get(name), str) else None
