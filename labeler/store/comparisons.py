"""Verbs on comparisons of strategies: ask for one, claim it, say how far it is, end it."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from labeler.store.connection import Connection, Row, now
from labeler.types import Comparison, ComparisonRequest

# A comparison that took its process down this often is given up: the next try would do the same.
COMPARISON_ATTEMPTS = 3

_COLUMNS = ", ".join(Comparison.__dataclass_fields__)  # all but the report, which is large


class Comparisons(Connection):
    """Comparisons of strategies, which run beside the rounds."""

    def request_comparison(self, request: ComparisonRequest, by: str) -> int:
        """Ask the worker for a comparison; its id."""
        with self.write():
            return self.value(
                "INSERT INTO comparisons (request, requested_by, requested_at) VALUES (?, ?, ?) RETURNING id",
                [json.dumps(asdict(request), ensure_ascii=False), by, now()],
            )

    def has_comparison(self) -> bool:
        """Whether a comparison is waiting or was left unfinished."""
        return bool(self.value("SELECT 1 FROM comparisons WHERE state IN ('queued', 'running') LIMIT 1"))

    def claim_comparison(self) -> Comparison | None:
        """The oldest comparison that is not finished, now running; None if there is none.

        Only the holder of the project's comparison lock calls this, so one that is marked as running belongs to a
        process that died. One that took down its process too often is failed instead.
        """
        with self.write():
            self.db.conn.execute(
                "UPDATE comparisons SET state = 'failed', finished_at = ?,"
                " error = 'The comparison was cut off ' || attempts || ' times; the last step was: ' || message"
                " WHERE state = 'running' AND attempts >= ?",
                [now(), COMPARISON_ATTEMPTS],
            )
            claimed = self.rows(
                "UPDATE comparisons SET state = 'running', attempts = attempts + 1, claimed_at = ?, done = 0, total = 0"
                " WHERE id = (SELECT id FROM comparisons WHERE state IN ('running', 'queued')"
                f" ORDER BY state = 'running' DESC, id LIMIT 1) RETURNING {_COLUMNS}",
                [now()],
            )
        return _as_comparison(claimed[0]) if claimed else None

    def report_comparison(self, number: int, message: str, done: int = 0, total: int = 0) -> bool:
        """Say how far a comparison is; False if it runs no more, because somebody cancelled it."""
        with self.write():
            return bool(
                self.rows(
                    "UPDATE comparisons SET message = ?, done = ?, total = ? WHERE id = ? AND state = 'running'"
                    " RETURNING id",
                    [message, done, total, number],
                )
            )

    def finish_comparison(self, number: int, report: Mapping[str, Any]) -> bool:
        """Store the report; False if the comparison was cancelled meanwhile."""
        return self._end(number, "done", None, json.dumps(report, ensure_ascii=False))

    def fail_comparison(self, number: int, error: str) -> bool:
        return self._end(number, "failed", error, None)

    def cancel_comparison(self, number: int) -> bool:
        """End a comparison that waits or runs; what runs it stops within seconds. False if it has ended already."""
        return self._end(number, "cancelled", None, None)

    def _end(self, number: int, state: str, error: str | None, report: str | None) -> bool:
        with self.write():
            return bool(
                self.rows(
                    "UPDATE comparisons SET state = ?, error = ?, report = ?, finished_at = ?, message = ''"
                    " WHERE id = ? AND state IN ('queued', 'running') RETURNING id",
                    [state, error, report, now(), number],
                )
            )

    def comparisons(self) -> list[Comparison]:
        """All comparisons, the latest first."""
        return [_as_comparison(r) for r in self.rows(f"SELECT {_COLUMNS} FROM comparisons ORDER BY id DESC")]

    def comparison_report(self, number: int) -> dict[str, Any] | None:
        """What a finished comparison found, as `simulate.compare` gave it back."""
        text = self.value("SELECT report FROM comparisons WHERE id = ?", [number])
        return json.loads(text) if text else None


def _as_comparison(row: Row) -> Comparison:
    values = json.loads(row["request"])
    request = ComparisonRequest(**(values | {"strategies": tuple(values["strategies"])}))
    return Comparison(**(row | {"request": request}))
