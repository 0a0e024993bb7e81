"""Committees that are cheap: members that share one backbone's features, or come from one training."""

from dataclasses import replace
from typing import Literal, Protocol

import numpy as np

from labeler.core.rounds import Dataset, Labels
from labeler.learner.heads import fit_committee
from labeler.learner.model import FineTuned, LinearHeads, Model, Normalizer

Kind = Literal["bootstrap", "dropout", "snapshots"]
DROPPED = 0.5  # share of the features that a member of a dropout committee does not see


class Committee(Protocol):
    """Several models that have seen the same labels and may differ in what they make of an item."""

    def member_proba(self, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """(M, k, C) float64: what each member says, as `Model.predict_proba`."""
        ...


class Snapshots:
    """States of one training as members."""

    def __init__(self, models: tuple[FineTuned, ...]) -> None:
        self.models = models

    def member_proba(self, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """(M, k, C) as `Committee.member_proba`."""
        return np.stack([one.predict_proba(dataset, positions) for one in self.models])


def committee(
    kind: Kind,
    model: Model,
    snapshots: tuple[FineTuned, ...],
    dataset: Dataset,
    labels: Labels,
    n_classes: int,
    members: int,
    seed: int,
    normalizer: Normalizer,
) -> Committee:
    """A committee around the round's model.

    `bootstrap`: heads on the frozen features, each fitted to a bootstrap of the labels. `dropout`: the model itself,
    each member blind to other features. `snapshots`: the states after the last epochs of fine-tuning; where nothing
    was fine-tuned there are none, and bootstraps take their place.

    Raises: TooFewClassesError: the labels tell nothing apart.
    """
    if kind == "snapshots" and len(snapshots) > 1:
        return Snapshots(snapshots)
    if kind == "dropout" and isinstance(model, LinearHeads | FineTuned):
        return with_dropout(model, members, seed)
    return fit_committee(dataset, labels, n_classes, members, seed, normalizer)


def with_dropout(model: LinearHeads | FineTuned, members: int, seed: int) -> LinearHeads | FineTuned:
    """The model as `members` of itself, each with a random share of the features left out before the head.

    A mask on the features of a linear head is a mask on its weights, so all members together cost one pass through
    the network, and each is the same function for every item.

    Source: Gal and Ghahramani 2016 (dropout at prediction), on the last layer; masks kept over the items as in
            Kirsch et al. 2019, section 3 (consistent dropout).
    """
    if isinstance(model, FineTuned):
        frozen, head = (_masked(one, members, seed + n) for n, one in enumerate((model.frozen, model.head)))
        return replace(model, frozen=frozen, head=head)
    return _masked(model, members, seed)


def _masked(heads: LinearHeads, members: int, seed: int) -> LinearHeads:
    rng = np.random.default_rng(seed)
    kept = rng.random((members, 1, heads.weight.shape[2])) >= DROPPED
    weight = heads.weight.mean(axis=0) * kept.astype(np.float32) / (1 - DROPPED)
    return replace(heads, weight=weight.astype(np.float32), bias=np.repeat(heads.bias.mean(axis=0)[None], members, 0))
