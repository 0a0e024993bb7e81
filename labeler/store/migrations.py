"""Migrations, which run once each: sqlite_utils applies them, and a table of the database says which it has had.

sqlite_utils is loaded where one has to run, since it loads pandas: 50 MB and a third of a second of each process.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from labeler.core.errors import NewerError
from labeler.store.driver import Sqlite

if TYPE_CHECKING:
    import sqlite_utils

    Migration = Callable[[sqlite_utils.Database], None]


class Migrations:
    """The migrations of one kind of database, in the order in which they are declared."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._declared: list[Migration] = []

    def __call__(self) -> Callable[[Migration], Migration]:
        """A decorator that declares a migration by the function's name."""

        def declare(migration: Migration) -> Migration:
            self._declared.append(migration)
            return migration

        return declare

    @property
    def version(self) -> int:
        """How many there are: a database's `user_version` once all of them are applied."""
        return len(self._declared)

    def known(self) -> sqlite_utils.Migrations:
        """The migrations for sqlite_utils."""
        import sqlite_utils  # deferred: it loads pandas

        known = sqlite_utils.Migrations(self.name)
        for migration in self._declared:
            known()(migration)
        return known

    def migrate(self, connection: Sqlite, where: Path) -> None:
        """Bring a database to this version's tables, inside the caller's transaction.

        Raises: NewerError: a newer version of this program wrote it.
        """
        import sqlite_utils  # deferred: it loads pandas

        db, known = sqlite_utils.Database(connection), self.known()
        newer = {applied.name for applied in known.applied(db)} - {own.__name__ for own in self._declared}
        if newer:
            raise NewerError(
                "{where} was written by a newer version of this program ({newer}). Nothing in it was changed: update"
                " this program, or restore a backup that was made before.",
                where=where,
                newer=", ".join(sorted(newer)),
            )
        known.apply(db)
