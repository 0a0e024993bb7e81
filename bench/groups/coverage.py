"""How often the 95% intervals hold the truth where the items of a group err together: between groups, and by item.

Each simulated holdout has groups of equal size, or of 1 to 29 items. The accuracy within a group is drawn from a beta
distribution with the true accuracy as its mean and the given correlation between two items of a group. Beside the
product's interval stands the same one without what few groups with an error make of it (`clusters.ALIKE` = 0).

For means over classes and areas under curves, 60, 30 and 10% of the items are of three classes. Either each group has
items of one class, as where the class is a patient's diagnosis, or groups have all classes in different proportions.
The areas are those of a class with 30% of the items, whose scores have a part that all items of a group share.

    python -m bench.groups.coverage
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from labeler.measure import clusters
from labeler.measure.holdout import evaluation
from labeler.measure.intervals import Estimate, estimate
from labeler.measure.one_vs_rest import yes_no
from labeler.measure.paired import paired_difference

GROUPS, ITEMS, ACCURACIES, CORRELATIONS = (6, 12, 20, 40), (5, 15), (0.7, 0.9, 0.97), (0.1, 0.3, 0.5)
MOST = 29  # items of the largest group, where sizes differ
PREVALENCES = np.array([0.6, 0.3, 0.1])
DISTANCES = {0.7: 0.75, 0.9: 1.8, 0.97: 2.7}  # of the scores' means, for about this area under the ROC curve
LARGE = 100_000  # items from which a figure's true value is taken


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


@dataclass(frozen=True)
class Setting:
    """How a simulated holdout is drawn. sizes: (g,) items of each group. one_class: whether a group has one class."""

    sizes: np.ndarray
    one_class: bool
    accuracy: float
    correlation: float

    def large(self) -> "Setting":
        """The same setting with many groups."""
        return replace(self, sizes=np.tile(self.sizes, LARGE // self.sizes.sum()))

    @property
    def groups(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def classes(self, prevalences: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(n,) int: the class of each item."""
        g = len(self.sizes)
        if self.one_class:
            return np.repeat(rng.choice(len(prevalences), g, p=prevalences), self.sizes)
        within = rng.dirichlet(3 * prevalences, g).cumsum(axis=1)[self.groups]
        return (rng.random(len(within))[:, None] > within[:, :-1]).sum(axis=1)

    def predicted(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(n,) classes and (n,) predictions."""
        targets = self.classes(PREVALENCES, rng)
        right = right_items(self.sizes, self.accuracy, self.correlation, rng)
        return targets, np.where(right, targets, (targets + rng.integers(1, 3, len(targets))) % 3)

    def scored(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(n,) bool, whether an item is of the class, and (n,) its score."""
        truth = self.classes(np.array([0.7, 0.3]), rng) > 0
        own, shared = rng.normal(size=len(truth)), rng.normal(size=len(self.sizes))[self.groups]
        noise = np.sqrt(self.correlation) * shared + np.sqrt(1 - self.correlation) * own
        return truth, DISTANCES[self.accuracy] * truth + noise


def class_means(setting: Setting, runs: int, rng: np.random.Generator) -> np.ndarray:
    """(2, 2): how often the intervals of macro F1 and balanced accuracy hold the truth, between groups and by item."""
    targets, predicted = setting.large().predicted(rng)
    table = np.histogram2d(targets, predicted, bins=np.arange(4))[0]
    recalls, f1 = table.diagonal() / table.sum(axis=1), 2 * table.diagonal() / (table.sum(axis=0) + table.sum(axis=1))
    held = np.zeros((2, 2))
    for _ in range(runs):
        targets, predicted = setting.predicted(rng)
        present = np.unique(targets)  # a mean is over the classes that a holdout has, or for F1 predicts
        true = f1[np.union1d(present, predicted)].mean(), recalls[present].mean()
        proba = np.eye(3)[predicted] * 0.7 + 0.1
        for place, groups in enumerate((setting.groups, None)):
            figures = evaluation(proba, targets, "abc", groups=groups)
            intervals = figures.macro_f1, figures.balanced_accuracy
            held[:, place] += [e is not None and e.low <= t <= e.high for e, t in zip(intervals, true, strict=True)]
    return held / runs


def areas(setting: Setting, runs: int, rng: np.random.Generator) -> np.ndarray:
    """(2, 2): how often the intervals of the areas under ROC and precision–recall hold the truth, as `class_means`."""
    truth, scores = setting.large().scored(rng)
    true = roc_auc_score(truth, scores), average_precision_score(truth, scores)
    held, measured = np.zeros((2, 2)), 0
    for _ in range(runs):
        truth, scores = setting.scored(rng)
        curves = [c for by in (setting.groups, None) if (c := yes_no(scores, truth, groups=by)) is not None]
        if not curves:  # all items are of the class, or none is
            continue
        measured += 1
        for place, both in enumerate(curves):
            intervals = both.area, both.average_precision
            held[:, place] += [e.low <= t <= e.high for e, t in zip(intervals, true, strict=True)]
    return held / measured


def _shapes(n: int, equal: bool) -> list[np.ndarray]:
    """The sizes of n groups in each of the trials."""
    return [np.full(n, items) for items in ITEMS] if equal else [np.linspace(1, MOST, n).round().astype(int)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=500, help="Simulated holdouts of each setting.")
    parser.add_argument("--only", choices=("accuracy", "classes"), help="One of the tables.")
    options = parser.parse_args()
    if options.only != "classes":
        _print_accuracy(options.runs)
    if options.only != "accuracy":
        _print_classes(options.runs)


def _print_accuracy(runs: int) -> None:
    rng = np.random.default_rng(0)
    print("| groups | items | between groups | variance alone | by item (Wilson) | mean widths in points |")
    print("|---|---|---|---|---|---|")
    for n, equal in product(GROUPS, (True, False)):
        figures = accuracy_coverage(_shapes(n, equal), runs, rng)
        widths = ", ".join(f"{100 * width:.1f}" for width in figures[:, 3:].mean(axis=0))
        items = " or ".join(map(str, ITEMS)) if equal else f"1 to {MOST}"
        print(f"| {n} | {items} | {' | '.join(map(_shares, figures[:, :3].T))} | {widths} |")
    print("\n| groups | gain, between groups | by item |")
    print("|---|---|---|")
    for n in GROUPS:
        print(f"| {n} | {' | '.join(map(_shares, gain_coverage(n, runs, rng).T))} |")


def _print_classes(runs: int) -> None:
    rng = np.random.default_rng(0)
    print("| groups | classes of a group | macro F1 | balanced accuracy | ROC area | average precision |")
    print("|---|---|---|---|---|---|")
    for one_class, n in product((True, False), GROUPS):
        shapes = [*_shapes(n, equal=True), *_shapes(n, equal=False)]
        settings = [Setting(s, one_class, *values) for s, *values in product(shapes, ACCURACIES, CORRELATIONS)]
        figures = np.array([np.concatenate([f(s, runs, rng) for f in (class_means, areas)]) for s in settings])
        cells = [" / ".join(map(_shares, figure.T)) for figure in figures.transpose(1, 0, 2)]
        print(f"| {n} | {'one' if one_class else 'several'} | {' | '.join(cells)} |", flush=True)


def _shares(held: np.ndarray) -> str:
    """The mean over settings, and the lowest."""
    return f"{100 * held.mean():.0f}% ({100 * held.min():.0f}%)"


if __name__ == "__main__":
    main()
