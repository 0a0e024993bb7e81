"""How often the 95% intervals hold the truth where the items of a group err together: between groups, and by item.

Each simulated holdout has groups of equal size, or of 1 to 29 items. The accuracy within a group is drawn from a beta
distribution with the true accuracy as its mean and the given correlation between two items of a group. Beside the
product's interval stands the same one without what few groups with an error make of it (`clusters.ALIKE` = 0).

    python -m bench.groups.coverage
"""

import argparse
from collections.abc import Sequence
from itertools import product

import numpy as np

from labeler.measure import clusters
from labeler.measure.intervals import Estimate, estimate
from labeler.measure.paired import paired_difference

GROUPS, ITEMS, ACCURACIES, CORRELATIONS = (6, 12, 20, 40), (5, 15), (0.7, 0.9, 0.97), (0.1, 0.3, 0.5)
MOST = 29  # items of the largest group, where sizes differ


def right_items(sizes: np.ndarray, accuracy: float, correlation: float, rng: np.random.Generator) -> np.ndarray:
    """(n,) bool: which items a model gets right, group by group. Args: sizes: (g,) items of each group."""
    size = (1 - correlation) / correlation
    within = rng.beta(accuracy * size, (1 - accuracy) * size, len(sizes))
    return rng.random(sizes.sum()) < np.repeat(within, sizes)


def plain(right: np.ndarray, groups: np.ndarray) -> Estimate:
    """The interval from the variance between groups alone."""
    of_group = clusters.indicator(groups)
    sizes = of_group @ np.ones(len(right))
    share = float(right.mean())
    between = clusters.variance(of_group @ right - share * sizes) / len(right) ** 2
    return estimate(share, clusters.effective(share * (1 - share), between, len(right), len(sizes)))


def accuracy_coverage(shapes: Sequence[np.ndarray], runs: int, rng: np.random.Generator) -> np.ndarray:
    """(settings, 6): how often the intervals hold the accuracy, and their widths.

    Both first for the product's interval, then for that from the variance between groups alone, then for Wilson's.

    Args: shapes: each (g,) items of each group.
    """
    rows = []
    for sizes, accuracy, correlation in product(shapes, ACCURACIES, CORRELATIONS):
        groups, figures = np.repeat(np.arange(len(sizes)), sizes), np.zeros(6)
        for _ in range(runs):
            right = right_items(sizes, accuracy, correlation, rng)
            own, before = estimate(*clusters.effective_mean(right, groups)), plain(right, groups)
            by_item = estimate(float(right.mean()), len(right))
            intervals = (own, before, by_item)
            figures += [e.low <= accuracy <= e.high for e in intervals] + [e.width for e in intervals]
        rows.append(figures / runs)
    return np.array(rows)


def gain_coverage(n: int, runs: int, rng: np.random.Generator) -> np.ndarray:
    """(settings, 2): how often the interval of the difference of two models holds it, between groups and by item."""
    rows = []
    for items, gain, correlation in product(ITEMS, (0.0, 0.05), CORRELATIONS):
        sizes = np.full(n, items)
        groups, held = np.repeat(np.arange(n), sizes), np.zeros(2)
        for _ in range(runs):
            before = right_items(sizes, 0.8, correlation, rng)
            differs = right_items(sizes, 0.2, correlation, rng)  # in some groups much changes, in others little
            better = rng.random(n * items) < 0.5 + gain / 0.4
            now = np.where(differs, better, before)
            before = np.where(differs, ~better, before)
            for place, by in enumerate((groups, None)):
                interval = paired_difference(now, before, groups=by)
                held[place] += interval.low <= gain <= interval.high
        rows.append(held / runs)
    return np.array(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=500, help="Simulated holdouts of each setting.")
    runs = parser.parse_args().runs
    rng = np.random.default_rng(0)
    print("| groups | items | between groups | variance alone | by item (Wilson) | mean widths in points |")
    print("|---|---|---|---|---|---|")
    for n, equal in product(GROUPS, (True, False)):
        shapes = [np.full(n, items) for items in ITEMS] if equal else [np.linspace(1, MOST, n).round().astype(int)]
        figures = accuracy_coverage(shapes, runs, rng)
        widths = ", ".join(f"{100 * width:.1f}" for width in figures[:, 3:].mean(axis=0))
        items = " or ".join(map(str, ITEMS)) if equal else f"1 to {MOST}"
        print(f"| {n} | {items} | {' | '.join(map(_shares, figures[:, :3].T))} | {widths} |")
    print("\n| groups | gain, between groups | by item |")
    print("|---|---|---|")
    for n in GROUPS:
        print(f"| {n} | {' | '.join(map(_shares, gain_coverage(n, runs, rng).T))} |")


def _shares(held: np.ndarray) -> str:
    """The mean over settings, and the lowest."""
    return f"{100 * held.mean():.0f}% ({100 * held.min():.0f}%)"


if __name__ == "__main__":
    main()
