"""Verbs of the labeling desk: reserve items, store answers, take them back."""

import json
import time
from collections.abc import Sequence

from labeler.store.connection import Row, now
from labeler.store.items import as_item
from labeler.store.rounds import Rounds
from labeler.types import Answer, Reason, Receipt, Reserved
from labeler.words import _

# An item that may be given to :annotator, who does not hold it and has not answered it. Others' answers and
# their live reservations count against the overlap; a flagged item waits for the lead.
FREE = """
    NOT EXISTS (SELECT 1 FROM answers WHERE item_id = i.id AND (annotator = :annotator OR action = 'flag'))
    AND NOT EXISTS (SELECT 1 FROM reservations WHERE item_id = i.id AND annotator = :annotator)
    AND (SELECT COUNT(*) FROM answers WHERE item_id = i.id AND action = 'label')
      + (SELECT COUNT(*) FROM reservations WHERE item_id = i.id) < :overlap
"""

# Columns of an export. `label` is what this annotator said, `item_label` what all of them say together.
EXPORT = {
    "item_id": "i.id",
    "source": "i.source",
    "split": "i.split",
    "text": "i.text",
    "media": "i.media",
    "content_hash": "i.content_hash",
    "metadata": "i.metadata",
    "action": "a.action",
    "label": "a.label",
    "item_label": "l.label",
    "annotator": "a.annotator",
    "round": "q.round",
    "strategy": "q.strategy",
    "score": "q.score",
    "rank": "q.rank",
    "model": "rounds.model",
    "seed": "rounds.seed",
    "seconds": "a.seconds",
    "answered_at": "a.at",
    "added_at": "i.added_at",
}


class Answers(Rounds):
    """What annotators hold and what they answered."""

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
        who: Row = {
            "annotator": annotator,
            "tab": tab,
            "expires": at + self.config.labeling.reservation_seconds,
            "overlap": self.config.labeling.overlap,
        }
        with self.write():
            self.db.conn.execute(
                "UPDATE reservations SET expires_at = :expires WHERE annotator = :annotator AND tab = :tab",
                who,
            )
            self.db.conn.execute(
                """
                DELETE FROM reservations WHERE expires_at <= :at OR (annotator = :annotator AND tab = :tab
                AND item_id IN (SELECT value FROM json_each(:release)))
                """,
                who | {"at": at, "release": json.dumps(list(release))},
            )
            held = self._held(annotator, tab)
            missing = min(n - len(held), self._unspent())
            if missing > 0:
                taken = self._take(who, missing)
                if taken < missing and self._extend_queue(who, missing - taken):
                    self._take(who, missing - taken)
                held = self._held(annotator, tab)
        return held

    def _unspent(self) -> int:
        """Labels that the budget still pays for, less those that reserved items will cost."""
        return self.config.budget - self.labels_spent() - self.value("SELECT COUNT(*) FROM reservations")

    def _take(self, who: Row, n: int) -> int:
        """Reserve the `n` best free items of the latest ranking, in one statement."""
        return len(
            self.rows(
                f"""
                INSERT INTO reservations (item_id, annotator, tab, query_id, expires_at)
                SELECT q.item_id, :annotator, :tab, q.id, :expires
                FROM queries q JOIN items i ON i.id = q.item_id
                WHERE q.round = (SELECT COALESCE(MAX(number), 0) FROM rounds) AND {FREE}
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
        added = self.rows(
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
        found = self.rows(
            """
            SELECT i.*, r.expires_at, q.strategy, q.score, q.rank, q.round, rounds.model, rounds.seed
            FROM reservations r JOIN items i ON i.id = r.item_id
            LEFT JOIN queries q ON q.id = r.query_id LEFT JOIN rounds ON rounds.number = q.round
            WHERE r.annotator = ? AND r.tab = ? ORDER BY q.round DESC, q.rank
            """,
            [annotator, tab],
        )
        return [Reserved(as_item(r), as_reason(r), r["expires_at"]) for r in found]

    def annotate(self, annotator: str, answers: Sequence[Answer]) -> list[Receipt]:
        """Store answers in one transaction, each exactly once, and ask for a round when enough are new.

        An answer is taken even when its reservation has run out or somebody else has answered meanwhile:
        what a person said is never thrown away.
        """
        with self.write():
            receipts = [self._annotate(annotator, answer) for answer in answers]
            self.request_round_if_due()
        return receipts

    def _annotate(self, annotator: str, answer: Answer) -> Receipt:
        def refused(reason: str) -> Receipt:
            return Receipt(answer.request_id, False, reason)

        if self.value("SELECT 1 FROM annotations WHERE request_id = ?", [answer.request_id]):
            return Receipt(answer.request_id, True)
        item = self.item(answer.item_id)
        if item is None:
            return refused(f"there is no item {answer.item_id} in this project.")
        if (answer.label is not None) != (answer.action == "label"):
            return refused(f"an answer of kind {answer.action!r} does not fit the label {answer.label!r}.")
        if answer.label is not None and answer.label not in self.config.classes:
            return refused(f"{answer.label!r} is not a class of this project any more: reload the page.")
        key: Row = {"item_id": item.id, "annotator": annotator}
        current = self.value("SELECT id FROM answers WHERE item_id = :item_id AND annotator = :annotator", key)
        if answer.action == "undo" and current is None:
            return Receipt(answer.request_id, True)  # nothing to take back
        query = self.value(
            "SELECT query_id FROM reservations WHERE item_id = :item_id AND annotator = :annotator", key
        ) or self.value("SELECT id FROM queries WHERE item_id = :item_id ORDER BY round DESC LIMIT 1", key)
        self.db.conn.execute(
            "INSERT INTO annotations"
            " (request_id, item_id, annotator, action, label, query_id, seconds, tab, at, supersedes)"
            " VALUES (:request_id, :item_id, :annotator, :action, :label, :query, :seconds, :tab, :at, :current)",
            key
            | {
                "request_id": answer.request_id,
                "action": answer.action,
                "label": answer.label,
                "query": query,
                "seconds": answer.seconds,
                "tab": answer.tab,
                "at": now(),
                "current": current,
            },
        )
        if answer.action == "undo" and answer.tab:
            self._take_back(key | {"tab": answer.tab, "query": query})
        else:
            self.db.conn.execute("DELETE FROM reservations WHERE item_id = :item_id AND annotator = :annotator", key)
        return Receipt(answer.request_id, True)

    def _take_back(self, key: Row) -> None:
        """After an undo the item is the annotator's again, unless others have it by now."""
        self.db.conn.execute(
            f"""
            INSERT INTO reservations (item_id, annotator, tab, query_id, expires_at)
            SELECT i.id, :annotator, :tab, :query, :expires FROM items i WHERE i.id = :item_id AND {FREE}
            """,
            key
            | {
                "expires": time.time() + self.config.labeling.reservation_seconds,
                "overlap": self.config.labeling.overlap,
            },
        )

    def why_nothing(self, annotator: str) -> str:
        """One sentence for an annotator who got no item: what is being waited for, or that all is done."""
        if self.labels_spent() >= self.config.budget:
            return _("The budget of {n} labels is spent. The project lead can raise it.", n=self.config.budget)
        held = self.value("SELECT COUNT(*) FROM reservations WHERE annotator <> ?", [annotator])
        if held:
            return _("Others are answering the last {n} items. New ones appear here by themselves.", n=held)
        if not self.value("SELECT 1 FROM items WHERE split IS NOT NULL LIMIT 1"):
            return _("There is nothing to label yet: import images or texts on the Project page.")
        return _("Everything you can answer is answered. Thank you.")

    def history(self, annotator: str, n: int = 20) -> list[Row]:
        """The annotator's latest current answers, newest first: item_id, action, label, at."""
        return self.rows(
            "SELECT item_id, action, label, at FROM answers WHERE annotator = ? ORDER BY id DESC LIMIT ?",
            [annotator, n],
        )

    def export(self) -> list[Row]:
        """One row for each current answer, with why and when it was asked; in the order of answering."""
        columns = ", ".join(f"{expression} AS {name}" for name, expression in EXPORT.items())
        rows = self.rows(
            f"""
            SELECT {columns}
            FROM answers a JOIN items i ON i.id = a.item_id LEFT JOIN labels l ON l.item_id = i.id
            LEFT JOIN queries q ON q.id = a.query_id LEFT JOIN rounds ON rounds.number = q.round
            ORDER BY a.id
            """
        )
        return [row | {"metadata": json.loads(row["metadata"])} for row in rows]


def as_reason(row: Row) -> Reason | None:
    if row["strategy"] is None:
        return None
    return Reason(row["strategy"], row["score"], row["rank"], row["round"], row["model"], row["seed"])
