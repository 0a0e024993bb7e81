"""Reservations: who holds which item until when, and why an annotator gets none."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

from labeler.core.blinding import OPEN
from labeler.core.items import Annotator, Prediction, Reason, Reserved, Split, Waiting
from labeler.store.database import Database, Row
from labeler.store.items import MOST_HOLDERS, WANTED, Items, as_item
from labeler.store.leases import lease_time
from labeler.store.rounds import Rounds
from labeler.store.stops import Stops
from labeler.store.team import Team

# An item is free for :annotator if the annotator neither holds nor answered it, and if it still needs labels: others'
# answers and reservations count against the overlap, or against the number that the lead or the audit asked for.
# Flagged items wait for the lead. Items with a decision or an imported label are not asked about.
FREE = f"""
    i.open AND NOT EXISTS (
        SELECT 1 FROM answers WHERE item_id = i.id AND annotator = :annotator AND (action <> 'flag' OR id > i.cleared)
    )
    AND NOT EXISTS (SELECT 1 FROM reservations WHERE item_id = i.id AND annotator = :annotator)
    AND i.labels + (SELECT COUNT(*) FROM reservations WHERE item_id = i.id)
      < {WANTED}
"""
# A ranked item that is not for others alone by its predicted classes: see `Team.classes_of_others`.
MINE = """
    (NOT EXISTS (SELECT 1 FROM json_each(CASE WHEN :several THEN q.predicted ELSE json_array(q.predicted) END)
                 WHERE value IN (SELECT value FROM json_each(:others_classes)))
     OR EXISTS (SELECT 1 FROM json_each(CASE WHEN :several THEN q.predicted ELSE json_array(q.predicted) END)
                WHERE value IN (SELECT value FROM json_each(:own))))
"""
# An open item without a label that the latest ranking does not have.
_UNRANKED = """
    i.open AND i.labels = 0 AND i.split = :split AND NOT EXISTS (
        SELECT 1 FROM queries WHERE item_id = i.id AND round = (SELECT COALESCE(MAX(number), 0) FROM rounds)
    )
"""
# Open items that the settings give to several people, with so many labels and so many people who hold them as one of
# `:seats` says.
_WITH_SEATS = """
    SELECT i.id FROM json_each(:seats) seat CROSS JOIN items i INDEXED BY items_open
    ON i.open AND i.labels = seat.value ->> 0 AND i.holders = seat.value ->> 1
    AND i.split IN ('pool', 'holdout') AND i.content_hash < :overlapped
"""
# The items of a closed tab are free after this time. A tab that is only reloaded has reserved them again by then.
LEAVING_SECONDS = 10.0
# Within this time each open tab has asked again; see HEARTBEAT_MS in `pages/desk/sync/queue.js`.
RETURNING_SECONDS = 30.0
# What one person may hold in all tabs together: half of the pool's open items, but this many in any case, and at most
# so many.
LEAST_HELD, MOST_HELD = 20, 100
LOOK, ALL = 100, -1  # items with a label that are looked at for one person


_served: set[tuple[Path, int]] = set()  # databases, as path and inode, whose reservations this process has looked at
_serving = threading.Lock()


class Desk:
    """The reservations of annotators' tabs."""

    def __init__(self, db: Database, items: Items, team: Team, stops: Stops, rounds: Rounds) -> None:
        self.db = db
        self.items, self.team, self.stops, self.rounds = items, team, stops, rounds
        self._is_known = False  # whether this process is known to serve the database

    def reserve(
        self, annotator: str, tab: str, n: int, release: Sequence[int] = (), at: float | None = None
    ) -> list[Reserved]:
        """Up to `n` items that this annotator's tab holds from now on, in the order to ask them.

        The reservations that the tab has already are prolonged, even expired ones that nobody took: each call is the
        tab's heartbeat. What a lead had asked next comes first, up to `n` items even if the tab is full. Other new
        items come from the latest ranking. When that is used up, unranked items follow, so that nobody waits.

        Args: release: items that the tab gives back, e.g. because a newer ranking has come. Only the tab decides this,
                  because only it knows which item the annotator looks at.
              at: by the clock of `lease_time`, now by default.
        """
        at = lease_time() if at is None else at
        member = self.team.join(annotator)
        values = self.reservation_values(member, tab, at)
        with self.db.write():
            self._set_right(at)
            self.db.execute(
                "UPDATE reservations SET expires_at = :expires WHERE annotator = :annotator AND tab = :tab",
                values,
            )
            self.db.execute(
                """
                DELETE FROM reservations WHERE expires_at <= :at OR (annotator = :annotator AND tab = :tab
                AND (:stopped OR item_id IN (SELECT value FROM json_each(:release))))
                """,
                values | {"at": at, "release": json.dumps(list(release)), "stopped": self._is_stopped(member)},
            )
            held = self.held(annotator, tab)
            missing, first = n - len(held), n - sum(reserved.first for reserved in held)
            allowed = self._still_allowed(annotator)
            # what a lead had asked next comes beside the items that are held already
            missing, first = min(missing, allowed), min(first, allowed + LEAST_HELD)
            if (missing > 0 or self._any_asked_next()) and not self._is_stopped(member):
                if self.team.is_qualified(member):
                    missing -= self._take_asked_next(values, min(first, self._budget_left()))
                    self._fill(values, min(missing, self._budget_left()))
                elif member.qualified is None and missing > 0:  # and not kept out by the lead
                    self._take_qualification(values, missing)
                held = self.held(annotator, tab)
            self.team.set_waiting(annotator, None if held or not self._held_by_others(annotator) else at)
        return held

    def reserve_one_class(self, annotator: str, tab: str, n: int) -> list[Reserved]:
        """Up to `n` free items of the latest ranking with the same predicted class, the most confident first.

        The class is the one with the most free items. The tab holds them in addition to its other items.
        """
        member = self.team.join(annotator)
        if self._is_stopped(member) or not self.team.is_qualified(member):
            return []
        values = self.reservation_values(member, tab, lease_time())
        ranked = f"""
            FROM queries q CROSS JOIN items i ON i.id = q.item_id
            WHERE q.round = (SELECT COALESCE(MAX(number), 0) FROM rounds) AND {OPEN}
              AND q.predicted IS NOT NULL AND {MINE} AND {FREE}
        """
        with self.db.write():
            largest_class = self.db.value(
                f"SELECT q.predicted {ranked} GROUP BY 1 ORDER BY COUNT(*) DESC, 1 LIMIT 1", values
            )
            taken = self.db.rows(
                f"""
                INSERT INTO reservations (item_id, annotator, tab, query_id, expires_at)
                SELECT q.item_id, :annotator, :tab, q.id, :expires {ranked} AND q.predicted = :class
                ORDER BY q.confidence DESC LIMIT :n RETURNING item_id
                """,
                values
                | {"class": largest_class, "n": max(0, min(n, self._budget_left(), self._still_allowed(annotator)))},
            )
            ids = {row["item_id"] for row in taken}
            return [reserved for reserved in self.held(annotator, tab) if reserved.item.id in ids]

    def _set_right(self, at: float) -> None:
        """Reservations as they can be: none lasts longer than one that is made now, as it would seem after a restart of
        the computer, which begins its clock anew; and when this process has just begun to serve, none ends before its
        tab can have asked, since nobody answered tabs meanwhile.
        """
        self.db.execute(
            "UPDATE reservations SET expires_at = :longest WHERE expires_at > :longest",
            {"longest": at + self.db.config.labeling.reservation_seconds},
        )
        if not self._is_known and _begins_to_serve(self.db.path):
            self.db.execute("UPDATE reservations SET expires_at = MAX(expires_at, ?)", [at + RETURNING_SECONDS])
        self._is_known = True

    def is_offered(self, annotator: str, item_id: int) -> bool:
        """Whether the annotator holds the item, was given it before, or has answered it."""
        return bool(
            self.db.value(
                "SELECT EXISTS (SELECT 1 FROM offers WHERE item_id = :item AND annotator = :annotator)"
                " OR EXISTS (SELECT 1 FROM annotations WHERE item_id = :item AND annotator = :annotator)",
                {"item": item_id, "annotator": annotator},
            )
        )

    def _still_allowed(self, annotator: str) -> int:
        """The number of further items that a person may hold, whatever the number of their tabs."""
        held = self.db.value("SELECT COUNT(*) FROM reservations WHERE annotator = ?", [annotator])
        return max(LEAST_HELD, min(MOST_HELD, self.items.pool_open() // 2)) - held

    def active_annotators(self) -> int:
        """How many annotators hold items now."""
        return self.db.value("SELECT COUNT(DISTINCT annotator) FROM reservations WHERE expires_at > ?", [lease_time()])

    def leave(self, annotator: str, tab: str, at: float | None = None) -> None:
        """Let a tab's reservations expire soon, because it is being closed or reloaded."""
        soon = (lease_time() if at is None else at) + LEAVING_SECONDS
        with self.db.write():
            self.db.execute(
                "UPDATE reservations SET expires_at = MIN(expires_at, ?) WHERE annotator = ? AND tab = ?",
                [soon, annotator, tab],
            )

    def reservation_values(self, annotator: Annotator, tab: str, at: float) -> Row:
        """The values of the named parameters in the statements of this module, for one annotator's tab."""
        return {
            **self.items.overlap_values(),
            "annotator": annotator.name,
            "tab": tab,
            "expires": at + self.db.config.labeling.reservation_seconds,
            "several": self.db.config.several,
            "others_classes": json.dumps(self.team.classes_of_others(annotator)),
            "own": json.dumps(self.team.own_classes(annotator)),
        }

    def stopped(self, annotator: Annotator) -> Waiting | None:
        """Why nobody, or not this annotator, is given items; None while labeling goes on."""
        if stop := self.stops.current():
            return Waiting("stopped", by=stop["by"], text=stop["reason"])
        return Waiting("paused") if self.db.config.labeling.paused or annotator.paused else None

    def _is_stopped(self, annotator: Annotator) -> bool:
        return self.stopped(annotator) is not None

    def _held_by_others(self, annotator: str) -> int:
        return self.db.value(
            "SELECT (SELECT COUNT(*) FROM reservations) - (SELECT COUNT(*) FROM reservations WHERE annotator = ?)",
            [annotator],
        )

    def _fill(self, values: Row, n: int) -> None:
        """Reserve up to `n` items: at most half that others labeled already, then ranked ones, then unranked ones, and
        in the end whatever still needs labels.
        """
        if n > 0:
            n -= self._take_labeled(values, (n + 1) // 2, LOOK)
            n -= self._take(values, n)
            for split in ("pool", "holdout"):
                n -= self._append(values, split, n)
            self._take_labeled(values, n, ALL)

    def _any_asked_next(self) -> bool:
        return bool(self.db.value("SELECT 1 FROM asked_next WHERE waits AND taken_back_at IS NULL LIMIT 1"))

    def _take_asked_next(self, values: Row, n: int) -> int:
        """Reserve up to `n` items that a lead had asked next, in that order; how many. No query chose them."""
        if n <= 0 or not self._any_asked_next():
            return 0
        return len(
            self.db.rows(
                f"""
                INSERT INTO reservations (item_id, annotator, tab, expires_at)
                SELECT i.id, :annotator, :tab, :expires FROM asked_next w CROSS JOIN items i ON i.id = w.item_id
                WHERE w.waits AND w.taken_back_at IS NULL AND i.split = 'pool' AND {FREE}
                ORDER BY w.id LIMIT :n
                RETURNING item_id
                """,
                values | {"n": n},
            )
        )

    def _take_labeled(self, values: Row, n: int, look: int) -> int:
        """Reserve up to `n` items that need further labels, the ones that were answered first at the head; how many.

        They are overlapped items, or items that the lead asks about again. They have a label, so no newer ranking holds
        them. They are reserved without a query, so no desk takes them for outdated.

        Args: look: how many such items are looked at, of each kind. Where one person has labeled very many that wait
                  for others, this person finds none among those.
        """
        if n <= 0 or not self._asks_several():
            return 0
        return len(
            self.db.rows(
                f"""
                INSERT INTO reservations (item_id, annotator, tab, expires_at)
                SELECT i.id, :annotator, :tab, :expires FROM (
                    SELECT * FROM (
                        SELECT id FROM items WHERE wanted > labels AND (labels > 0 OR holders > 0) AND open LIMIT :look
                    )
                    UNION SELECT * FROM ({_WITH_SEATS} LIMIT :look)
                ) further CROSS JOIN items i ON i.id = further.id WHERE {FREE}
                ORDER BY (SELECT MIN(id) FROM answers WHERE item_id = i.id) LIMIT :n
                RETURNING item_id
                """,
                values | {"n": n, "look": look, "seats": self._seats(range(1, values["overlap"]), first=0)},
            )
        )

    def _asks_several(self) -> bool:
        """Whether some items need the labels of several people."""
        return self.db.config.labeling.overlap > 1 or bool(
            self.db.value("SELECT 1 FROM items WHERE wanted > labels LIMIT 1")
        )

    def _seats(self, labels: Sequence[int], first: int) -> str:
        """The parameter of `_WITH_SEATS` for items with one of these numbers of labels, and `first` holders or more."""
        overlap = self.db.config.labeling.overlap
        return json.dumps([(n, held) for n in labels for held in range(first, min(overlap - n, MOST_HOLDERS + 1))])

    def _take_qualification(self, values: Row, n: int) -> None:
        """Reserve qualification items. Any number of newcomers may hold the same item."""
        self.db.execute(
            """
            INSERT INTO reservations (item_id, annotator, tab, expires_at)
            SELECT item_id, :annotator, :tab, :expires FROM qualification
            WHERE item_id NOT IN (SELECT item_id FROM answers WHERE annotator = :annotator)
              AND item_id NOT IN (SELECT item_id FROM reservations WHERE annotator = :annotator)
            ORDER BY item_id LIMIT :n
            """,
            values | {"n": n},
        )

    def _budget_left(self) -> int:
        """The number of answers that the budget still pays for, without those about reserved items."""
        return self.db.config.budget - self.items.labels_spent() - self.db.value("SELECT COUNT(*) FROM reservations")

    def _take(self, values: Row, n: int) -> int:
        """Reserve the `n` best free items of the latest ranking, in one statement; how many.

        They are the first ones that nobody holds, and those that somebody holds where several people are to label them.
        """
        if n <= 0:
            return 0
        in_latest = "q.round = (SELECT COALESCE(MAX(number), 0) FROM rounds)"
        held = f"""
            UNION SELECT q.id, q.item_id, q.rank FROM ({_WITH_SEATS}) held CROSS JOIN items i ON i.id = held.id
            CROSS JOIN queries q ON q.item_id = i.id AND {in_latest} WHERE {FREE} AND {MINE}
        """
        return len(
            self.db.rows(
                f"""
                INSERT INTO reservations (item_id, annotator, tab, query_id, expires_at)
                SELECT item_id, :annotator, :tab, id, :expires FROM (
                    SELECT * FROM (SELECT q.id, q.item_id, q.rank FROM queries q CROSS JOIN items i ON i.id = q.item_id
                                   WHERE {in_latest} AND q.free AND {FREE} AND {MINE} ORDER BY q.rank LIMIT :n)
                    {held if self._asks_several() else ""}
                ) ORDER BY rank LIMIT :n
                RETURNING item_id
                """,
                values | {"n": n, "seats": self._seats([0], first=1)},
            )
        )

    def _append(self, values: Row, split: Split, n: int) -> int:
        """Append up to `n` free items of a split to the latest ranking, and reserve them; how many.

        Their order is that of the content hash, which is as good as random, and goes on where it ended the last time.
        """
        if n <= 0:
            return 0
        last = self.db.value(
            "SELECT i.content_hash FROM appended a JOIN items i ON i.id = a.item_id WHERE a.split = ?", [split]
        )
        appended = self._append_between(values, split, n, ("i.content_hash > :last", last or ""))
        if last and len(appended) < n:
            appended += self._append_between(values, split, n - len(appended), ("i.content_hash <= :last", last))
        if appended:
            self.db.execute(
                "INSERT INTO appended (split, item_id) VALUES (?, ?)"
                " ON CONFLICT DO UPDATE SET item_id = excluded.item_id",
                [split, appended[-1]["item_id"]],
            )
        self.db.executemany(
            "INSERT INTO reservations (item_id, annotator, tab, query_id, expires_at)"
            " VALUES (:item_id, :annotator, :tab, :query, :expires)",
            [values | row for row in appended],
        )
        return len(appended)

    def _append_between(self, values: Row, split: Split, n: int, where: tuple[str, str]) -> list[Row]:
        """What was appended of a part of a split in the order of the content hash: query and item_id."""
        condition, last = where
        # of each number of holders that may leave an item free, its first items
        of_holders = " UNION ALL ".join(
            f"""
            SELECT * FROM (SELECT i.id, i.content_hash FROM items i
                           WHERE {_UNRANKED} AND i.holders = {holders} AND {condition} AND {FREE}
                           {"AND i.content_hash < :overlapped" if holders else ""} ORDER BY i.content_hash LIMIT :n)
            """
            for holders in range(min(values["overlap"], MOST_HOLDERS + 1))
        )
        return self.db.rows(
            f"""
            INSERT INTO queries (round, rank, item_id, strategy)
            SELECT r.round, r.last + ROW_NUMBER() OVER (), unasked.id, :strategy
            FROM (SELECT latest.round, (SELECT COALESCE(MAX(rank), 0) FROM queries WHERE round = latest.round) AS last
                  FROM (SELECT COALESCE(MAX(number), 0) AS round FROM rounds) latest) r
            CROSS JOIN (SELECT id FROM ({of_holders}) ORDER BY content_hash LIMIT :n) unasked
            RETURNING id AS "query", item_id
            """,
            values | {"split": split, "n": n, "last": last, "strategy": "random" if split == "pool" else "holdout"},
        )

    def held(self, annotator: str, tab: str) -> list[Reserved]:
        """What an annotator's tab holds, in the order to ask it."""
        rows = self.db.rows(
            """
            SELECT i.*, r.expires_at, q.strategy, q.score, q.rank, q.round, q.predicted, q.confidence,
                   rounds.model, rounds.seed, w.id IS NOT NULL AS first
            FROM reservations r JOIN items i ON i.id = r.item_id
            LEFT JOIN asked_next w ON w.item_id = i.id AND w.taken_back_at IS NULL AND i.label IS NULL
            LEFT JOIN queries q ON q.id = r.query_id LEFT JOIN rounds ON rounds.number = q.round
            WHERE r.annotator = ? AND r.tab = ?
            ORDER BY w.id IS NULL, w.id, q.round IS NULL DESC, q.round DESC, q.rank, r.item_id
            """,
            [annotator, tab],
        )
        return [Reserved(as_item(r), as_reason(r), r["expires_at"], as_prediction(r), bool(r["first"])) for r in rows]

    def waiting_reason(self, annotator: str) -> Waiting:
        """Why a tab of an annotator got no item: what it waits for, or that everything is done."""
        member = self.team.join(annotator)
        if stopped := self.stopped(member):
            return stopped
        if not self.db.value("SELECT 1 FROM item_counts WHERE n LIMIT 1"):
            return Waiting("empty")
        if not self.team.is_qualified(member):
            return Waiting("unqualified")
        if self.items.labels_spent() >= self.db.config.budget:
            return Waiting("budget", self.db.config.budget)
        if held_elsewhere := self.db.value("SELECT COUNT(*) FROM reservations WHERE annotator = ?", [annotator]):
            return Waiting("tab", held_elsewhere)
        if held := self._held_by_others(annotator):
            return Waiting("others", held)
        if self.rounds.waiting() and self.team.classes_of_others(member):
            return Waiting("training")
        return Waiting("done", self.items.still_open().answers)


def _begins_to_serve(path: Path) -> bool:
    """Whether this process looks at the reservations of a database for the first time."""
    if not path.exists():  # it is in memory
        return False
    database = (path, path.stat().st_ino)
    with _serving:
        is_first = database not in _served
        _served.add(database)
    return is_first


def as_reason(row: Row) -> Reason | None:
    if row["strategy"] is None:
        return None
    return Reason(row["strategy"], row["score"], row["rank"], row["round"], row["model"], row["seed"])


def as_prediction(row: Row) -> Prediction | None:
    return None if row["predicted"] is None else Prediction(row["predicted"], row["confidence"])
