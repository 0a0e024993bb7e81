"""Likely label errors: confident learning on out-of-sample probabilities."""

import numpy as np

from labeler.core.errors import TooFewClassesError
from labeler.core.items import Progress
from labeler.learner.cross_validation import stratified
from labeler.learner.heads import fit_heads
from labeler.learner.task import LearningTask

# Imports of cleanlab are deferred: it is slow to load.

FEWEST = 20  # labels: models trained on fewer are too poor to doubt a label


def out_of_sample(task: LearningTask, seed: int, folds: int = 5, on_progress: Progress | None = None) -> np.ndarray:
    """Out-of-sample probabilities of each labeled item, by cross-validated frozen heads.

    Args:    task: its labels are of the pool, of one or several classes an item. seed: of the folds.
             on_progress: called with (done, total) folds.
    Returns: (n, C) float; rows sum to 1, or, where an item has several classes, each column is a yes-probability.
    Raises:  TooFewClassesError: fewer than `FEWEST` labels, or fewer than two classes among them.
    Source:  Northcutt, Jiang and Chuang 2021, section 2 (out-of-sample predicted probabilities by cross-validation).
    """
    labels = task.labels
    if len(labels) < FEWEST:
        raise TooFewClassesError(
            "{labels} labels are too few to check each other: {fewest} are needed.", labels=len(labels), fewest=FEWEST
        )
    proba = np.empty((len(labels), task.n_classes))
    all_rows = np.arange(len(labels))
    for fold, rows in enumerate(stratified(labels.targets, folds, seed)):
        heads = fit_heads(task.subset(np.setdiff1d(all_rows, rows)))
        proba[rows] = heads.predict_proba(task.dataset, labels.positions[rows])
        if on_progress:
            on_progress(fold + 1, folds)
    return proba


def label_quality(proba: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The probability that each label is right, from out-of-sample probabilities.

    Args:    proba: (n, C) out of sample. targets: (n,) int, or (n, C) of 0 and 1 where an item has several classes.
    Returns: (n,) from 0 to 1: the probability of the label (self-confidence); with several classes an item, a mean
             of its decisions that the most doubtful ones dominate (exponential moving average).
    Source:  Kuan and Mueller 2022, section 2 (label quality scores); Thyagarajan et al. 2022 (several classes);
             computed by cleanlab.
    """
    if targets.ndim == 2:
        from cleanlab.multilabel_classification import get_label_quality_scores as of_several

        return np.asarray(of_several(_lists(targets), np.asarray(proba)))
    from cleanlab.rank import get_label_quality_scores

    return np.asarray(get_label_quality_scores(targets, np.asarray(proba), method="self_confidence"))


def likely_errors(proba: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """A mask of the labels that are likely wrong, from the noise that labels and probabilities show together.

    Args:    proba: (n, C) out of sample. targets: (n,) int, or (n, C) of 0 and 1 where an item has several classes.
    Returns: (n,) bool.
    Source:  Northcutt, Jiang and Chuang 2021, section 3 (confident joint; prune by noise rate); computed by cleanlab.
    """
    if targets.ndim == 2:
        from cleanlab.multilabel_classification.filter import find_label_issues as of_several

        return np.asarray(of_several(_lists(targets), np.asarray(proba), n_jobs=1))
    from cleanlab.filter import find_label_issues

    # cleanlab needs labels of every class, so classes without a label are left out; their probability is 0
    classes, dense = np.unique(targets, return_inverse=True)
    present = np.maximum(np.asarray(proba)[:, classes], 1e-9)
    return np.asarray(find_label_issues(dense, present / present.sum(axis=1, keepdims=True), n_jobs=1))


def chance_of_error(quality: np.ndarray, noise: float, outcomes: int) -> np.ndarray:
    """The probability that each label is wrong, from models and annotator together, by Bayes' rule.

    Models alone are often unsure where people are right. The prior probability of a right label is 1 − `noise`; a
    mistake is equally likely to be any other class.

    Args:    quality: (n,) out-of-sample probability of the label. noise: the share of labels that are wrong.
             outcomes: possible outcomes of a decision: the number of classes, or 2 for yes and no.
    Returns: (n,) from 0 to 1; it falls as `quality` rises.
    """
    noise = float(np.clip(noise, 0.01, 0.5))
    wrong = (1 - quality) * noise / (outcomes - 1)
    return wrong / np.maximum(wrong + quality * (1 - noise), 1e-12)


def _lists(targets: np.ndarray) -> list[list[int]]:
    """The classes of each item as lists, which is the form that cleanlab takes."""
    return [np.flatnonzero(row).tolist() for row in targets]
