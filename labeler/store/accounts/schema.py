"""The tables of `accounts.sqlite`, as migrations that run once each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labeler.store.migrations import Migrations
from labeler.store.schema import create_audit_log

if TYPE_CHECKING:
    from sqlite_utils import Database

migrations = Migrations("accounts")

# A name is the id of an annotator: names that differ in case alone would be taken for one person.
_FIRST_TABLES = """
    CREATE TABLE accounts (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE COLLATE NOCASE,
        password TEXT,  -- argon2id; NULL: nobody can log in with a password
        issuer TEXT,  -- of an identity provider, with the subject there
        subject TEXT,
        is_admin INTEGER NOT NULL DEFAULT 0,
        created_at TEXT NOT NULL,
        disabled_at TEXT,
        UNIQUE (issuer, subject)
    );
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,  -- random; tokens of the desk carry it
        secret TEXT NOT NULL UNIQUE,  -- SHA-256 of the cookie's value
        account INTEGER NOT NULL REFERENCES accounts (id),
        address TEXT NOT NULL,
        began_at REAL NOT NULL,
        used_at REAL NOT NULL,
        ended_at REAL
    );
    CREATE INDEX sessions_account ON sessions (account);
    CREATE TABLE memberships (
        account INTEGER NOT NULL REFERENCES accounts (id),
        project TEXT NOT NULL,  -- the uid of its database
        role TEXT NOT NULL CHECK (role IN ('annotator', 'reviewer', 'lead', 'auditor')),
        PRIMARY KEY (project, account)
    );
    CREATE TABLE invitations (
        id INTEGER PRIMARY KEY,
        secret TEXT NOT NULL UNIQUE,  -- SHA-256 of the link's last part
        account INTEGER REFERENCES accounts (id),  -- whose password is reset; NULL: an account is made
        name TEXT,  -- of the account that is made; NULL: who is invited chooses it
        project TEXT,
        role TEXT CHECK (role IN ('annotator', 'reviewer', 'lead', 'auditor')),
        is_admin INTEGER NOT NULL DEFAULT 0,
        by TEXT NOT NULL,
        expires_at REAL NOT NULL,
        used_at REAL,
        CHECK ((project IS NULL) = (role IS NULL))
    );
    CREATE TABLE failures (  -- log-ins with a wrong password
        name TEXT NOT NULL COLLATE NOCASE,
        address TEXT NOT NULL,
        at REAL NOT NULL
    );
    CREATE INDEX failures_at ON failures (at);
"""


@migrations()
def a001_accounts(db: Database) -> None:
    for statement in _FIRST_TABLES.split(";\n"):
        if statement.strip():
            db.execute(statement)


@migrations()
def a002_audit_log(db: Database) -> None:
    create_audit_log(db)


@migrations()
def a003_api_tokens(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE api_tokens (
            id INTEGER PRIMARY KEY,
            secret TEXT NOT NULL UNIQUE,  -- SHA-256 of the token
            account INTEGER NOT NULL REFERENCES accounts (id),
            purpose TEXT NOT NULL,
            scope TEXT NOT NULL CHECK (scope IN ('read', 'label')),
            projects TEXT NOT NULL,  -- JSON: uids
            created_at REAL NOT NULL,
            expires_at REAL NOT NULL,
            used_at REAL,
            revoked_at REAL
        )
        """
    )


@migrations()
def a004_scopes_of_api_tokens(db: Database) -> None:
    """Tokens that manage projects, and the home. A table's CHECK cannot be changed, so the table is made anew."""
    table = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'api_tokens'").fetchone()[0]
    wider = table.replace("('read', 'label')", "('read', 'label', 'manage', 'administer')")
    db.execute("ALTER TABLE api_tokens RENAME TO older_api_tokens")
    db.execute(wider)
    db.execute("INSERT INTO api_tokens SELECT * FROM older_api_tokens")
    db.execute("DROP TABLE older_api_tokens")
