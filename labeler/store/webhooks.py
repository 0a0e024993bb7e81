"""Webhooks: addresses that are told of events, and each telling with what came of it.

Triggers write an event in the transaction of what happened (see `schema.m038_events`), so that none is lost and none
is told of what did not happen.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from labeler.core.events import Delivery, Event, Webhook
from labeler.i18n.messages import dump, load
from labeler.store.audit import AuditLog
from labeler.store.database import Database, Row, now

# Seconds between two attempts; after the last of them nothing more is tried.
PAUSES = (5, 60, 300, 1800, 7200, 21_600, 86_400)
KEPT = 1000  # deliveries that are listed; of those before, what is over is forgotten


class Webhooks:
    """The webhooks of a project."""

    def __init__(self, db: Database, audit: AuditLog) -> None:
        self.db, self.audit = db, audit

    def add(self, url: str, events: Collection[Event], secret: str) -> int:
        """The id of a new webhook, which is told of these events from now on."""
        with self.db.write():
            number: int = self.db.value(
                "INSERT INTO webhooks (url, events, secret, added_by, added_at) VALUES (?, ?, ?, ?, ?) RETURNING id",
                [url, json.dumps(sorted(events)), secret, self.db.actor.name, now()],
            )
            what = {"webhook": number, "host": _host(url), "events": sorted(events)}
            self.audit.record(self.db.actor, "webhook added", what)
        return number

    def remove(self, number: int) -> bool:
        """Tell a webhook nothing more, also of what has happened; False if there is no such webhook."""
        with self.db.write():
            rows = self.db.rows(
                "UPDATE webhooks SET removed_at = ?, secret = '' WHERE id = ? AND removed_at IS NULL RETURNING url",
                [now(), number],
            )
            if rows:
                self.db.execute("UPDATE webhook_deliveries SET next_at = NULL WHERE webhook = ?", [number])
                self.audit.record(self.db.actor, "webhook removed", {"webhook": number, "host": _host(rows[0]["url"])})
        return bool(rows)

    def all(self) -> list[Webhook]:
        """The webhooks, the first one first, without their secrets."""
        rows = self.db.rows(
            "SELECT id, url, events, '' AS secret, added_by, added_at FROM webhooks"
            " WHERE removed_at IS NULL ORDER BY id"
        )
        return [Webhook(**row | {"events": tuple(json.loads(row["events"]))}) for row in rows]

    def tell(self, event: Event, data: Mapping[str, Any]) -> None:
        """Tell the webhooks that ask for it of an event that no row of another table is; of the same data once."""
        with self.db.write():
            self.db.execute(
                "INSERT INTO webhook_deliveries (webhook, event, data, at)"
                " SELECT w.id, :event, json(:data), :at FROM webhooks w, json_each(w.events) e"
                " WHERE w.removed_at IS NULL AND e.value = :event AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d"
                " WHERE (d.webhook, d.event, d.data) = (w.id, :event, json(:data)))",
                {"event": event, "data": json.dumps(data, ensure_ascii=False), "at": now()},
            )

    def is_due(self, at: float) -> bool:
        """Whether something is to be sent at this Unix time."""
        return bool(self.db.value(f"SELECT 1 FROM webhook_deliveries d WHERE {_DUE} LIMIT 1", {"at": at}))

    def due(self, at: float) -> tuple[Delivery, str] | None:
        """The delivery that is due first at this Unix time, with the secret that its body is signed with."""
        rows = self.db.rows(
            f"SELECT {_COLUMNS}, w.secret FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook"
            f" WHERE {_DUE} ORDER BY d.next_at, d.id LIMIT 1",
            {"at": at},
        )
        return (_as_delivery(rows[0]), rows[0]["secret"]) if rows else None

    def record(self, delivery: Delivery, problem: object, at: float) -> None:
        """Store what came of an attempt. problem: "" if it was received; it is tried again after a pause otherwise.

        Args: at: Unix time of the attempt.
        """
        tried_before = delivery.attempts
        again = at + PAUSES[tried_before] if problem and tried_before < len(PAUSES) else None
        with self.db.write():
            self.db.execute(
                "UPDATE webhook_deliveries SET attempts = attempts + 1, problem = ?, delivered_at = ?, next_at ="
                " (SELECT ? FROM webhooks w WHERE w.id = webhook AND w.removed_at IS NULL) WHERE id = ?",
                [dump(problem) if problem else None, None if problem else now(), again, delivery.id],
            )
            self.db.execute(
                "DELETE FROM webhook_deliveries WHERE next_at IS NULL AND event <> 'target.reached' AND id <="
                " (SELECT id FROM webhook_deliveries ORDER BY id DESC LIMIT 1 OFFSET ?)",
                [KEPT],
            )

    def send_again(self, number: int) -> bool:
        """Send a delivery again, from the first attempt on; False if its webhook is no more."""
        with self.db.write():
            return bool(
                self.db.rows(
                    "UPDATE webhook_deliveries SET next_at = 0, attempts = 0 WHERE id = ?"
                    " AND webhook IN (SELECT id FROM webhooks WHERE removed_at IS NULL) RETURNING id",
                    [number],
                )
            )

    def deliveries(self, most: int = 50, before: int | None = None) -> list[Delivery]:
        """The latest deliveries to webhooks that there are, the latest first. Args: before: a number; None: of all."""
        rows = self.db.rows(
            f"SELECT {_COLUMNS} FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook"
            " WHERE w.removed_at IS NULL AND d.id < ? ORDER BY d.id DESC LIMIT ?",
            [2**63 - 1 if before is None else before, most],
        )
        return [_as_delivery(row) for row in rows]


def _host(url: str) -> str:
    """What the audit log says of an address: with many receivers its path is a secret."""
    return urlsplit(url).netloc


# A time after the longest pause was set by a clock that has gone back since: nobody waits for it to come again.
_DUE = f"(d.next_at <= :at OR d.next_at > :at + {max(PAUSES)})"
_COLUMNS = (
    "d.id, d.uid, d.webhook, w.url, d.event, d.data, d.at, d.attempts, d.next_at, d.delivered_at,"
    " COALESCE(d.problem, '') AS problem"
)


def _as_delivery(row: Row) -> Delivery:
    fields = {name: row[name] for name in Delivery.__dataclass_fields__}
    return Delivery(**fields | {"data": json.loads(row["data"]), "problem": load(row["problem"])})
