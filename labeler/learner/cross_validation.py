"""Cross-validation: out-of-fold probabilities of models that have the same settings."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from labeler.core import decisions
from labeler.core.errors import TrainingError
from labeler.core.items import Progress
from labeler.core.rounds import Training
from labeler.core.settings import LearnerConfig
from labeler.learner.folds import stratified
from labeler.learner.model import Fitted
from labeler.learner.task import LearningTask

FLOOR = 1e-4  # the smallest probability that counts, so that a single confident error does not dominate the mean


class Fit(Protocol):
    """A function like `labeler.learner.train.fit`."""

    def __call__(
        self, task: LearningTask, learner: LearnerConfig, seed: int, on_progress: Progress | None = None
    ) -> Fitted: ...


@dataclass(frozen=True)
class HeldOut:
    """How well a model predicts labels that it was not trained on.

    rows: (r,) which labels. log_likelihood: (r,) of the true label, in nats. right: (r,) bool. Where an item has
    several classes, both are of all its decisions together.
    share: the fine-tuned network's weight in the probabilities. note: on how the model came about.
    """

    rows: np.ndarray
    log_likelihood: np.ndarray
    right: np.ndarray
    share: float
    note: str = ""

    @classmethod
    def of(cls, rows: np.ndarray, proba: np.ndarray, targets: np.ndarray, training: Training) -> Self:
        """The figures of probabilities.

        Args: proba: (r, C) of the rows. targets: (r,) int, their true classes, or (r, C) of 0 and 1.
              training: of the model.
        """
        true = np.log(np.maximum(decisions.proba_of_targets(proba, targets), FLOOR)).reshape(len(rows), -1).sum(axis=1)
        return cls(rows, true, decisions.correct(proba, targets), training.share, training.note)

    @classmethod
    def whole(cls, parts: Sequence["HeldOut"]) -> Self:
        """Several folds together, in the order of the labels."""
        rows, log_likelihood, right = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "log_likelihood", "right")
        )
        order = np.argsort(rows)
        share = float(np.mean([part.share for part in parts]))
        return cls(rows[order], log_likelihood[order], right[order], share, parts[-1].note)


def cross_validate(
    task: LearningTask,
    learner: LearnerConfig,
    folds: int,
    seed: int,
    fit: Fit,
    tell: Callable[[int], None] = lambda fold: None,
) -> Iterator[HeldOut]:
    """For each fold, how well a model predicts it that was trained on the others.

    Args:    seed: of the folds and the models; settings that are to be compared have the same.
             tell: called with the fold, from 1 on, before its training begins and whenever that makes progress.
    Raises:  TrainingError: a model cannot be trained, or its probabilities are not finite.
    """
    labels, all_rows = task.labels, np.arange(len(task.labels))
    for number, rows in enumerate(stratified(labels.targets, folds, seed, task.groups)):

        def on_progress(done: int, total: int, fold: int = number + 1) -> None:
            tell(fold)

        tell(number + 1)
        fitted = fit(task.subset(np.setdiff1d(all_rows, rows)), learner, seed + number, on_progress)
        proba = fitted.model.predict_proba(task.dataset, labels.positions[rows])
        if not np.isfinite(proba).all():
            raise TrainingError("its probabilities are not finite.")
        yield HeldOut.of(rows, proba, labels.targets[rows], fitted.training)
