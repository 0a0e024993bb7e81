"""How often the 95% intervals hold the truth where the items of a group err together: between groups, and by item.

Each simulated holdout has some groups of equal size. The accuracy within a group is drawn from a beta distribution
with the true accuracy as its mean and the given correlation between two items of a group.

    python -m bench.groups.coverage
"""

import argparse
from itertools import product

import numpy as np

from labeler.measure import clusters
from labeler.measure.intervals import estimate, wilson
from labeler.measure.paired import paired_difference

GROUPS, ITEMS, ACCURACIES, CORRELATIONS = (6, 12, 20, 40), (5, 15), (0.7, 0.9, 0.97), (0.1, 0.3, 0.5)


def right_items(n: int, items: int, accuracy: float, correlation: float, rng: np.random.Generator) -> np.ndarray:
    """(n · items,) bool: which items a model gets right, group by group."""
    size = (1 - correlation) / correlation
    return rng.random(n * items) < np.repeat(rng.beta(accuracy * size, (1 - accuracy) * size, n), items)


def accuracy_coverage(n: int, runs: int, rng: np.random.Generator) -> np.ndarray:
    """(settings, 4): how often the interval between groups and Wilson's hold the accuracy, and their mean widths."""
    rows = []
    for items, accuracy, correlation in product(ITEMS, ACCURACIES, CORRELATIONS):
        groups, figures = np.repeat(np.arange(n), items), np.zeros(4)
        for _ in range(runs):
            right = right_items(n, items, accuracy, correlation, rng)
            own = estimate(*clusters.effective_mean(right, groups))
            low, high = map(float, wilson(right.mean(), len(right)))
            figures += [own.low <= accuracy <= own.high, low <= accuracy <= high, own.width, high - low]
        rows.append(figures / runs)
    return np.array(rows)


def gain_coverage(n: int, runs: int, rng: np.random.Generator) -> np.ndarray:
    """(settings, 2): how often the interval of the difference of two models holds it, between groups and by item."""
    rows = []
    for items, gain, correlation in product(ITEMS, (0.0, 0.05), CORRELATIONS):
        groups, held = np.repeat(np.arange(n), items), np.zeros(2)
        for _ in range(runs):
            before = right_items(n, items, 0.8, correlation, rng)
            differs = right_items(n, items, 0.2, correlation, rng)  # in some groups much changes, in others little
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
    print("| groups | accuracy, between groups | by item (Wilson) | mean width | gain, between groups | by item |")
    print("|---|---|---|---|---|---|")
    for n in GROUPS:
        accuracy, gain = accuracy_coverage(n, runs, rng), gain_coverage(n, runs, rng)
        cells = [f"{100 * held.mean():.0f}% ({100 * held.min():.0f}%)" for held in (*accuracy[:, :2].T, *gain.T)]
        wide = f"{100 * accuracy[:, 2].mean():.0f} and {100 * accuracy[:, 3].mean():.0f} points"
        print(f"| {n} | {cells[0]} | {cells[1]} | {wide} | {cells[2]} | {cells[3]} |")


if __name__ == "__main__":
    main()
