"""Shadow models: trained on random subsamples of labels, measured on the holdout items outside the subsample."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from labeler.core import decisions
from labeler.core.errors import TooFewClassesError
from labeler.core.rounds import Labels
from labeler.learner.frozen import FrozenHead
from labeler.learner.task import LearningTask

SIZES = (20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640, 896, 1280)  # labels in a subsample, in steps of √2
REPEATS = 14  # subsamples of each size


@dataclass(frozen=True)
class Shadows:
    """The holdout items that the shadow models of b subsamples get right.

    sizes: (b,) int, labels in each subsample. right: (b, H) bool. unseen: (b, H) bool, which holdout items are outside
    the subsample; `right` counts only there. arm: number of labels that the subsamples are drawn from. groups: (H,) int
    of the holdout items, such as patients; None: there are no groups.
    """

    sizes: np.ndarray
    right: np.ndarray
    unseen: np.ndarray
    arm: int
    groups: np.ndarray | None = None

    def of(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """`right` and `unseen` of the models of one size."""
        return self.right[self.sizes == size].astype(float), self.unseen[self.sizes == size]


def subsamples(arm: int) -> list[int]:
    """The size of each subsample of an arm of `arm` labels: `REPEATS` of each size up to half of the arm."""
    return [size for size in SIZES if 2 * size <= arm for _ in range(REPEATS)]


def shadows(
    arm: LearningTask, holdout: Labels, head: FrozenHead, tell: Callable[[int], None] = lambda done: None
) -> Shadows:
    """The head, trained on random subsamples of the arm's labels and measured on the holdout.

    Args: head: its seed is that of the subsamples, too.
          tell: called between the fits with how many are done; what it raises ends them.
    """
    rng, sizes = np.random.default_rng(head.seed), subsamples(len(arm.labels))
    right, unseen = np.zeros((2, len(sizes), len(holdout)), dtype=bool)
    groups = arm.dataset.groups_of(holdout.positions)
    names = np.arange(len(arm.dataset)) if arm.dataset.groups is None else arm.dataset.groups
    for row, size in enumerate(sizes):
        tell(row)
        subsample = arm.subset(rng.choice(len(arm.labels), size, replace=False))
        unseen[row] = ~np.isin(names[holdout.positions], names[subsample.labels.positions])
        right[row] = right_on(subsample, holdout, head)
    return Shadows(np.array(sizes, dtype=np.intp), right, unseen, len(arm.labels), groups)


def right_on(task: LearningTask, holdout: Labels, head: FrozenHead) -> np.ndarray:
    """(H,) bool: which holdout items the head gets right when it is trained on the task.

    If all labels are of one class, that class is predicted for every item.
    """
    labels = task.labels
    try:
        model = head.fit(task)
    except TooFewClassesError:
        same = holdout.targets == labels.targets[0]
        return same.all(axis=1) if labels.several else same
    return decisions.correct(model.predict_proba(task.dataset, holdout.positions), holdout.targets)
