"""What is measured beside each round: all rounds by the holdout's labels of today, what random labels would have
brought, which labels are likely wrong, and how far people agree.

It runs in a process of its own, so that no round waits for it, and again when the lead has decided about labels.
"""

from dataclasses import asdict
from typing import Any

import numpy as np

from labeler.core.errors import TooFewClassesError
from labeler.core.jobs import Audit
from labeler.core.rounds import Labels, Metrics
from labeler.cycle import snapshot
from labeler.cycle.snapshot import Snapshot
from labeler.i18n.messages import mark
from labeler.jobs.runner import Tell, run_next
from labeler.learner.heads import fit_heads
from labeler.learner.model import Normalizer
from labeler.measure.forecasts import drawn_by, measure, seen
from labeler.progress.control import Control, control_arm
from labeler.projects.project import Project
from labeler.quality import findings as quality
from labeler.quality.label_errors import out_of_sample
from labeler.store import Store

AUDITS = "audit.lock"
COMPARED_WITH = 20_000  # unlabeled items, at most, that asking again is weighed against


def audit_once(project: Project) -> bool:
    """Run the project's next audit if one is asked for and nobody is at one; True if one ended."""
    return run_next(project, lambda store: store.audits, audit, lock=AUDITS)


def audit(project: Project, store: Store, job: Audit, tell: Tell) -> dict[str, Any]:
    """The report of one audit, as plain values."""
    tell(mark("measuring the rounds"), 0, 1)
    store.rounds.remeasure(measured(project, store))
    known = snapshot.take(project, store, lambda message: lambda done, total: tell(message, done, total))
    normalizer = Normalizer.fit(known.dataset.embeddings, known.dataset.dims)
    return {
        "round": job.request.round,
        "control": against_random(project, store, known, normalizer, job.request.round, tell),
        **of_labels(project, store, known, normalizer, job.request.round, tell),
    }


def against_random(
    project: Project, store: Store, known: Snapshot, normalizer: Normalizer, number: int, tell: Tell
) -> dict[str, Any]:
    """What the choice of labels brought, see `labeler.progress.control`.

    While active testing chooses which holdout items have a label, these are no uniform sample to measure on.

    Args: number: of the round.
    """
    with store.read():
        order, drawn, rounds = store.items.taught(), store.items.drawn_holdout(), store.rounds.all()
    if drawn_by(store) is not None and len(known.holdout_unlabeled):
        return asdict(Control(0, len(known.holdout), [], [], missing="testing"))
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
        number,
        lambda done, total: tell(mark("measuring what random labels would have brought"), done, total),
    )
    return asdict(found)


def of_labels(
    project: Project, store: Store, known: Snapshot, normalizer: Normalizer, number: int, tell: Tell
) -> dict[str, Any]:
    """What is to be said of the labels, see `labeler.quality.findings`: `errors` (None: too few) and `consensus`.

    With overlap, labels in doubt that teach more than new items are asked about again.
    """
    said, labels, config = mark("looking for wrong labels"), known.labeled, project.config
    n_classes = len(config.classes)
    items = np.array([known.items[p].id for p in labels.positions], dtype=np.int64)
    opinions = store.reviews.opinions()
    try:
        proba = out_of_sample(
            known.dataset, labels, n_classes, normalizer, number, on_progress=lambda *at: tell(said, *at)
        )
    except TooFewClassesError:
        nobody = np.empty((0, n_classes))
        return {"errors": None, "consensus": quality.people(opinions, items[:0], nobody, config, seed=number)}
    unlabeled = None
    if config.labeling.overlap > 1 and config.labeling.relabel:
        some = np.random.default_rng(number).permutation(known.unlabeled)[:COMPARED_WITH]
        unlabeled = fit_heads(known.dataset, labels, n_classes, normalizer).predict_proba(known.dataset, np.sort(some))
    people = quality.people(opinions, items, proba, config, unlabeled, number)
    store.decisions.ask_again(people["again"])
    doubtful = quality.errors(items, labels.targets, proba, config, quality.noise_of(people))
    return {"errors": doubtful, "consensus": people}


def measured(project: Project, store: Store) -> dict[int, Metrics]:
    """Every round's metrics, by the holdout's labels of today: rounds are told apart by the same yardstick."""
    with store.read():
        forecasts, labels, drawn = store.forecasts.all("holdout"), store.items.labels(), drawn_by(store)
    found = {number: seen(forecast, labels, project.config, drawn) for number, forecast in forecasts.items()}
    return {number: measure(one) for number, one in found.items() if one is not None}
