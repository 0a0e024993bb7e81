"""Class probabilities of items by a model, and by each member of a committee."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from labeler.core import decisions
from labeler.core.items import Prediction, Progress
from labeler.core.labels import texts_of
from labeler.core.memory import at_a_time
from labeler.core.rounds import Dataset
from labeler.core.settings import Config
from labeler.engine import engines
from labeler.engine.protocol import Report
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
    done = 0

    def report(parts: int) -> None:
        nonlocal done
        done += parts
        if on_progress and parts:
            on_progress(done, len(positions))

    parts = [model.predict_proba(dataset, positions[:0])]  # the result for no positions is (0, C)
    engine = engines.current()
    parts += engine.map(partial(_proba, model), shards(dataset, positions, engine.apart), report, gpu=True)
    return np.concatenate(parts)


def member_proba(committee: Committee, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
    """Class probabilities by each member of the committee; where they disagree, a label is informative.

    Args:    positions: (k,) int, into the dataset.
    Returns: (M, k, C) float64, as `Model.predict_proba`.
    Raises:  LabelerError: the committee was trained on other features.
    """
    parts, engine = [committee.member_proba(dataset, positions[:0])], engines.current()
    parts += engine.map(partial(_member_proba, committee), shards(dataset, positions, engine.apart), gpu=True)
    return np.concatenate(parts, axis=1)


Shard = tuple[Dataset, np.ndarray]


def shards(dataset: Dataset, positions: np.ndarray, apart: bool) -> Iterator[Shard]:
    """The items at `positions`, so many at a time as are scored together.

    Args: apart: whether each shard has a data set of its own, with its items alone.
    """
    size = at_a_time(BATCH)
    for start in range(0, len(positions), size):
        part = positions[start : start + size]
        yield (dataset.part(part), np.arange(len(part))) if apart else (dataset, part)


def _proba(model: Model, shard: Shard, report: Report) -> np.ndarray:
    proba = model.predict_proba(*shard)
    report(len(proba))
    return proba


def _member_proba(committee: Committee, shard: Shard, report: Report) -> np.ndarray:
    return committee.member_proba(*shard)


def opinions(model: Model, dataset: Dataset, positions: np.ndarray, config: Config) -> list[Prediction]:
    """The likeliest class, or set of classes, of each of the items at `positions`, with its probability."""
    proba = class_proba(model, dataset, positions)
    answers = decisions.predicted(proba, config.several)
    confidence = decisions.proba_of_items(proba, answers)
    return [Prediction(text, float(p)) for text, p in zip(texts_of(answers, config), confidence, strict=True)]
