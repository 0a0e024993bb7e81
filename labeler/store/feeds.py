"""Feeds of new items: how far each was read, and what came of it."""

import json
from collections.abc import Mapping

from labeler.core.feeds import LONGEST_WAIT, MINUTE, Came, FeedLook, FeedState
from labeler.core.items import Problem
from labeler.core.settings import FeedConfig
from labeler.i18n.messages import dump, load, mark
from labeler.store.database import Database, Row, now
from labeler.store.parts import AT_ONCE, in_parts, let_others_write

MOST_REFUSED = 20  # that are kept of a feed
MOST_LOOKS = 50
CUT_OFF = mark("It was cut off, and the next look went on.")
_LOOK = ", ".join(FeedLook.__dataclass_fields__)


class Feeds:
    """What the feeds of the project's settings have brought. What it keeps of a feed that is no more, it forgets."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def states(self) -> dict[str, FeedState]:
        """What came of each feed of the settings, by name, in their order."""
        rows = {(row["feed"], row["place"]): row for row in self.db.rows("SELECT * FROM feeds")}
        running = self.db.rows(f"SELECT feed, {_LOOK} FROM feed_looks WHERE ended_at IS NULL")
        looking = {row["feed"]: _look(row) for row in running}
        return {
            name: _state(rows[name, _place(feed)], looking.get(name))
            if (name, _place(feed)) in rows
            else FeedState(name)
            for name, feed in self.db.config.feeds.items()
        }

    def looks(self, name: str, most: int = MOST_LOOKS, before: int | None = None) -> list[FeedLook]:
        """The latest looks at a feed, the latest first. Args: before: the number of a look; None: all."""
        rows = self.db.rows(
            f"SELECT {_LOOK} FROM feed_looks WHERE feed = ?1 AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3",
            [name, before, most],
        )
        return [_look(row) for row in rows]

    def due(self, at: float) -> list[str]:
        """The names of the feeds that are to be looked at, at this Unix time; also where a clock has gone back."""
        states = self.states()

        def is_due(name: str, feed: FeedConfig) -> bool:
            longest = max(LONGEST_WAIT, feed.every * MINUTE)
            return not feed.paused and not at < states[name].next_at <= at + longest

        return [name for name, feed in self.db.config.feeds.items() if is_due(name, feed)]

    def begin(self, name: str) -> FeedState:
        """What came of a feed so far; what is kept of another one of this name, or of feeds that are no more, goes."""
        for other in self._gone():
            self._forget(other)
        with self.db.write():
            self.db.execute(
                "INSERT INTO feeds (feed, place) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [name, _place(self.db.config.feeds[name])],
            )
        return self.states()[name]

    def _gone(self) -> list[str]:
        """The names of what is kept of feeds that are no more, or are others by now."""
        places = {name: _place(feed) for name, feed in self.db.config.feeds.items()}
        rows = self.db.rows("SELECT feed, place FROM feeds")
        return [row["feed"] for row in rows if places.get(row["feed"]) != row["place"]]

    def _forget(self, name: str) -> None:
        """Forget a feed: first its files, of which there may be very many, some at a time."""
        deleted = AT_ONCE
        while deleted == AT_ONCE:
            with self.db.write():
                deleted = self.db.execute(
                    "DELETE FROM feed_files WHERE (feed, file) IN"
                    " (SELECT feed, file FROM feed_files WHERE feed = ? LIMIT ?)",
                    [name, AT_ONCE],
                ).rowcount
            let_others_write(self.db, deleted)
        with self.db.write():
            for table in ("feeds", "feed_looks"):
                self.db.execute(f"DELETE FROM {table} WHERE feed = ?", [name])

    def look_now(self, name: str) -> None:
        """Let the worker look at a feed now."""
        self.begin(name)
        with self.db.write():
            self.db.execute("UPDATE feeds SET next_at = 0 WHERE feed = ?", [name])

    def unread(self, name: str, versions: Mapping[str, str]) -> set[str]:
        """Which of these files the feed has not read in this version. versions: by file."""
        read = self.db.rows(
            "SELECT f.file FROM json_each(?) given JOIN feed_files f"
            " ON (f.feed, f.file, f.version) = (?, given.key, given.value)",
            [json.dumps(versions), name],
        )
        return {*versions} - {row["file"] for row in read}

    def has_read(self, name: str, versions: Mapping[str, str], kept: str | None = None) -> None:
        """Record files that were imported, or that cannot be. Args: kept: the one version that stays known besides."""
        if kept is not None:
            with self.db.write():
                self.db.execute("DELETE FROM feed_files WHERE feed = ? AND version != ?", [name, kept])
        for part in in_parts(self.db, list(versions.items())):
            with self.db.write():
                self.db.executemany(
                    "INSERT INTO feed_files (feed, file, version) VALUES (?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET version = excluded.version",
                    [(name, file, version) for file, version in part],
                )

    def begin_look(self, name: str) -> int:
        """The number of a new look at a feed. One that was cut off before ends with it."""
        with self.db.write():
            self._end(name, {"problem": dump(CUT_OFF)})
            self.db.execute(
                "DELETE FROM feed_looks WHERE feed = ?1 AND id <="
                " (SELECT id FROM feed_looks WHERE feed = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                [name, MOST_LOOKS - 1],
            )
            began = "INSERT INTO feed_looks (feed, began_at) VALUES (?, ?) RETURNING id"
            return int(self.db.value(began, [name, now()]))

    def report(self, look: int, step: str, done: int, total: int, read: int) -> None:  # wide: how far a look is
        """Store how far a look is. Args: done, total: files, records or rows; total 0: not known. read: bytes."""
        with self.db.write():
            self.db.execute(
                "UPDATE feed_looks SET step = ?, done = ?, total = ?, bytes = ? WHERE id = ?",
                [dump(step), done, total, read, look],
            )

    def looked(self, name: str, came: Came, next_at: float) -> None:
        """Record a look that succeeded. What was refused before stays known until a look brings something."""
        refused = came.refused[:MOST_REFUSED]
        with self.db.write():
            self.db.execute(
                "UPDATE feeds SET cursor = :cursor, resume = :resume, next_at = :next_at, looked_at = :at,"
                " failures = 0, failing_since = NULL, problem = NULL, items = items + :added,"
                " latest = IIF(:added, :added, latest), latest_at = IIF(:added, :at, latest_at),"
                " refused = IIF(:added OR :refuses, :refused, refused) WHERE feed = :feed",
                {
                    "feed": name,
                    "cursor": None if came.cursor is None else json.dumps(came.cursor),
                    "resume": json.dumps(came.resume) if came.resume else None,
                    "next_at": next_at,
                    "at": now(),
                    "added": came.added,
                    "refuses": bool(came.refused),
                    "refused": json.dumps([[problem.source, dump(problem.reason)] for problem in refused]),
                },
            )
            self._end(name, {"added": came.added, "refused": len(came.refused)})
            if came.added:
                self.db.execute(
                    "INSERT INTO feed_items VALUES (1, ?) ON CONFLICT DO UPDATE SET at = excluded.at", [now()]
                )

    def failed(self, name: str, problem: object, next_at: float) -> None:
        """Record a look that failed."""
        with self.db.write():
            self.db.execute(
                "UPDATE feeds SET failures = failures + 1, failing_since = COALESCE(failing_since, ?), problem = ?,"
                " next_at = ? WHERE feed = ?",
                [now(), dump(problem), next_at, name],
            )
            self._end(name, {"problem": dump(problem)})

    def _end(self, name: str, came: dict[str, object]) -> None:
        changes = {"ended_at": now(), "added": 0, "refused": 0, "problem": None, "feed": name} | came
        self.db.execute(
            "UPDATE feed_looks SET ended_at = :ended_at, step = '', added = :added, refused = :refused,"
            " problem = :problem WHERE feed = :feed AND ended_at IS NULL",
            changes,
        )

    def round_is_due(self, quiet_since: str) -> bool:
        """Whether feeds have brought items that no round has ranked, and no round was asked for since a time."""
        return bool(
            self.db.value(
                "SELECT 1 FROM feed_items f WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE state IN ('queued', 'running')"
                " OR claimed_at > f.at OR requested_at > ?)",
                [quiet_since],
            )
        )


def _place(feed: FeedConfig) -> str:
    """What makes a feed another one: where it reads, and with what cursor."""
    return json.dumps([feed.kind, feed.place, feed.query, feed.cursor, feed.start], ensure_ascii=False)


def _look(row: Row) -> FeedLook:
    values = {name: row[name] for name in FeedLook.__dataclass_fields__}
    return FeedLook(**values | {"step": load(row["step"]), "problem": load(row["problem"] or "")})


def _state(row: Row, looking: FeedLook | None) -> FeedState:
    kept = FeedState.__dataclass_fields__.keys() - {"name", "looking"}
    return FeedState(
        **{name: row[name] for name in kept}
        | {
            "name": row["feed"],
            "looking": looking,
            "cursor": None if row["cursor"] is None else json.loads(row["cursor"]),
            "resume": json.loads(row["resume"] or "{}"),
            "refused": tuple(Problem(source, load(reason)) for source, reason in json.loads(row["refused"])),
            "problem": load(row["problem"] or ""),
        }
    )
