"""The audit of a made-up project: of its answers by the labeler's own functions, of random labels made up as well."""

from dataclasses import asdict
from typing import Any

import numpy as np

from bench.lead.history import History, Model
from labeler.measure.intervals import Estimate, wilson
from labeler.progress.control import FEWEST_ROUNDS, Control, NumberOfLabels, Point, thinned
from labeler.quality import findings as quality
from labeler.store import Store

RANDOM_TAKES = 1.35  # times as many labels as the project took, for the same accuracy


def report(store: Store, model: Model, history: History, ids: np.ndarray) -> dict[str, Any]:
    """What `labeler.jobs.audits.audit` would store.

    Args: ids: (n,) of the items, by position.
    """
    config, labels, turns = store.config, store.items.labels(), history.turns
    growth = max(1.0, turns[-1].labels / max(1, turns[0].labels))
    pool = {item.id for item in store.items.all() if item.split == "pool"}
    labeled = np.array([at for at, i in enumerate(ids.tolist()) if i in labels and i in pool], dtype=np.intp)
    targets = np.array([config.classes.index(labels[i]) for i in ids[labeled].tolist()], dtype=np.intp)
    proba, items = model.says(labeled, growth), ids[labeled].astype(np.int64)
    unlabeled = np.flatnonzero(~np.isin(np.arange(len(ids)), labeled))[:1000]
    people = quality.people(
        store.reviews.annotations(), items, proba, config, model.says(unlabeled, growth), len(turns)
    )
    return {
        "round": len(turns),
        "control": asdict(against_random(store, history)),
        "errors": quality.errors(items, targets, proba, config, [row[:3] for row in store.reviews.annotations()]),
        "consensus": people,
    }


def against_random(store: Store, history: History) -> Control:
    """The project's curve, and one of random labels below it."""
    arm = sum(row.drawn for row in store.items.labeled_in_order())
    measured = {r.labels: r.metrics for r in store.rounds.all() if r.metrics and r.labels > 0}
    steps = thinned([*measured])
    n = max((m.n for m in measured.values()), default=0)
    if len(steps) < FEWEST_ROUNDS:
        return Control(arm, n, [], [], missing="rounds")
    own = [Point(s, measured[s].accuracy, measured[s].low, measured[s].high) for s in steps]
    points = np.array([[p.labels, p.accuracy] for p in own], float).T
    random = []
    for s in steps:
        accuracy = float(np.interp(s / RANDOM_TAKES, *points))
        low, high = (float(end) for end in wilson(accuracy, n / 1.5))
        random.append(Point(s, accuracy, low, high))
    size = steps[-1]
    needed = size / RANDOM_TAKES
    spread = 0.25 * needed
    ends = max(1.0, needed - spread), min(float(size), needed + spread)
    gain = own[-1].accuracy - random[-1].accuracy
    return Control(
        arm,
        n,
        random,
        own,
        size,
        Estimate(gain, gain - 0.03, gain + 0.03),
        NumberOfLabels(needed, *ends),
        NumberOfLabels(size - needed, size - ends[1], size - ends[0]),
    )
