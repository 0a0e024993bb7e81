"""Each round's stored predictions for the holdout, joined with today's labels. Measuring needs no model.

Predictions for the whole holdout are stored at each round, so that all rounds are measured on the same labels.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from labeler.core import decisions
from labeler.core.arrivals import Arrivals
from labeler.core.groups import codes
from labeler.core.labels import labels_at, names_of
from labeler.core.rounds import Forecast, Metrics, Remeasured
from labeler.core.settings import Config
from labeler.core.version import __version__
from labeler.measure.active_testing import Drawn, evaluate_drawn, labeled_prefix, metrics_drawn
from labeler.measure.holdout import Evaluation, evaluation
from labeler.measure.intervals import Estimate
from labeler.measure.metrics import metrics
from labeler.measure.mixture import Mixture, evaluated, is_in, metrics_mixed, mixture, stands_for
from labeler.measure.paired import paired_difference
from labeler.store import Store


@dataclass(frozen=True)
class Sampling:
    """How the labeled holdout items were drawn.

    testing: active testing's labeled draws; None: the holdout is labeled in random order. groups: the group of each
    item that has one, by item id, such as a patient: groups were drawn, with all their items. arrivals: what items
    stand for, where some came with later imports; None: none did.
    """

    testing: Drawn | None = None
    groups: Mapping[int, str] = field(default_factory=dict)
    arrivals: Arrivals | None = None


@dataclass(frozen=True)
class LabeledForecast:
    """The labeled holdout items with a model's predictions. drawn: active testing's draws, in their order; else None.

    items: (n,) ids. proba: (n, C). targets: (n,) class indices, or (n, C) of 0 and 1; n is 1 or more. groups: (n,) int,
    equal for the items of one group; None: there are no groups. complete: see `Forecast`. parts: what the items stand
    for, where some came with later imports; None: all for as many.
    """

    items: np.ndarray
    proba: np.ndarray
    targets: np.ndarray
    drawn: Drawn | None = None
    groups: np.ndarray | None = None
    complete: bool = True
    parts: Mixture | None = None

    @property
    def right(self) -> np.ndarray:
        """(n,) bool."""
        return decisions.correct(self.proba, self.targets)

    @property
    def weights(self) -> np.ndarray | None:
        """(n,) of the items; None: all weigh the same."""
        if self.drawn is not None:
            return self.drawn.weights
        return None if self.parts is None else self.parts.weights


@dataclass(frozen=True)
class Truth:
    """What is known of a forecast's items: where those with a label stand among them, and their targets.

    positions: (n,). items, targets, drawn, groups, parts: as in `LabeledForecast`.
    """

    positions: np.ndarray
    items: np.ndarray
    targets: np.ndarray
    drawn: Drawn | None
    groups: np.ndarray | None
    parts: Mixture | None = None

    def beside(self, forecast: Forecast) -> LabeledForecast:
        """The labeled items with a model's predictions.

        Args: forecast: of the items that this is known of.
        """
        proba = forecast.proba[self.positions].astype(float)
        return LabeledForecast(self.items, proba, self.targets, self.drawn, self.groups, forecast.complete, self.parts)


def drawn_by(store: Store) -> Drawn | None:
    """Active testing's labeled draws; None without active testing, where the holdout is labeled in random order."""
    rows = store.active_testing.draws()
    return labeled_prefix(rows, store.items.labels(), store.items.flagged()) if rows else None


def sampling_of(store: Store) -> Sampling:
    """How the project's labeled holdout was drawn."""
    return Sampling(drawn_by(store), store.items.groups("holdout"), store.items.later.arrivals())


def truth_of(
    items: np.ndarray, labels: Mapping[int, str], config: Config, sampling: Sampling = Sampling()
) -> Truth | None:
    """What is known of these items; None if nothing is labeled, or labels are of classes that the project does not
    have, since the others would be only a part of the holdout.

    Args: items: (n,) ids. labels: of all items, by id.
    """
    drawn, place = sampling.testing, {item: i for i, item in enumerate(items.tolist())}
    order = items.tolist() if drawn is None else drawn.items[drawn.usable].tolist()
    ids = [item for item in order if item in place and item in labels]
    stand_for = later = None
    if sampling.arrivals is not None:
        stand_for, later = stands_for(items, sampling.arrivals)
        if drawn is None:
            ids = items[is_in(np.isin(items, ids), later)].tolist()
    if not {name for label in {labels[item] for item in ids} for name in names_of(label, config)} <= {*config.classes}:
        return None
    labeled = labels_at([place[item] for item in ids], [labels[item] for item in ids], config)
    if not len(labeled):
        return None
    kept = items[labeled.positions]
    parts = None
    if stand_for is not None and later is not None and later[labeled.positions].any():
        parts = mixture(stand_for, later, labeled.positions)
    if drawn is not None:  # items that this model did not predict count as unusable
        drawn = replace(drawn, usable=np.isin(drawn.items, kept))
        if stand_for is not None and parts is not None:
            each = [stand_for[place[item]] if item in place else 0.0 for item in drawn.items.tolist()]
            drawn = replace(drawn, stand_for=np.array(each))
    groups = codes([sampling.groups.get(item) for item in kept.tolist()])
    return Truth(labeled.positions, kept, labeled.targets, drawn, groups, parts)


def on_labels(
    forecast: Forecast, labels: Mapping[int, str], config: Config, sampling: Sampling = Sampling()
) -> LabeledForecast | None:
    """The labeled holdout with a model's predictions; None as `truth_of`.

    Args: labels: of all items, by id.
    """
    if forecast.proba.shape[1:] != (len(config.classes),):
        return None
    truth = truth_of(forecast.items, labels, config, sampling)
    return truth.beside(forecast) if truth else None


def remeasured(store: Store, anew: bool = False) -> Remeasured:
    """Rounds' metrics by the holdout's current labels, so that rounds are comparable.

    None: the round had metrics, but by classes that were merged, split or retired since, and its forecast cannot be
    read over today's. Rounds that nothing new can be said about are left out: those that were measured on the same
    labels before; and all of them while items have labels of classes that the project does not have, since only a part
    of the holdout could be measured on.

    Args: anew: also what was measured on the same labels before.
    """
    if store.class_changes.outside():
        return Remeasured()
    with store.read():
        labels, sampling, changes = store.items.holdout_labels(), sampling_of(store), store.class_changes.all()
        rounds, basis = store.rounds.all(), _digest(labels, sampling, store.config, len(changes))
        after = 0 if anew else store.rounds.measured_until(basis)
        measured = dict(_measured(store, labels, sampling, after))
    for number, class_change in ((r.number, r.class_change) for r in rounds if r.number > after):
        if any(stored.change.kind not in ("rename", "add") for stored in changes[class_change:]):
            measured.setdefault(number, None)
    return Remeasured(measured, basis, rounds[-1].number if rounds else 0)


def _measured(
    store: Store, labels: Mapping[int, str], sampling: Sampling, after: int
) -> Iterator[tuple[int, Metrics | None]]:
    """The metrics of the rounds after this one whose forecasts can be measured on."""
    items: np.ndarray | None = None
    truth: Truth | None = None
    for number, forecast in store.forecasts.each("holdout", after):
        if forecast.items is not items:  # which are the same for many rounds
            items, truth = forecast.items, truth_of(forecast.items, labels, store.config, sampling)
        if truth is not None:
            yield number, measure(truth.beside(forecast))


def _digest(labels: Mapping[int, str], sampling: Sampling, config: Config, changes: int) -> str:
    """Tells what rounds are measured on: labels, how they were drawn, classes; and the version of this program."""
    drawn = sampling.testing
    draws = drawn and [getattr(drawn, name).tolist() for name in ("items", "q", "remaining", "usable")]
    groups = {item: group for item, group in sampling.groups.items() if item in labels}
    arrivals = sampling.arrivals and [sampling.arrivals.first, dict(sampling.arrivals.chances)]
    basis = [__version__, list(config.classes), config.answers, changes, labels, groups, draws, arrivals]
    return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()


def gain_between(
    now: Forecast, before: Forecast, labels: Mapping[int, str], config: Config, sampling: Sampling = Sampling()
) -> Estimate | None:
    """The difference in accuracy of two models on the labeled holdout items that both predicted.

    Returns: as `paired.paired_difference`; None where there is no such item.
    """
    ours, theirs = (
        on_labels(replace(of, items=of.items[common], proba=of.proba[common]), labels, config, sampling)
        for of, common in ((now, np.isin(now.items, before.items)), (before, np.isin(before.items, now.items)))
    )
    if ours is None or theirs is None:
        return None
    first, second = np.argsort(ours.items), np.argsort(theirs.items)
    weights, groups = (None if of is None else of[first] for of in (ours.weights, ours.groups))
    return paired_difference(ours.right[first], theirs.right[second], weights, groups)


def evaluate(labeled: LabeledForecast, config: Config) -> Evaluation:
    """All figures with their intervals."""
    if labeled.drawn is None:
        plain = evaluation(labeled.proba, labeled.targets, config.classes, labeled.weights, groups=labeled.groups)
        return plain if labeled.parts is None else evaluated(plain, labeled.right, labeled.parts, labeled.groups)
    return evaluate_drawn(labeled.proba, labeled.targets, config.classes, labeled.drawn, groups=labeled.groups)


def measure(labeled: LabeledForecast) -> Metrics:
    """The metrics that a round is stored with."""
    if labeled.drawn is not None:
        weighted = metrics_drawn(labeled.proba, labeled.targets, labeled.drawn, labeled.groups)
        return weighted if labeled.parts is None else replace(weighted, later=int(labeled.parts.later.sum()))
    if labeled.parts is not None:
        return metrics_mixed(labeled.proba, labeled.targets, labeled.parts, labeled.groups)
    return metrics(labeled.proba, labeled.targets, labeled.groups)
