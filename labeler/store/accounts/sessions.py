"""Log-ins: the sessions that began, and the attempts that failed."""

from labeler.store.accounts.accounts import COLUMNS, Account, as_account
from labeler.store.database import Connection

# `used_at` is written once in so many seconds: each request reads it, and few write.
USED_SECONDS = 60.0


class Sessions:
    """Sessions of people. They live until they are ended, or are not used for too long."""

    def __init__(self, db: Connection) -> None:
        self.db = db

    def begin(self, number: str, secret: str, account: int, address: str, at: float) -> None:
        """Store a session.

        Args: number: its random id. secret: the hash of what the cookie holds. at: seconds since the epoch.
        """
        row = {"id": number, "secret": secret, "account": account, "address": address, "began_at": at, "used_at": at}
        self.db.insert("sessions", row)

    def of_secret(self, secret: str, at: float, idle_seconds: float) -> tuple[str, Account] | None:
        """The id and the account of the session with this hash; None if it has ended, or its account is disabled."""
        return self._alive("s.secret = ?", secret, at, idle_seconds)

    def of_id(self, number: str, at: float, idle_seconds: float) -> Account | None:
        """The account of the session with this id; None as in `of_secret`."""
        alive = self._alive("s.id = ?", number, at, idle_seconds)
        return alive[1] if alive else None

    def is_new(self, secret: str) -> bool:
        """Whether no session, not even one that has ended, has this hash."""
        return self.db.value("SELECT 1 FROM sessions WHERE secret = ?", [secret]) is None

    def latest_of(self, account: int, at: float, idle_seconds: float) -> str | None:
        """The id of an account's latest session that is alive."""
        number = self.db.value(
            "SELECT id FROM sessions WHERE account = ? AND ended_at IS NULL AND used_at > ? ORDER BY began_at DESC",
            [account, at - idle_seconds],
        )
        if number and self.of_id(number, at, idle_seconds):  # which notes that it is used
            return str(number)
        return None

    def end(self, number: str, at: float) -> None:
        """End one session."""
        with self.db.write():
            self.db.execute("UPDATE sessions SET ended_at = ? WHERE id = ? AND ended_at IS NULL", [at, number])

    def end_all(self, account: int, at: float, but: str = "") -> None:
        """End all sessions of an account, except the one with the id `but`."""
        with self.db.write():
            self.db.execute(
                "UPDATE sessions SET ended_at = ? WHERE account = ? AND ended_at IS NULL AND id <> ?",
                [at, account, but],
            )

    def open_ones(self, account: int, at: float, idle_seconds: float) -> int:
        """How many sessions of an account are alive."""
        return self.db.value(
            "SELECT COUNT(*) FROM sessions WHERE account = ? AND ended_at IS NULL AND used_at > ?",
            [account, at - idle_seconds],
        )

    def _alive(self, condition: str, value: str, at: float, idle_seconds: float) -> tuple[str, Account] | None:
        row = self.db.execute(
            f"""
            SELECT s.id, s.used_at, {COLUMNS} FROM sessions s JOIN accounts a ON a.id = s.account
            WHERE {condition} AND s.ended_at IS NULL AND s.used_at > ? AND a.disabled_at IS NULL
            """,
            [value, at - idle_seconds],
        ).fetchone()
        if row is None:
            return None
        if at - row[1] > USED_SECONDS:
            with self.db.write():
                self.db.execute("UPDATE sessions SET used_at = MAX(used_at, ?) WHERE id = ?", [at, row[0]])
        return row[0], as_account(row[2:])


class Failures:
    """Log-ins with a wrong password, which slow down the next ones."""

    def __init__(self, db: Connection) -> None:
        self.db = db

    def add(self, name: str, address: str, at: float, keep_seconds: float) -> None:
        """Store a failure, and forget those older than `keep_seconds`."""
        with self.db.write():
            self.db.execute("DELETE FROM failures WHERE at <= ?", [at - keep_seconds])
            self.db.execute("INSERT INTO failures (name, address, at) VALUES (?, ?, ?)", [name, address, at])

    def since(self, at: float, name: str | None = None, address: str | None = None) -> tuple[int, float]:
        """How many failures there are since then, and when the last one was; of this name, from this address."""
        row = self.db.execute(
            """
            SELECT COUNT(*), COALESCE(MAX(at), 0) FROM failures
            WHERE at > ? AND (? IS NULL OR name = ?) AND (? IS NULL OR address = ?)
            """,
            [at, name, name, address, address],
        ).fetchone()
        return row[0], row[1]

    def forget(self, name: str, address: str) -> None:
        """Forget a name's failures from one address, where the right password was given."""
        with self.db.write():
            self.db.execute("DELETE FROM failures WHERE name = ? AND address = ?", [name, address])
