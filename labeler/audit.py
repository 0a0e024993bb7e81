"""What is measured beside each round: all rounds on the holdout as it is labeled today.

It runs in a process of its own, so that no round waits for it, and again when the lead has decided about labels.
"""

from dataclasses import asdict
from typing import Any

import numpy as np

from labeler import decisions, snapshot
from labeler.background import Tell, run_next
from labeler.control import control_arm
from labeler.errors import TooFewClassesError
from labeler.label_errors import label_quality, likely_errors, out_of_sample
from labeler.labelsets import texts_of
from labeler.measuring import drawn_by, measure, seen
from labeler.model import Normalizer
from labeler.project import Project
from labeler.snapshot import Snapshot
from labeler.store import Store
from labeler.types import Audit, Labels, Metrics
from labeler.words import mark

AUDITS = "audit.lock"


def audit_once(project: Project) -> bool:
    """Run the project's next audit if one is asked for and nobody is at one; True if one ended."""
    return run_next(project, lambda store: store.audits, audit, lock=AUDITS)


def audit(project: Project, store: Store, job: Audit, tell: Tell) -> dict[str, Any]:
    """The report of one audit, as plain values."""
    tell(mark("measuring the rounds"), 0, 1)
    store.remeasure(measured(project, store))
    known = snapshot.take(project, store, lambda message: lambda done, total: tell(message, done, total))
    normalizer = Normalizer.fit(known.dataset.embeddings, known.dataset.dims)
    return {
        "round": job.request.round,
        "control": against_random(project, store, known, normalizer, job.request.round, tell),
        "errors": doubted(project, known, normalizer, job.request.round, tell),
    }


def against_random(
    project: Project, store: Store, known: Snapshot, normalizer: Normalizer, seed: int, tell: Tell
) -> dict[str, Any]:
    """What the choice of labels brought, see `labeler.control`."""
    with store.read():
        order, drawn, rounds = store.taught(), store.drawn_holdout(), store.rounds()
    places = {known.items[p].id: i for i, p in enumerate(known.labeled.positions)}
    order = [(item, random) for item, random in order if item in places]  # one that was labeled since comes next time
    rows = np.array([places[item] for item, _random in order], dtype=np.intp)
    found = control_arm(
        known.dataset,
        Labels(known.labeled.positions[rows], known.labeled.targets[rows]),
        np.array([random for _item, random in order], dtype=bool),
        known.holdout,
        np.array([known.items[p].id in drawn for p in known.holdout.positions], dtype=bool),
        [r.labels for r in rounds],
        len(project.config.classes),
        normalizer,
        seed,
        lambda done, total: tell(mark("measuring what random labels would have brought"), done, total),
    )
    return asdict(found)


def doubted(
    project: Project, known: Snapshot, normalizer: Normalizer, seed: int, tell: Tell
) -> dict[str, list[Any]] | None:
    """Each label of the pool in the eyes of heads that have not seen it, see `labeler.label_errors`; None: too few.

    items: ids. quality: of the label, 0 to 1. likely: whether it is likely wrong. opinion, confidence: what the heads
    say themselves.
    """
    said = mark("looking for wrong labels")
    labels, config = known.labeled, project.config
    try:
        proba = out_of_sample(
            known.dataset, labels, len(config.classes), normalizer, seed, on_progress=lambda *at: tell(said, *at)
        )
    except TooFewClassesError:
        return None
    answers = decisions.predicted(proba, config.several)
    return {
        "items": [known.items[p].id for p in labels.positions],
        "quality": np.round(label_quality(proba, labels.targets), 5).tolist(),
        "likely": likely_errors(proba, labels.targets).tolist(),
        "opinion": texts_of(answers, config),
        "confidence": np.round(decisions.of_whole(proba, answers), 5).tolist(),
    }


def measured(project: Project, store: Store) -> dict[int, Metrics]:
    """Every round's metrics, by the holdout's labels of today: rounds are told apart by the same yardstick."""
    with store.read():
        forecasts, labels, drawn = store.forecasts("holdout"), store.labels(), drawn_by(store)
    found = {number: seen(forecast, labels, project.config, drawn) for number, forecast in forecasts.items()}
    return {number: measure(one) for number, one in found.items() if one is not None}
