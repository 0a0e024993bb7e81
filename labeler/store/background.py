"""Jobs beside the rounds: requested, claimed, reported on, finished. Each kind of job has its own table."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Generic, Literal

from labeler.core.errors import MissingError
from labeler.core.jobs import (
    CRASHES,
    AuditRequest,
    BackgroundJob,
    EncoderAnswer,
    EncoderRequest,
    Ending,
    Request,
    TakeoutRequest,
)
from labeler.i18n.messages import dump, from_json, load, mark, to_json
from labeler.store.attempts import HALVINGS, SHORT_BESIDE, note_ending
from labeler.store.audit import AuditLog
from labeler.store.database import Database, Row, now

CRASHED = {
    "comparison": mark("The comparison crashed by itself {crashes} times; the last step was: {message}"),
    "search": mark("The search crashed by itself {crashes} times; the last step was: {message}"),
    "adaptation": mark("The adaptation crashed by itself {crashes} times; the last step was: {message}"),
    "takeout": mark("The file could not be made: its process crashed {crashes} times; the last step was: {message}"),
    "map": mark("The map crashed by itself {crashes} times; the last step was: {message}"),
    "comparison of encoders": mark(
        "The comparison of encoders crashed by itself {crashes} times; the last step was: {message}"
    ),
    "import": mark(
        "The import crashed by itself {crashes} times, and nothing was imported; the last step was: {message}"
    ),
    "audit": mark("The audit crashed by itself {crashes} times; the last step was: {message}"),
}

_COLUMNS = ", ".join(BackgroundJob.__dataclass_fields__)  # all but the report, which is large


class Background(Generic[Request]):
    """The background jobs of one kind."""

    def __init__(self, db: Database, table: str, noun: str, kind: type[Request]) -> None:
        """
        Args: noun: the word for a job in messages. kind: the class of its requests.
        """
        self.db, self.table, self.noun, self.kind = db, table, noun, kind

    def request(self, request: Request, by: str) -> int:
        """The id of a new job, which waits for the worker."""
        with self.db.write():
            return self.db.value(
                f"INSERT INTO {self.table} (request, requested_by, requested_at) VALUES (?, ?, ?) RETURNING id",
                [json.dumps(asdict(request), ensure_ascii=False), by, now()],  # type: ignore[call-overload]
            )

    def waiting(self) -> bool:
        """Whether a job is queued, or was left unfinished."""
        query = f"SELECT 1 FROM {self.table} WHERE state IN ('queued', 'running') LIMIT 1"
        return bool(self.db.value(query))

    def claim(self, ended: Ending = "outside") -> BackgroundJob[Request] | None:
        """The oldest unfinished job, now running, with the progress it had made; None if there is none.

        Only the holder of the project's background lock calls this. A job that is marked as running therefore belongs
        to a process that ended: from outside, and it is taken up again without end; or it crashed by itself, `CRASHES`
        times at most, after which the job fails.

        Args: ended: how the process ended that had the job before.
        """
        with self.db.write():
            note_ending(self.db, self.table, ended)
            self.db.execute(
                f"UPDATE {self.table} SET state = 'failed', finished_at = ?,"
                f" error = json_object('message', ?, 'fields', json_object('crashes', crashes, 'message', message))"
                " WHERE state = 'running' AND crashes >= ?",
                [now(), CRASHED[self.noun], CRASHES],
            )
            claimed = self.db.rows(
                f"UPDATE {self.table} SET state = 'running', attempts = attempts + 1, claimed_at = ?"
                f" WHERE id = (SELECT id FROM {self.table} WHERE state IN ('running', 'queued')"
                f" ORDER BY state = 'running' DESC, id LIMIT 1) RETURNING {_COLUMNS}",
                [now()],
            )
        return self._job(claimed[0]) if claimed else None

    def report(self, number: int, message: str, done: int = 0, total: int = 0) -> bool:
        """Store a job's progress; False if it runs no more, because somebody cancelled it."""
        with self.db.write():
            return bool(
                self.db.rows(
                    f"UPDATE {self.table} SET message = ?, done = ?, total = ? WHERE id = ? AND state = 'running'"
                    " RETURNING id",
                    [dump(message), done, total, number],
                )
            )

    def finish(self, number: int, report: Mapping[str, Any]) -> bool:
        """Store the report; False if the job was cancelled meanwhile."""
        return self._end(number, "done", None, to_json(report))

    def fail(self, number: int, error: object) -> bool:
        """End a job with a message or an error."""
        return self._end(number, "failed", dump(error), None)

    def put_back(self, number: int) -> None:
        """Queue a running job again, as something else comes first; that does not count as an attempt."""
        with self.db.write():
            self.db.execute(
                f"UPDATE {self.table} SET state = 'queued', attempts = attempts - 1, message = ''"
                " WHERE id = ? AND state = 'running'",
                [number],
            )

    def leave_for_memory(self, job: BackgroundJob[Request]) -> None:
        """Queue a running job again with halved batches; it fails where they were halved often enough."""
        if job.halvings >= HALVINGS:
            self.fail(job.id, mark(SHORT_BESIDE, halvings=job.halvings))
            return
        with self.db.write():
            self.db.execute(
                f"UPDATE {self.table} SET state = 'queued', halvings = halvings + 1 WHERE id = ? AND state = 'running'",
                [job.id],
            )

    def cancel(self, number: int) -> bool:
        """Cancel a job that is queued or running; False if it has ended already. Its process stops within seconds."""
        return self._end(number, "cancelled", None, None)

    def _end(self, number: int, state: str, error: str | None, report: str | None) -> bool:
        with self.db.write():
            return bool(
                self.db.rows(
                    f"UPDATE {self.table} SET state = ?, error = ?, report = ?, finished_at = ?, message = ''"
                    " WHERE id = ? AND state IN ('queued', 'running') RETURNING id",
                    [state, error, report, now(), number],
                )
            )

    def all(self) -> list[BackgroundJob[Request]]:
        """All jobs, the latest first."""
        rows = self.db.rows(f"SELECT {_COLUMNS} FROM {self.table} ORDER BY id DESC")
        return [self._job(row) for row in rows]

    def get(self, number: int) -> BackgroundJob[Request]:
        """The job of this id. Raises: MissingError: there is none."""
        rows = self.db.rows(f"SELECT {_COLUMNS} FROM {self.table} WHERE id = ?", [number])
        if not rows:
            raise MissingError("There is no such job {number} in this project.", number=number)
        return self._job(rows[0])

    def report_of(self, number: int) -> dict[str, Any] | None:
        """The report of a finished job; None before it is finished."""
        text = self.db.value(f"SELECT report FROM {self.table} WHERE id = ?", [number])
        return from_json(text) if text else None

    def _job(self, row: Row) -> BackgroundJob[Request]:
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(row["request"]).items()}
        return BackgroundJob(
            **row
            | {
                "request": self.kind(**values),
                "message": load(row["message"]),
                "error": row["error"] and load(row["error"]),
            }
        )


class Takeouts(Background[TakeoutRequest]):
    """Files that are made ready to be taken out."""

    def __init__(self, db: Database) -> None:
        super().__init__(db, "takeouts", "takeout", TakeoutRequest)
        self.audit = AuditLog(db)

    def request(self, request: TakeoutRequest, by: str) -> int:
        """The id of a new job, which waits for the worker; the audit log has it too."""
        with self.db.write():
            number = super().request(request, by)
            self.audit.record(self.db.actor.named(by), "take-out requested", {"what": request.what})
        return number


class Audits(Background[AuditRequest]):
    """Audits of the rounds; only the latest is kept."""

    def __init__(self, db: Database) -> None:
        super().__init__(db, "audits", "audit", AuditRequest)

    def request_for_latest(self) -> None:
        """Request an audit of the latest round, in place of one that is still queued. Older audits are deleted."""
        with self.db.write():
            self.db.execute(
                "DELETE FROM audits WHERE state NOT IN ('queued', 'running')"
                " AND id < (SELECT MAX(id) FROM audits WHERE state = 'done')"
            )
            latest = self.db.value("SELECT MAX(number) FROM rounds WHERE model IS NOT NULL")
            request = json.dumps(asdict(AuditRequest(latest))) if latest else None
            if latest and not self.db.rows(
                "UPDATE audits SET request = ? WHERE state = 'queued' RETURNING id", [request]
            ):
                self.db.execute(
                    "INSERT INTO audits (request, requested_by, requested_at) VALUES (?, '', ?)", [request, now()]
                )

    def latest_done(self) -> int | None:
        """The number of the latest audit; None before the first."""
        return self.db.value("SELECT MAX(id) FROM audits WHERE state = 'done'")

    def latest_report(self) -> dict[str, Any] | None:
        """The report of the latest audit, see `labeler.jobs.audits`; None before the first."""
        number = self.latest_done()
        return None if number is None else self.report_of(number)


class EncoderComparisons(Background[EncoderRequest]):
    """Comparisons of encoders on the project's labels, and what was done about what they propose."""

    def __init__(self, db: Database) -> None:
        super().__init__(db, "encoder_comparisons", "comparison of encoders", EncoderRequest)

    def latest(self) -> BackgroundJob[EncoderRequest] | None:
        """The comparison that was asked for last; None before the first."""
        number = self.db.value("SELECT MAX(id) FROM encoder_comparisons")
        return None if number is None else self.get(number)

    def latest_report(self) -> tuple[int, dict[str, Any]] | None:
        """The number and the report of the latest that is done; None: none is."""
        number = self.db.value("SELECT MAX(id) FROM encoder_comparisons WHERE state = 'done'")
        report = None if number is None else self.report_of(number)
        return None if report is None else (number, report)

    def answer(self, number: int, answer: Literal["used", "declined"], by: str) -> bool:
        """Keep what was done about a proposal, by whom (empty: by the settings); False if something was done before."""
        with self.db.write():
            return bool(
                self.db.rows(
                    "UPDATE encoder_comparisons SET answer = ?, answered_by = ?, answered_at = ?"
                    " WHERE id = ? AND answer IS NULL RETURNING id",
                    [answer, by, now(), number],
                )
            )

    def answers(self) -> list[EncoderAnswer]:
        """What was done about proposals, the latest first."""
        rows = self.db.rows(
            "SELECT id, answer, answered_by, answered_at, report FROM encoder_comparisons WHERE answer IS NOT NULL"
            " ORDER BY id DESC"
        )
        return [
            EncoderAnswer(row["id"], row["answer"], row["answered_by"], row["answered_at"], from_json(row["report"]))
            for row in rows
        ]
