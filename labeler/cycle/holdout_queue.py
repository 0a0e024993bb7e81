"""Which holdout items are labeled next: in a random order, or drawn by active testing where errors are likely."""

import numpy as np

from labeler.core.rounds import Forecast, Metrics
from labeler.core.settings import Config
from labeler.cycle.snapshot import Snapshot
from labeler.measure.active_testing import draw, loss_estimate
from labeler.measure.forecasts import drawn_by, measure, seen
from labeler.store import Store


def next_holdout(
    store: Store, known: Snapshot, forecast: Forecast | None, config: Config, n: int, number: int
) -> np.ndarray:
    """The positions of `n` unlabeled holdout items (fewer, if there are no more), to be asked about in this order.

    With active testing what is drawn is stored at once: a draw is as good if its round fails, and is not made again.
    What had a label before the first draw counts as drawn at random, as it was. Where active testing is switched off
    again, the draws go on uniformly, since what was drawn before has its weights.

    Args: forecast: what the round's model says of the holdout; None where there is no model.
    """
    rng = np.random.default_rng([number, 2])
    active = config.evaluation.active_testing
    if not active and not store.active_testing.draws():
        return rng.permutation(known.holdout_unlabeled)[:n]
    ids = np.array([item.id for item in known.items])
    usable = np.setdiff1d(ids[known.all_holdout], list(store.items.flagged()))
    open_ids = ids[known.holdout_unlabeled]
    if not store.active_testing.draws():
        before = rng.permutation(np.setdiff1d(usable, open_ids))
        store.active_testing.add(0, before.tolist(), (1 / (len(usable) - np.arange(len(before)))).tolist(), len(usable))
    drawn = np.array([row["item_id"] for row in store.active_testing.draws()], dtype=np.int64)
    left = np.setdiff1d(usable, drawn)
    missing = n - int(np.isin(drawn, open_ids).sum())
    if missing > 0 and len(left):
        losses = np.zeros(len(left))
        if active and forecast is not None:
            place = {item: i for i, item in enumerate(forecast.items.tolist())}
            losses = loss_estimate(forecast.proba[[place[item] for item in left.tolist()]], config.several)
        chosen, q = draw(losses, missing, rng)
        store.active_testing.add(number, left[chosen].tolist(), q.tolist(), len(left))
        drawn = np.concatenate([drawn, left[chosen]])
    where = {item: p for p, item in enumerate(ids.tolist())}
    return np.array([where[item] for item in drawn[np.isin(drawn, open_ids)].tolist()], dtype=np.intp)[:n]


def weighted(store: Store, forecast: Forecast | None, metrics: Metrics | None, config: Config) -> Metrics | None:
    """A round's metrics: as they are, or weighted where active testing chose what was labeled."""
    drawn = drawn_by(store)
    if drawn is None or forecast is None:
        return metrics
    found = seen(forecast, store.items.labels(), config, drawn)
    return None if found is None else measure(found)
