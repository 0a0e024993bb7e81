"""Somebody else's models on the labeled holdout, as rounds are measured, and beside the rounds on the same items.

Items that were queried measure nothing here: they were chosen because a model was unsure of them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from labeler.core.foreign import ForeignForecast, ForeignModel
from labeler.core.labels import labels_at
from labeler.core.rounds import Forecast, Metrics
from labeler.core.settings import Config
from labeler.measure.calibration import Calibration, calibration_of
from labeler.measure.forecasts import LabeledForecast, Sampling, gain_between, measure, on_labels, sampling_of
from labeler.measure.intervals import Estimate
from labeler.store import Store


@dataclass(frozen=True)
class Beside:
    """A model beside a round: how much more often it is right, from -1 to 1, on the n labeled items of both."""

    round: int
    n: int
    difference: Estimate

    @property
    def is_better(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.difference.low > 0

    @property
    def is_worse(self) -> bool:
        """Whether the whole interval is below 0."""
        return self.difference.high < 0


@dataclass(frozen=True)
class Compared:
    """A model on the labeled holdout items that it predicted, of `labeled` items in all.

    metrics: None: it predicted none of them, or `unreadable` predictions say nothing in today's classes, without which
    the others would say something else. latest: beside the latest round that can be measured. passed: beside the
    last of the rounds that it is known to be better than, see `compared`; None: there is none. calibration: of its
    confidence in its predictions; None unless it gave one for each.
    """

    model: ForeignModel
    labeled: int
    metrics: Metrics | None = None
    latest: Beside | None = None
    passed: Beside | None = None
    calibration: Calibration | None = None
    unreadable: int = 0


def compared(store: Store) -> list[Compared]:
    """Each model of somebody else on the labeled holdout, the newest first; nothing where labels are of classes that
    the project does not have, since a part of the holdout alone could be measured on.

    A model is compared with the latest round. Rounds before are compared one after the other, from the first on, until
    the model is not known to be better: so the chance that one of the rounds is wrongly named is that of one interval.

    Source: Maurer, Hothorn & Lehmacher 1995 (tests in an order that was fixed before).
    """
    if store.class_changes.outside():
        return []
    with store.read():
        labels, sampling, rounds = store.items.holdout_labels(), sampling_of(store), store.forecasts.rounds()
        return [_compared(store, model, labels, sampling, rounds) for model in store.foreign.all()]


def as_values(of: Compared) -> dict[str, Any]:
    """A model on the holdout, as plain values, without who imported it. Of its calibration it has the error alone."""
    model = {name: getattr(of.model, name) for name in ("name", "version", "at", "source", "n")}
    error = of.calibration.error if of.calibration else None
    values = {name: value for name, value in asdict(of).items() if name != "calibration"}
    return values | {"model": model, "calibration_error": error}


def _compared(
    store: Store, model: ForeignModel, labels: Mapping[int, str], sampling: Sampling, rounds: list[int]
) -> Compared:
    config, said = store.config, store.foreign.holdout(model)
    forecast = decided(said, config)
    labeled = on_labels(forecast, labels, config, sampling) if len(forecast.items) and not said.unreadable else None
    if labeled is None:
        return Compared(model, len(labels), unreadable=said.unreadable)
    metrics = replace(measure(labeled), calibration_error=None)

    def beside(number: int, of_round: Forecast | None) -> Beside | None:
        if of_round is None:
            return None
        difference = gain_between(forecast, of_round, labels, config, sampling)
        both = np.intersect1d(labeled.items, of_round.items)
        return None if difference is None else Beside(number, len(both), difference)

    latest = beside(rounds[-1], store.forecasts.get(rounds[-1], "holdout")) if rounds else None
    passed = None
    for number, of_round in store.forecasts.each("holdout"):
        now = beside(number, of_round)
        if now is None or not now.is_better:
            break
        passed = now
    return Compared(model, len(labels), metrics, latest, passed, _calibration(said, labeled))


def decided(said: ForeignForecast, config: Config) -> Forecast:
    """What a model said, as a forecast that is sure of it: what was predicted decides, and not the probabilities, of
    which there may be none.
    """
    targets = labels_at(range(len(said.labels)), said.labels, config)
    proba = np.eye(len(config.classes))[targets.targets] if targets.targets.ndim == 1 else targets.targets
    return Forecast(said.items[targets.positions], proba.astype(np.float32), complete=False)


def _calibration(said: ForeignForecast, labeled: LabeledForecast) -> Calibration | None:
    """The calibration of the confidence in the labeled items; None where one has none."""
    confidence = dict(zip(said.items.tolist(), said.confidence.tolist(), strict=True))
    of_labeled = np.array([confidence[item] for item in labeled.items.tolist()])
    if np.isnan(of_labeled).any():
        return None
    return calibration_of(of_labeled, labeled.right, labeled.weights, groups=labeled.groups)
