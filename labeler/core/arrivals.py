"""Items that come after the first draw of the holdout: which of them join it, and what its items stand for then."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

WINDOW_DAYS = 30  # in which at most `evaluation.later_most` items join the holdout
FEWEST_LATER = 20  # labels of items that came later, or all of them if there are fewer, before figures speak of them


@dataclass(frozen=True)
class Arrivals:
    """What the holdout's items stand for, where items of later imports were drawn into it.

    chances: the probability with which each holdout item of a later import was drawn, by id. first: items of the
    project that the other holdout items stand for.
    """

    chances: Mapping[int, float]
    first: int


@dataclass(frozen=True)
class Newer:
    """The holdout items that came with later imports.

    items: that can be or are labeled; labeled: of them. stand_for: items of the project that they were drawn from.
    without: items of later imports that no draw stands for. drawn: as `items`, flagged ones included.
    """

    items: int = 0
    labeled: int = 0
    stand_for: int = 0
    without: int = 0
    drawn: int = 0

    @property
    def missing(self) -> int:
        """Labels of these items that are missing before figures speak of them."""
        return max(0, min(FEWEST_LATER, self.items) - self.labeled)


def uniform(seed: int, name: str) -> float:
    """A number from 0 to 1 that follows from the name and the seed alone: a permanent random number.

    Source: Ohlsson 1995, "Coordination of samples using permanent random numbers".
    """
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:7]) / 256**7


def drawn_later(
    units: Iterable[tuple[str, int]], share: float, most: int, seed: int, stream: str = "later"
) -> tuple[list[str], float]:
    """The groups of a later import that join the holdout, and the probability with which each of them was drawn.

    A group joins if its random number is below the share, so that the same groups join in whatever order, and with
    whatever others, they come. Where these have more than `most` items, those with the lowest numbers join.

    Args:   units: the name of each group and its items; an item without a group is one by itself.
            stream: keeps these numbers apart from others of the same seed.
    Source: Särndal, Swensson & Wretman 1992, section 3.2 (Bernoulli sampling).
    """
    number_of_units, below = 0, []
    for name, items in units:
        number_of_units += 1
        number = uniform(seed, f"{stream}:{name}")
        if number < share:
            below.append((number, name, items))
    drawn: list[str] = []
    for _number, name, items in sorted(below):
        if items > most:
            break
        most -= items
        drawn.append(name)
    return drawn, share if len(drawn) == len(below) else len(drawn) / number_of_units
