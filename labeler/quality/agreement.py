"""Agreement between annotators, beyond chance, on the items that two or more of them answered.

All results are plain numbers, so that they can be stored as JSON. The 95% intervals of alpha and kappa
come from a bootstrap over items, those of shares are Wilson's for the number of items.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
from scipy.sparse import csr_array

from labeler.core import decisions
from labeler.core.labels import labels_at
from labeler.core.settings import Config
from labeler.measure.intervals import Estimate, estimate, wilson

# Imports of scipy are deferred: most projects have too few annotators to need it.

DRAWS = 1000  # of the bootstrap
FEWEST_SHARED = 5  # items that two people both answered: with fewer their kappa is not computed
MOST_PAIRS = 200  # those with the most items in common


@dataclass(frozen=True)
class Votes:
    """Current answers, at most one of each annotator to an item.

    items: (v,) item ids. annotators: (v,) names. targets: (v,) int, or (v, C) of 0 and 1 where an item has several
    classes.
    """

    items: np.ndarray
    annotators: np.ndarray
    targets: np.ndarray

    @classmethod
    def of(cls, rows: Sequence[tuple[int, str, str]], config: Config) -> "Votes":
        """Votes from stored rows (item id, annotator, label), without labels of classes that are gone."""
        usable = labels_at(range(len(rows)), [label for _, _, label in rows], config)
        items = np.array([item for item, _, _ in rows], dtype=np.int64)
        names = np.array([name for _, name, _ in rows], dtype=object)
        return cls(items[usable.positions], names[usable.positions], usable.targets)

    def __len__(self) -> int:
        return len(self.items)

    def take(self, rows: np.ndarray) -> "Votes":
        return Votes(self.items[rows], self.annotators[rows], self.targets[rows])

    def overlapping(self) -> "Votes":
        """The votes on items that two or more people answered."""
        _, item, times = np.unique(self.items, return_inverse=True, return_counts=True)
        return self.take(times[item] > 1)


@dataclass(frozen=True)
class OfClass:
    """Agreement on one class against the rest.

    answers: how many name the class. alpha: None if all answers name it, or none.
    """

    name: str
    answers: int
    alpha: Estimate | None


@dataclass(frozen=True)
class OfPair:
    """Agreement of two people on the `items` that both answered. kappa: Cohen's; None: both always give one answer."""

    one: str
    other: str
    items: int
    percent: Estimate
    kappa: Estimate | None


@dataclass(frozen=True)
class Agreement:
    """Agreement on the `items` that two or more people answered.

    percent: share of pairs of answers to an item that are equal (as whole sets of classes). fleiss: Fleiss' kappa;
    None where an item has several classes. alpha: Krippendorff's, nominal; then over all yes-or-no decisions.
    Both are 1 where all agree, 0 where agreement is that of chance, and None where all answers are the same.
    """

    items: int
    answers: int
    percent: Estimate
    fleiss: Estimate | None
    alpha: Estimate | None
    classes: tuple[OfClass, ...]
    pairs: tuple[OfPair, ...]


def agreement(votes: Votes, classes: Sequence[str], seed: int = 0) -> Agreement | None:
    """All figures of agreement, or None while no item has answers of two people.

    Args:   seed: of the bootstrap.
    Source: Cohen 1960; Fleiss 1971, for unequal numbers of answers as in Gwet 2014, section 2.3 (items weigh alike);
            Krippendorff 2011 (nominal data, any number of answers); Efron and Tibshirani 1993, chapter 13.
    """
    votes = votes.overlapping()
    if not len(votes):
        return None
    counts = _Counts.of(votes, len(classes))
    means = _bootstrap(counts.per_item(), seed)
    several = votes.targets.ndim == 2
    alphas = [means(partial(counts.alpha_of, c)) for c in range(len(classes))]
    named = np.asarray(counts.named.sum(axis=0)).reshape(-1).astype(int)
    return Agreement(
        items=counts.n,
        answers=len(votes),
        percent=estimate(1 - float(counts.apart.mean()), counts.n),
        fleiss=None if several else _kappa(means(counts.fleiss), counts.n),
        alpha=_kappa(means(counts.alpha), counts.n),
        classes=tuple(
            OfClass(name, int(n), _kappa(alpha, counts.n))
            for name, n, alpha in zip(classes, named, alphas, strict=True)
        ),
        pairs=tuple(_pairs(votes, len(classes), seed)),
    )


# ---------------------------------------------------------------- figures of many annotators

Sums = np.ndarray  # (B, k): sums over the items of a sample, one row a sample; the first row is of the items themselves
Figure = tuple[np.ndarray, np.ndarray]  # (B,) observed disagreement, (B,) what chance would give


@dataclass(frozen=True)
class _Counts:
    """Counts of each item's answers. Every figure of agreement is a function of their sums over items.

    answers: (n,) answers to each item. named: (n, C) sparse, how many named the class. apart: (n,) share of pairs
    of answers that differ. several: whether an item has several classes.
    """

    answers: np.ndarray
    named: csr_array
    apart: np.ndarray
    several: bool

    @classmethod
    def of(cls, votes: Votes, n_classes: int) -> "_Counts":
        _, item, times = np.unique(votes.items, return_inverse=True, return_counts=True)
        several = votes.targets.ndim == 2
        if several:
            vote, named = np.nonzero(votes.targets)
        else:
            vote, named = np.arange(len(votes)), votes.targets
        ones = np.ones(len(vote))
        counts = csr_array((ones, (item[vote], named)), shape=(len(times), n_classes))
        whole = decisions.label_set_ids(votes.targets)
        same = csr_array((np.ones(len(votes)), (item, whole)), shape=(len(times), int(whole.max()) + 1))
        pairs = times * (times - 1)
        alike = np.asarray((same * (same - csr_array((np.ones(same.nnz), same.nonzero()), same.shape))).sum(axis=1))
        return cls(times.astype(float), counts, 1 - alike.reshape(-1) / pairs, several)

    @property
    def n(self) -> int:
        return len(self.answers)

    def per_item(self) -> csr_array:
        """(n, 4 + 3 C) what is summed: 1, answers, disagreement, disagreement by answers; then for each class how many
        answers and which share named it, and its disagreement by answers.
        """
        from scipy.sparse import diags_array, hstack

        m = self.answers
        of = diags_array(1 / m) @ self.named
        left = csr_array(self.named.multiply(m[:, None])) - csr_array(self.named.multiply(self.named))
        classes = diags_array(2 / (m - 1)) @ left
        plain = np.stack([np.ones(self.n), m, self.apart, self.apart * m], axis=1)
        return csr_array(hstack([csr_array(plain), self.named, of, classes]))

    def _of(self, sums: Sums, block: int) -> np.ndarray:
        C = self.named.shape[1]
        return sums[:, 4 + block * C : 4 + (block + 1) * C]

    def fleiss(self, sums: Sums) -> Figure:
        share = self._of(sums, 1) / sums[:, [0]]
        return sums[:, 2] / sums[:, 0], 1 - (share**2).sum(axis=1)

    def alpha(self, sums: Sums) -> Figure:
        named, answers = self._of(sums, 0), sums[:, 1]
        if self.several:  # yes or no to each class
            yes, C = named.sum(axis=1), named.shape[1]
            return self._of(sums, 2).sum(axis=1) / (answers * C), _chance(yes, answers * C)
        values = named * (named - 1)
        return sums[:, 3] / answers, 1 - values.sum(axis=1) / (answers * (answers - 1))

    def alpha_of(self, c: int, sums: Sums) -> Figure:
        """Of one class against the rest."""
        answers = sums[:, 1]
        return self._of(sums, 2)[:, c] / answers, _chance(self._of(sums, 0)[:, c], answers)


def _chance(yes: np.ndarray, all_: np.ndarray) -> np.ndarray:
    """The probability that two answers, drawn without replacement from all, are a yes and a no."""
    return 2 * yes * (all_ - yes) / (all_ * (all_ - 1))


# ---------------------------------------------------------------- two annotators


def _pairs(votes: Votes, n_classes: int, seed: int) -> list[OfPair]:
    """Agreement of the pairs of annotators with the most common items, ordered by name."""
    by_name: dict[str, dict[int, int]] = {}
    for row, (item, name) in enumerate(zip(votes.items.tolist(), votes.annotators.tolist(), strict=True)):
        by_name.setdefault(name, {})[item] = row
    shared_items = []
    for first, second in combinations(sorted(by_name), 2):
        a, b = by_name[first], by_name[second]
        shared = sorted(a.keys() & b.keys())
        if len(shared) >= FEWEST_SHARED:
            shared_items.append((first, second, [a[i] for i in shared], [b[i] for i in shared]))
    shared_items.sort(key=lambda pair: -len(pair[2]))
    pairs = []
    for first, second, a_rows, b_rows in shared_items[:MOST_PAIRS]:
        percent, kappa = cohen(votes.targets[a_rows], votes.targets[b_rows], n_classes, seed)
        pairs.append(OfPair(first, second, len(a_rows), percent, kappa))
    return sorted(pairs, key=lambda pair: (pair.one, pair.other))


def cohen(
    first_answers: np.ndarray, other: np.ndarray, n_classes: int, seed: int = 0
) -> tuple[Estimate, Estimate | None]:
    """The share of equal answers of two people, and Cohen's kappa (over all yes-or-no decisions with several classes).

    Args:   first_answers, other: (k,) int, or (k, C) of 0 and 1, answers to the same items.
    Source: Cohen 1960.
    """
    k, several = len(first_answers), first_answers.ndim == 2
    whole = (first_answers != other).any(axis=1) if several else first_answers != other
    if several:
        C = first_answers.shape[1]
        wrong, yes, also = (x.sum(axis=1) / C for x in (first_answers != other, first_answers, other))
        table = np.stack([np.ones(k), whole, wrong, yes, also], axis=1)
    else:
        first, second = (np.eye(n_classes)[x] for x in (first_answers, other))
        table = np.hstack([np.stack([np.ones(k), whole, whole], axis=1), first, second])
    means = _bootstrap(csr_array(table), seed)

    def kappa(sums: Sums) -> Figure:
        shares = sums[:, 3:] / sums[:, [0]]
        if several:
            yes, also = shares.T
            return sums[:, 2] / sums[:, 0], yes * (1 - also) + also * (1 - yes)
        return sums[:, 2] / sums[:, 0], 1 - (shares[:, :n_classes] * shares[:, n_classes:]).sum(axis=1)

    return estimate(1 - float(whole.mean()), k), _kappa(means(kappa), k)


# ---------------------------------------------------------------- intervals


def _bootstrap(per_item: csr_array, seed: int) -> Callable[[Callable[[Sums], Figure]], Figure]:
    """A function that evaluates a figure on the items (first) and on `DRAWS` resamples of them."""
    n, rng = per_item.shape[0], np.random.default_rng(seed)
    sums = [np.asarray(per_item.sum(axis=0)).reshape(1, -1)]
    step = max(1, min(DRAWS, 2_000_000 // n))
    for start in range(0, DRAWS, step):
        times = rng.multinomial(n, np.full(n, 1 / n), min(step, DRAWS - start)).astype(float)
        sums.append(np.asarray((per_item.T @ times.T).T))
    together = np.concatenate(sums)
    return lambda figure: figure(together)


def _kappa(figure: Figure, n: int) -> Estimate | None:
    """1 − observed / expected disagreement, with its interval; None where the expected disagreement is 0."""
    observed, expected = figure
    if expected[0] <= 1e-12:
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = 1 - observed[1:] / expected[1:]
    drawn = drawn[np.isfinite(drawn) & (expected[1:] > 1e-12)]
    value = float(1 - observed[0] / expected[0])
    low, high = np.percentile(drawn, [2.5, 97.5])
    if observed[0] <= 1e-12:  # resamples of identical answers never differ, which does not make agreement certain
        low = 1 - (1 - wilson(1.0, n)[0]) / expected[0]
    return Estimate(value, float(np.clip(min(low, value), -1, 1)), float(np.clip(max(high, value), -1, 1)))
