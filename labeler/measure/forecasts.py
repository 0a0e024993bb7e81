"""What a round's model said of the holdout, beside the labels of today: where all measuring begins, without a model.

Rounds are compared by the same yardstick, since each model's forecast of the whole holdout is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from labeler.core import decisions
from labeler.core.labels import labels_at
from labeler.core.rounds import Forecast, Metrics
from labeler.core.settings import Config
from labeler.measure.active_testing import Drawn, evaluate_drawn, labeled_prefix, metrics_drawn, weights
from labeler.measure.holdout import Evaluation, evaluation
from labeler.measure.intervals import Estimate, paired_difference
from labeler.measure.metrics import metrics
from labeler.store import Store


@dataclass(frozen=True)
class LabeledForecast:
    """The holdout items that have a label, with what a model said of them. `drawn`: by active testing, in its order.

    items: (n,) ids. proba: (n, C). targets: (n,) class indices, or (n, C) of 0 and 1; n is 1 or more.
    """

    items: np.ndarray
    proba: np.ndarray
    targets: np.ndarray
    drawn: Drawn | None = None

    @property
    def right(self) -> np.ndarray:
        """(n,) bool."""
        return decisions.correct(self.proba, self.targets)

    @property
    def weights(self) -> np.ndarray | None:
        """(n,), where the items were not drawn alike."""
        return None if self.drawn is None else weights(self.drawn.q, self.drawn.remaining)[self.drawn.usable]


def drawn_by(store: Store) -> Drawn | None:
    """What active testing drew and is labeled; None where the holdout is labeled in a random order as a whole."""
    rows = store.active_testing.draws()
    return labeled_prefix(rows, store.items.labels(), store.items.flagged()) if rows else None


def on_labels(
    forecast: Forecast, labels: Mapping[int, str], config: Config, drawn: Drawn | None = None
) -> LabeledForecast | None:
    """The labeled holdout as a model saw it; None while nothing can be measured, or if the classes are others now.

    Args: labels: of all items, by id.
    """
    if forecast.proba.shape[1:] != (len(config.classes),):
        return None
    place = {item: i for i, item in enumerate(forecast.items.tolist())}
    order = forecast.items.tolist() if drawn is None else drawn.items[drawn.usable].tolist()
    ids = [item for item in order if item in place and item in labels]
    labeled = labels_at([place[item] for item in ids], [labels[item] for item in ids], config)
    if not len(labeled):
        return None
    items = forecast.items[labeled.positions]
    if drawn is not None:  # what this model did not see counts as what has no answer
        drawn = replace(drawn, usable=np.isin(drawn.items, items))
    return LabeledForecast(items, forecast.proba[labeled.positions].astype(float), labeled.targets, drawn)


def gain_between(
    now: Forecast, before: Forecast, labels: Mapping[int, str], config: Config, drawn: Drawn | None = None
) -> Estimate | None:
    """The difference in how often two models are right on the labeled holdout items that both have scored.

    Returns: as `intervals.paired_difference`; None where there is no such item.
    """
    both = {item: labels[item] for item in np.intersect1d(now.items, before.items).tolist() if item in labels}
    ours, theirs = (on_labels(forecast, both, config, drawn) for forecast in (now, before))
    if ours is None or theirs is None:
        return None
    first, second = np.argsort(ours.items), np.argsort(theirs.items)
    weights = None if ours.weights is None else ours.weights[first]
    return paired_difference(ours.right[first], theirs.right[second], weights)


def evaluate(labeled: LabeledForecast, config: Config) -> Evaluation:
    """All figures with their intervals."""
    if labeled.drawn is None:
        return evaluation(labeled.proba, labeled.targets, config.classes)
    return evaluate_drawn(labeled.proba, labeled.targets, config.classes, labeled.drawn)


def measure(labeled: LabeledForecast) -> Metrics:
    """The metrics that a round is stored with."""
    if labeled.drawn is None:
        return metrics(labeled.proba, labeled.targets)
    return metrics_drawn(labeled.proba, labeled.targets, labeled.drawn)
