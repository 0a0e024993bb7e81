"""A project's rounds as the input of the learning curve and the stopping rules: accuracy and cost at each round."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from labeler.core.items import Counts
from labeler.core.settings import Config
from labeler.measure.forecasts import gain_between, sampling_of
from labeler.measure.intervals import Estimate, items_for
from labeler.progress.effort import spent_at_rounds
from labeler.progress.stopping import History, Thresholds
from labeler.store import Store


@dataclass(frozen=True)
class Step:
    """The gain in accuracy of the latest measured round over the one before, on the same items."""

    before: int
    now: int
    gain: Estimate


def course(store: Store) -> pd.DataFrame:
    """All rounds, one a row: round, labels, accuracy, low, high, holdout, groups (that the holdout items are of), later
    (how many of the holdout items came with later imports), agreement, uncertainty, reachable (pool labels that there
    could be in all when it ended), strategy, backbone, asked (labels without those of items that people chose), spent
    (labels paid from the budget), hours and cost (of all answers until then). Missing measurements are NaN.
    """
    rounds, backbones, claimed, work = (
        store.rounds.all(),
        store.rounds.backbones(),
        store.rounds.claimed_at(),
        store.effort.work(),
    )
    frame = pd.DataFrame(
        [
            {
                "round": r.number,
                "labels": r.labels,
                "accuracy": r.metrics and r.metrics.accuracy,
                "low": r.metrics and r.metrics.low,
                "high": r.metrics and r.metrics.high,
                "holdout": r.metrics and r.metrics.n,
                "groups": r.metrics and r.metrics.groups,
                "later": r.metrics and r.metrics.later,
                "agreement": r.agreement,
                "uncertainty": r.uncertainty,
                "reachable": r.reachable,
                "strategy": r.strategy,
                "backbone": backbones[r.number],
            }
            for r in rounds
        ],
        columns=[
            *("round", "labels", "accuracy", "low", "high", "holdout", "groups", "later", "agreement", "uncertainty"),
            *("reachable", "strategy", "backbone"),
        ],
    )
    measures = ["accuracy", "low", "high", "holdout", "groups", "later", "agreement", "uncertainty", "reachable"]
    frame[measures] = frame[measures].astype(float)
    frame["asked"] = store.items.labels_without_chosen(frame["labels"].tolist())
    moments = pd.to_datetime(list(claimed.values()), utc=True, format="ISO8601")
    given = np.concatenate([[0], np.cumsum(work["gained"].to_numpy())])
    frame["spent"] = given[work["at"].searchsorted(moments, side="right")]
    effort = spent_at_rounds(claimed, work, store.config.team.idle_seconds, store.team.rates())
    return frame.assign(hours=effort["hours"], cost=effort["cost"])  # one row a round, in the same order


def history(rounds: pd.DataFrame, counts: Counts, config: Config) -> History:
    """The history that the stopping rules judge. Only rounds that were measured on items of the same origin as the
    latest are measured in it, see `comparable`.

    Args: rounds: as `course` gives them.
    """

    rounds = rounds.copy()
    rounds.loc[~comparable(rounds), ["accuracy", "low", "high"]] = np.nan

    def column(name: str) -> tuple[float | None, ...]:
        return tuple(None if np.isnan(value) else float(value) for value in rounds[name])

    labels = tuple(int(n) for n in rounds["labels"])
    reachable = rounds["reachable"].fillna(counts.reachable)
    left = [max(int(most) - n, 0) for most, n in zip(reachable, labels, strict=True)]
    return History(
        numbers=tuple(int(n) for n in rounds["round"]),
        labels=labels,
        asked=tuple(int(n) for n in rounds["asked"]),
        accuracy=column("accuracy"),
        low=column("low"),
        high=column("high"),
        agreement=column("agreement"),
        uncertainty=column("uncertainty"),
        spent=tuple(int(n) for n in rounds["spent"]),
        pool_left=(*left[:-1], counts.open.pool) if left else (),
        holdout=effective_holdout(rounds),
        budget=config.budget,
        batch=config.query.batch,
        payable=counts.payable(config.budget),
        newer_missing=counts.newer.missing,
    )


def comparable(rounds: pd.DataFrame) -> np.ndarray:
    """(rounds,) bool: measured on items of the same origin as the latest measured round: on those of the first draw of
    the holdout alone, or also on items of later imports. No curve is fitted across that change.

    Args: rounds: as `course` gives them.
    """
    is_measured, has_later = rounds["accuracy"].notna().to_numpy(), rounds["later"].notna().to_numpy()
    return is_measured & (has_later == has_later[is_measured][-1]) if is_measured.any() else is_measured


def effective_holdout(rounds: pd.DataFrame) -> int:
    """The number of independent items that would measure the latest round as precisely; 0 without such a round.

    Args: rounds: as `course` gives them.
    """
    measured = rounds.dropna(subset=["accuracy"])
    if not len(measured):
        return 0
    last = measured.iloc[-1]
    if (np.isnan(last["groups"]) and np.isnan(last["later"])) or last["high"] - last["low"] <= 0:
        return int(last["holdout"])
    return min(int(last["holdout"]), items_for(float(last["accuracy"]), float(last["high"] - last["low"])))


def thresholds(config: Config) -> Thresholds:
    """The project's thresholds of the stopping rules."""
    stopping = config.stopping
    return Thresholds(
        config.target_accuracy, stopping.kappa, stopping.kappa_rounds, stopping.uncertainty, stopping.gain
    )


def latest_step(store: Store) -> Step | None:
    """The gain of the latest measured round over the one before; None where there are no two to compare."""
    measured = [r.number for r in store.rounds.all() if r.metrics][-2:]
    if len(measured) < 2:
        return None
    before, now = (store.forecasts.get(number, "holdout") for number in measured)
    if before is None or now is None:
        return None
    gain = gain_between(now, before, store.items.holdout_labels(), store.config, sampling_of(store))
    return Step(measured[0], measured[1], gain) if gain else None
