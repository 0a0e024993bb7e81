"""A home's accounts, with an attribute for each thing that is stored about them."""

import os
from pathlib import Path
from typing import Self

from labeler.store.accounts import schema
from labeler.store.accounts.accounts import AccountsTable
from labeler.store.accounts.api_tokens import ApiTokens
from labeler.store.accounts.erasure import AccountErasure
from labeler.store.accounts.invitations import Invitations
from labeler.store.accounts.members import Members
from labeler.store.accounts.sessions import Failures, Sessions
from labeler.store.audit import AuditLog
from labeler.store.database import PATIENCE_OF_REQUESTS, Connection


class Accounts:
    """One connection, for one thread, to the accounts of a home. Close it, or use it as a context manager."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Created before SQLite does, because password hashes are for the owner of the home alone.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self.db = Connection(path, schema.migrations.version, schema.migrations.migrate)
        self.db.execute(f"PRAGMA busy_timeout={PATIENCE_OF_REQUESTS}")
        self.audit = AuditLog(self.db)
        self.accounts = AccountsTable(self.db)
        self.api_tokens = ApiTokens(self.db)
        self.sessions = Sessions(self.db)
        self.failures = Failures(self.db)
        self.members = Members(self.db)
        self.invitations = Invitations(self.db)
        self.erasure = AccountErasure(self.db, self.audit)

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
