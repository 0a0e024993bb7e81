"""Which labels are likely wrong: confident learning on what models say of labels that they were not trained on."""

import numpy as np

from labeler.core.errors import TooFewClassesError
from labeler.core.items import Progress
from labeler.core.rounds import Dataset, Labels
from labeler.learner.cross_validation import stratified
from labeler.learner.heads import fit_heads
from labeler.learner.model import Normalizer

# Imports of cleanlab are deferred: it is slow to load.

FEWEST = 20  # labels; with fewer every model is a guess, and so is its doubt


def out_of_sample(
    dataset: Dataset,
    labels: Labels,
    n_classes: int,
    normalizer: Normalizer,
    seed: int,
    folds: int = 5,
    on_progress: Progress | None = None,
) -> np.ndarray:
    """What frozen heads that were not trained on a label say of its item, for each label.

    Args:    labels: of the pool; several classes an item as well. seed: of the folds.
             on_progress: called with (done, total) folds.
    Returns: (n, C) float; rows sum to 1, or, of several classes, each class has a yes of its own.
    Raises:  TooFewClassesError: the labels are too few, or tell nothing apart.
    Source:  Northcutt, Jiang and Chuang 2021, section 2 (out-of-sample predicted probabilities by cross-validation).
    """
    if len(labels) < FEWEST:
        raise TooFewClassesError(f"{len(labels)} labels are too few to check each other: {FEWEST} are needed.")
    proba = np.empty((len(labels), n_classes))
    everything = np.arange(len(labels))
    for fold, rows in enumerate(stratified(labels.targets, folds, seed)):
        others = np.setdiff1d(everything, rows)
        known = Labels(labels.positions[others], labels.targets[others])
        proba[rows] = fit_heads(dataset, known, n_classes, normalizer).predict_proba(dataset, labels.positions[rows])
        if on_progress:
            on_progress(fold + 1, folds)
    return proba


def label_quality(proba: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """How likely each label is right, in the eyes of models that have not seen it; lower is looked at first.

    Args:    proba: (n, C) out of sample. targets: (n,) int, or (n, C) of 0 and 1 where an item has several classes.
    Returns: (n,) from 0 to 1: the probability of the label (self-confidence); of several classes a mean of its
             decisions that the most doubtful ones dominate (exponential moving average).
    Source:  Kuan and Mueller 2022, section 2 (label quality scores); Thyagarajan et al. 2022 (several classes);
             computed by cleanlab.
    """
    if targets.ndim == 2:
        from cleanlab.multilabel_classification import get_label_quality_scores as of_several

        return np.asarray(of_several(_lists(targets), np.asarray(proba)))
    from cleanlab.rank import get_label_quality_scores

    return np.asarray(get_label_quality_scores(targets, np.asarray(proba), method="self_confidence"))


def likely_errors(proba: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Which labels are likely wrong, by the noise that the labels and the probabilities together show.

    Args:    proba: (n, C) out of sample. targets: (n,) int, or (n, C) of 0 and 1 where an item has several classes.
    Returns: (n,) bool.
    Source:  Northcutt, Jiang and Chuang 2021, section 3 (confident joint; prune by noise rate); computed by cleanlab.
    """
    if targets.ndim == 2:
        from cleanlab.multilabel_classification.filter import find_label_issues as of_several

        return np.asarray(of_several(_lists(targets), np.asarray(proba), n_jobs=1))
    from cleanlab.filter import find_label_issues

    # cleanlab wants labels of every class: those without one are left out, as the models know nothing of them
    classes, dense = np.unique(targets, return_inverse=True)
    seen = np.asarray(proba)[:, classes]
    seen = np.maximum(seen, 1e-9)
    return np.asarray(find_label_issues(dense, seen / seen.sum(axis=1, keepdims=True), n_jobs=1))


def chance_of_error(quality: np.ndarray, noise: float, outcomes: int) -> np.ndarray:
    """How likely each label is wrong, in the eyes of the models and of whoever gave it together, by Bayes' rule.

    Models alone are often unsure where people are right. That a person gave the label counts for it, as much as labels
    are right in general; a mistake is as likely to be any other class.

    Args:    quality: (n,) the probability of the label, of models that have not seen it. noise: the share of labels
             that are wrong. outcomes: of a decision: the classes, or yes and no.
    Returns: (n,) from 0 to 1, in the same order as falling `quality`.
    """
    noise = float(np.clip(noise, 0.01, 0.5))
    wrong = (1 - quality) * noise / (outcomes - 1)
    return wrong / np.maximum(wrong + quality * (1 - noise), 1e-12)


def _lists(targets: np.ndarray) -> list[list[int]]:
    """The classes of each item, as cleanlab wants them."""
    return [np.flatnonzero(row).tolist() for row in targets]
