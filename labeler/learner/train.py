"""The only `fit`: labels → model. Linear heads on frozen features, and fine-tuned networks beside them if they help."""

import time
from dataclasses import replace
from typing import TypeVar

import numpy as np

from labeler.backbones.encoder import Pretrained, computed_on, network_of, networks_of
from labeler.core.errors import TrainingError
from labeler.core.items import Progress
from labeler.core.rounds import Training
from labeler.core.setting_rules import LINEAR
from labeler.core.settings import LearnerConfig
from labeler.engine import engines
from labeler.i18n.messages import Message, mark, sentences
from labeler.learner import levers as levers_of
from labeler.learner.frozen import FrozenHead
from labeler.learner.heads import fit_heads, weight_of_prior
from labeler.learner.model import FineTuned, Fitted, Model
from labeler.learner.task import LearningTask

# Imports of labeler.learner.finetune_round and labeler.backbones.devices, which load torch, are deferred.

M = TypeVar("M")


def fit(
    task: LearningTask,
    learner: LearnerConfig,
    seed: int,
    on_progress: Progress | None = None,
    previous: Model | None = None,
) -> Fitted:
    """A model trained on all labels of the task.

    `frozen` fits linear heads in about a second. `finetune` and `auto` also train the backbone's last blocks, within
    `learner.round_seconds`: parts of the labels are held back, one after the other, and the predictions of the
    fine-tuned network and of the frozen heads on those labels decide how much weight each gets. The heads stay alone
    if fine-tuning improves nothing. Then the network is trained again on all labels, if there is time. Where networks
    are used side by side, the first is trained, and the others as well if there is time for all of it. `auto` keeps
    the frozen heads where a backbone cannot be fine-tuned. The same task, seed and levers give the same model on the
    same machine; the final levers, which depend on its speed, are in `Training.chosen`.

    A class without a label gets probability 0, or its base rate where an item has several classes, or what a prior
    says. Another head than the linear ones is fitted to the frozen features alone, and knows of no prior.

    Args:    on_progress: called with (epoch, epochs). previous: the last round's model, for a warm start.
    Raises:  TooFewClassesError: fewer than two classes among the labels, and no prior. TrainingError: the backbone
             cannot be fine-tuned.
    """
    deadline = time.perf_counter() + learner.round_seconds
    if learner.head != LINEAR:
        estimator = FrozenHead(learner, seed).fit(task)
        note = mark("The head {name} on the frozen backbone.", name=learner.head)
        unused = mark(
            "What is known of the classes without labels counts for nothing: only linear heads start from it."
        )
        return Fitted(estimator, Training(note=sentences(note, unused if task.prior is not None else "")))
    weight, network = weight_of_prior(task), network_of(task.encoder)
    where = computed_on(network) if network else {}
    heads, alone = fit_heads(task, weight), _why_heads_alone(task, learner, network)
    if alone is not None or network is None:
        started = mark("What is known of the classes without labels counts with weight {k:.2g}.", k=weight)
        note = sentences(alone or "", started if weight else "")
        return Fitted(heads, Training(note=note, computed_on=where, start=weight))
    if task.prior is not None and not task.labels.several and len(np.unique(task.labels.targets)) < task.n_classes:
        task, weight = task.without_prior(), 0.0  # the network learns the labeled classes alone, as heads beside it do
        heads = fit_heads(task)
    from labeler.backbones import devices
    from labeler.learner.finetune_round import FineTuning

    def fine_tuned() -> Fitted:
        return FineTuning(task, heads, learner, seed, previous).fit(deadline, on_progress)

    fitted, operations = devices.repeatably(fine_tuned)
    training = replace(fitted.training, computed_on=where, inexact=operations, start=weight)
    if operations:
        names = ", ".join(operations)
        inexact = mark(
            "Trained again, it may differ in the last digits: the GPU computes {names} in any order.", names=names
        )
        training = replace(training, note=sentences(training.note, inexact))
    return replace(fitted, training=training)


def fit_on_engine(
    task: LearningTask,
    learner: LearnerConfig,
    seed: int,
    on_progress: Progress | None = None,
    previous: Model | None = None,
) -> Fitted:
    """As `fit`, by the engine that does large work; one that is apart is sent the labeled items, and tells no progress.

    Raises: as `fit`. EngineError: the engine cannot be reached.
    """
    engine = engines.current()
    if not engine.apart:
        return fit(task, learner, seed, on_progress, previous)
    fitted = engine.call(fit, task.alone(), learner, seed, None, previous)
    here = {network.key: network for network in networks_of(task.encoder)}
    return replace(
        fitted,
        model=_with_encoders(fitted.model, here),
        snapshots=tuple(_with_encoders(snapshot, here) for snapshot in fitted.snapshots),
    )


def _with_encoders(model: M, here: dict[str, Pretrained]) -> M:
    """The model with the networks that this process has loaded, by key, in place of the copies that came with it."""
    if not isinstance(model, FineTuned):
        return model
    return replace(model, networks=tuple(replace(tuned, encoder=here[tuned.encoder.key]) for tuned in model.networks))


def _why_heads_alone(task: LearningTask, learner: LearnerConfig, network: Pretrained | None) -> Message | None:
    """Why nothing is fine-tuned; None: it is.

    Raises: TrainingError: the settings ask for it, and the backbone cannot be fine-tuned.
    """
    labels = len(task.labels)
    if learner.kind == "frozen":
        return mark("Linear heads on the frozen backbone, as the settings say.")
    if network is None:
        name = task.encoder.name if task.encoder else "(none)"
        if learner.kind == "auto":
            return mark("Linear heads: backbone {name} cannot be fine-tuned.", name=name)
        raise TrainingError('backbone {name} cannot be fine-tuned: set learner.kind = "frozen".', name=name)
    if learner.kind == "auto" and labels < levers_of.AUTO_FROM:
        return mark(
            "Linear heads: fine-tuning begins at {n} labels; there are {labels}.",
            n=levers_of.AUTO_FROM,
            labels=labels,
        )
    if not levers_of.folds_of(labels):
        return mark(
            "Linear heads: {labels} labels are too few to check fine-tuning on; {n} are needed.",
            labels=labels,
            n=levers_of.VALIDATED // 2,
        )
    return None
