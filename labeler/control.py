"""What random sampling would have cost, measured from the items that were drawn at random: the control arm."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labeler import decisions
from labeler.errors import TooFewClassesError
from labeler.heads import fit_heads
from labeler.model import Normalizer
from labeler.types import Dataset, Labels, Progress

SIZES = (20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640, 896, 1280)  # of subsamples: labels, each √2 times the last
REPEATS = 14  # subsamples of a size


@dataclass(frozen=True)
class Shadows:
    """Models that random subsamples of the arm taught, measured on the holdout items that were not among them.

    sizes: (b,) int, labels that taught each. right, unseen: (b, H) bool; `right` counts where `unseen`.
    arm: labels that the subsamples are drawn from.
    """

    sizes: np.ndarray
    right: np.ndarray
    unseen: np.ndarray
    arm: int


def shadows(
    dataset: Dataset,
    arm: Labels,
    holdout: Labels,
    n_classes: int,
    normalizer: Normalizer,
    seed: int,
    sizes: Sequence[int] = SIZES,
    on_progress: Progress | None = None,
) -> Shadows:
    """Teach the frozen heads with subsamples of the arm, drawn without replacement, `REPEATS` of each size up to half.

    Args: on_progress: called between the fits; what it raises ends them.
    """
    rng = np.random.default_rng(seed)
    wanted = [s for s in sizes if 2 * s <= len(arm) for _ in range(REPEATS)]
    right, unseen = np.zeros((2, len(wanted), len(holdout)), dtype=bool)
    for row, size in enumerate(wanted):
        if on_progress:
            on_progress(row, len(wanted))
        drawn = rng.choice(len(arm), size, replace=False)
        taught = Labels(arm.positions[drawn], arm.targets[drawn])
        unseen[row] = ~np.isin(holdout.positions, taught.positions)
        right[row] = right_on(dataset, taught, holdout, n_classes, normalizer)
    return Shadows(np.array(wanted, dtype=np.intp), right, unseen, len(arm))


def right_on(
    dataset: Dataset, taught: Labels, holdout: Labels, n_classes: int, normalizer: Normalizer
) -> np.ndarray:
    """(H,) bool: which holdout items the frozen heads get right that `taught` taught.

    Labels that are all the same teach to give that answer always.
    """
    try:
        model = fit_heads(dataset, taught, n_classes, normalizer)
    except TooFewClassesError:
        same = holdout.targets == taught.targets[0]
        return same.all(axis=1) if taught.several else same
    return decisions.right(model.predict_proba(dataset, holdout.positions), holdout.targets)
