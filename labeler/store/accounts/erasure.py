"""What is known of a person who has an account leaves the database of accounts; that there was somebody stays."""

import secrets

from labeler.core.actor import Actor
from labeler.store.accounts.accounts import Account
from labeler.store.audit import AuditLog
from labeler.store.database import Connection, now, triggers_lifted


class AccountErasure:
    """The erasure of accounts."""

    def __init__(self, db: Connection, audit: AuditLog) -> None:
        self.db, self.audit = db, audit

    def account(self, account: Account, by: Actor) -> str:
        """The name that stands in place of an account's from now on. Nobody can log in with it any more."""
        opaque, values = f"erased-{secrets.token_hex(4)}", {"id": account.id, "name": account.name}
        with self.db.write(), triggers_lifted(self.db):
            self.db.execute(
                "UPDATE accounts SET name = :opaque, password = NULL, issuer = NULL, subject = NULL, is_admin = 0,"
                " disabled_at = COALESCE(disabled_at, :now) WHERE id = :id",
                values | {"opaque": opaque, "now": now()},
            )
            self.db.execute("DELETE FROM sessions WHERE account = :id", values)
            self.db.execute("DELETE FROM memberships WHERE account = :id", values)
            self.db.execute("DELETE FROM api_tokens WHERE account = :id", values)
            self.db.execute("DELETE FROM invitations WHERE account = :id OR name = :name", values)
            self.db.execute("UPDATE invitations SET by = :opaque WHERE by = :name", values | {"opaque": opaque})
            self.db.execute("DELETE FROM failures WHERE name = :name", values)
            digests = self.audit.replace_name(account.name, opaque)
            actor = Actor(opaque, by.how) if by.name == account.name else by
            self.audit.record(actor, "person erased", {"now": opaque}, None, {"digests": digests})
        self.db.execute("VACUUM")
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return opaque
