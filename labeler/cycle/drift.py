"""Whether the newest items of a project differ from earlier ones, see `labeler.measure.drift`."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from labeler.cycle.snapshot import Snapshot
from labeler.measure.drift import FEWEST, SAMPLED, Change, Told, accuracy_change, class_changes, since, told_apart
from labeler.measure.forecasts import on_labels, sampling_of
from labeler.measure.intervals import Estimate
from labeler.store import Store
from labeler.store.pool import MIDDLE


@dataclass(frozen=True)
class Drift:
    """The newest items against earlier ones. at: when the import came with which the newest begin. labeled: holdout
    items of the newest and of the earlier ones. accuracy, classes, content: None: there is too little to tell.
    """

    at: str
    labeled: tuple[int, int] = (0, 0)
    accuracy: Change | None = None
    classes: dict[str, Change] | None = None
    content: Told | None = None


def drift_of(store: Store, snap: Snapshot) -> dict[str, Any] | None:
    """The drift as plain values, see `loaded`; None where all items came at once, or too little is there to tell.

    The newest items begin with the import that `measure.drift.since` names. Where too few of them have a label, the
    content alone is compared: that of all items after the first import.
    """
    with store.read():
        numbers = store.forecasts.rounds()
        forecast = store.forecasts.get(numbers[-1], "holdout") if numbers else None
        labels, sampling, times = store.items.holdout_labels(), sampling_of(store), store.imports.times()
        imports = store.items.later.imports_of(snap.items.ids)
    if len(np.unique(imports)) < 2:
        return None
    config = store.config
    labeled = on_labels(forecast, labels, config, sampling) if forecast else None
    of_import = dict(zip(snap.items.ids.tolist(), imports.tolist(), strict=True))
    first = None
    if labeled is not None:
        came = np.array([of_import.get(item, 0) for item in labeled.items.tolist()])
        first = since(came)
    begins = first if first is not None else int(np.unique(imports)[1])
    content = _content(snap, imports >= begins)
    if first is None or labeled is None:
        return asdict(Drift(times.get(begins, ""), content=content)) if content else None
    newest, weights, groups = came >= first, labeled.weights, labeled.groups
    mix = class_changes(labeled.targets, len(config.classes), newest, weights, groups)
    return asdict(
        Drift(
            times.get(first, ""),
            (int(newest.sum()), int((~newest).sum())),
            accuracy_change(labeled.right, newest, weights, groups),
            dict(zip(config.classes, mix, strict=True)),
            content,
        )
    )


def _content(snap: Snapshot, newest: np.ndarray) -> Told | None:
    """How well features tell the newest items from earlier ones; one item of each group takes part."""
    sides = []
    taken: set[int] = set()
    among = _representative(snap)
    for side in (newest, ~newest):
        positions = np.flatnonzero(side & among)
        positions = snap.items.spread(len(positions), positions)
        groups = snap.dataset.groups_of(positions)
        if groups is not None:
            _groups, firsts = np.unique(groups, return_index=True)
            positions = positions[[place for place in np.sort(firsts) if int(groups[place]) not in taken]]
            taken.update(groups.tolist())
        sides.append(positions[:SAMPLED])
    if min(map(len, sides)) < FEWEST:
        return None
    new, old = (np.asarray(snap.dataset.embeddings[np.sort(side)], dtype=float) for side in sides)
    return told_apart(new, old)


def _representative(snap: Snapshot) -> np.ndarray:
    """(n,) bool: items of a snapshot that are a random part of all, whether they have a label or not.

    A snapshot of a large pool has all labeled items and others up to a content hash: up to there it has all items.
    """
    hashes, is_open = snap.items.hashes, np.zeros(len(snap.items), dtype=bool)
    is_open[snap.unlabeled] = True
    if snap.is_whole or not is_open.any():
        return np.ones(len(hashes), dtype=bool)
    upper = hashes >= MIDDLE.encode()
    return upper & (hashes <= hashes[is_open & upper].max()) if (is_open & upper).any() else is_open


def loaded(values: dict[str, Any] | None) -> Drift | None:
    """The drift of a stored report, see `drift_of`."""
    if not values:
        return None
    content = values["content"]
    return Drift(
        values["at"],
        tuple(values["labeled"]),
        values["accuracy"] and _change(values["accuracy"]),
        values["classes"] and {name: _change(of) for name, of in values["classes"].items()},
        content and Told(**content | {"pairs": Estimate(**content["pairs"])}),
    )


def _change(values: dict[str, Any]) -> Change:
    return Change(**{name: Estimate(**of) for name, of in values.items()})
