"""Rounds of the cycle: requested, claimed, finished; their rankings and metrics."""

import json
from collections.abc import Callable
from dataclasses import asdict

from labeler.core.class_changes import label_today
from labeler.core.jobs import CRASHES, Ending, Job
from labeler.core.rounds import Epoch, FinishedRound, Metrics, Remeasured, Round, Training
from labeler.i18n.messages import dump, from_json, load, mark, to_json
from labeler.store.attempts import HALVINGS, SHORT, note_ending
from labeler.store.background import Audits
from labeler.store.class_changes import ClassChanges
from labeler.store.database import Database, Row, now
from labeler.store.forecasts import Forecasts
from labeler.store.items import Items

# Settings and training are long and rarely read, so they are not among these columns.
_MEASURES = (
    *("holdout_n", "accuracy", "low", "high", "macro_f1", "calibration_error", "micro_f1"),
    "holdout_groups",
    "holdout_later",
)
CRASHED = mark(
    "The worker crashed by itself {crashes} times in this round, and did not try again; the last step was: {message}."
)

# When the last came of what a round reads. An import that brings back earlier items adds them to itself.
_LAST = (
    "SELECT at FROM annotations ORDER BY id DESC LIMIT 1",
    "SELECT at FROM adjudications ORDER BY id DESC LIMIT 1",
    "SELECT added_at FROM items ORDER BY id DESC LIMIT 1",
    "SELECT added_at FROM items WHERE import_id = (SELECT MAX(id) FROM imports) ORDER BY id DESC LIMIT 1",
)
_COLUMNS = (*(name for name in Round.__dataclass_fields__ if name != "metrics"), *_MEASURES)


class Rounds:
    """Jobs, rounds and rankings."""

    def __init__(
        self, db: Database, items: Items, forecasts: Forecasts, audits: Audits, class_changes: ClassChanges
    ) -> None:
        self.db = db
        self.items, self.forecasts, self.audits = items, forecasts, audits
        self.class_changes = class_changes

    def request(self, reason: str) -> bool:
        """Request a round from the worker; False if a round is waiting already."""
        with self.db.write():
            return bool(
                self.db.rows(
                    "INSERT INTO jobs (reason, labels, requested_at) VALUES (?, ?, ?)"
                    " ON CONFLICT DO NOTHING RETURNING id",
                    [reason, self.items.count_labeled(), now()],
                )
            )

    def request_if_due(self) -> bool:
        """Request a round if enough labels were added since the last request; whether it was requested."""
        missing = self.labels_until_next()
        return missing is not None and missing <= 0 and self.request("new labels")

    def labels_until_next(self) -> int | None:
        """The number of pool labels that are missing until the next round is due: 0 or less once it is.

        The last round has a smaller batch, where neither the pool nor the budget has enough for a whole one. None: no
        further round is due, as no further label can be had and a round has been asked for with all that there are.
        """
        missing = self.labels_missing()
        if missing <= 0:
            return missing
        payable = self.db.config.budget - self.items.labels_spent()
        missing = max(0, min(missing, payable, self.items.pool_open()))
        last = self.db.value("SELECT labels FROM jobs ORDER BY id DESC LIMIT 1") or 0
        return missing if missing or self.items.count_labeled() > last else None

    def labels_missing(self) -> int:
        """The number of pool labels that a whole batch still lacks, whether or not they can be had."""
        start, batch = self._batch()
        return start + batch - self.items.count_labeled()

    def batch(self) -> int:
        """The number of pool labels from the last round to the next one."""
        return self._batch()[1]

    def _batch(self) -> tuple[int, int]:
        """The pool labels that the last round was requested with, and how many more the next one waits for."""
        last = self.db.value("SELECT labels FROM jobs ORDER BY id DESC LIMIT 1") or 0
        query = self.db.config.query
        return (last, query.batch) if last >= query.seed_size else (0, query.seed_size)

    def waiting(self) -> bool:
        """Whether a round is queued, or was left unfinished by a worker that died."""
        return bool(self.db.value("SELECT 1 FROM jobs WHERE state IN ('queued', 'running') LIMIT 1"))

    def claim(self, ended: Ending | None = None) -> Job | None:
        """The oldest unfinished job, now running; None if there is none.

        Only the holder of the project's worker lock calls this. A job that is marked as running therefore was left by
        a worker that ended. One that was ended from outside is taken up again without end, with halved batches where
        memory may have been the cause; one in which workers crashed `CRASHES` times fails instead.

        Args: ended: how the worker before this one ended, at the first claim after that; None: it did not.
        """
        with self.db.write():
            note_ending(self.db, "jobs", ended)
            self.db.execute(
                "UPDATE jobs SET state = 'failed', finished_at = ?,"
                " error = json_object('message', ?, 'fields', json_object('crashes', crashes, 'message', message))"
                " WHERE state = 'running' AND crashes >= ?",
                [now(), CRASHED, CRASHES],
            )
            claimed = self.db.rows(
                "UPDATE jobs SET state = 'running', attempts = attempts + 1, claimed_at = ?, labels = ?"
                " WHERE id = (SELECT id FROM jobs WHERE state IN ('running', 'queued') ORDER BY id LIMIT 1)"
                " RETURNING *",
                [now(), self.items.count_labeled()],
            )
        return _as_job(claimed[0]) if claimed else None

    def report(self, job: Job, message: str, done: int = 0, total: int = 0) -> None:
        """Store the progress of a running job."""
        with self.db.write():
            self.db.execute(
                "UPDATE jobs SET message = ?, done = ?, total = ? WHERE id = ?",
                [dump(message), done, total, job.id],
            )

    def leave_for_memory(self, job: Job) -> None:
        """Leave a running job to the next claim, with halved batches; it fails where they were halved often enough."""
        if job.halvings >= HALVINGS:
            self.fail(job, mark(SHORT, halvings=job.halvings))
            return
        with self.db.write():
            self.db.execute("UPDATE jobs SET halvings = halvings + 1 WHERE id = ?", [job.id])

    def fail(self, job: Job, error: object) -> None:
        """End a job with what went wrong: a message or an error."""
        with self.db.write():
            self.db.execute(
                "UPDATE jobs SET state = 'failed', error = ?, finished_at = ? WHERE id = ?",
                [dump(error), now(), job.id],
            )

    def next_number(self) -> int:
        """The number that the next finished round gets; rounds count from 1."""
        return (self.db.value("SELECT MAX(number) FROM rounds") or 0) + 1

    def finish(self, job: Job, finished: FinishedRound, remeasured: Callable[[], Remeasured] = Remeasured) -> None:
        """Store metrics, training, ranking and forecasts, and end the job, in one transaction.

        Args: remeasured: called within it for the metrics of rounds by the holdout's labels of that moment, as some may
              have come while the round ran, see `update_metrics`.
        """
        number, result = finished.number, finished.result
        with self.db.write():
            self.db.insert(
                "rounds",
                {
                    "number": number,
                    "job_id": job.id,
                    "labels": result.labels,
                    "strategy": result.strategy,
                    "seed": result.seed,
                    "config": json.dumps(self.db.config.as_dict(), ensure_ascii=False),
                    "model": finished.model,
                    **(measures(result.metrics) if result.metrics else {}),
                    "agreement": finished.agreement,
                    "uncertainty": finished.uncertainty,
                    "train_seconds": result.train_seconds,
                    "query_seconds": result.query_seconds,
                    "finished_at": now(),
                    "training": result.training and to_json(asdict(result.training)),
                    "class_change": finished.class_change,
                    "left_out": finished.left_out,
                    "reachable": self.items.count_labeled() + self.items.pool_open(),
                },
            )
            self._insert_ranking(finished)
            self.forecasts.add(number, finished.forecasts)
            self.update_metrics(remeasured())
            self.audits.request_for_latest()
            self.db.execute(
                "UPDATE jobs SET state = 'done', message = '', error = NULL, finished_at = ? WHERE id = ?",
                [now(), job.id],
            )
            self.request_if_due()  # labels may have been added while the round ran

    def _insert_ranking(self, finished: FinishedRound) -> None:
        ranking, predictions = finished.result.ranking, finished.predictions or [None] * len(finished.items)
        changes, several = self.class_changes.since(finished.class_change), self.db.config.several
        ranked = zip(finished.items, ranking, predictions, strict=True)
        self.db.executemany(
            "INSERT INTO queries (round, rank, item_id, strategy, score, predicted, confidence)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    finished.number,
                    rank,
                    item_id,
                    query.strategy,
                    query.score,
                    prediction and label_today(prediction.label, changes, several),
                    prediction and prediction.confidence,
                )
                for rank, (item_id, query, prediction) in enumerate(ranked, 1)
            ],
        )

    def update_metrics(self, remeasured: Remeasured) -> None:
        """Replace the metrics of rounds with those on the holdout's current labels, so that rounds are comparable."""
        columns, values = ", ".join(_MEASURES), ", ".join(f":{name}" for name in _MEASURES)
        with self.db.write():
            self.db.executemany(
                f"UPDATE rounds SET ({columns}) = ({values}), measured = measured + 1"
                f" WHERE number = :number AND ({columns}) IS NOT ({values})",
                [
                    (measures(measured) if measured else dict.fromkeys(_MEASURES)) | {"number": number}
                    for number, measured in remeasured.metrics.items()
                ],
            )
            if remeasured.latest:
                self.db.execute(
                    "INSERT INTO measured_by (id, basis, latest) VALUES (1, :basis, :latest)"
                    " ON CONFLICT (id) DO UPDATE SET basis = :basis, latest = :latest",
                    {"basis": remeasured.basis, "latest": remeasured.latest},
                )

    def measured_until(self, basis: str) -> int:
        """The number of the round up to which all were measured on this basis last, see `Remeasured`; 0: none."""
        return self.db.value("SELECT latest FROM measured_by WHERE basis = ?", [basis]) or 0

    def latest_job(self) -> Job | None:
        jobs = self.db.rows("SELECT * FROM jobs ORDER BY state = 'running' DESC, id DESC LIMIT 1")
        return _as_job(jobs[0]) if jobs else None

    def all(self) -> list[Round]:
        """All finished rounds, oldest first."""
        return [_as_round(r) for r in self.db.rows(f"SELECT {', '.join(_COLUMNS)} FROM rounds ORDER BY number")]

    def latest(self) -> Round | None:
        """The round that was finished last."""
        rows = self.db.rows(f"SELECT {', '.join(_COLUMNS)} FROM rounds ORDER BY number DESC LIMIT 1")
        return _as_round(rows[0]) if rows else None

    def training_of(self, number: int) -> Training | None:
        """How a round's model was trained; None in rounds of version 0.1, and where no labels were there."""
        text = self.db.value("SELECT training FROM rounds WHERE number = ?", [number])
        return _as_training(from_json(text)) if text else None

    def backbones(self) -> dict[int, str]:
        """The backbone in each round's settings, by round, and ", adapted" where adapted weights were used."""
        rows = self.db.rows(
            "SELECT number, config ->> '$.learner.backbone'"
            " || iif(config ->> '$.learner.adapted', ', adapted', '') AS name FROM rounds ORDER BY number"
        )
        return {row["number"]: row["name"] or "" for row in rows}

    def class_change_of(self, number: int) -> int:
        """The number of the latest change of the classes when a round read its labels; 0 before the first."""
        return self.db.value("SELECT class_change FROM rounds WHERE number = ?", [number]) or 0

    def anything_new(self) -> bool:
        """Whether an answer, a decision, an item, a class or a setting has changed since the last round read them."""
        rows = self.db.rows(
            "SELECT r.config, r.class_change, COALESCE(j.claimed_at, r.finished_at) AS at FROM rounds r"
            " JOIN jobs j ON j.id = r.job_id ORDER BY r.number DESC LIMIT 1"
        )
        if not rows or rows[0]["class_change"] < self.class_changes.latest():
            return True
        if rows[0]["config"] != json.dumps(self.db.config.as_dict(), ensure_ascii=False):
            return True
        newest = [self.db.value(query) for query in _LAST]
        return any(at is not None and at >= rows[0]["at"] for at in newest)

    def models(self) -> list[tuple[str, float | None]]:
        """The path below the project's folder of each model that was trained, and its accuracy, oldest first."""
        rows = self.db.rows("SELECT model, accuracy FROM rounds WHERE model IS NOT NULL ORDER BY number")
        return [(row["model"], row["accuracy"]) for row in rows]

    def ranking(self, number: int) -> list[Row]:
        """A round's ranking, best first: rank, item_id, strategy, score."""
        return self.db.rows(
            "SELECT rank, item_id, strategy, score FROM queries WHERE round = ? ORDER BY rank", [number]
        )

    def random_share(self) -> float | None:
        """The share of the latest ranking's pool items that were drawn at random; None: there is no ranking."""
        share: float | None = self.db.value(
            "SELECT AVG(strategy = 'random') FROM queries"
            " WHERE round = (SELECT MAX(number) FROM rounds) AND strategy <> 'holdout'"
        )
        return share

    def claimed_at(self) -> dict[int, str]:
        """When each round read its labels: the time at which its job was claimed."""
        rows = self.db.rows(
            "SELECT r.number, COALESCE(j.claimed_at, r.finished_at) AS at FROM rounds r JOIN jobs j ON j.id = r.job_id"
            " ORDER BY r.number"
        )
        return {row["number"]: row["at"] for row in rows}


def _as_job(row: Row) -> Job:
    values = {name: row[name] for name in Job.__dataclass_fields__}
    return Job(**(values | {"message": load(row["message"]), "error": row["error"] and load(row["error"])}))


def measures(metrics: Metrics) -> Row:
    """The metrics by the columns of the table of rounds."""
    values = asdict(metrics)
    others = {f"holdout_{name}": values.pop(name) for name in ("n", "groups", "later")}
    return {**others, **values}


def _as_round(row: Row) -> Round:
    measures = {name: row.pop(name) for name in _MEASURES}
    return Round(metrics=None if measures["accuracy"] is None else Metrics(*measures.values()), **row)


def _as_training(values: Row) -> Training:
    return Training(**(values | {"epochs": tuple(Epoch(**epoch) for epoch in values["epochs"])}))
