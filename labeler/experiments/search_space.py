"""The search space: the levers of fine-tuning with their ranges, as far as a project allows them.

Only people know which augmentations keep the label, since a mirrored scan may mean something else. So a search tries
only those that the project uses already or that the request names.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, get_args

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from labeler.core.errors import LabelerError
from labeler.core.items import Modality
from labeler.core.jobs import TuningRequest
from labeler.core.settings import Augmentation, Config, LearnerConfig

Space = dict[str, BaseDistribution]

AUGMENTATIONS: tuple[str, ...] = get_args(Augmentation)
LEVERS: Space = {
    "learning_rate": FloatDistribution(1e-5, 3e-3, log=True),
    "unfrozen": IntDistribution(1, 6),
    "decay": FloatDistribution(0.3, 1.0, step=0.1),
    "weight_decay": FloatDistribution(1e-4, 0.3, log=True),
    "epochs": IntDistribution(2, 24, log=True),
    "dropout": FloatDistribution(0.0, 0.5, step=0.1),
    "l2_sp": CategoricalDistribution((0.0, 0.1, 1.0, 10.0)),
    "label_smoothing": FloatDistribution(0.0, 0.2, step=0.05),
}
OF_IMAGES, OF_TEXTS = ("augment", "augment_strength"), ("token_dropout",)
STRENGTH, TOKENS = FloatDistribution(0.2, 1.0, step=0.2), FloatDistribution(0.0, 0.3, step=0.1)
GRID = ("learning_rate", "unfrozen")  # by default: the two levers that matter most, since a grid multiplies
POINTS = {True: 4, False: 3}  # of a grid for each lever, on a logarithmic scale and on a linear one


def levers_of(modality: Modality) -> tuple[str, ...]:
    """The names of all levers that a search can vary."""
    return (*LEVERS, *(OF_IMAGES if modality == "image" else OF_TEXTS))


def allowed(config: Config, request: TuningRequest) -> tuple[str, ...]:
    """The augmentations that may be tried: the project's own, and those that the request names."""
    named = {*config.learner.finetune.augment, *request.augment}
    return tuple(kind for kind in AUGMENTATIONS if kind in named)


def check(request: TuningRequest, config: Config) -> None:
    """Check a request.

    Raises: LabelerError: names what is wrong with it.
    """
    levers = levers_of(config.modality)
    for name in request.levers:
        if name not in levers:
            raise LabelerError(
                "There is no lever {name!r} of {modality}s: choose from {known}.",
                name=name,
                modality=config.modality,
                known=", ".join(levers),
            )
    if request.augment and config.modality == "text":
        raise LabelerError("Augmentations are of images, and this project has texts: leave them out.")
    for name in request.augment:
        if name not in AUGMENTATIONS:
            raise LabelerError(
                "There is no augmentation {name!r}: choose from {augmentations}.",
                name=name,
                augmentations=", ".join(AUGMENTATIONS),
            )
    if set(request.levers) & set(OF_IMAGES) and not allowed(config, request):
        raise LabelerError("No augmentation may be tried: name those that change no meaning, e.g. crop.")
    if request.seconds <= 0 or request.trials < 2 or not 2 <= request.folds <= 10:
        raise LabelerError("A search needs some seconds, 2 settings or more, and 2 to 10 folds.")


def space_of(config: Config, request: TuningRequest, backbones: Sequence[str]) -> Space:
    """The distribution of each lever.

    Args:    backbones: those that can be fine-tuned, by the names of the settings.
    Returns: a distribution for each lever; none if no backbone can be fine-tuned.
    """
    if not backbones:
        return {}
    wanted = request.levers or (GRID if request.sampler == "grid" else levers_of(config.modality))
    kinds = allowed(config, request)
    space = {name: distribution for name, distribution in LEVERS.items() if name in wanted}
    if "token_dropout" in wanted:
        space["token_dropout"] = TOKENS
    if "augment" in wanted:
        space |= {f"augment.{kind}": CategoricalDistribution((False, True)) for kind in kinds}
    if "augment_strength" in wanted and {"crop", "colour", "noise"} & set(kinds):
        space["augment_strength"] = STRENGTH
    if len(backbones) > 1:
        space["backbone"] = CategoricalDistribution(tuple(backbones))
    return space


def setting(learner: LearnerConfig, backbones: Sequence[str], params: Mapping[str, Any]) -> LearnerConfig:
    """The learner's settings with the values drawn from the space; others stay as they are.

    Args: backbones: those that can be fine-tuned; the first is used if none was drawn.
    """
    levers = {name: _two_digits(value) for name, value in params.items() if "." not in name and name != "backbone"}
    drawn = {name.removeprefix("augment.") for name, value in params.items() if value and "." in name}
    if any("." in name for name in params):
        levers["augment"] = tuple(kind for kind in AUGMENTATIONS if kind in drawn)
    return replace(
        with_backbone(learner, params.get("backbone", backbones[0])),
        kind="finetune" if learner.kind == "frozen" else learner.kind,
        finetune=replace(learner.finetune, **levers),
    )


def with_backbone(learner: LearnerConfig, name: str) -> LearnerConfig:
    """The settings with another backbone, without adapted weights, which are of the project's own backbone."""
    return learner if name == learner.backbone else replace(learner, backbone=name, adapted=False)


def _two_digits(value: Any) -> Any:
    """A number rounded to two digits; a search cannot distinguish more."""
    return float(f"{value:.2g}") if isinstance(value, float) else value


def grid(space: Space, seed: int) -> list[dict[str, Any]]:
    """All combinations of some points of each lever, shuffled, so that a search cut short covers the whole space."""
    cells = [dict(zip(space, cell, strict=True)) for cell in itertools.product(*map(points, space.values()))]
    return [cells[place] for place in np.random.default_rng(seed).permutation(len(cells))]


def points(distribution: BaseDistribution) -> list[Any]:
    """A few values, evenly spread on the lever's scale from lowest to highest; all values of a choice."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    spread = np.geomspace if distribution.log else np.linspace
    values = spread(distribution.low, distribution.high, POINTS[distribution.log])
    if isinstance(distribution, IntDistribution):
        return [round(value) for value in values]
    low, step = distribution.low, distribution.step
    return [_two_digits(float(value if step is None else low + step * round((value - low) / step))) for value in values]


def changes(before: LearnerConfig, after: LearnerConfig) -> dict[str, Any]:
    """The values of `[learner]` that change from the one to the other, as plain values."""

    def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: differing(old[name], value) if isinstance(value, dict) else value
            for name, value in new.items()
            if value != old[name]
        }

    return differing(asdict(before), asdict(after))


def in_words(levers: Mapping[str, Any]) -> str:
    """Settings as a person reads them: `learning_rate 0.0003, unfrozen 4`."""
    flat = {k: v for k, v in levers.items() if not isinstance(v, dict)} | dict(levers.get("finetune", {}))
    return ", ".join(f"{name} {value_text(value)}" for name, value in flat.items())


def value_text(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, tuple | list):
        return " + ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def range_in_words(distribution: BaseDistribution) -> str:
    """The range of a lever: `1e-05 to 0.003, logarithmic`."""
    if isinstance(distribution, CategoricalDistribution):
        return ", ".join(map(value_text, distribution.choices))
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return f"{distribution.low:g} to {distribution.high:g}" + (", logarithmic" if distribution.log else "")
