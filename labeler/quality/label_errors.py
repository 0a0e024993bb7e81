"""Out-of-sample probabilities of labeled items, by which labels are checked."""

import numpy as np

from labeler.core.errors import TooFewClassesError
from labeler.core.items import Progress
from labeler.learner.folds import stratified
from labeler.learner.heads import fit_heads
from labeler.learner.task import LearningTask

FEWEST = 20  # labels: models trained on fewer are too poor to doubt a label


def out_of_sample(task: LearningTask, seed: int, folds: int = 5, on_progress: Progress | None = None) -> np.ndarray:
    """Out-of-sample probabilities of each labeled item, by cross-validated linear heads, whatever the project's head.

    `labeler.quality.doubt` knows beforehand how sure linear heads are of the truth; of any other head it would have to
    guess, and the probabilities that labels are wrong would no longer be calibrated. A prior is left out for the same
    reason.

    Args:    task: its labels are of the pool, of one or several classes an item. seed: of the folds.
             on_progress: called with (done, total) folds.
    Returns: (n, C) float; rows sum to 1, or, where an item has several classes, each column is a yes-probability.
    Raises:  TooFewClassesError: fewer than `FEWEST` labels, or fewer than two classes among them.
    Source:  Northcutt, Jiang and Chuang 2021, section 2 (out-of-sample predicted probabilities by cross-validation).
    """
    task, labels = task.without_prior(), task.labels
    if len(labels) < FEWEST:
        raise TooFewClassesError(
            "{labels} labels are too few to check each other: {fewest} are needed.", labels=len(labels), fewest=FEWEST
        )
    proba = np.empty((len(labels), task.n_classes))
    all_rows = np.arange(len(labels))
    for fold, rows in enumerate(stratified(labels.targets, folds, seed, task.groups)):
        heads = fit_heads(task.subset(np.setdiff1d(all_rows, rows)))
        proba[rows] = heads.predict_proba(task.dataset, labels.positions[rows])
        if on_progress:
            on_progress(fold + 1, folds)
    return proba
