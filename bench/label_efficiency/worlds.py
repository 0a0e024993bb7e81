"""The same labeled data in other worlds: where settings are chosen, where experts err, where classes are rare."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from labeler.experiments.dataset import Task

ERRORS = 0.2  # share of the labels that are wrong
RARE = 0.1  # share of the items that rare classes keep
DRAWN = ("noisy",)  # worlds that differ by their draw: the first labels alone may be wrong ones by chance


def within_pool(task: Task, _draw: int = 0) -> Task:
    """A fifth of the pool measures, and the test split is not looked at.

    Settings are chosen here, so that what the test split says afterwards is no answer that was looked up.
    """
    shuffled = np.random.default_rng(0).permutation(task.pool)
    cut = len(shuffled) // 5
    return replace(task, pool=np.sort(shuffled[cut:]), holdout=np.sort(shuffled[:cut]))


def noisy(task: Task, draw: int = 0) -> Task:
    """A fifth of the pool's labels are wrong, drawn at random; the holdout's are right."""
    rng, classes = np.random.default_rng(draw), len(task.config.classes)
    wrong = rng.choice(task.pool, round(ERRORS * len(task.pool)), replace=False)
    targets = task.targets.copy()
    targets[wrong] = (targets[wrong] + rng.integers(1, classes, len(wrong))) % classes
    return replace(task, targets=targets)


def uneven(task: Task, _draw: int = 0) -> Task:
    """The later half of the classes is rare in the pool, a tenth of what they were; the holdout is as it was."""
    rare = task.targets[task.pool] >= len(task.config.classes) / 2
    kept = ~rare | (np.random.default_rng(0).random(len(task.pool)) < RARE)
    return replace(task, pool=task.pool[kept])


def skewed(task: Task, _draw: int = 0) -> Task:
    """Of class k of C only (C − k) / C are kept, k from 0, in the pool and in the holdout: both are of one law."""
    classes, rng = len(task.config.classes), np.random.default_rng(0)
    kept = rng.random(len(task.targets)) < 1 - task.targets / classes
    return replace(task, pool=task.pool[kept[task.pool]], holdout=task.holdout[kept[task.holdout]])


WORLDS: dict[str, Callable[[Task, int], Task]] = {
    "within_pool": within_pool,
    "noisy": noisy,
    "uneven": uneven,
    "skewed": skewed,
}
