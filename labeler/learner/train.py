"""The only `fit`: labels → model. Linear heads on frozen features, and a fine-tuned network beside them if it helps."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from labeler.backbones.encoder import Encoder, Pretrained
from labeler.core import decisions
from labeler.core.errors import TrainingError
from labeler.core.items import Progress
from labeler.core.rounds import Dataset, Epoch, Labels, Training
from labeler.core.settings import LearnerConfig
from labeler.i18n.messages import _
from labeler.learner import levers as levers_of
from labeler.learner.heads import fit_heads
from labeler.learner.model import FineTuned, LinearHeads, Model, Normalizer

if TYPE_CHECKING:
    from labeler.learner.finetune import Tuned

# What the mean of the tuned network and the frozen heads may be made of.
SHARES = np.linspace(0.0, 1.0, 5)
TEMPERATURES = np.array([0.5, 0.7, 1.0, 1.4, 2.0, 3.0])
SPREAD = 0.35  # of the logarithms of temperatures, before any label is seen

_MEASURED = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")


@dataclass(frozen=True)
class Fitted:
    """A model, how it came about, and earlier states of a fine-tuned one, if they were asked for."""

    model: Model
    training: Training
    snapshots: tuple[FineTuned, ...] = ()


def fit(
    dataset: Dataset,
    labels: Labels,
    n_classes: int,
    learner: LearnerConfig,
    seed: int,
    encoder: Encoder | None = None,
    on_progress: Progress | None = None,
    normalizer: Normalizer | None = None,
    previous: Model | None = None,
) -> Fitted:
    """A model trained on all labels.

    `frozen` fits linear heads in about a second. `finetune` and `auto` train the backbone's last blocks, too, within
    `learner.round_seconds`: parts of the labels are held back, one after the other, and what the tuned network and
    the frozen heads say of those decides how much say each of them gets; the heads alone, if tuning made nothing
    better. Then the network is trained anew on all labels, if there is time. `auto` keeps to the frozen heads where
    a backbone cannot be fine-tuned. Same data, seed and levers give the same model on the same machine; the levers
    in the end, which depend on its speed, are in `Training.chosen`.

    Args:    n_classes: of the project; a class without a label gets probability 0, or its base rate where an item
             has several classes.
             encoder: needed to fine-tune. on_progress: called with (epoch, epochs).
             normalizer: fitted on `dataset.embeddings` if not given. previous: the last round's, for a warm start.
    Raises:  TooFewClassesError: the labels tell nothing apart. TrainingError: the backbone cannot be fine-tuned.
    """
    began = time.perf_counter()
    normalizer = normalizer or Normalizer.fit(dataset.embeddings, dataset.dims)
    heads = fit_heads(dataset, labels, n_classes, normalizer)
    if learner.kind == "frozen":
        return Fitted(heads, Training(note=_("Linear heads on the frozen backbone, as the settings say.")))
    if not isinstance(encoder, Pretrained):
        name = encoder.name if encoder else "(none)"
        if learner.kind == "auto":
            return Fitted(heads, Training(note=_("Linear heads: backbone {name} cannot be fine-tuned.", name=name)))
        raise TrainingError(f'backbone {name} cannot be fine-tuned: set learner.kind = "frozen".')
    if learner.kind == "auto" and len(labels) < levers_of.AUTO_FROM:
        note = _(
            "Linear heads: fine-tuning begins at {n} labels; there are {labels}.",
            n=levers_of.AUTO_FROM,
            labels=len(labels),
        )
        return Fitted(heads, Training(note=note))
    if not levers_of.folds_of(len(labels)):
        note = _(
            "Linear heads: {labels} labels are too few to check fine-tuning on; {n} are needed.",
            labels=len(labels),
            n=levers_of.VALIDATED // 2,
        )
        return Fitted(heads, Training(note=note))
    return _finetune(dataset, labels, heads, learner, seed, encoder, on_progress, previous, began)


# ---------------------------------------------------------------- fine-tuning


def _finetune(
    dataset: Dataset,
    labels: Labels,
    heads: LinearHeads,
    learner: LearnerConfig,
    seed: int,
    encoder: Pretrained,
    on_progress: Progress | None,
    previous: Model | None,
    began: float,
) -> Fitted:
    """The tuned network beside the frozen heads, or these alone if that is no better on labels that were held back."""
    from labeler.learner.finetune import Finetuner, Tuned, Weights

    inputs = [dataset.inputs[p] for p in labels.positions]
    targets = labels.targets.astype(np.float32) if labels.several else np.searchsorted(heads.classes, labels.targets)
    levers = levers_of.resolve(learner.finetune, isinstance(inputs[0], str), labels.several)
    last = previous if levers.start == "last" and isinstance(previous, FineTuned) else None
    warm = last.tuned if last is not None and last.encoder.key == encoder.key else None
    finetuner = Finetuner(encoder, inputs, targets, levers, seed)
    left = learner.round_seconds - (time.perf_counter() - began)
    epoch_seconds = finetuner.seconds_per_epoch(heads)
    plan = levers_of.fit_time(levers, len(labels), epoch_seconds, left)
    if plan is None:
        note = _(
            "Linear heads: learner.round_seconds is too short for an epoch of fine-tuning ({seconds:.0f} s).",
            seconds=epoch_seconds,
        )
        return Fitted(heads, Training(note=note))
    finetuner.levers = plan.levers
    done, total = 0, int(plan.levers.epochs) * (plan.folds + bool(plan.levers.refit))

    def after_epoch(epoch: int) -> None:
        nonlocal done
        done += 1
        if on_progress:
            on_progress(min(done, total), total)

    everything, snapshots = np.arange(len(labels)), learner.members if learner.committee == "snapshots" else 0

    def heads_on(tuned: Tuned, rows: np.ndarray) -> LinearHeads:
        """Heads as the frozen ones, on the features of the tuned network: with few labels better than its own."""
        seen = Dataset(inputs, tuned.features, dataset.dims)
        return fit_heads(seen, Labels(rows, labels.targets[rows]), heads.n_classes, heads.normalizer)

    parts: list[_Part] = []
    checking = time.perf_counter()
    for held in _held_back(targets, plan.folds, seed):
        rows = np.setdiff1d(everything, held)
        taught = Labels(labels.positions[rows], labels.targets[rows])
        start = fit_heads(dataset, taught, heads.n_classes, heads.normalizer)
        tuned = finetuner.train(rows, held, start, warm, snapshots=snapshots, after_epoch=after_epoch)
        embeddings = dataset.embeddings[labels.positions[held]]
        parts.append(_Part(held, tuned, heads_on(tuned, rows), start, tuned.features[held], embeddings))

    validated = np.concatenate([part.held for part in parts])
    network, frozen = (
        np.stack([np.concatenate([said(part, t)[:, heads.classes] for part in parts]) for t in TEMPERATURES])
        for said in (_Part.of_network, _Part.of_frozen)
    )
    mixed = mixture(network, frozen, targets[validated])
    heads, share = cooled(heads, mixed.heads), mixed.share
    tuned, epochs = parts[0].tuned, _mean_of([part.tuned.epochs for part in parts])
    refit, now = bool(plan.levers.refit), time.perf_counter()
    if levers.refit == "auto" and plan.folds == 1 and now - checking > learner.round_seconds - (now - began):
        refit = False  # the check took longer than it was thought to
    chosen = plan.as_dict() | {"refit": refit}
    accuracy = [float(decisions.right(p[0], targets[validated]).mean()) for p in (frozen, network)]
    evidence = _(
        "on {n} labels that were held back the frozen heads were right in {frozen:.0%}, the fine-tuned network in"
        " {tuned:.0%}",
        n=len(validated),
        frozen=accuracy[0],
        tuned=accuracy[1],
    )
    if not share:
        note = _("Linear heads: fine-tuning did not make them better; {evidence}.", evidence=evidence)
        return Fitted(heads, Training(epochs, chosen, 0.0, note, len(validated)))
    if refit:
        best = _best_epoch(epochs) if plan.levers.early_stopping else None
        tuned = finetuner.train(everything, everything[:0], heads, warm, best, snapshots, after_epoch)

    def model(weights: Weights, head: LinearHeads) -> FineTuned:
        return FineTuned(encoder, heads, cooled(head, mixed.network), tuned.cut, weights.parameters, share)

    def snapshot(weights: Weights) -> FineTuned:
        return model(weights, replace(heads, weight=weights.weight[None], bias=weights.bias[None]))

    note = _(
        "Fine-tuned, with {share:.0%} of the say beside the frozen heads: {evidence}.", share=share, evidence=evidence
    )
    training = Training(epochs, chosen, share, note, len(validated))
    whole = model(tuned.weights, heads_on(tuned, everything))
    return Fitted(whole, training, tuple(snapshot(one) for one in tuned.snapshots))


@dataclass(frozen=True)
class _Part:
    """Labels that were held back, and heads that have not seen them, on the tuned features and on the frozen ones."""

    held: np.ndarray
    tuned: "Tuned"
    head: LinearHeads
    frozen: LinearHeads
    features: np.ndarray
    embeddings: np.ndarray

    def of_network(self, temperature: float) -> np.ndarray:
        return cooled(self.head, temperature).of_features(self.features).mean(axis=0)

    def of_frozen(self, temperature: float) -> np.ndarray:
        return cooled(self.frozen, temperature).of_features(self.embeddings).mean(axis=0)


@dataclass(frozen=True)
class Mixture:
    """The fine-tuned network's share in the prediction, its temperature, and that of the frozen heads beside it."""

    share: float
    network: float
    heads: float


def mixture(network: np.ndarray, frozen: np.ndarray, targets: np.ndarray) -> Mixture:
    """How much say a fine-tuned network gets beside the frozen heads, and how sure each of them is.

    What makes labels that neither has seen most likely, if a temperature of 1 is thought likelier beforehand: few
    labels tell little about it.

    Args:    network, frozen: (t, v, c) probabilities of both at each of `TEMPERATURES`. targets: (v,) int, or (v, c) of
             0 and 1, where the likelihood of an item is that of all its decisions.
    Returns: share 0 if the network makes nothing better or its probabilities are not finite.
    Source:  Guo et al. 2017, section 4.2 (temperature scaling); Wolpert 1992 (stacking).
    """
    unlikely = [(math.log(t) / SPREAD) ** 2 / 2 for t in TEMPERATURES]
    usable = np.isfinite(network).all()
    candidates: list[tuple[float, Mixture]] = []
    network, frozen = decisions.of_truth(network, targets), decisions.of_truth(frozen, targets)
    for theirs, heads, doubt in zip(frozen, TEMPERATURES, unlikely, strict=True):
        for ours, temperature, more_doubt in zip(network, TEMPERATURES, unlikely, strict=True):
            for share in SHARES if usable else SHARES[:1]:
                mixed = share * ours + (1 - share) * theirs if share else theirs
                likelihood = np.log(np.maximum(mixed, 1e-12)).sum() - doubt - more_doubt
                candidates.append((float(likelihood), Mixture(float(share), float(temperature), float(heads))))
    return max(candidates, key=lambda one: one[0])[1]


def cooled(heads: LinearHeads, temperature: float) -> LinearHeads:
    """The heads with their logits divided by a temperature; above 1 they are less sure."""
    t = np.float32(temperature)
    return replace(heads, weight=heads.weight / t, bias=heads.bias / t)


def _held_back(targets: np.ndarray, folds: int, seed: int) -> Iterator[np.ndarray]:
    """The rows that are held back each time: a share of every class, which keeps at least one to train on."""
    rng, part = np.random.default_rng(seed), levers_of.part_of(len(targets))
    classes = decisions.strata(targets)
    order = [rng.permutation(np.flatnonzero(classes == c)) for c in np.unique(classes)]
    for fold in range(folds):
        bounds = [(part * len(rows) * np.array([fold, fold + 1]) + 0.5).astype(int) for rows in order]
        yield np.sort(np.concatenate([rows[:-1][low:high] for rows, (low, high) in zip(order, bounds, strict=True)]))


def _mean_of(histories: Sequence[Sequence[Epoch]]) -> tuple[Epoch, ...]:
    """The epochs that all parts went through, each the mean over the parts."""
    together = zip(*histories, strict=False)
    return tuple(
        Epoch(number, *(float(np.mean([getattr(one, name) for one in each])) for name in _MEASURED))
        for number, each in enumerate(together, 1)
    )


def _best_epoch(epochs: Sequence[Epoch]) -> int:
    return min(epochs, key=lambda epoch: math.inf if epoch.validation_loss is None else epoch.validation_loss).number
