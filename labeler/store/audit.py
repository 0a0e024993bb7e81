"""The audit log: who did what, append-only. Each row's hash covers the row and the hash before it.

Any database can have one: `schema.AUDIT_LOG` creates its table. A row is written in the transaction of what it records.
Where an erasure has replaced a name in older rows, the erasure's own row has their new digests, so the chain holds.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labeler.core.actor import Actor
from labeler.store.database import Connection, Row, now

# Actions whose rows have the new digests of the rows that they changed.
ERASURES = ("person erased", "items erased")
FIRST = "0" * 64  # what stands for the hash before the first row
# What a row says, all of which an erasure may change; the digest covers it.
DETAILS = ("by", "address", "what", "before", "after", "salt")
_CHAINED = ("id", "at", "action", "how", "digest")


@dataclass(frozen=True)
class AuditRow:
    """A row of the log. what: the object, by the names of its parts. before, after: its state; None: there is none."""

    id: int
    at: str
    action: str
    by: str
    how: str
    address: str
    what: Mapping[str, Any]
    before: Any
    after: Any
    hash: str


@dataclass(frozen=True)
class Verification:
    """What a check of the log found. broken: the first row that is not as it was written, or does not follow the row
    before it. has_noted: whether the log has a row with the hash that was noted earlier; True if none was given.
    """

    rows: int
    broken: int | None
    head: str
    has_noted: bool

    @property
    def holds(self) -> bool:
        return self.broken is None and self.has_noted


class AuditLog:
    """The audit log of a database."""

    def __init__(self, db: Connection) -> None:
        self.db = db

    def record(
        self, actor: Actor, action: str, what: Mapping[str, Any] | None = None, before: Any = None, after: Any = None
    ) -> int:
        """The id of a new row, written in the caller's transaction if there is one.

        Args: what: the object of the action. before, after: what JSON can hold.
        """
        with self.db.write():
            last = self.db.rows("SELECT id, hash FROM audit_log ORDER BY id DESC LIMIT 1")
            row: Row = {
                "id": last[0]["id"] + 1 if last else 1,
                "at": now(),
                "action": action,
                "how": actor.how,
                "by": actor.name,
                "address": actor.address,
                "what": canonical({**(what or {}), **({"request": actor.request} if actor.request else {})}),
                "before": None if before is None else canonical(before),
                "after": None if after is None else canonical(after),
                "salt": secrets.token_hex(16),
            }
            row["digest"] = _digest(row)
            row["hash"] = _hash(last[0]["hash"] if last else FIRST, row)
            self.db.insert("audit_log", row)
        return row["id"]

    def has_request(self, request: str, since: str) -> bool:
        """Whether a row is of the request that `Actor.request` names: what it asked for was done.

        Args: since: the time, as it is stored, from which on the request was made.
        """
        return bool(
            self.db.value(
                "SELECT 1 FROM audit_log WHERE at >= ? AND what ->> '$.request' = ? LIMIT 1", [since, request]
            )
        )

    def head(self) -> str:
        """The hash of the last row. Whoever notes it elsewhere notices later if the end of the log was cut off."""
        return self.db.value("SELECT hash FROM audit_log ORDER BY id DESC LIMIT 1") or FIRST

    def verify(self, noted: str = "") -> Verification:
        """The result of reading the whole log: whether each row follows from the one before.

        Args: noted: a head that was noted earlier, or its first characters.
        """
        with self.db.read():
            digests = self._digests_after_erasures()
            previous, n, has_noted, broken = FIRST, 0, FIRST.startswith(noted), None
            for row in self._raw():
                n += 1
                digest = digests.get(row["id"], row["digest"])
                if broken is None and (row["id"] != n or _digest(row) != digest or _hash(previous, row) != row["hash"]):
                    broken = row["id"]
                previous = row["hash"]
                has_noted |= previous.startswith(noted)
        return Verification(n, broken, previous, has_noted)

    def rows(
        self,
        *,
        by: str | None = None,
        action: str | None = None,
        since: str = "",
        until: str = "~",
        most: int = -1,
        before: int | None = None,
    ) -> list[AuditRow]:
        """The rows, newest first.

        Args: by, action: only rows of this person and action. since, until: times as they are stored. most: rows; −1:
              all. before: the id of a later row.
        """
        rows = self.db.rows(
            "SELECT * FROM audit_log WHERE (:by IS NULL OR by = :by) AND (:action IS NULL OR action = :action)"
            " AND at >= :since AND at < :until AND (:before IS NULL OR id < :before) ORDER BY id DESC LIMIT :most",
            {"by": by, "action": action, "since": since, "until": until, "most": most, "before": before},
        )
        return [_as_row(row) for row in rows]

    def people(self) -> list[str]:
        """Everybody who is named as the author of a row, by name."""
        return [row["by"] for row in self.db.rows("SELECT DISTINCT by FROM audit_log ORDER BY by")]

    def actions(self) -> list[str]:
        """The actions in the log, by name."""
        return [row["action"] for row in self.db.rows("SELECT DISTINCT action FROM audit_log ORDER BY action")]

    def replace_name(self, name: str, opaque: str) -> dict[str, str]:
        """The new digest of each row in which a name was replaced, by the row's id.

        The caller has lifted the triggers in its transaction, and records the digests under an action of `ERASURES`.
        """
        digests = {}
        for row in [*self._raw()]:
            changed = row | {
                "by": opaque if row["by"] == name else row["by"],
                **{
                    part: canonical(replaced(json.loads(row[part]), name, opaque))
                    for part in ("what", "before", "after")
                    if row[part] is not None
                },
            }
            if changed != row:
                if row["by"] in (name, ""):  # nobody yet: a log-in that was refused
                    changed["address"] = ""
                changed["salt"] = secrets.token_hex(16)  # the old digest then tells nothing of what was there
                digests[str(row["id"])] = _digest(changed)
                self.db.execute(
                    "UPDATE audit_log SET by = :by, address = :address, what = :what, before = :before,"
                    " after = :after, salt = :salt WHERE id = :id",
                    changed,
                )
        return digests

    def _digests_after_erasures(self) -> dict[int, str]:
        """The digests of the rows that erasures changed, by the rows' ids; later erasures go before earlier ones."""
        digests: dict[int, str] = {}
        for row in self.db.rows(
            "SELECT id, after FROM audit_log WHERE action IN (SELECT value FROM json_each(?)) AND json_valid(after)"
            " ORDER BY id",
            [json.dumps(ERASURES)],
        ):
            digests |= {int(number): digest for number, digest in (json.loads(row["after"]) or {})["digests"].items()}
        return digests

    def _raw(self) -> Iterator[Row]:
        cursor = self.db.execute(f"SELECT {', '.join((*_CHAINED, *DETAILS, 'hash'))} FROM audit_log ORDER BY id")
        names = [column[0] for column in cursor.description]
        return (dict(zip(names, row, strict=True)) for row in cursor)


def canonical(value: Any) -> str:
    """The JSON of a value, of which there is one alone."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(row: Row) -> str:
    return hashlib.sha256(canonical([row[name] for name in DETAILS]).encode()).hexdigest()


def _hash(previous: str, row: Row) -> str:
    return hashlib.sha256((previous + canonical([row[name] for name in _CHAINED])).encode()).hexdigest()


def replaced(value: Any, name: str, opaque: str) -> Any:
    """The value, with `opaque` in place of each text and each key that is the name."""
    if isinstance(value, dict):
        return {replaced(key, name, opaque): replaced(part, name, opaque) for key, part in value.items()}
    if isinstance(value, list):
        return [replaced(part, name, opaque) for part in value]
    return opaque if value == name else value


def _as_row(row: Row) -> AuditRow:
    before, after = (None if row[name] is None else json.loads(row[name]) for name in ("before", "after"))
    values = {name: row[name] for name in ("id", "at", "action", "by", "how", "address", "hash")}
    return AuditRow(**values, what=json.loads(row["what"]), before=before, after=after)
