"""A round's model trained anew from its card: the same labels, settings, seed and levers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, load_file

from labeler.backbones.cache import embed
from labeler.backbones.choose import load_encoder
from labeler.backbones.encoder import Encoder
from labeler.core.errors import LabelerError
from labeler.core.items import Progress
from labeler.core.labels import labels_at
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import Config
from labeler.core.settings_parser import parse
from labeler.cycle.guesses import NO_MODEL, guesses_of, prior_model
from labeler.cycle.round import train
from labeler.cycle.snapshot import known_of
from labeler.cycle.state import State
from labeler.i18n.messages import Message, mark
from labeler.learner import saved_models as models
from labeler.learner.model import Model
from labeler.learner.prior import looked_at
from labeler.learner.task import LearningTask
from labeler.models import cards
from labeler.projects.project import Project
from labeler.store import Store

A_DAY = 86_400.0  # seconds that a round may take: so many that time limits no lever


@dataclass(frozen=True)
class Reproduced:
    """The model of a round, trained again.

    difference: the largest between its weights and those that were kept; infinity if they differ in names or shapes.
    before, now: what the round and this training were computed on, see `Training.computed_on`. inexact: operations
    whose result may differ each time.
    """

    model: Model
    difference: float
    before: Mapping[str, str]
    now: Mapping[str, str]
    inexact: Sequence[str]

    @property
    def reasons(self) -> list[Message]:
        """Why the weights may differ though everything was done alike."""
        reasons = []
        if self.before and self.before != self.now:
            reasons.append(
                mark(
                    "this compares two devices: the round was trained on {before}, this model on {now}",
                    before=_in_words(self.before),
                    now=_in_words(self.now),
                )
            )
        if self.inexact:
            reasons.append(mark("the GPU computes {names} in any order", names=", ".join(self.inexact)))
        return reasons


def _in_words(computed_on: Mapping[str, str]) -> str:
    about = [computed_on[part] for part in ("name", "precision") if part in computed_on]
    return ", ".join([*about, *(f"{part} {computed_on[part]}" for part in ("cuda", "cudnn") if part in computed_on)])


def reproduce(project: Project, number: int, on_progress: Progress | None = None) -> Reproduced:
    """The model of a round, trained again, beside the one that was kept.

    On the machine that trained it, with as many threads, the weights are the same; elsewhere sums of floats may have
    another order. The settings are those of the round, not the current ones.

    Raises: LabelerError: the round's card was removed (cards of the last rounds and of the best are kept), or its items
            or its encoder no longer exist.
    """
    path = project.models / f"round-{number:04d}.safetensors"
    card = _card_of(project, number, path)
    config = parse(card.config | {"learner": learner_of(card)}, str(cards.card_path(path)))

    with project.store() as store:
        items = store.items.columns().at(slice(card.items))
        _check_prior(store, config, number)
        guesses = guesses_of(store, config, items.ids[looked_at(len(items))])
    inputs, texts = project.inputs(items.ids), project.texts(items.ids)
    encoder = load_encoder(config.learner, config.modality, texts, project.embeddings)
    if encoder.key != card.encoder:
        raise LabelerError(
            "Round {number} was trained with another state of its backbone, which is not kept.", number=number
        )
    embeddings = embed(inputs, items.hashes, encoder, project.embeddings)
    place = {name.decode(): position for position, name in enumerate(items.hashes.tolist())}
    try:
        positions = [place[content] for content, _ in card.taught]
    except KeyError:
        raise LabelerError(
            "Round {number} was trained on items that are no longer in the project.", number=number
        ) from None
    labels = labels_at(positions, [text for _, text in card.taught], config)
    nothing = np.empty(0, dtype=np.intp)
    dataset = Dataset(inputs, embeddings, encoder.dims, items.groups)
    known = known_of(replace(project, config=config), encoder, card.sentences, guesses)
    task = LearningTask.of(dataset, labels, len(config.classes), encoder, project.folder).knowing(known)
    state = State(
        task if card.spread else replace(task, spread=None),
        pool=nothing,
        holdout=Labels(nothing, nothing),
        previous=_previous(project, number, config.learner.finetune.start, encoder),
    )
    fitted = train(state, config, card.seed, on_progress)
    if fitted is None:
        raise LabelerError("Round {number} had labels that tell nothing apart.", number=number)
    inexact = dict.fromkeys([*card.inexact, *fitted.training.inexact])
    apart = difference(fitted.model, path)
    return Reproduced(fitted.model, apart, card.computed_on, fitted.training.computed_on, tuple(inexact))


def learner_of(card: cards.Card) -> dict[str, Any]:
    """The learner's settings of a round, with the final levers; where nothing was tuned, those of heads alone.

    Older cards are of one network, without rectangles.
    """
    learner = {"prior_model": NO_MODEL} | card.config["learner"] | {"round_seconds": A_DAY}
    if not card.chosen:
        return learner | {"kind": "frozen"}  # time may have been too short, of which there is enough now
    return learner | {"finetune": {"cutmix": 0.0, "networks": 1, **card.chosen}}


def _check_prior(store: Store, config: Config, number: int) -> None:
    """Refuse a round that began with predictions that are not there any more. Raises: LabelerError."""
    wanted = config.learner.prior_model
    began = config.learner.prior != "off" and not config.learner.prior_column and wanted != NO_MODEL
    if began and prior_model(store, config) is None:
        raise LabelerError(
            "Round {number} began with the predictions of {model}, which were removed: import them again.",
            number=number,
            model=wanted,
        )


def _card_of(project: Project, number: int, path: Path) -> cards.Card:
    """The card of a round whose model is kept at `path`.

    Raises: LabelerError: there is none, or it does not say all that the training depended on.
    """
    if not cards.card_path(path).exists():
        kept = ", ".join(str(int(path.stem.removeprefix("round-"))) for path in sorted(project.models.glob("*.json")))
        raise LabelerError(
            "Round {number} has no card; the rounds that are kept: {kept}.", number=number, kept=kept or "none"
        )
    card = cards.load(path)
    if not card.items:
        raise LabelerError("Round {number} is of an older labeler, whose cards do not say all: retrain.", number=number)
    if card.left_out:
        raise LabelerError(
            "Round {number} cannot be trained again: {left_out:,} items were not embedded yet when it was, and its card"
            " does not say which. Later rounds, of all items, can be.",
            number=number,
            left_out=card.left_out,
        )
    return card


def _previous(project: Project, number: int, start: str, encoder: Encoder) -> Model | None:
    """The model that the round started from, if it had a warm start.

    Raises: LabelerError: that model is no longer kept.
    """
    with project.store() as store:
        before = [project.folder / model for model, _ in store.rounds.models()]
        same_classes = store.rounds.class_change_of(number) == store.rounds.class_change_of(number - 1)
    before = [path for path in before if path.name < f"round-{number:04d}"]
    if start != "last" or not before or not same_classes:
        return None
    if not before[-1].exists():
        raise LabelerError(
            "Round {number} started from the weights of {stem}, which are not kept.",
            number=number,
            stem=before[-1].stem,
        )
    return models.load(before[-1], encoder)


def difference(model: Model, path: Path) -> float:
    """The largest difference between the model's tensors and those in a file; infinity if names or shapes differ."""
    if not path.exists():
        raise LabelerError("{path} is gone: there is nothing to compare with.", path=path)
    ours, theirs = load(model.to_bytes()), load_file(path)
    if {name: array.shape for name, array in ours.items()} != {name: array.shape for name, array in theirs.items()}:
        return math.inf
    return max(float(np.abs(ours[name].astype(float) - theirs[name]).max(initial=0.0)) for name in ours)
