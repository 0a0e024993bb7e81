"""The only SQL. `Store` is opened once per thread and rerun, and is all verbs.

items.py: what is labeled · forecasts.py, rounds.py: the cycle · team.py: who labels · reservations.py, answers.py: the
desk · explanations.py: why an item is asked · adjudications.py: what leads decide · effort.py: how long it took ·
testing.py: what active testing drew · slices.py: imported columns · review.py: what to look at again ·
background.py: what runs beside the rounds · connection.py: what they share.
"""

from pathlib import Path
from typing import Any

from labeler.core.jobs import AdaptationRequest, AuditRequest, ComparisonRequest, TuningRequest
from labeler.core.settings import Config
from labeler.store.active_testing import Testing
from labeler.store.answers import EXPORT
from labeler.store.background import Background
from labeler.store.items import HOLDOUT_SEED, IMPORT
from labeler.store.review import Reviews
from labeler.store.slices import Slices

__all__ = ["EXPORT", "HOLDOUT_SEED", "IMPORT", "Store"]


class Store(Reviews, Testing, Slices):
    """A project's database; see the verbs in the files of this package."""

    def __init__(self, path: Path | str, config: Config) -> None:
        super().__init__(path, config)
        self.comparisons = Background(self, "comparisons", "comparison", ComparisonRequest)
        self.tunings = Background(self, "tunings", "search", TuningRequest)
        self.adaptations = Background(self, "adaptations", "adaptation", AdaptationRequest)
        self.audits = Background(self, "audits", "audit", AuditRequest)

    def has_background(self) -> bool:
        """Whether anything that people asked for beside the rounds is waiting, or was left unfinished."""
        return any(jobs.waiting() for jobs in (self.comparisons, self.tunings, self.adaptations))

    def audit(self) -> dict[str, Any] | None:
        """What the latest audit found, see `labeler.jobs.audits`; None before the first."""
        number = self.value("SELECT MAX(id) FROM audits WHERE state = 'done'")
        return None if number is None else self.audits.report_of(number)
