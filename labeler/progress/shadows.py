"""Shadow models: taught by random subsamples of labels, measured on the holdout items that were not among them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from labeler.core import decisions
from labeler.core.errors import TooFewClassesError
from labeler.core.rounds import Dataset, Labels
from labeler.learner.heads import fit_heads
from labeler.learner.model import Normalizer

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

    def of(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """`right` and `unseen` of the models of one size."""
        return self.right[self.sizes == size].astype(float), self.unseen[self.sizes == size]


def subsamples(arm: int) -> list[int]:
    """The size of each subsample of so many labels: `REPEATS` of each size up to half of them."""
    return [size for size in SIZES if 2 * size <= arm for _ in range(REPEATS)]


def shadows(
    dataset: Dataset,
    arm: Labels,
    holdout: Labels,
    n_classes: int,
    normalizer: Normalizer,
    seed: int,
    tell: Callable[[int], None] = lambda done: None,
) -> Shadows:
    """The frozen heads taught by subsamples of the arm, drawn without replacement, and measured.

    Args: tell: called between the fits with how many are done; what it raises ends them.
    """
    rng, sizes = np.random.default_rng(seed), subsamples(len(arm))
    right, unseen = np.zeros((2, len(sizes), len(holdout)), dtype=bool)
    for row, size in enumerate(sizes):
        tell(row)
        drawn = rng.choice(len(arm), size, replace=False)
        taught = Labels(arm.positions[drawn], arm.targets[drawn])
        unseen[row] = ~np.isin(holdout.positions, taught.positions)
        right[row] = right_on(dataset, taught, holdout, n_classes, normalizer)
    return Shadows(np.array(sizes, dtype=np.intp), right, unseen, len(arm))


def right_on(dataset: Dataset, taught: Labels, holdout: Labels, n_classes: int, normalizer: Normalizer) -> np.ndarray:
    """(H,) bool: which holdout items the frozen heads get right that `taught` taught.

    Labels that are all the same teach to give that answer always.
    """
    try:
        model = fit_heads(dataset, taught, n_classes, normalizer)
    except TooFewClassesError:
        same = holdout.targets == taught.targets[0]
        return same.all(axis=1) if taught.several else same
    return decisions.right(model.predict_proba(dataset, holdout.positions), holdout.targets)
