"""Which rounds each tracker of experiments has."""

from labeler.core.events import Tracker
from labeler.i18n.messages import dump, load
from labeler.store.database import Database


class Tracked:
    """The rounds that trackers have."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def latest(self, tracker: Tracker) -> int:
        """The number of the latest round that a tracker has; 0 if it has none."""
        return self.db.value("SELECT round FROM tracked WHERE tracker = ?", [tracker]) or 0

    def is_due(self, trackers: tuple[Tracker, ...], at: float) -> list[Tracker]:
        """Those of the trackers that lack a round and may be tried at this Unix time."""
        latest = self.db.value("SELECT MAX(number) FROM rounds") or 0
        pauses = {row["tracker"] for row in self.db.rows("SELECT tracker FROM tracked WHERE next_at > ?", [at])}
        return [name for name in trackers if name not in pauses and self.latest(name) < latest]

    def has(self, tracker: Tracker, number: int) -> None:
        """Record that a tracker has this round and all before it."""
        with self.db.write():
            self.db.execute(
                "INSERT INTO tracked (tracker, round) VALUES (:tracker, :round)"
                " ON CONFLICT (tracker) DO UPDATE SET round = :round, next_at = 0, problem = NULL",
                {"tracker": tracker, "round": number},
            )

    def failed(self, tracker: Tracker, problem: object, next_at: float) -> None:
        """Record why a tracker took no round, and the Unix time from which on it is tried again."""
        with self.db.write():
            self.db.execute(
                "INSERT INTO tracked (tracker, round, next_at, problem) VALUES (:tracker, 0, :at, :problem)"
                " ON CONFLICT (tracker) DO UPDATE SET next_at = :at, problem = :problem",
                {"tracker": tracker, "at": next_at, "problem": dump(problem)},
            )

    def problem(self, tracker: Tracker) -> str:
        """Why the last try with a tracker failed; "" if it did not."""
        return load(self.db.value("SELECT problem FROM tracked WHERE tracker = ?", [tracker]) or "")
