"""Verbs of reservation: who holds which item, until when, and why somebody has none."""

import json
import time
from collections.abc import Sequence

from labeler.core.items import Annotator, Prediction, Reason, Reserved, Waiting
from labeler.store.database import Database, Row
from labeler.store.items import Items, as_item
from labeler.store.rounds import Rounds
from labeler.store.stops import Stops
from labeler.store.team import Team

# An item that may be given to :annotator, who does not hold it and has not answered it. Others' answers and
# their live reservations count against the overlap, or against what the lead or the audit asks for; a flagged item
# waits for the lead, and one that the lead has decided, or whose label came with the import, is not asked about. Which
# items are overlapped follows from their content, so that they are spread evenly over rounds and stay the same.
WANTED = "MAX(CASE WHEN substr(i.content_hash, 1, 6) < :overlapped THEN :overlap ELSE 1 END, i.wanted)"
FREE = f"""
    i.adjudicated IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM answers WHERE item_id = i.id AND (annotator IN (:annotator, 'import') OR action = 'flag')
        AND (action <> 'flag' OR id > i.cleared)
    )
    AND NOT EXISTS (SELECT 1 FROM reservations WHERE item_id = i.id AND annotator = :annotator)
    AND i.labels + (SELECT COUNT(*) FROM reservations WHERE item_id = i.id)
      < {WANTED}
"""
# A ranked item whose predicted classes are not others' alone: see `Team.elsewhere`.
MINE = """
    (NOT EXISTS (SELECT 1 FROM json_each(CASE WHEN :several THEN q.predicted ELSE json_array(q.predicted) END)
                 WHERE value IN (SELECT value FROM json_each(:elsewhere)))
     OR EXISTS (SELECT 1 FROM json_each(CASE WHEN :several THEN q.predicted ELSE json_array(q.predicted) END)
                WHERE value IN (SELECT value FROM json_each(:own))))
"""
# A tab that is closed gives its items back so soon; one that is only loaded anew has them again by then.
LEAVING_SECONDS = 10.0


class Desk:
    """What annotators hold."""

    def __init__(self, db: Database, items: Items, team: Team, stops: Stops, rounds: Rounds) -> None:
        self.db = db
        self.items, self.team, self.stops, self.rounds = items, team, stops, rounds

    def reserve(
        self, annotator: str, tab: str, n: int, release: Sequence[int] = (), at: float | None = None
    ) -> list[Reserved]:
        """Up to `n` items that this annotator's tab holds from now on, in the order to ask them.

        Those that it holds already are held longer, even if their time was over and nobody took them: asking again is
        the tab's heartbeat. The latest ranking serves; when that is used up, items that nobody asked about yet, so
        that nobody waits.

        Args: release: items that the tab gives back, e.g. since a newer ranking knows better what to ask. Only the tab
                  does so: it alone knows what is before the annotator's eyes.
              at: seconds since the epoch, now by default.
        """
        at = time.time() if at is None else at
        someone = self.team.join(annotator)
        who = self.holder(someone, tab, at)
        with self.db.write():
            self.db.execute(
                "UPDATE reservations SET expires_at = :expires WHERE annotator = :annotator AND tab = :tab",
                who,
            )
            self.db.execute(
                """
                DELETE FROM reservations WHERE expires_at <= :at OR (annotator = :annotator AND tab = :tab
                AND (:stopped OR item_id IN (SELECT value FROM json_each(:release))))
                """,
                who | {"at": at, "release": json.dumps(list(release)), "stopped": self._is_stopped(someone)},
            )
            held = self._held(annotator, tab)
            missing = n - len(held)
            if missing > 0 and not self._is_stopped(someone):
                if self.team.is_qualified(someone):
                    self._fill(who, min(missing, self._unspent()))
                elif someone.qualified is None:  # and not kept out by the lead
                    self._take_qualification(who, missing)
                held = self._held(annotator, tab)
            self.team.set_waiting(annotator, None if held or not self._held_by_others(annotator) else at)
        return held

    def reserve_like(self, annotator: str, tab: str, n: int) -> list[Reserved]:
        """Up to `n` free items of the latest ranking that the model takes for one class, the surest first.

        It is the class with most such items. The tab holds them besides what it holds already.
        """
        someone = self.team.join(annotator)
        if self._is_stopped(someone) or not self.team.is_qualified(someone):
            return []
        who = self.holder(someone, tab, time.time())
        ranked = f"""
            FROM queries q JOIN items i ON i.id = q.item_id
            WHERE q.round = (SELECT COALESCE(MAX(number), 0) FROM rounds) AND i.split = 'pool'
              AND q.predicted IS NOT NULL AND {MINE} AND {FREE}
        """
        with self.db.write():
            most = self.db.value(f"SELECT q.predicted {ranked} GROUP BY 1 ORDER BY COUNT(*) DESC, 1 LIMIT 1", who)
            taken = self.db.rows(
                f"""
                INSERT INTO reservations (item_id, annotator, tab, query_id, expires_at)
                SELECT q.item_id, :annotator, :tab, q.id, :expires {ranked} AND q.predicted = :most
                ORDER BY q.confidence DESC LIMIT :n RETURNING item_id
                """,
                who | {"most": most, "n": max(0, min(n, self._unspent()))},
            )
            ids = {row["item_id"] for row in taken}
            return [one for one in self._held(annotator, tab) if one.item.id in ids]

    def active_annotators(self) -> int:
        """How many annotators hold items at this moment."""
        return self.db.value("SELECT COUNT(DISTINCT annotator) FROM reservations WHERE expires_at > ?", [time.time()])

    def leave(self, annotator: str, tab: str, at: float | None = None) -> None:
        """Free what a tab holds soon, since it is being closed or loaded anew."""
        soon = (time.time() if at is None else at) + LEAVING_SECONDS
        with self.db.write():
            self.db.execute(
                "UPDATE reservations SET expires_at = MIN(expires_at, ?) WHERE annotator = ? AND tab = ?",
                [soon, annotator, tab],
            )

    def holder(self, annotator: Annotator, tab: str, at: float) -> Row:
        """What the statements below need to know of who asks."""
        labeling = self.db.config.labeling
        return {
            "annotator": annotator.name,
            "tab": tab,
            "expires": at + labeling.reservation_seconds,
            "overlap": labeling.overlap,
            "overlapped": "g" if labeling.overlap_share >= 1 else f"{int(labeling.overlap_share * 16**6):06x}",
            "several": self.db.config.several,
            "elsewhere": json.dumps(self.team.elsewhere(annotator)),
            "own": json.dumps(self.team.classes_of(self.team.groups_of(annotator))),
        }

    def _is_stopped(self, annotator: Annotator) -> bool:
        return self.db.config.labeling.paused or annotator.paused or self.stops.current() is not None

    def _held_by_others(self, annotator: str) -> int:
        return self.db.value("SELECT COUNT(*) FROM reservations WHERE annotator <> ?", [annotator])

    def _fill(self, who: Row, n: int) -> None:
        """Reserve up to `n` items: those that others began, half of them at most; the ranking; what nobody ranked."""
        if n > 0:
            n -= self._take_begun(who, (n + 1) // 2)
            taken = self._take(who, n)
            if taken < n and self._extend_queue(who, n - taken):
                self._take(who, n - taken)

    def _take_begun(self, who: Row, n: int) -> int:
        """Reserve items that somebody has labeled and others are still to label, the oldest first.

        They are overlapped, or were asked about again. No newer ranking holds them, for they have a label; and no desk
        takes them for outdated, without a query.
        """
        again = self.db.value("SELECT 1 FROM items WHERE wanted > labels LIMIT 1")
        if self.db.config.labeling.overlap == 1 and not again:
            return 0
        return len(
            self.db.rows(
                f"""
                INSERT INTO reservations (item_id, annotator, tab, expires_at)
                SELECT i.id, :annotator, :tab, :expires FROM items i
                WHERE i.labels > 0 AND i.labels < {WANTED} AND i.split IN ('pool', 'holdout') AND {FREE}
                ORDER BY (SELECT MIN(id) FROM answers WHERE item_id = i.id) LIMIT :n
                RETURNING item_id
                """,
                who | {"n": n},
            )
        )

    def _take_qualification(self, who: Row, n: int) -> None:
        """Reserve qualification items; any number of newcomers may hold the same one."""
        self.db.execute(
            """
            INSERT INTO reservations (item_id, annotator, tab, expires_at)
            SELECT item_id, :annotator, :tab, :expires FROM qualification
            WHERE item_id NOT IN (SELECT item_id FROM answers WHERE annotator = :annotator)
              AND item_id NOT IN (SELECT item_id FROM reservations WHERE annotator = :annotator)
            ORDER BY item_id LIMIT :n
            """,
            who | {"n": n},
        )

    def _unspent(self) -> int:
        """Labels that the budget still pays for, less those that reserved items will cost."""
        return self.db.config.budget - self.items.labels_spent() - self.db.value("SELECT COUNT(*) FROM reservations")

    def _take(self, who: Row, n: int) -> int:
        """Reserve the `n` best free items of the latest ranking, in one statement."""
        return len(
            self.db.rows(
                f"""
                INSERT INTO reservations (item_id, annotator, tab, query_id, expires_at)
                SELECT q.item_id, :annotator, :tab, q.id, :expires
                FROM queries q JOIN items i ON i.id = q.item_id
                WHERE q.round = (SELECT COALESCE(MAX(number), 0) FROM rounds) AND {FREE}
                  AND {MINE}
                ORDER BY q.rank LIMIT :n
                RETURNING item_id
                """,
                who | {"n": n},
            )
        )

    def _extend_queue(self, who: Row, n: int) -> bool:
        """Append `n` free items to the latest ranking: the pool's first, then the holdout's.

        They come in the order of their content hash, which is as good as random and needs no state.
        """
        added = self.db.rows(
            f"""
            INSERT INTO queries (round, rank, item_id, strategy)
            SELECT r.round, r.last + ROW_NUMBER() OVER (ORDER BY i.split = 'holdout', i.content_hash), i.id,
                   CASE i.split WHEN 'pool' THEN 'random' ELSE 'holdout' END
            FROM items i, (SELECT latest.round, COALESCE(MAX(q.rank), 0) AS last
                           FROM (SELECT COALESCE(MAX(number), 0) AS round FROM rounds) latest
                           LEFT JOIN queries q ON q.round = latest.round) r
            WHERE i.split IS NOT NULL AND {FREE}
              AND NOT EXISTS (SELECT 1 FROM queries WHERE round = r.round AND item_id = i.id)
            ORDER BY i.split = 'holdout', i.content_hash LIMIT :n
            RETURNING id
            """,
            who | {"n": n},
        )
        return bool(added)

    def _held(self, annotator: str, tab: str) -> list[Reserved]:
        found = self.db.rows(
            """
            SELECT i.*, r.expires_at, q.strategy, q.score, q.rank, q.round, q.predicted, q.confidence,
                   rounds.model, rounds.seed
            FROM reservations r JOIN items i ON i.id = r.item_id
            LEFT JOIN queries q ON q.id = r.query_id LEFT JOIN rounds ON rounds.number = q.round
            WHERE r.annotator = ? AND r.tab = ? ORDER BY q.round IS NULL DESC, q.round DESC, q.rank, r.item_id
            """,
            [annotator, tab],
        )
        return [Reserved(as_item(r), as_reason(r), r["expires_at"], as_prediction(r)) for r in found]

    def why_nothing(self, annotator: str) -> Waiting:
        """Why an annotator got no item: what is being waited for, or that all is done."""
        someone = self.team.join(annotator)
        if self._is_stopped(someone):
            return Waiting("stopped" if self.stops.current() else "paused")
        if not self.db.value("SELECT 1 FROM items WHERE split IS NOT NULL LIMIT 1"):
            return Waiting("empty")
        if not self.team.is_qualified(someone):
            return Waiting("unqualified")
        if self.items.labels_spent() >= self.db.config.budget:
            return Waiting("budget", self.db.config.budget)
        if held := self._held_by_others(annotator):
            return Waiting("others", held)
        return Waiting("training" if self.rounds.waiting() and self.team.elsewhere(someone) else "done")


def as_reason(row: Row) -> Reason | None:
    if row["strategy"] is None:
        return None
    return Reason(row["strategy"], row["score"], row["rank"], row["round"], row["model"], row["seed"])


def as_prediction(row: Row) -> Prediction | None:
    return None if row["predicted"] is None else Prediction(row["predicted"], row["confidence"])
