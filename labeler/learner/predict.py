"""Class probabilities of items by a model, and by each member of a committee."""

import numpy as np

from labeler.core import decisions
from labeler.core.items import Prediction, Progress
from labeler.core.labels import texts_of
from labeler.core.memory import at_a_time
from labeler.core.rounds import Dataset
from labeler.core.settings import Config
from labeler.learner.committees import Committee
from labeler.learner.model import Model

BATCH = 4096  # items that are in memory at a time


def class_proba(
    model: Model, dataset: Dataset, positions: np.ndarray, on_progress: Progress | None = None
) -> np.ndarray:
    """Class probabilities of the items at `positions`, over all of the project's classes.

    Args:    positions: (k,) int, into the dataset. on_progress: called with (done, k).
    Returns: (k, C) float64, as `Model.predict_proba`.
    Raises:  LabelerError: the model was trained on other features, or an input cannot be read.
    """
    parts = [model.predict_proba(dataset, positions[:0])]  # the result for no positions is (0, C)
    size = at_a_time(BATCH)
    for start in range(0, len(positions), size):
        parts.append(model.predict_proba(dataset, positions[start : start + size]))
        if on_progress:
            on_progress(min(start + size, len(positions)), len(positions))
    return np.concatenate(parts)


def member_proba(committee: Committee, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
    """Class probabilities by each member of the committee; where they disagree, a label is informative.

    Args:    positions: (k,) int, into the dataset.
    Returns: (M, k, C) float64, as `Model.predict_proba`.
    Raises:  LabelerError: the committee was trained on other features.
    """
    parts = [committee.member_proba(dataset, positions[:0])]
    size = at_a_time(BATCH)
    for start in range(0, len(positions), size):
        parts.append(committee.member_proba(dataset, positions[start : start + size]))
    return np.concatenate(parts, axis=1)


def opinions(model: Model, dataset: Dataset, positions: np.ndarray, config: Config) -> list[Prediction]:
    """The likeliest class, or set of classes, of each of the items at `positions`, with its probability."""
    proba = class_proba(model, dataset, positions)
    answers = decisions.predicted(proba, config.several)
    confidence = decisions.proba_of_items(proba, answers)
    return [Prediction(text, float(p)) for text, p in zip(texts_of(answers, config), confidence, strict=True)]
