"""Cross-validation: what models with the same settings say of labels that each of them was not trained on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from labeler.backbones.encoder import Encoder
from labeler.core import decisions
from labeler.core.errors import TrainingError
from labeler.core.items import Progress
from labeler.core.rounds import Dataset, Labels, Training
from labeler.core.settings import LearnerConfig
from labeler.learner.model import Normalizer

if TYPE_CHECKING:
    from labeler.learner.train import Fitted

FLOOR = 1e-4  # no probability counts as less, so that a single item that is surely wrong does not decide


class Fit(Protocol):
    """As `labeler.learner.train.fit`."""

    def __call__(
        self,
        dataset: Dataset,
        labels: Labels,
        n_classes: int,
        learner: LearnerConfig,
        seed: int,
        encoder: Encoder | None = None,
        on_progress: Progress | None = None,
        normalizer: Normalizer | None = None,
    ) -> "Fitted": ...


@dataclass(frozen=True)
class Features:
    """What settings of one backbone are tried on: items as it sees them, and itself."""

    dataset: Dataset
    encoder: Encoder
    normalizer: Normalizer

    @classmethod
    def of(cls, dataset: Dataset, encoder: Encoder) -> Self:
        return cls(dataset, encoder, Normalizer.fit(dataset.embeddings, dataset.dims))


@dataclass(frozen=True)
class HeldOut:
    """What a model says of labels that it was not trained on.

    rows: (r,) which labels. log_likelihood: (r,) of the truth, in nats. right: (r,) bool. Of several classes an item
    the truth is in all of its decisions.
    share: of a fine-tuned network in the probabilities. note: on how the model came about.
    """

    rows: np.ndarray
    log_likelihood: np.ndarray
    right: np.ndarray
    share: float
    note: str = ""

    @classmethod
    def of(cls, rows: np.ndarray, proba: np.ndarray, targets: np.ndarray, training: Training) -> Self:
        """
        Args: proba: (r, C) of the rows. targets: (r,) int, their true classes, or (r, C) of 0 and 1.
              training: of the model.
        """
        true = np.log(np.maximum(decisions.of_truth(proba, targets), FLOOR)).reshape(len(rows), -1).sum(axis=1)
        return cls(rows, true, decisions.right(proba, targets), training.share, training.note)

    @classmethod
    def whole(cls, parts: Sequence["HeldOut"]) -> Self:
        """Several folds as one, in the order of the labels."""
        rows, log_likelihood, right = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "log_likelihood", "right")
        )
        order = np.argsort(rows)
        share = float(np.mean([part.share for part in parts]))
        return cls(rows[order], log_likelihood[order], right[order], share, parts[-1].note)


def cross_validate(
    features: Features,
    labels: Labels,
    n_classes: int,
    learner: LearnerConfig,
    folds: int,
    seed: int,
    fit: Fit,
    tell: Callable[[int], None] = lambda fold: None,
) -> Iterator[HeldOut]:
    """What models say of each fold when they are trained on the others, one after the other.

    Args:    seed: of the folds and the models; settings that are to be compared have the same.
             tell: told the fold, from 1 on, before it is begun and whenever its training goes on.
    Raises:  TrainingError: a model cannot be trained, or says nothing that is a probability.
    """
    everything = np.arange(len(labels))
    for number, rows in enumerate(stratified(labels.targets, folds, seed)):

        def on_progress(done: int, total: int, fold: int = number + 1) -> None:
            tell(fold)

        tell(number + 1)
        others = np.setdiff1d(everything, rows)
        known = Labels(labels.positions[others], labels.targets[others])
        fitted = fit(
            features.dataset,
            known,
            n_classes,
            learner,
            seed + number,
            features.encoder,
            on_progress,
            features.normalizer,
        )
        proba = fitted.model.predict_proba(features.dataset, labels.positions[rows])
        if not np.isfinite(proba).all():
            raise TrainingError("its probabilities are not finite.")
        yield HeldOut.of(rows, proba, labels.targets[rows], fitted.training)


def stratified(targets: np.ndarray, folds: int, seed: int) -> list[np.ndarray]:
    """The rows of each fold: every class is spread over all folds, as evenly as it goes.

    Args: targets: (n,) int, or (n, C) of 0 and 1; a class may have fewer items than there are folds.
    """
    order = np.random.default_rng(seed).permutation(len(targets))
    order = order[np.argsort(decisions.strata(targets)[order], kind="stable")]
    return [np.sort(order[fold::folds]) for fold in range(folds)]
