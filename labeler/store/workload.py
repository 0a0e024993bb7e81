"""Jobs of all kinds in one list: what waits, what runs, and what failed lately."""

from dataclasses import dataclass

from labeler.core.jobs import BackgroundState
from labeler.i18n.messages import load, mark
from labeler.store.database import Database

# Kind of a job, as people read it → its table.
KINDS = {
    mark("round"): "jobs",
    mark("import"): "import_jobs",
    mark("comparison of strategies"): "comparisons",
    mark("search for settings"): "tunings",
    mark("adaptation of the backbone"): "adaptations",
    mark("comparison of encoders"): "encoder_comparisons",
    mark("file to take out"): "takeouts",
    mark("map of the pool"): "maps",
    mark("audit of the rounds"): "audits",
}
_COLUMNS = "id, state, attempts, done, total, message, error, requested_at, claimed_at, finished_at"
_ALL = " UNION ALL ".join(f"SELECT {n} AS kind, {_COLUMNS} FROM {table}" for n, table in enumerate(KINDS.values()))


@dataclass(frozen=True)
class WorkRow:
    """A job of any kind. message: the step that it is at. since: when it began, or was asked for while it waits."""

    kind: str
    id: int
    state: BackgroundState
    attempts: int
    done: int
    total: int
    message: str
    error: str
    since: str
    finished_at: str


class Workload:
    """The jobs of a project, of whichever kind."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def open(self) -> list[WorkRow]:
        """What runs, then what waits, the oldest first."""
        return self._rows("state IN ('queued', 'running') ORDER BY state = 'queued', requested_at, kind")

    def failed(self, most: int) -> list[WorkRow]:
        """The jobs that failed last, the latest first."""
        return self._rows(f"state = 'failed' ORDER BY finished_at DESC LIMIT {most:d}")

    def explanations(self) -> int:
        """The number of explanations that somebody waits for."""
        return self.db.value("SELECT COUNT(*) FROM explanations WHERE state IN ('queued', 'running')")

    def _rows(self, condition: str) -> list[WorkRow]:
        kinds = list(KINDS)
        rows = self.db.rows(f"SELECT * FROM ({_ALL}) WHERE {condition}")
        return [
            WorkRow(
                **{name: row[name] for name in ("id", "state", "attempts", "done", "total")},
                kind=kinds[row["kind"]],
                message=load(row["message"]),
                error=load(row["error"]) if row["error"] else "",
                since=(row["state"] != "queued" and row["claimed_at"]) or row["requested_at"],
                finished_at=row["finished_at"] or "",
            )
            for row in rows
        ]
