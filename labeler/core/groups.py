"""Groups of items, such as all images of a patient: which items belong together, and which groups a holdout holds."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from math import ceil

import numpy as np

MOST_HOLDOUT = 300  # items in a holdout, unless its fewest groups have more
SHARE = 0.15  # of the items, and of the groups
FEWEST_GROUPS = 20  # in a holdout, where that is not more than its share of the groups


@dataclass(frozen=True)
class GroupCounts:
    """How the groups lie in a project.

    column: the imported column that names them. items, groups: all; holdout_items, holdout_groups: of the holdout.
    straddling: groups with items on both sides, as the holdout was drawn by item before the groups were known.
    """

    column: str
    items: int
    groups: int
    holdout_items: int
    holdout_groups: int
    straddling: int = 0


def codes(groups: Sequence[str | None]) -> np.ndarray | None:
    """(n,) int, equal for the items of one group; None if no item has a group.

    An item without a group is a group by itself.
    """
    if all(group is None for group in groups):
        return None
    code_of: dict[str, int] = {}
    return np.array(
        [
            len(groups) + place if group is None else code_of.setdefault(group, len(code_of))
            for place, group in enumerate(groups)
        ],
        dtype=np.int64,
    )


def holdout_size(items: int) -> int:
    """The number of items in a holdout that is drawn by item."""
    return min(MOST_HOLDOUT, round(SHARE * items))


def drawn_items(items: Iterable[tuple[str, int]], seed: int, size: int | None = None) -> list[int]:
    """The ids of the items of a holdout that is drawn by item: the first ones of a random order, which follows from
    their names and the seed alone, whatever the order in which they are read.

    Args: items: name and id of each, read once, of which no more are held than can be drawn. size: items in the
          holdout; None: `holdout_size`.
    """
    order, n = _order(seed), 0

    def counted() -> Iterator[tuple[bytes, int]]:
        nonlocal n
        for name, item in items:
            n += 1
            yield order(name), item

    first = nsmallest(MOST_HOLDOUT if size is None else size, counted())
    return [item for _, item in (first[: holdout_size(n)] if size is None else first)]


def _order(seed: int) -> Callable[[str], bytes]:
    """By what names are sorted so that their order is random."""
    return lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest()


def drawn_groups(sizes: Mapping[str, int], seed: int, size: int | None = None) -> list[str]:
    """The groups of a holdout: drawn one after the other, each with all its items, until the items come nearest to it.

    Every group is as likely to come next as any other, whatever its size, so that the groups are a random sample. The
    order follows from their names and the seed alone. As an interval rests on the number of groups, there are at least
    `FEWEST_GROUPS`, or `SHARE` of all if that is fewer; at least one group is drawn and one is left, if there are two.

    Args: sizes: items of each group. size: items in the holdout; None: as for a holdout that is drawn by item.
    """
    order = sorted(sizes, key=_order(seed))
    total = sum(sizes.values())
    wanted = holdout_size(total) if size is None else min(size, total)
    fewest = min(FEWEST_GROUPS, ceil(SHARE * len(sizes)))
    drawn: list[str] = []
    items = 0
    for group in order[:-1]:
        over = items + sizes[group] - wanted
        if len(drawn) >= fewest and over > wanted - items:
            break
        drawn.append(group)
        items += sizes[group]
        if over >= 0 and len(drawn) >= fewest:
            break
    return drawn if wanted else []
