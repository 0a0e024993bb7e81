"""Runs of a comparison, and what they say of each strategy: its accuracy, its gain over random, the labels it saves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labeler.progress.curves import area_under_curve, labels_to_reach, paired_gain

# Imports of sklearn are deferred: it is slow to load.

CONTROL = "random"


@dataclass(frozen=True)
class Run:
    """One strategy's learning curve for one seed; all lists have the length of `labels`."""

    strategy: str
    seed: int
    labels: list[int]
    accuracy: list[float]
    macro_f1: list[float]
    query_seconds: list[float]
    train_seconds: list[float]
    micro_f1: list[float | None] = field(default_factory=list)  # None where an item has one class


def summarise(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """One row a strategy: area under the curve, the gain over `random` paired by seed, and labels saved.

    `areas`: of each seed. `saved`: see `labels_saved`; None for `random`.
    """
    by_name: dict[str, dict[int, Run]] = {}
    for r in runs:
        by_name.setdefault(r.strategy, {})[r.seed] = r
    seeds = sorted(by_name[CONTROL])
    area = {n: [area_under_curve(rs[s].labels, rs[s].accuracy) for s in seeds] for n, rs in by_name.items()}
    rows = []
    for name, of_seed in by_name.items():
        gain, low, high = paired_gain(area[name], area[CONTROL])
        pairs = [(of_seed[s], by_name[CONTROL][s]) for s in seeds]
        rows.append(
            {
                "strategy": name,
                "areas": area[name],
                "aulc_mean": float(np.mean(area[name])),
                "aulc_std": float(np.std(area[name], ddof=1)) if len(seeds) > 1 else 0.0,
                "gain_over_random": gain,
                "gain_low": low,
                "gain_high": high,
                "saved": None if name == CONTROL else labels_saved(pairs),
            }
        )
    return sorted(rows, key=lambda row: -row["aulc_mean"])


def summary_of(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The summary of a comparison's report; reports of version 0.2 are summarised anew from their runs."""
    rows: list[dict[str, Any]] = report["summary"]
    return rows if "areas" in rows[0] else summarise([Run(**run) for run in report["runs"]])


def labels_saved(pairs: Sequence[tuple[Run, Run]]) -> dict[str, Any]:
    """How many fewer labels a strategy needs than random for the same accuracy, paired by seed.

    In each seed both are asked for the highest accuracy that both reach, so that neither is favoured and the figure is
    0 for a strategy that is no better than random.

    Args:    pairs: the runs of the strategy and of `random` for each seed.
    Returns: percent, with low and high, its 95% interval (Student's t on the logarithm of the ratio of labels; None
             for a single seed); accuracy, the mean of those that were asked for; fewer, in how many seeds the strategy
             needs fewer labels.
    """
    ratios, targets = [], []
    for ours, control in pairs:
        curves = [_monotone(each) for each in (ours, control)]
        target = min(accuracy[-1] for _, accuracy in curves)
        needed, of_control = (labels_to_reach(labels, accuracy, target) for labels, accuracy in curves)
        assert needed is not None, "the lower of both ends is on both curves"
        assert of_control is not None, "the lower of both ends is on both curves"
        ratios.append(needed / of_control)
        targets.append(target)
    mean, low, high = paired_gain(np.log(ratios).tolist(), [0.0] * len(ratios))
    percent, most, least = (None if x is None else float(100 * (1 - np.exp(x))) for x in (mean, low, high))
    return {
        "percent": percent,
        "low": least,
        "high": most,
        "accuracy": float(np.mean(targets)),
        "fewer": int(np.sum(np.array(ratios) < 1)),
    }


def _monotone(run: Run) -> tuple[list[int], list[float]]:
    """The run's curve, made monotone, since more labels do not make a model worse in expectation."""
    from sklearn.isotonic import isotonic_regression

    return list(run.labels), isotonic_regression(run.accuracy).tolist()
