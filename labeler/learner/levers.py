"""The values that "auto" stands for in the levers of fine-tuning, and the plan that fits into a round's time."""

import math
from dataclasses import dataclass, replace
from typing import Any

from labeler.core.settings import FinetuneConfig

# Chosen by trials on parts of the pools, a few seeds each; `bench/learner/finetuning.py` measures them. Texts: all of
# MiniLM's layers at a low learning rate, with a contrastive term. Images: the last stages at a high learning rate,
# since they were trained for other classes.
TEXTS: dict[str, Any] = {
    "objective": "both",
    "unfrozen": 6,
    "epochs": 3,
    "learning_rate": 1e-4,
    "decay": 0.9,
    "cutmix": 0.0,
}
IMAGES: dict[str, Any] = {
    "objective": "cross_entropy",
    "unfrozen": 4,
    "epochs": 12,
    "learning_rate": 1e-3,
    "decay": 0.7,
    "cutmix": 1.0,
}
PART, LARGEST_PART = 0.2, 100  # share of the labels that is held back at a time, and its limit in items
VALIDATED = 60  # items that must be held back in all before the gain of fine-tuning counts
AUTO_FROM = 100  # labels from which `auto` fine-tunes: with fewer the gain is small, and frozen heads take a second
SEVERAL_FROM = 300  # labels from which further networks are tuned: at 100 they gain nothing, at 1,000 much
CHECKING = 0.35  # cost of a forward pass, as a share of a training step's


@dataclass(frozen=True)
class Plan:
    """The final levers, in how many `folds` labels are held back, and how many `seconds` that should take."""

    levers: FinetuneConfig
    folds: int
    seconds: float

    def is_all_of(self, wanted: FinetuneConfig) -> bool:
        """Whether neither epochs nor the refit were left out for want of time."""
        return self.levers.epochs == wanted.epochs and (bool(self.levers.refit) or wanted.refit is False)


def resolve(levers: FinetuneConfig, about_texts: bool, several: bool = False) -> FinetuneConfig:
    """The levers with a value in place of each "auto", except `refit` and `networks`, which depend on the time.

    Args: several: whether an item has several classes; then the contrastive objective has no classes to contrast.
    """
    defaults = TEXTS if about_texts else IMAGES
    if several:
        defaults = defaults | {"objective": "cross_entropy", "cutmix": 0.0}
    return replace(levers, **{name: value for name, value in defaults.items() if getattr(levers, name) == "auto"})


def networks_tried(levers: FinetuneConfig, labels: int, networks: int) -> int:
    """How many of the networks side by side are tuned if there is time."""
    if levers.networks != "auto":
        return min(int(levers.networks), networks)
    return networks if labels >= SEVERAL_FROM else 1


def part_of(labels: int) -> float:
    """The share of the labels that is held back at a time."""
    return min(PART, LARGEST_PART / labels)


def folds_of(labels: int) -> int:
    """In how many folds labels are held back, so that `VALIDATED` items are in all; 0: there are too few labels."""
    return 0 if labels * 2 < VALIDATED else min(round(1 / PART), math.ceil(VALIDATED / (PART * labels)))


def fit_time(
    levers: FinetuneConfig, labels: int, epoch_seconds: float, left: float, start_up: float = 0.0
) -> Plan | None:
    """The fullest plan that fits: all epochs and a refit, then without the refit, then fewer epochs.

    Without a refit there is a single fold, since its network is the one that is used. So the levers of a plan, given
    again with enough time, lead to the same plan.

    Args:    levers: none of them "auto" except `refit` and `networks`. epoch_seconds: of an epoch over all labels, of
             all networks. left: seconds until the round's time is over. start_up: seconds before the first epoch of
             each training.
    Returns: None if not even one epoch fits.
    """
    wanted, folds, part = int(levers.epochs), folds_of(labels), part_of(labels)
    checked = 1 - part + CHECKING * part  # cost of an epoch with a fold held back, as a share of one over all labels

    def plan(epochs: int, folds: int, refit: bool) -> Plan:
        seconds = epochs * epoch_seconds * (folds * checked + refit) + start_up * (folds + refit)
        return Plan(replace(levers, epochs=epochs, refit=refit), folds, seconds)

    plans = []
    if levers.refit is not False:
        plans.append(plan(wanted, folds, True))
    if levers.refit is not True:
        plans += [plan(epochs, 1, False) for epochs in range(wanted, 0, -1)]
    else:
        plans += [plan(epochs, folds, True) for epochs in range(wanted - 1, 0, -1)]
    return next((candidate for candidate in plans if candidate.seconds <= left), None)
