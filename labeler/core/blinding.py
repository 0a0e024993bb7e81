"""Which items are answered without any opinion of the model, and the counts that tell nobody which these are.

The holdout measures the model, so its answers must not depend on the model. If the holdout alone came without a
prediction, annotators would know what is measured. One pool item in five therefore comes without a prediction as well.
"""

from dataclasses import replace

from labeler.core.items import Counts, Item, StillOpen
from labeler.core.rounds import Round

# The last two hexadecimal digits of the content hash from which on a pool item is blind. Which items are overlapped
# depends on the first digits, so the two choices are independent.
BLIND_FROM = "cd"

# The same in SQL, of an item `i`: whether the model's prediction for it may be shown at all.
OPEN = f"(i.split = 'pool' AND substr(i.content_hash, -2) < '{BLIND_FROM}')"


def is_blind(item: Item) -> bool:
    """Whether nobody who answers this item may know what the model predicts, whatever the project reveals."""
    return item.split == "holdout" or item.content_hash[-2:] >= BLIND_FROM


# Only pool labels count for the next round. A count that went on with each of them would tell which items are in the
# holdout, so it is told in steps.
STEP = 5


def in_steps(left: int) -> int:
    """The labels that are missing until a round, as those hear it who must not know which items are in the holdout."""
    return -(-left // STEP) * STEP


def at_round(counts: Counts, latest: Round | None) -> Counts:
    """The counts as the latest round knew them, for those who must not know which items are in the holdout: what counts
    pool and holdout apart stays as it is until the next round. What counts both together is of this moment.
    """
    labeled = latest.labels if latest else 0
    measured = latest.metrics if latest else None
    holdout, later = (measured.n, measured.later or 0) if measured else (0, 0)
    return replace(
        counts,
        labeled=labeled,
        holdout_labeled=holdout,
        per_class={},
        open=StillOpen(max(counts.pool - labeled, 0), max(counts.holdout - holdout, 0), counts.open.answers),
        newer=replace(counts.newer, items=counts.newer.drawn, labeled=later),  # a flag takes none out
    )
