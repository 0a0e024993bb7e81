"""Replies to changes that programs asked for under a key, kept for a day: who asks again gets the same one.

They have a database of their own in the home. A project's would not do for changes outside of projects, would travel
into backups and exports with what other people were told, and every request would take the lock that answers wait for.
The accounts' database does not exist in a home without accounts. Whoever deletes this one loses no data: a change that
is sent again is then made again. One that is damaged is set aside, since nobody is to wait for what can be lost.
"""

import contextlib
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

from labeler.core.errors import BusyError, DamagedError, LabelerError
from labeler.store.database import PATIENCE_OF_REQUESTS, Connection
from labeler.store.driver import Sqlite

FILE = "replies.sqlite"
KEPT = 86_400.0  # seconds
# Seconds without a sign of life after which a change without a reply belongs to a process that has ended.
RUNNING = 120.0
DAMAGED = ".damaged"  # what the name of a file that was set aside ends with
VERSION = 2

log = logging.getLogger(__name__)


class OtherBodyError(LabelerError):
    """A key was used for another request."""


@dataclass(frozen=True)
class Claim:
    """A request under a key. token: whose it is. request: a digest of method, address and body. begun_at: in seconds;
    tells it from the same request that came again after `RUNNING`.
    """

    token: str
    key: str
    request: str
    begun_at: float


@dataclass(frozen=True)
class Reply:
    """What a program was told. kind: the media type."""

    status: int
    kind: str
    location: str
    body: bytes


class Replies(Connection):
    """The replies of a home. One connection, for one thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # for the owner of the home alone
        super().__init__(path, VERSION, _migrate)
        self.execute(f"PRAGMA busy_timeout={PATIENCE_OF_REQUESTS}")

    def begin(self, claim: Claim) -> Reply | None:
        """The reply that was given before; None: there is none, and `finish` or `forget` ends the request.

        Raises: OtherBodyError: the key was used for another request. BusyError: the request is being answered.
        """
        at = claim.begun_at
        with self.write():
            self.execute("DELETE FROM replies WHERE begun_at < ?", [at - KEPT])
            row = self.execute(
                "SELECT request, status, kind, location, body, alive_at FROM replies WHERE token = ? AND key = ?",
                [claim.token, claim.key],
            ).fetchone()
            if row is None:
                self.insert("replies", vars(claim) | {"alive_at": at})
                return None
            request, status, *rest, alive_at = row
            if request != claim.request:
                raise OtherBodyError(
                    "This Idempotency-Key was used for another request: choose a new one for each change."
                )
            if status is None and abs(at - alive_at) <= RUNNING:
                raise BusyError("The request with this Idempotency-Key is being answered: send it again in a moment.")
            if status is None:
                self.execute(
                    "UPDATE replies SET begun_at = ?, alive_at = ?, lost = 1 WHERE token = ? AND key = ?",
                    [at, at, claim.token, claim.key],
                )
                return None
        return Reply(status, *rest)

    def was_lost(self, claim: Claim) -> bool:
        """Whether the request was begun before by a process that ended before it had kept a reply."""
        return bool(self.value("SELECT lost FROM replies WHERE token = ? AND key = ?", [claim.token, claim.key]))

    def is_alive(self, claim: Claim) -> None:
        """Record that the change of a request is still being made."""
        with self.write():
            self.execute(
                "UPDATE replies SET alive_at = ? WHERE token = ? AND key = ? AND begun_at = ?",
                [time.time(), claim.token, claim.key, claim.begun_at],
            )

    def finish(self, claim: Claim, reply: Reply) -> None:
        """Keep the reply to a request that was begun."""
        with self.write():
            self.execute(
                "UPDATE replies SET status = ?, kind = ?, location = ?, body = ?"
                " WHERE token = ? AND key = ? AND begun_at = ?",
                [reply.status, reply.kind, reply.location, reply.body, claim.token, claim.key, claim.begun_at],
            )

    def forget(self, claim: Claim) -> None:
        """Free the key of a request that has changed nothing."""
        with self.write():
            self.execute(
                "DELETE FROM replies WHERE token = ? AND key = ? AND begun_at = ?",
                [claim.token, claim.key, claim.begun_at],
            )


def opened(path: Path) -> Replies:
    """The replies in a file; one that is damaged is set aside first."""
    try:
        return Replies(path)
    except DamagedError:
        set_aside(path)
        return Replies(path)


def set_aside(path: Path) -> None:
    """Give a damaged file another name: changes whose replies it had are made again if they are sent again."""
    log.error("%s is damaged and set aside: keys of changes of the last day are forgotten", path)
    for part in ("-wal", "-shm"):
        path.with_name(f"{path.name}{part}").unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):  # another process has just done it
        path.replace(path.with_name(f"{path.name}{DAMAGED}"))


def _migrate(db: Sqlite, where: Path) -> None:
    """Make the table, unless another process has just made it."""
    db.execute(
        """
        CREATE TABLE IF NOT EXISTS replies (
            token TEXT NOT NULL,
            key TEXT NOT NULL,
            request TEXT NOT NULL,
            begun_at REAL NOT NULL,
            status INTEGER,  -- NULL: it is being answered
            kind TEXT,
            location TEXT,
            body BLOB,
            PRIMARY KEY (token, key)
        )
        """
    )
    columns = {row[1] for row in db.execute("PRAGMA table_info(replies)")}
    if "alive_at" not in columns:  # the last sign of life of who makes the change
        db.execute("ALTER TABLE replies ADD COLUMN alive_at REAL NOT NULL DEFAULT 0")
        db.execute("ALTER TABLE replies ADD COLUMN lost INTEGER NOT NULL DEFAULT 0")
    db.execute("CREATE INDEX IF NOT EXISTS replies_begun ON replies (begun_at)")
