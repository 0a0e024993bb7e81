"""Replies to changes that programs asked for under a key, kept for a day: who asks again gets the same one.

They have a database of their own in the home. A project's would not do for changes outside of projects, would travel
into backups and exports with what other people were told, and every request would take the lock that answers wait for.
The accounts' database does not exist in a home without accounts. Whoever deletes this one loses no data: a change that
is sent again is then made again.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labeler.core.errors import BusyError, LabelerError
from labeler.store.database import PATIENCE_OF_REQUESTS, Connection

FILE = "replies.sqlite"
KEPT = 86_400.0  # seconds
RUNNING = 120.0  # seconds after which a change that has no reply was made by a process that has ended
VERSION = 1


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
        """The reply that was given before; None: the request is new, and `finish` or `forget` ends it.

        Raises: OtherBodyError: the key was used for another request. BusyError: the request is being answered.
        """
        at = claim.begun_at
        with self.write():
            self.execute(
                "DELETE FROM replies WHERE begun_at < ? OR (status IS NULL AND begun_at < ?)", [at - KEPT, at - RUNNING]
            )
            row = self.execute(
                "SELECT request, status, kind, location, body FROM replies WHERE token = ? AND key = ?",
                [claim.token, claim.key],
            ).fetchone()
            if row is None:
                self.insert("replies", vars(claim))
                return None
        request, status, *rest = row
        if request != claim.request:
            raise OtherBodyError("This Idempotency-Key was used for another request: choose a new one for each change.")
        if status is None:
            raise BusyError("The request with this Idempotency-Key is being answered: send it again in a moment.")
        return Reply(status, *rest)

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


def _migrate(db: Any, where: str) -> None:
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
    db.execute("CREATE INDEX IF NOT EXISTS replies_begun ON replies (begun_at)")
