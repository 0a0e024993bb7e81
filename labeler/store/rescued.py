"""What was rescued from a damaged database is put back: each answer and decision once, and never over a newer one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labeler.store.audit import AuditLog
from labeler.store.background import Audits
from labeler.store.class_changes import ClassChanges
from labeler.store.database import Database, Row
from labeler.store.items import Items
from labeler.store.parts import in_parts
from labeler.store.rescued_answers import RescuedAnswers
from labeler.store.rescued_decisions import RescuedDecisions
from labeler.store.rescued_rows import UnfitError, table_of
from labeler.store.rescued_work import RescuedWork
from labeler.store.rounds import Rounds
from labeler.store.team import Team

COST = 5  # of a row that is put back, see `in_parts`
Rows = Mapping[int, Any]  # by their place in the file, from 1
PutOne = Callable[[Row], bool]  # whether the row is new; raises UnfitError


@dataclass
class PutBack:
    """What came of rescued rows. stored, there: how many of each table, new and from before. unfit: why some were not
    put back, by their place in the file, from 1.
    """

    stored: dict[str, int] = field(default_factory=dict)
    there: dict[str, int] = field(default_factory=dict)
    unfit: dict[int, str] = field(default_factory=dict)

    def count(self, table: str, is_new: bool) -> None:
        counts = self.stored if is_new else self.there
        counts[table] = counts.get(table, 0) + 1


class Rescued:
    """The way back for what `labeler.store.copies.rescue` has written."""

    # wide: what is put back touches each of these
    def __init__(
        self, db: Database, items: Items, team: Team, rounds: Rounds, class_changes: ClassChanges, audits: Audits
    ) -> None:
        self.db, self.rounds, self.audits = db, rounds, audits
        self.answers = RescuedAnswers(db, items, team, class_changes)
        self.decisions = RescuedDecisions(db, class_changes)
        self.work = RescuedWork(db, team)
        self.audit = AuditLog(db)

    def put_back(self, rows: Sequence[Any], by: str) -> PutBack:
        """Store rescued rows that are not there, in the order in which they were made, some in each transaction.

        Neither an answer nor a decision is put over a newer one, nor put where there is no such item. A second time
        nothing is left to do, and what was cut off goes on. Changes of the classes are not among them, see
        `labeler.jobs.rescue`.

        Args: rows: with their table's name and the hash of their item's content, as they were read; anything else is
              unfit. by: who puts them back.
        """
        result = PutBack()
        tables: dict[str, dict[int, Any]] = {}
        for place, row in enumerate(rows, 1):
            tables.setdefault(table_of(row), {})[place] = row
        for table, (is_row, prepared) in self._kinds().items():
            of_table = tables.pop(table, {})
            fit = {place: row for place, row in of_table.items() if is_row(row)}
            result.unfit |= {place: "it cannot be read" for place in of_table if place not in fit}
            put = prepared([*fit.values()])
            for part in in_parts(self.db, sorted(fit, key=lambda place: fit[place]["id"]), COST):
                with self.db.write():
                    self._put_each(table, {place: fit[place] for place in part}, put, result)
        if result.stored:
            counts = {"stored": result.stored, "there": result.there, "unfit": len(result.unfit)}
            with self.db.write():
                self.audit.record(self.db.actor.named(by), "rescued answers put back", counts)
                self.audits.request_for_latest()
                self.rounds.request_if_due()
        result.unfit = dict(sorted(result.unfit.items()))
        return result

    def _kinds(self) -> dict[str, tuple[Callable[[Any], bool], Callable[[list[Row]], PutOne]]]:
        """The tables in the order in which they are put back: whether a row can be read, and what puts one back."""
        work = self.work
        return {
            "annotators": (work.is_person, lambda _rows: work.person),
            "annotations": (self.answers.is_answer, self.answers.among),
            "adjudications": (self.decisions.is_decision, self.decisions.among),
            "asked_next": (work.is_asked_next, lambda _rows: work.asked_next),
            "stops": (work.is_stop, lambda _rows: work.stop),
            "refused_answers": (work.is_refused, lambda _rows: work.refused),
        }

    def _put_each(self, table: str, rows: Rows, put: PutOne, result: PutBack) -> None:
        for place, row in rows.items():
            try:
                result.count(table, put(row))
            except UnfitError as reason:
                result.unfit[place] = str(reason)
