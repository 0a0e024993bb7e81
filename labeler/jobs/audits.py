"""Audits of the rounds: metrics of all rounds by the holdout's current labels, the comparison with random sampling,
the labels that are worth a second look, and agreement between annotators.

An audit runs in a process of its own, so that no round waits for it, and again after the lead has changed labels.
"""

from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice
from typing import Any

import numpy as np

from labeler.core.errors import TooFewClassesError, TrainingError
from labeler.core.jobs import Audit
from labeler.cycle import snapshot
from labeler.cycle.drift import drift_of
from labeler.cycle.snapshot import Snapshot
from labeler.i18n.messages import Message, mark
from labeler.jobs.runner import Tell, run_next
from labeler.learner.frozen import FrozenHead
from labeler.learner.heads import fit_heads
from labeler.learner.task import LearningTask
from labeler.measure.forecasts import drawn_by, remeasured
from labeler.progress.control import Control, control_arm, random_labels
from labeler.projects.project import Project
from labeler.quality import findings as quality
from labeler.quality.label_errors import out_of_sample
from labeler.quality.review import Findings
from labeler.store import Store

AUDITS = "audit.lock"
# Items of the pool that an audit reads beside those with a label: to normalise features by, and to compare their value
# with that of asking again.
BESIDE_LABELS = 20_000
LOOKED_AT = 20_000  # labels, at most, that one audit checks


def audit_once(project: Project) -> bool:
    """Run the project's next audit if one is asked for and no other process runs one; True if one ended."""
    return run_next(project, lambda store: store.audits, audit, lock=AUDITS)


def audit(project: Project, store: Store, job: Audit, tell: Tell) -> dict[str, Any]:
    """The report of one audit, as plain values."""
    tell(mark("measuring the rounds"), 0, 1)
    store.rounds.update_metrics(remeasured(store))
    snap = snapshot.take(project, store, lambda message: lambda done, total: tell(message, done, total), BESIDE_LABELS)
    # a prior is the same for both arms, and each of about two hundred fits would weigh it anew, which takes seconds
    task = snap.task(len(project.config.classes)).without_prior()
    return {
        "round": job.request.round,
        "drift": drift_of(store, snap),
        "control": against_random(store, snap, task, FrozenHead(project.config.learner, job.request.round), tell),
        **of_labels(project, store, snap, task, job.request.round, tell),
    }


def against_random(store: Store, snap: Snapshot, task: LearningTask, head: FrozenHead, tell: Tell) -> dict[str, Any]:
    """What the choice of labels brought, compared with random ones, see `labeler.progress.control`.

    While active testing chooses which holdout items have a label, these are no uniform sample to measure on. Items that
    people chose, by hand or to be asked next, are left out of both curves and of the numbers of labels on them.

    Args:    task: its labels are those of the snapshot. head: of the project; its seed is the round's number.
    Returns: a `Control` as plain values. left_out: number of labels of items that people chose. problem: why the head
             cannot be fitted, where that is what is missing.
    """
    with store.read():
        order, drawn, rounds = store.items.labeled_in_order(), store.holdout.drawn(), store.rounds.all()
        steps = store.items.labels_without_chosen([r.labels for r in rounds])
    if drawn_by(store) is not None and len(snap.holdout_unlabeled):
        return asdict(Control(0, len(snap.holdout), [], [], missing="testing", head=head.name)) | {"left_out": 0}
    row_of = {item: row for row, item in enumerate(snap.ids(task.labels.positions).tolist())}
    # items labeled since then come next time
    order = [row for row in order if not row.chosen and row.item_id in row_of]
    in_order = task.subset(np.array([row_of[row.item_id] for row in order], dtype=np.intp))
    if snap.dataset.groups is not None:
        drawn = set()  # holdout labels share their groups with what is measured on, see `labeler.progress.control`
    arm = random_labels(
        in_order.labels,
        np.array([row.drawn for row in order], dtype=bool),
        snap.holdout,
        np.array([item in drawn for item in snap.ids(snap.holdout.positions).tolist()], dtype=bool),
    )
    message = mark("measuring what random labels would have brought")
    try:
        control = control_arm(in_order, arm, snap.holdout, steps, head, lambda done, total: tell(message, done, total))
    except TrainingError as error:  # the labels are looked at all the same
        control = Control(len(arm), len(snap.holdout), [], [], missing="head", head=head.name)
        return asdict(control) | {"left_out": 0, "problem": Message.of(error)}
    return asdict(control) | {"left_out": len(snap.chosen)}


def of_labels(
    project: Project, store: Store, snap: Snapshot, task: LearningTask, number: int, tell: Tell
) -> dict[str, Any]:
    """The quality of the labels, see `labeler.quality.findings`: `errors` (None: too few labels) and `consensus`.

    errors: with `of`, the number of labels among which the checked ones were chosen, see `looked_at`. With overlap,
    doubtful labels that teach more than new items are asked about again.
    """
    message, config = mark("looking for wrong labels"), project.config
    items, opinions = snap.ids(task.labels.positions), store.reviews.annotations()
    decided = store.decisions.decided_items()  # a lead has looked at these
    in_all = int((~np.isin(items, decided)).sum())
    first = [*Findings(store.audits.latest_report()).suspects(), *(row[0] for row in reversed(opinions))]
    rows = looked_at(items, first, number)
    items, task = items[rows], task.subset(rows)
    try:
        proba = out_of_sample(task, number, on_progress=lambda done, total: tell(message, done, total))
    except TooFewClassesError:
        nobody = np.empty((0, task.n_classes))
        return {"errors": None, "consensus": quality.people(opinions, items[:0], nobody, config, seed=number)}
    unlabeled = None
    if config.labeling.overlap > 1 and config.labeling.relabel:
        sample = np.random.default_rng(number).permutation(snap.unlabeled)[:BESIDE_LABELS]
        unlabeled = fit_heads(task).predict_proba(snap.dataset, np.sort(sample))
    people = quality.people(opinions, items, proba, config, unlabeled, number)
    store.decisions.ask_again(people["again"])
    open_ = np.flatnonzero(~np.isin(items, decided))
    doubtful = None
    if len(open_):
        doubtful = quality.errors(
            items[open_], task.labels.targets[open_], proba[open_], config, [row[:3] for row in opinions]
        ) | {"of": in_all}
    return {"errors": doubtful, "consensus": people}


def looked_at(items: np.ndarray, first: Iterable[int], seed: int) -> np.ndarray:
    """The rows of the items whose labels an audit checks, ascending: all of them, or `LOOKED_AT`.

    Half of these come first in `first`: labels that were in doubt before, then the latest ones. The others are drawn at
    random, other ones in each audit, so that its time and memory do not grow with the labels.

    Args: items: (n,) ids. first: ids, which may repeat or be of other items. seed: of the draw.
    """
    if len(items) <= LOOKED_AT:
        return np.arange(len(items))
    row_of = {item: row for row, item in enumerate(items.tolist())}
    chosen = islice(dict.fromkeys(row_of[item] for item in first if item in row_of), LOOKED_AT // 2)
    rows = np.fromiter(chosen, dtype=np.intp)
    others = np.setdiff1d(np.arange(len(items)), rows)
    drawn = np.random.default_rng(seed).choice(others, LOOKED_AT - len(rows), replace=False)
    return np.sort(np.concatenate([rows, drawn]))
