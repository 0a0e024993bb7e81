"""Which holdout items are labeled next: in a random order, or drawn by active testing where errors are likely."""

import numpy as np

from labeler.core.arrivals import uniform
from labeler.core.rounds import Forecast, Metrics
from labeler.core.settings import Config
from labeler.cycle.snapshot import Snapshot
from labeler.measure.active_testing import draw, loss_estimate
from labeler.measure.forecasts import measure, on_labels, sampling_of
from labeler.store import Store


def next_holdout(
    store: Store, snapshot: Snapshot, forecast: Forecast | None, config: Config, n: int, number: int
) -> np.ndarray:
    """The positions of `n` unlabeled holdout items (fewer, if there are no more), to be asked about in this order.

    With active testing draws are stored at once: a draw stays valid if its round fails, and is not made again. Items
    labeled before the first draw count as drawn at random, which they were. Where active testing is switched off
    again, the draws go on uniformly, since the earlier draws have their weights.

    Where items came with later imports, the order is one that each item has for good: of items that came at different
    times, those with a low number catch up first, so that the labeled ones soon are a random part of all.

    Args: forecast: of the holdout, by the round's model; None where there is no model.
    """
    rng = np.random.default_rng([number, 2])
    active = config.evaluation.active_testing
    if not active and not store.active_testing.draws():
        if store.items.later.newer().items:
            return _in_lasting_order(snapshot, store.db.holdout_seed())[:n]
        return rng.permutation(snapshot.holdout_unlabeled)[:n]
    ids = snapshot.items.ids
    usable = np.setdiff1d(ids[snapshot.all_holdout], list(store.items.flagged()))
    open_ids = ids[snapshot.holdout_unlabeled]
    if not store.active_testing.draws():
        before = rng.permutation(np.setdiff1d(usable, open_ids))
        store.active_testing.add(0, before.tolist(), (1 / (len(usable) - np.arange(len(before)))).tolist(), len(usable))
    drawn = np.array([row["item_id"] for row in store.active_testing.draws()], dtype=np.int64)
    left = np.setdiff1d(usable, drawn)
    missing = n - int(np.isin(drawn, open_ids).sum())
    if missing > 0 and len(left):
        losses = np.zeros(len(left))
        if active and forecast is not None:
            rows = {item: row for row, item in enumerate(forecast.items.tolist())}
            losses = loss_estimate(forecast.proba[[rows[item] for item in left.tolist()]], config.several)
        chosen, q = draw(losses, missing, rng)
        store.active_testing.add(number, left[chosen].tolist(), q.tolist(), len(left))
        drawn = np.concatenate([drawn, left[chosen]])
    positions = {item: position for position, item in enumerate(ids.tolist())}
    return np.array([positions[item] for item in drawn[np.isin(drawn, open_ids)].tolist()], dtype=np.intp)[:n]


def _in_lasting_order(snapshot: Snapshot, seed: int) -> np.ndarray:
    """The positions of the unlabeled holdout items, by a random number that follows from their content and from the
    project's seed.
    """
    positions = snapshot.holdout_unlabeled
    numbers = [uniform(seed, f"label:{name}") for name in snapshot.hashes(positions)]
    return positions[np.argsort(numbers, kind="stable")]


def weighted(store: Store, forecast: Forecast | None, metrics: Metrics | None, config: Config) -> Metrics | None:
    """A round's metrics: unchanged, or weighted where active testing chose the labeled holdout items, or where some
    came with later imports.
    """
    sampling = sampling_of(store)
    if forecast is None or (sampling.testing is None and sampling.arrivals is None):
        return metrics
    labeled = on_labels(forecast, store.items.labels(), config, sampling)
    return None if labeled is None else measure(labeled)
