"""Fine-tuning: a backbone's last blocks and a head on them are trained together, on activations computed once."""

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from labeler.backbones import devices
from labeler.backbones.encoder import Pretrained, averaged
from labeler.core.inputs import Input
from labeler.core.rounds import Epoch
from labeler.core.settings import FinetuneConfig
from labeler.learner import augment, loop
from labeler.learner.graphs import graphed
from labeler.learner.losses import accuracy, balanced, cross_entropy, supervised_contrastive
from labeler.learner.model import LinearHeads
from labeler.learner.views import Views

T = TypeVar("T")

SLICES = 4  # of a stack that a step of training reads, drawn at random
SHARPNESS = 0.1  # temperature of the contrastive objective
SHRINK = 0.5  # share of the last round's change to the weights that is kept
PERTURB = 0.01  # standard deviation of the added noise, in standard deviations of the weights
BUCKET = 8  # texts of so many batches are sorted by length together, so that there is little padding


@dataclass(frozen=True)
class Weights:
    """All trained weights: the network's parameters by name, and a head (c, d), (c,) on its normalised features."""

    parameters: dict[str, np.ndarray]
    weight: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned network.

    cut: the stages before it are those of the encoder. features: (n, d) features of all items by the final network,
    held back or not; heads can be fitted to them. snapshots: the weights at the end of the last epochs, if they were
    asked for.
    """

    cut: int
    weights: Weights
    epochs: tuple[Epoch, ...]
    features: np.ndarray
    snapshots: tuple[Weights, ...] = ()


class Finetuner:
    """Labeled inputs, ready to be trained on: the activations of the frozen stages are computed once.

    Source: Howard and Ruder 2018, section 3 (discriminative rates, gradual unfreezing); Khosla et al. 2020
            (contrastive); Ash and Adams 2020 (shrink and perturb, here towards the pretrained weights).
    """

    def __init__(
        self,
        encoder: Pretrained,
        inputs: Sequence[Input],
        targets: np.ndarray,
        levers: FinetuneConfig,
        seed: int,
        previous: dict[str, np.ndarray] | None = None,
    ) -> None:
        """
        Args:   inputs: n image paths or texts. targets: (n,) int, 0 to c − 1, or (n, c) float of 0 and 1.
                levers: none of them "auto". previous: the parameters that the last round trained, for a warm start.
        Raises: LabelerError: an image cannot be read.
        """
        self.encoder, self.targets, self.levers, self.seed, self.previous = encoder, targets, levers, seed, previous
        self.about_texts, self.unfrozen = isinstance(inputs[0], str), int(levers.unfrozen)
        with devices.seeded(seed):
            self.views = Views(encoder, inputs, self.unfrozen, levers)
        self.cut, self.slices = self.views.cut, self.views.slices

    def seconds_per_epoch(self, start: LinearHeads) -> tuple[float, float]:
        """How long an epoch over all items takes on this machine, and how long each training takes to start up.

        The first is measured on a batch of median length, the second is what its first pass took more.
        """
        return self._with_room(lambda: self._seconds_per_epoch(start))

    def _seconds_per_epoch(self, start: LinearHeads) -> tuple[float, float]:
        with devices.seeded(self.seed):
            trial, seconds = _Run(self, start, None), list[float]()
            batches = trial.batches(np.arange(len(self.targets)))
            middle = sorted(batches, key=lambda rows: max(self.views.lengths[rows]))[len(batches) // 2]
            for _ in range(2):  # the first pass warms up
                began = time.perf_counter()
                trial.loss(middle).backward()
                devices.wait()
                seconds.append(time.perf_counter() - began)
            first, second = seconds
            # what is compiled is compiled for each training; what else is slow at first is so once in a process
            return second * len(batches), max(0.0, first - second) if self.levers.compile else 0.0

    def _with_room(self, run: Callable[[], T]) -> T:
        """What `run` returns, with batches halved each time that the GPU's memory is too short for them.

        The optimiser makes the same steps: it sums the gradients of twice as many batches.
        """

        def attempt(batch: int) -> T:
            accumulate = self.levers.accumulate * max(1, self.levers.batch // batch)
            self.levers = replace(self.levers, batch=batch, accumulate=accumulate)
            return run()

        return devices.halving(attempt, self.levers.batch)[0]

    def train(
        self,
        rows: np.ndarray,
        held: np.ndarray,
        start: LinearHeads,
        epochs: int | None = None,
        snapshots: int = 0,
        after_epoch: Callable[[int], None] = lambda epoch: None,
    ) -> Tuned:
        """The network trained on the items at `rows`, from the pretrained weights and the first of the heads `start`.

        Args: held: rows to validate on. epochs: instead of the levers'. snapshots: how many of the last epochs to keep.
        """

        def run() -> Tuned:
            with devices.seeded(self.seed):
                return _Run(self, start, self.previous).train(rows, held, epochs, snapshots, after_epoch)

        return self._with_room(run)


class _Run:
    """One training: a copy of the network, its head, and the loop over them."""

    def __init__(self, owner: Finetuner, start: LinearHeads, previous: dict[str, np.ndarray] | None) -> None:
        self.owner, self.levers = owner, owner.levers
        self.network = devices.placed(copy.deepcopy(owner.encoder.network))
        for parameter in self.network.last(owner.unfrozen):
            parameter.requires_grad_(True)
        self.trained = {name: p for name, p in self.network.named_parameters() if p.requires_grad}
        self.mean, self.weight, self.bias = devices.to_device(
            (start.normalizer.mean, start.weight[0].copy(), start.bias[0].copy())
        )
        self.layers = list(start.normalizer.layers())
        self.targets = torch.from_numpy(owner.targets).to(devices.device())
        self.importance: Tensor | None = None
        self.rng = np.random.default_rng(owner.seed)
        if previous is not None:
            _shrink_and_perturb(self.trained, previous)
        self.tail = graphed(self.network, self.levers)
        if self.levers.compile:
            torch._dynamo.config.suppress_errors = True  # without a compiler the plain network runs
            self.tail = torch.compile(self.tail)
        _set_modes(self.network, self.levers)
        self.weight.requires_grad_(True)
        self.bias.requires_grad_(True)
        self.sums = torch.zeros(3, device=devices.device())  # loss, right, items of the epoch

    def train(
        self, rows: np.ndarray, held: np.ndarray, epochs: int | None, snapshots: int, after_epoch: Callable[[int], None]
    ) -> Tuned:
        levers, history = self.levers, list[Epoch]()
        epochs = epochs or int(levers.epochs)
        patience = max(1, epochs // 2)
        best, kept = (-math.inf, 0, self._weights()), list[Weights]()
        if levers.class_weights == "balanced":
            weights = balanced(self.owner.targets[rows], len(self.bias))
            self.importance = torch.from_numpy(weights).to(devices.device())

        def end_of_epoch(number: int) -> bool:
            nonlocal best
            history.append(self._measure(number, held))
            if snapshots:
                kept.append(self._weights())
                del kept[:-snapshots]
            loss = history[-1].validation_loss
            if levers.early_stopping and loss is not None and -loss > best[0]:
                best = (-loss, number, self._weights())
            after_epoch(number)
            return not levers.early_stopping or loss is None or number - best[1] < patience

        loop.train(self._groups(), lambda epoch: self.batches(rows), self.loss, epochs, levers, end_of_epoch)
        if levers.early_stopping and best[1]:
            self._restore(best[2])
        everything = self.features(np.arange(len(self.owner.targets)))
        return Tuned(self.owner.cut, self._weights(), tuple(history), everything, tuple(kept))

    def loss(self, rows: np.ndarray) -> Tensor:
        """The training objective on the items at `rows`, with augmentation and dropout."""
        levers = self.levers
        chosen, slices = self._drawn(rows)
        batch, shares = self._batch(chosen, training=True), [(rows, 1.0)]
        if len(chosen) == len(rows) and self._is_pasted(batch):
            pasted, partners, stays = augment.pasted(batch[0], len(rows), self.rng)
            batch, shares = (pasted,), [(rows, stays), (rows[partners], 1 - stays)]
        with devices.autocast(levers.mixed_precision, self.owner.about_texts):
            features = self.tail(self.owner.cut, *batch)[: len(chosen)]
        if len(chosen) > len(rows):
            lengths = torch.from_numpy(slices).to(features.device)
            features = torch.segment_reduce(features.float(), "mean", lengths=lengths)
        features = self._normalised(features)
        kept = functional.dropout(features, levers.dropout) if levers.dropout else features
        logits = functional.linear(kept, self.weight, self.bias)
        crossed = torch.zeros((), device=logits.device)
        for of, share in shares:
            smoothed = cross_entropy(logits, self._targets_at(of), self.importance, levers.label_smoothing)
            crossed = crossed + share * smoothed
        largest, _ = max(shares, key=itemgetter(1))
        with torch.no_grad():
            right = accuracy(logits, self._targets_at(largest)) * len(rows)
            self.sums += torch.stack([crossed.detach() * len(rows), right, torch.full_like(crossed, len(rows))])
        if levers.objective == "cross_entropy":
            return crossed
        targets = self._targets_at(rows)
        contrast = supervised_contrastive(functional.normalize(features, dim=1), targets, SHARPNESS)
        # the head learns from the features, and its gradient does not reach the network
        own = cross_entropy(functional.linear(kept.detach(), self.weight, self.bias), targets)
        return contrast + (crossed if levers.objective == "both" else own)

    def _is_pasted(self, batch: tuple[Tensor, ...]) -> bool:
        """Whether rectangles are pasted into this batch, of images or of maps whose places are those of an image."""
        levers = self.levers
        if not levers.cutmix or levers.objective != "cross_entropy" or len(batch) > 1 or batch[0].ndim != 4:
            return False
        return bool(self.rng.random() < float(levers.cutmix))

    @torch.inference_mode()
    def features(self, rows: np.ndarray) -> np.ndarray:
        """(k, d) features of the items at `rows`, as for prediction; of a stack the mean over all its slices."""
        self.network.eval()
        features = np.empty((len(rows), len(self.mean)), dtype=np.float32)
        order = np.argsort(self.owner.views.lengths[rows], kind="stable")  # little padding
        for start in range(0, len(rows), self.levers.batch):
            places = order[start : start + self.levers.batch]
            slices = self.owner.slices[rows[places]]
            chosen = np.concatenate([self._slices(row) for row in rows[places]])
            with devices.autocast(self.levers.mixed_precision, self.owner.about_texts):
                own = self.tail(self.owner.cut, *self._batch(chosen, training=False))[: len(chosen)]
            features[places] = averaged(own.float().cpu().numpy(), slices)
        _set_modes(self.network, self.levers)
        return features

    def _slices(self, row: int) -> np.ndarray:
        """Where the slices of an item are in a view."""
        return self.owner.views.starts[row] + np.arange(self.owner.slices[row])

    def _drawn(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """At most `SLICES` random slices of each item, one item after the other, and (k,) how many of each."""
        slices = np.minimum(self.owner.slices[rows], SLICES)
        if slices.max() == 1:
            return self.owner.views.starts[rows], slices
        drawn = [self.rng.permutation(self._slices(row))[:n] for row, n in zip(rows, slices, strict=True)]
        return np.concatenate(drawn), slices

    @torch.inference_mode()
    def _logits(self, rows: np.ndarray) -> Tensor:
        normal = self._normalised(torch.from_numpy(self.features(rows)).to(self.mean.device))
        return functional.linear(normal, self.weight, self.bias)

    def _targets_at(self, rows: np.ndarray) -> Tensor:
        (places,) = devices.to_device((rows,))
        return self.targets[places]

    def _normalised(self, features: Tensor) -> Tensor:
        centred = features.float() - self.mean
        return torch.cat([functional.normalize(centred[:, columns], dim=1) for columns in self.layers], dim=1)

    def _batch(self, slices: np.ndarray, training: bool) -> tuple[Tensor, ...]:
        """The slices at these places of the views, as one batch."""
        views = self.owner.views
        chosen = self.rng.integers(views.number, size=len(slices)) if training else np.zeros(len(slices), dtype=int)
        return views.batch(chosen, slices, self.levers, training)

    def batches(self, rows: np.ndarray) -> list[np.ndarray]:
        """The rows in random batches; of texts those of similar length share a batch."""
        batch, lengths = self.levers.batch, self.owner.views.lengths
        rows = self.rng.permutation(rows)
        if self.owner.about_texts:
            parts = [rows[i : i + BUCKET * batch] for i in range(0, len(rows), BUCKET * batch)]
            parts = [part[np.argsort(lengths[part], kind="stable")] for part in parts]
            rows = np.concatenate(parts)
        batches = [rows[i : i + batch] for i in range(0, len(rows), batch)]
        return [batches[i] for i in self.rng.permutation(len(batches))]

    def _groups(self) -> list[loop.Group]:
        levers = self.levers
        blocks = list(reversed(self.network.groups[max(0, len(self.network.groups) - self.owner.unfrozen) :]))
        groups = [loop.Group([self.weight, self.bias], levers.head_learning_rate)]
        for number, block in enumerate(blocks):
            # gradual unfreezing: one block after the other in the first half of the epochs after the head's
            later = number / len(blocks) / 2 * (1 - levers.head_epochs) if levers.gradual else 0.0
            rate = float(levers.learning_rate) * float(levers.decay) ** number
            groups.append(loop.Group(list(block), rate, levers.head_epochs + later, pulled=True))
        return groups

    def _measure(self, number: int, held: np.ndarray) -> Epoch:
        loss, right, items = self.sums.tolist()
        self.sums.zero_()
        if not len(held):
            return Epoch(number, loss / items, right / items)
        logits, targets = self._logits(held), self._targets_at(held)
        validation = float(cross_entropy(logits, targets)), float(accuracy(logits, targets))
        return Epoch(number, loss / items, right / items, *validation)

    def _weights(self) -> Weights:
        """A copy of everything that is trained."""
        copied = {name: p.detach().cpu().numpy().copy() for name, p in self.trained.items()}
        return Weights(copied, *(p.detach().cpu().numpy().copy() for p in (self.weight, self.bias)))

    @torch.no_grad()
    def _restore(self, weights: Weights) -> None:
        for name, p in self.trained.items():
            p.copy_(torch.from_numpy(weights.parameters[name]))
        self.weight.copy_(torch.from_numpy(weights.weight))
        self.bias.copy_(torch.from_numpy(weights.bias))


def _set_modes(network: nn.Module, levers: FinetuneConfig) -> None:
    """Set every layer to evaluation mode, except those that the levers switch on for training."""
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd) and levers.dropout:
            module.train()
            module.p = levers.dropout
        elif isinstance(module, nn.modules.batchnorm._BatchNorm) and not levers.frozen_batch_norm:
            module.train()


@torch.no_grad()
def _shrink_and_perturb(parameters: dict[str, nn.Parameter], last: dict[str, np.ndarray]) -> None:
    for name, p in parameters.items():
        if name in last and last[name].shape == tuple(p.shape):
            p.lerp_(torch.from_numpy(last[name]).to(p.device), SHRINK)
            p.add_(torch.randn_like(p) * PERTURB * (p.std() if p.numel() > 1 else 0.0))
