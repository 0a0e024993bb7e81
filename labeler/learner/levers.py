"""What "auto" stands for in the levers of fine-tuning, and what of it fits into the time that a round may take."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from labeler.core.settings import FinetuneConfig

# Chosen by trials on parts of the pools, a few seeds each; `bench/learner/finetuning.py` measures them. Texts: all of
# MiniLM's layers, gently, and pulling texts of a class together. Images: the last stages, boldly: they were made for
# others.
TEXTS: dict[str, Any] = {
    "objective": "both",
    "unfrozen": 6,
    "epochs": 3,
    "learning_rate": 1e-4,
    "decay": 0.9,
}
IMAGES: dict[str, Any] = {
    "objective": "cross_entropy",
    "unfrozen": 4,
    "epochs": 12,
    "learning_rate": 1e-3,
    "decay": 0.7,
}
PART, LARGEST_PART = 0.2, 100  # of the labels that is held back at a time, in items at most
VALIDATED = 60  # items that must have been held back before what fine-tuning brings is believed
AUTO_FROM = 100  # labels from which `auto` fine-tunes: with fewer it gains little, and rounds take a second without
CHECKING = 0.35  # what a forward pass costs of a training step


@dataclass(frozen=True)
class Plan:
    """How often labels are held back (`folds` parts, one after the other), and whether all teach in the end."""

    levers: FinetuneConfig
    folds: int
    seconds: float  # that it should take

    def as_dict(self) -> dict[str, Any]:
        """What was chosen, as a round stores it."""
        return asdict(self.levers)


def resolve(levers: FinetuneConfig, about_texts: bool, several: bool = False) -> FinetuneConfig:
    """The levers with a value in place of each "auto", but `refit`, which is a question of time.

    Args: several: whether an item has several classes: then there are no items of a class to be pulled together.
    """
    measured = TEXTS if about_texts else IMAGES
    if several:
        measured = measured | {"objective": "cross_entropy"}
    return replace(levers, **{name: value for name, value in measured.items() if getattr(levers, name) == "auto"})


def part_of(labels: int) -> float:
    """The share of the labels that is held back at a time."""
    return min(PART, LARGEST_PART / labels)


def folds_of(labels: int) -> int:
    """How many parts of the labels are held back one after the other, so that `VALIDATED` items are; 0: too few."""
    return 0 if labels * 2 < VALIDATED else min(round(1 / PART), math.ceil(VALIDATED / (PART * labels)))


def fit_time(levers: FinetuneConfig, labels: int, epoch_seconds: float, left: float) -> Plan | None:
    """The fullest plan that fits: all epochs and a refit, then without the refit, then fewer epochs.

    Without a refit a single part is held back, since there is one network to be used. So the levers of a plan, given
    again with enough time, lead to the same plan.

    Args:    levers: none of them "auto", but maybe `refit`. epoch_seconds: of an epoch over all labels.
             left: seconds that there are.
    Returns: None if not even one epoch fits.
    """
    wanted, folds, part = int(levers.epochs), folds_of(labels), part_of(labels)
    checked = 1 - part + CHECKING * part  # of an epoch over all labels, for an epoch that holds a part back

    def plan(epochs: int, folds: int, refit: bool) -> Plan:
        seconds = epochs * epoch_seconds * (folds * checked + refit)
        return Plan(replace(levers, epochs=epochs, refit=refit), folds, seconds)

    plans = []
    if levers.refit is not False:
        plans.append(plan(wanted, folds, True))
    if levers.refit is not True:
        plans += [plan(epochs, 1, False) for epochs in range(wanted, 0, -1)]
    else:
        plans += [plan(epochs, folds, True) for epochs in range(wanted - 1, 0, -1)]
    return next((one for one in plans if one.seconds <= left), None)
