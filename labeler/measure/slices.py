"""Accuracy and labels by slice: by the values of the columns that were imported with the items (site, scanner, …)."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import stdtr

from labeler.measure import clusters
from labeler.measure.intervals import Estimate, estimate

# Imports of scipy.stats are deferred: it takes a second to load.

MOST_VALUES = 20  # distinct values of a column of slices; numbers with more are binned into ranges
RANGES = 4
RANGE = re.compile(r"(.*)\.\.(.*)")  # from the first number to below the second; either may be absent
LEVEL = 0.05  # probability that any slice is marked weak where none is


@dataclass(frozen=True)
class Column:
    """An imported column that divides the items into slices. edges: between its ranges, if it is numeric."""

    name: str
    values: tuple[str, ...]  # as shown on pages; "" for items without a value
    edges: tuple[float, ...] = ()

    def value_of(self, text: str) -> str | None:
        """The value of the slice that an item with this text belongs to; None if it belongs to no slice."""
        text = text.strip()
        if self.edges and (number := _number(text)) is not None:
            return self._ranges()[int(np.searchsorted(self.edges, number, side="right"))]
        return text if text in self.values else None

    def _ranges(self) -> list[str]:
        ends = ["", *(f"{edge:g}" for edge in self.edges), ""]
        return [f"{low}..{high}" for low, high in pairwise(ends)]


@dataclass(frozen=True)
class Slice:
    """The items with one value of a column.

    n: labeled holdout items. accuracy: of those, None without any. chance: p-value that the slice is as good as the
    rest, corrected for all tested slices. pool, labeled: items of the pool, and those that have a label. groups: of the
    `n` items, such as patients; None: there are no groups.
    """

    value: str
    n: int
    accuracy: Estimate | None
    chance: float | None
    pool: int = 0
    labeled: int = 0
    groups: int | None = None

    @property
    def weak(self) -> bool:
        """Whether the model is significantly worse here than elsewhere."""
        return self.chance is not None and self.chance < LEVEL


def columns(rows: Sequence[Mapping[str, str]]) -> list[Column]:
    """The columns that divide items into slices: with 2 to `MOST_VALUES` values, or numeric, then in ranges.

    Columns in which nearly every item has a value of its own, such as names and dates, are left out.

    Args: rows: the columns of some items.
    """
    names = sorted({name for row in rows for name in row if '"' not in name})
    candidates = [_column(name, [str(row.get(name, "")).strip() for row in rows]) for name in names]
    return [column for column in candidates if column is not None]


def _column(name: str, texts: Sequence[str]) -> Column | None:
    counts = Counter(texts)
    missing = ("",) if counts.pop("", 0) else ()
    numbers = [_number(text) for text in counts]
    numeric = bool(counts) and None not in numbers
    if len(counts) > MOST_VALUES:
        if not numeric:
            return None
        return _ranged(name, np.array([float(text) for text in texts if text]), missing)
    values = sorted(counts, key=float if numeric else str)
    return Column(name, (*values, *missing)) if len(values) + len(missing) > 1 else None


def _ranged(name: str, numbers: np.ndarray, missing: tuple[str, ...]) -> Column | None:
    """A numeric column in ranges with round ends that hold about equally many items."""
    quantiles = np.quantile(numbers, np.arange(1, RANGES) / RANGES)
    spread = float(quantiles[-1] - quantiles[0])
    unit = 10.0 ** np.floor(np.log10(spread / 10)) if spread else 1.0
    edges = sorted({float(f"{round(q / unit) * unit:g}") for q in quantiles if q > numbers.min()})
    if not edges:
        return None
    column = Column(name, (), tuple(edges))
    return Column(name, (*column._ranges(), *missing), tuple(edges))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def slices(
    by: Sequence[Column],
    rows: Sequence[Mapping[str, str]],
    right: np.ndarray,
    weights: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> dict[str, list[Slice]]:
    """For each column, the accuracy in each of its slices, and the p-value by which weak ones are marked.

    Among many slices some are bad by chance alone. So each is compared with all other items by Fisher's exact test
    (one-sided), and Holm's correction over all slices of all columns keeps the probability of any false mark at 5%.
    Weighted items are not tested, since they were not drawn uniformly. Items in groups are compared by the difference
    between groups, see `_chance_between`.

    Args:   rows: the columns of the labeled holdout items. right: (n,) bool, of the same items.
            weights: (n,), where the items were drawn by active testing. groups: (n,) int; None: there are no groups.
    Source: Holm 1979.
    """
    right = np.asarray(right, dtype=bool)
    weight = np.ones(len(right)) if weights is None else weights
    places = []
    for column in by:
        values = [column.value_of(str(row.get(column.name, ""))) for row in rows]
        places += [(column.name, value, np.flatnonzero([v == value for v in values])) for value in column.values]
    tested = {
        i: chance
        for i, (_, _, where) in enumerate(places)
        if weights is None and 0 < len(where) < len(right) and (chance := _chance(right, where, groups)) is not None
    }
    chances, highest = {}, 0.0
    for step, i in enumerate(sorted(tested, key=lambda i: tested[i])):
        highest = max(highest, min(1.0, tested[i] * (len(tested) - step)))
        chances[i] = highest
    result: dict[str, list[Slice]] = {column.name: [] for column in by}
    for i, (name, value, where) in enumerate(places):
        inside = None if groups is None else groups[where]
        accuracy = _accuracy(right[where], weight[where], inside) if len(where) else None
        result[name].append(Slice(value, len(where), accuracy, chances.get(i), groups=clusters.count(inside)))
    return result


def _accuracy(right: np.ndarray, mass: np.ndarray, groups: np.ndarray | None) -> Estimate:
    if not mass.any():
        return estimate(0.0, 0.0)
    if groups is not None:
        return estimate(*clusters.effective_mean(right, groups, mass))
    return estimate(float(np.average(right, weights=mass)), mass.sum() ** 2 / (mass**2).sum())


def _chance(right: np.ndarray, where: np.ndarray, groups: np.ndarray | None) -> float | None:
    """The p-value that the items at `where` are as good as all others; None: there are too few groups to tell."""
    if groups is not None:
        inside = np.zeros(len(right), dtype=bool)
        inside[where] = True
        return _chance_between(right, inside, groups)
    from scipy.stats import hypergeom

    return float(hypergeom.cdf(right[where].sum(), len(right), right.sum(), len(where)))


def _chance_between(right: np.ndarray, inside: np.ndarray, groups: np.ndarray) -> float | None:
    """The p-value of the difference of two shares whose items come in groups, by Student's t between the groups.

    The degrees of freedom are those of the part with fewer groups. A group may have items in both parts.

    Args:   right, inside: (n,) bool. groups: (n,) int.
    Returns: None if one part is of a single group.
    Source: Cameron & Miller 2015, section 2 (the variance of a coefficient between clusters).
    """
    fewest = min(clusters.count(groups[part]) or 0 for part in (inside, ~inside))
    if fewest < 2:
        return None
    first, second = right[inside].mean(), right[~inside].mean()
    influence = np.where(inside, (right - first) / inside.sum(), (second - right) / (~inside).sum())
    variance = clusters.variance(clusters.indicator(groups) @ influence)
    if variance <= 0:  # in both parts all groups are equally good, so that nothing tells how much groups differ
        return None
    return float(stdtr(fewest - 1, (first - second) / np.sqrt(variance)))


def counted(column: Column, counts: Sequence[tuple[str, int, int]]) -> dict[str, tuple[int, int]]:
    """For each value of a column, the number of pool items that have it, and how many of those are labeled.

    Args: counts: as `Slices.counts` gives them.
    """
    counts_of = dict.fromkeys(column.values, (0, 0))
    for text, items, labeled in counts:
        if (value := column.value_of(text)) in counts_of:
            before = counts_of[value]
            counts_of[value] = before[0] + items, before[1] + labeled
    return counts_of


# ---------------------------------------------------------------- more of these


def more_of_entry(column: Column, value: str) -> str:
    """An entry of `config.query.more_of` for a value of a column."""
    return f"{column.name}={value}"


def matching_items(wishes: Sequence[str], column_of: Callable[[str], tuple[np.ndarray, list[str]]]) -> np.ndarray:
    """The ids of the items that match one of the wishes, ascending.

    Args: wishes: "site=B", or "age=30..45" for numbers from 30 to below 45. column_of: `Slices.pool_column`.
    """
    fitting_ids = [np.empty(0, dtype=np.int64)]
    for wish in wishes:
        column, _, value = (part.strip() for part in wish.partition("="))
        ids, texts = column_of(column)
        fitting = {text for text in set(texts) if matches(text, value)}
        fitting_ids.append(ids[np.array([text in fitting for text in texts], dtype=bool)])
    return np.unique(np.concatenate(fitting_ids))


def matches(text: str, value: str) -> bool:
    """Whether an item's text equals the value, or is a number in the range "30..45", "..30" or "45.."."""
    text = text.strip()
    if text == value:
        return True
    ends = RANGE.fullmatch(value)
    number = _number(text)
    if ends is None or number is None:
        return False
    low, high = (
        _number(end) if end.strip() else sign * np.inf for end, sign in zip(ends.groups(), (-1, 1), strict=True)
    )
    return low is not None and high is not None and low <= number < high
