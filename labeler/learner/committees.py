"""Committees whose members share one backbone's features or come from one training, so that they cost little."""

from dataclasses import replace
from typing import Protocol

import numpy as np

from labeler.core.rounds import Dataset
from labeler.core.settings import LearnerConfig
from labeler.learner.estimators import Estimator, bootstrapped
from labeler.learner.heads import fit_committee
from labeler.learner.model import FineTuned, Fitted, LinearHeads, reader
from labeler.learner.task import LearningTask

DROPPED = 0.5  # share of the features that are masked for a member of a dropout committee


class Committee(Protocol):
    """Several models that learned from the same labels and may disagree about an item."""

    def member_proba(self, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """(M, k, C) float64: each member's probabilities, as `Model.predict_proba`."""
        ...


class Snapshots:
    """States of one training as members; an item is read once for all of them."""

    def __init__(self, models: tuple[FineTuned, ...]) -> None:
        self.models = models
        self._readers = [reader(states) for states in zip(*(model.networks for model in models), strict=True)]

    def __reduce__(self) -> tuple[type["Snapshots"], tuple[tuple[FineTuned, ...]]]:
        """What travels to another process: not what this one has loaded."""
        return Snapshots, (self.models,)

    def member_proba(self, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """(M, k, C) as `Committee.member_proba`."""
        inputs = dataset.inputs_at(positions)
        of_models = zip(*(read(inputs) for read in self._readers), strict=True)
        return np.stack(
            [model.of_features(own, dataset, positions) for model, own in zip(self.models, of_models, strict=True)]
        )


def committee(task: LearningTask, fitted: Fitted, learner: LearnerConfig, seed: int) -> Committee:
    """The committee of kind `learner.committee` around the round's model.

    `bootstrap`: heads on the frozen features, each fitted to a bootstrap of the labels. `dropout`: the model itself
    with other features masked for each member. `snapshots`: the states after the last epochs of fine-tuning; without
    fine-tuning there are none, and bootstraps take their place. Other heads than the linear ones are bootstrapped.

    Args:   fitted: the round's model, trained on this task.
    Raises: TooFewClassesError: fewer than two classes among the labels.
    """
    if isinstance(fitted.model, Estimator):
        return bootstrapped(fitted.model, learner.members, seed)
    if learner.committee == "snapshots" and len(fitted.snapshots) > 1:
        return Snapshots(fitted.snapshots)
    if learner.committee == "dropout" and isinstance(fitted.model, LinearHeads | FineTuned):
        return with_dropout(fitted.model, learner.members, seed)
    return fit_committee(task, learner.members, seed)


def with_dropout(model: LinearHeads | FineTuned, members: int, seed: int) -> LinearHeads | FineTuned:
    """The model as `members` copies, each with a random share of the features masked before the head.

    A mask on the features of a linear head is a mask on its weights, so all members together cost one pass through
    the network. Each member has the same mask for every item.

    Source: Gal and Ghahramani 2016 (dropout at prediction), on the last layer; masks kept over the items as in
            Kirsch et al. 2019, section 3 (consistent dropout).
    """
    if isinstance(model, FineTuned):
        frozen, head = (_masked(heads, members, seed + n) for n, heads in enumerate((model.frozen, model.head)))
        return replace(model, frozen=frozen, head=head)
    return _masked(model, members, seed)


def _masked(heads: LinearHeads, members: int, seed: int) -> LinearHeads:
    rng = np.random.default_rng(seed)
    kept = rng.random((members, 1, heads.weight.shape[2])) >= DROPPED
    weight = heads.weight.mean(axis=0) * kept.astype(np.float32) / (1 - DROPPED)
    return replace(heads, weight=weight.astype(np.float32), bias=np.repeat(heads.bias.mean(axis=0)[None], members, 0))
