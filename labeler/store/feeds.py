"""Feeds of new items: how far each was read, and what came of it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from labeler.core.feeds import LONGEST_WAIT, MINUTE, FeedState
from labeler.core.items import Problem
from labeler.core.settings import FeedConfig
from labeler.i18n.messages import dump, load
from labeler.store.database import Database, Row, now

MOST_REFUSED = 20  # that are kept of a feed


class Feeds:
    """What the feeds of the project's settings have brought. What it keeps of a feed that is no more, it forgets."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def states(self) -> dict[str, FeedState]:
        """What came of each feed of the settings, by name, in their order."""
        rows = {(row["feed"], row["place"]): row for row in self.db.rows("SELECT * FROM feeds")}
        return {
            name: _state(rows[name, _place(feed)]) if (name, _place(feed)) in rows else FeedState(name)
            for name, feed in self.db.config.feeds.items()
        }

    def due(self, at: float) -> list[str]:
        """The names of the feeds that are to be looked at, at this Unix time; also where a clock has gone back."""
        states = self.states()

        def is_due(name: str, feed: FeedConfig) -> bool:
            longest = max(LONGEST_WAIT, feed.every * MINUTE)
            return not feed.paused and not at < states[name].next_at <= at + longest

        return [name for name, feed in self.db.config.feeds.items() if is_due(name, feed)]

    def begin(self, name: str) -> FeedState:
        """What came of a feed so far; what is kept of another one of this name, or of feeds that are no more, goes."""
        feeds = self.db.config.feeds
        with self.db.write():
            self.db.execute(
                "INSERT INTO feeds (feed, place) VALUES (:name, :place) ON CONFLICT (feed) DO NOTHING",
                {"name": name, "place": _place(feeds[name])},
            )
            for row in self.db.rows("SELECT feed, place FROM feeds"):
                other = feeds.get(row["feed"])
                if other is None or _place(other) != row["place"]:
                    self._forget(row["feed"])
            self.db.execute(
                "INSERT INTO feeds (feed, place) VALUES (?, ?) ON CONFLICT DO NOTHING", [name, _place(feeds[name])]
            )
        return self.states()[name]

    def _forget(self, name: str) -> None:
        self.db.execute("DELETE FROM feeds WHERE feed = ?", [name])
        self.db.execute("DELETE FROM feed_files WHERE feed = ?", [name])

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

    def has_read(self, name: str, versions: Mapping[str, str]) -> None:
        """Record files that were imported, or that cannot be."""
        with self.db.write():
            self.db.executemany(
                "INSERT INTO feed_files (feed, file, version) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET version = excluded.version",
                [(name, file, version) for file, version in versions.items()],
            )

    def looked(  # wide: what came of a look
        self, name: str, cursor: Any, added: int, refused: Sequence[Problem], next_at: float
    ) -> None:
        """Record a look that succeeded.

        Args: refused: what was not imported; what was so before stays known until a look brings something.
        """
        listed = json.dumps([[problem.source, dump(problem.reason)] for problem in refused[:MOST_REFUSED]])
        with self.db.write():
            self.db.execute(
                "UPDATE feeds SET cursor = :cursor, next_at = :next_at, looked_at = :at, failures = 0,"
                " failing_since = NULL, problem = NULL, items = items + :added,"
                " latest = IIF(:added, :added, latest), latest_at = IIF(:added, :at, latest_at),"
                " refused = IIF(:added OR :refuses, :refused, refused) WHERE feed = :feed",
                {
                    "feed": name,
                    "cursor": None if cursor is None else json.dumps(cursor),
                    "next_at": next_at,
                    "at": now(),
                    "added": added,
                    "refuses": bool(refused),
                    "refused": listed,
                },
            )
            if added:
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


def _state(row: Row) -> FeedState:
    fields = {name: row[name] for name in FeedState.__dataclass_fields__ if name != "name"} | {"name": row["feed"]}
    return FeedState(
        **fields
        | {
            "cursor": None if row["cursor"] is None else json.loads(row["cursor"]),
            "refused": tuple(Problem(source, load(reason)) for source, reason in json.loads(row["refused"])),
            "problem": load(row["problem"] or ""),
        }
    )
