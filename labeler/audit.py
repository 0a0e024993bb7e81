"""What is measured beside each round: all rounds on the holdout as it is labeled today.

It runs in a process of its own, so that no round waits for it, and again when the lead has decided about labels.
"""

from typing import Any

from labeler.background import Tell, run_next
from labeler.measuring import drawn_by, measure, seen
from labeler.project import Project
from labeler.store import Store
from labeler.types import Audit, Metrics
from labeler.words import mark

AUDITS = "audit.lock"


def audit_once(project: Project) -> bool:
    """Run the project's next audit if one is asked for and nobody is at one; True if one ended."""
    return run_next(project, lambda store: store.audits, audit, lock=AUDITS)


def audit(project: Project, store: Store, job: Audit, tell: Tell) -> dict[str, Any]:
    """The report of one audit, as plain values."""
    tell(mark("measuring the rounds"), 0, 1)
    store.remeasure(measured(project, store))
    return {"round": job.request.round}


def measured(project: Project, store: Store) -> dict[int, Metrics]:
    """Every round's metrics, by the holdout's labels of today: rounds are told apart by the same yardstick."""
    with store.read():
        forecasts, labels, drawn = store.forecasts("holdout"), store.labels(), drawn_by(store)
    found = {number: seen(forecast, labels, project.config, drawn) for number, forecast in forecasts.items()}
    return {number: measure(one) for number, one in found.items() if one is not None}
