"""The fine-tuning of a round: what its time allows, checked on labels held back, beside the frozen heads."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch

from labeler.backbones.encoder import Pretrained, columns_of, networks_of
from labeler.core import decisions
from labeler.core.items import Progress
from labeler.core.rounds import Dataset, Epoch, Training
from labeler.core.settings import FinetuneConfig, LearnerConfig
from labeler.i18n.messages import Message, mark, sentences
from labeler.learner import levers as levers_of
from labeler.learner.finetune import Finetuner, Tuned, Weights
from labeler.learner.folds import held_back
from labeler.learner.heads import fit_heads
from labeler.learner.mixture import TEMPERATURES, Mixture, cooled, mixture
from labeler.learner.model import FineTuned, Fitted, LinearHeads, Model, Normalizer, TunedNetwork, in_place
from labeler.learner.task import LearningTask

_MEASURED = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")


class FineTuning:
    """The fine-tuning of one round: the task, the frozen heads, and the networks to be trained beside them."""

    def __init__(
        self, task: LearningTask, heads: LinearHeads, learner: LearnerConfig, seed: int, previous: Model | None
    ) -> None:
        self.task, self.heads, self.seed = task, heads, seed
        self.snapshots = learner.members if learner.committee == "snapshots" else 0
        labels = task.labels
        self.inputs = task.dataset.inputs_at(labels.positions)
        self.targets = (
            labels.targets.astype(np.float32) if labels.several else np.searchsorted(heads.classes, labels.targets)
        )
        self.levers = levers_of.resolve(learner.finetune, isinstance(self.inputs[0], str), labels.several)
        last = previous.networks if self.levers.start == "last" and isinstance(previous, FineTuned) else ()
        self.warm = {network.encoder.key: network.parameters for network in last}
        self.finetuners: list[Finetuner] = []

    def fit(self, deadline: float, on_progress: Progress | None) -> Fitted:
        """The tuned networks beside the frozen heads, or these alone if that is no better on labels held back."""
        n = len(self.targets)
        plan, epoch_seconds = self._plan(deadline)
        if plan is None:
            note = mark(
                "Linear heads: learner.round_seconds is too short for an epoch of fine-tuning ({seconds:.0f} s).",
                seconds=epoch_seconds,
            )
            return Fitted(self.heads, Training(note=note))
        for finetuner in self.finetuners:
            finetuner.levers = plan.levers
        trainings = len(self.finetuners) * (plan.folds + bool(plan.levers.refit))
        after_epoch = _counted(on_progress, int(plan.levers.epochs) * trainings)

        began = time.perf_counter()
        share = levers_of.part_of(n)
        folds = held_back(self.targets, plan.folds, share, self.seed, self.task.groups)
        parts = [self._train_without(held, after_epoch) for held in folds]
        held = np.concatenate([part.held for part in parts])
        networks, frozen = self._probabilities(parts)
        mixed = mixture(networks, frozen, self.targets[held])
        heads = cooled(self.heads, mixed.heads)

        refit, now = bool(plan.levers.refit), time.perf_counter()
        if self.levers.refit == "auto" and plan.folds == 1 and now - began > deadline - now:
            refit = False  # validation took longer than planned
        epochs = _mean_of([tuned.epochs for part in parts for tuned in part.tuned])
        tuned, rows = parts[0].tuned, np.arange(n)
        if refit and mixed.share:
            best = _best_epoch(epochs) if plan.levers.early_stopping else None
            tuned = self._train(rows, rows[:0], self.heads, after_epoch, best)
        chosen = asdict(replace(self._smallest_batches(), refit=refit))
        note = sentences(
            _comparison_sentence(mixed, networks, frozen, self.targets[held], len(self.finetuners)),
            self._networks_sentence() if mixed.share else "",
            self._memory_sentence(chosen["batch"]),
        )
        training = Training(epochs, chosen, mixed.share, note, len(held))
        return self._combined_model(heads, tuned, mixed, training) if mixed.share else Fitted(heads, training)

    def _plan(self, deadline: float) -> tuple[levers_of.Plan | None, float]:
        """What fits into the round's time, and the seconds of an epoch; the networks are ready to be trained then.

        A network after the first is trained where all epochs of it and of those before fit, with what `refit` says,
        and the GPU's memory is large enough for it beside them.
        """
        networks, times = networks_of(self.task.encoder), list[tuple[float, float]]()

        def left() -> float:
            return deadline - time.perf_counter()

        def planned() -> levers_of.Plan | None:
            of_epoch, start_up = np.sum(times, axis=0).tolist()
            plan = levers_of.fit_time(self._smallest_batches(), len(self.targets), of_epoch, left(), start_up)
            return replace(plan, levers=replace(plan.levers, networks=len(times))) if plan else None

        plan: levers_of.Plan | None = None
        for network in networks[: levers_of.networks_tried(self.levers, len(self.targets), len(networks))]:
            is_optional = self.levers.networks == "auto" and bool(times)
            with_another = plan.seconds * (1 + 1 / len(times)) if plan else 0.0  # it takes about as long as each
            if is_optional and not (plan and plan.is_all_of(self.levers) and with_another < left()):
                break
            try:
                finetuner = self._finetuner(network)
                times.append(finetuner.seconds_per_epoch(self._of_network(self.heads, network)))
            except torch.OutOfMemoryError:
                if not is_optional:
                    raise
                break
            self.finetuners.append(finetuner)
            plan = planned()
            if is_optional and not (plan and plan.is_all_of(self.levers)):
                self.finetuners.pop()
                times.pop()
                break
        # what was measured in vain took time as well
        return planned(), sum(of_epoch for of_epoch, _ in times)

    def _finetuner(self, network: Pretrained) -> Finetuner:
        return Finetuner(network, self.inputs, self.targets, self.levers, self.seed, self.warm.get(network.key))

    def _smallest_batches(self) -> FinetuneConfig:
        """The levers; where a GPU's memory is short, with the batches of the network that needs most of it."""
        return min((finetuner.levers for finetuner in self.finetuners), key=lambda levers: levers.batch)

    def _train(
        self,
        rows: np.ndarray,
        held: np.ndarray,
        start: LinearHeads,
        after_epoch: Callable[[int], None],
        epochs: int | None = None,
    ) -> list[Tuned]:
        """Each network, trained on the labels at `rows`."""
        return [
            finetuner.train(rows, held, self._of_network(start, finetuner.encoder), epochs, self.snapshots, after_epoch)
            for finetuner in self.finetuners
        ]

    def _train_without(self, held: np.ndarray, after_epoch: Callable[[int], None]) -> "_Part":
        """Networks and heads, trained on all labels but those of the rows `held`."""
        rows = np.setdiff1d(np.arange(len(self.targets)), held)
        start = fit_heads(self.task.subset(rows))
        tuned = self._train(rows, held, start, after_epoch)
        embeddings = self.task.dataset.embeddings[self.task.labels.positions[held]]
        return _Part(held, tuned, self._heads_on(tuned, rows), start, self._in_place(tuned, held), embeddings)

    def _of_network(self, heads: LinearHeads, network: Pretrained) -> LinearHeads:
        """The heads' part that reads the network's features."""
        columns = columns_of(self.task.encoder, network)
        normalizer = Normalizer(self.task.normalizer.mean[columns], network.dims)
        return replace(heads, normalizer=normalizer, weight=heads.weight[:, :, columns])

    def _in_place(self, tuned: Sequence[Tuned], rows: np.ndarray) -> np.ndarray:
        """(k, D) features of the labels at `rows`, with the tuned networks' in place of their frozen ones."""
        embeddings = self.task.dataset.embeddings[self.task.labels.positions[rows]]
        columns = [columns_of(self.task.encoder, finetuner.encoder) for finetuner in self.finetuners]
        return in_place([of_network.features[rows] for of_network in tuned], embeddings, columns)

    def _heads_on(self, tuned: Sequence[Tuned], rows: np.ndarray) -> LinearHeads:
        """Heads like the frozen ones, on the tuned networks' features in place of their frozen ones.

        With few labels they are better than the networks' own heads.
        """
        task, labels = self.task, self.task.labels
        features = self._in_place(tuned, np.arange(len(labels)))
        tuned_task = replace(
            task,
            dataset=Dataset(self.inputs, features, task.normalizer.dims, task.groups),
            prior=None,  # it is a score of the frozen features, and the spread is theirs
            spread=None,
            labels=replace(labels, positions=np.arange(len(labels))),
        )
        return fit_heads(tuned_task.subset(rows))

    def _probabilities(self, parts: Sequence["_Part"]) -> tuple[np.ndarray, np.ndarray]:
        """(t, v, c) probabilities of the labels held back, by network and by frozen heads, at each temperature."""
        network, frozen = (
            np.stack([np.concatenate([of(part, t)[:, self.heads.classes] for part in parts]) for t in TEMPERATURES])
            for of in (_Part.of_network, _Part.of_frozen)
        )
        return network, frozen

    def _networks_sentence(self) -> str:
        """Which networks were tuned, where there are several; empty with a single one."""
        names = ", ".join(finetuner.encoder.name for finetuner in self.finetuners)
        several = len(networks_of(self.task.encoder)) > 1
        return mark("Networks that were fine-tuned: {names}.", names=names) if several else ""

    def _memory_sentence(self, batch: int) -> str:
        """That batches are smaller than the levers say; empty if they are not."""
        if batch >= self.levers.batch:
            return ""
        return mark(
            "The GPU's memory is short, so that batches hold {n} items instead of {wanted}.",
            n=batch,
            wanted=self.levers.batch,
        )

    def _combined_model(self, heads: LinearHeads, tuned: Sequence[Tuned], mixed: Mixture, training: Training) -> Fitted:
        """The tuned networks beside the frozen heads, and the same of each snapshot."""
        encoders = [finetuner.encoder for finetuner in self.finetuners]
        columns = [columns_of(self.task.encoder, encoder) for encoder in encoders]

        def model(weights: Sequence[Weights], head: LinearHeads) -> FineTuned:
            networks = tuple(
                TunedNetwork(encoder, own.cut, of_network.parameters, place)
                for encoder, own, of_network, place in zip(encoders, tuned, weights, columns, strict=True)
            )
            return FineTuned(heads, cooled(head, mixed.network), networks, mixed.share)

        def snapshot(weights: Sequence[Weights]) -> FineTuned:
            """With the networks' own heads: the mean of their logits."""
            weight = np.zeros_like(heads.weight[:1])
            for of_network, place in zip(weights, columns, strict=True):
                weight[0, :, place] = of_network.weight / len(weights)
            bias = np.mean([of_network.bias for of_network in weights], axis=0)
            return model(weights, replace(heads, weight=weight, bias=bias[None]))

        final = model([own.weights for own in tuned], self._heads_on(tuned, np.arange(len(self.targets))))
        states = min(len(own.snapshots) for own in tuned)  # early stopping may end one network sooner
        snapshots = zip(*(own.snapshots[len(own.snapshots) - states :] for own in tuned), strict=True)
        return Fitted(final, training, tuple(snapshot(weights) for weights in snapshots))


@dataclass(frozen=True)
class _Part:
    """Labels that were held back, and heads trained on the others: on the tuned features and on the frozen ones."""

    held: np.ndarray
    tuned: list[Tuned]
    head: LinearHeads
    frozen: LinearHeads
    features: np.ndarray
    embeddings: np.ndarray

    def of_network(self, temperature: float) -> np.ndarray:
        return cooled(self.head, temperature).of_features(self.features).mean(axis=0)

    def of_frozen(self, temperature: float) -> np.ndarray:
        return cooled(self.frozen, temperature).of_features(self.embeddings).mean(axis=0)


def _counted(on_progress: Progress | None, total: int) -> Callable[[int], None]:
    """A function that reports one more of all epochs each time it is called."""
    done = 0

    def after_epoch(epoch: int) -> None:
        nonlocal done
        done += 1
        if on_progress:
            on_progress(min(done, total), total)

    return after_epoch


def _comparison_sentence(
    mixed: Mixture, tuned: np.ndarray, frozen: np.ndarray, targets: np.ndarray, networks: int
) -> Message:
    """One sentence on what fine-tuning so many networks brought, with both accuracies on the labels held back."""
    accuracy = [float(decisions.correct(proba[0], targets).mean()) for proba in (frozen, tuned)]
    values = {"n": len(targets), "frozen": accuracy[0], "tuned": accuracy[1]}
    evidence = mark(
        "on {n} labels that were held back the frozen heads were right in {frozen:.0%}, the fine-tuned network in"
        " {tuned:.0%}",
        **values,
    )
    if networks > 1:
        evidence = mark(
            "on {n} labels that were held back the frozen heads were right in {frozen:.0%}, the fine-tuned networks"
            " together in {tuned:.0%}",
            **values,
        )
    if not mixed.share:
        return mark("Linear heads: fine-tuning did not make them better; {evidence}.", evidence=evidence)
    return mark(
        "Fine-tuned, with {share:.0%} of the say beside the frozen heads: {evidence}.",
        share=mixed.share,
        evidence=evidence,
    )


def _mean_of(histories: Sequence[Sequence[Epoch]]) -> tuple[Epoch, ...]:
    """The epochs that all folds reached, each the mean over the folds and networks."""
    by_epoch = zip(*histories, strict=False)  # early stopping may end some folds sooner
    return tuple(
        Epoch(number, *(float(np.mean([getattr(epoch, name) for epoch in epochs])) for name in _MEASURED))
        for number, epochs in enumerate(by_epoch, 1)
    )


def _best_epoch(epochs: Sequence[Epoch]) -> int:
    return min(epochs, key=lambda epoch: math.inf if epoch.validation_loss is None else epoch.validation_loss).number
