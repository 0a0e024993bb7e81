"""The only `fit`: labels → model. Linear heads on frozen features, or a fine-tuned network beside them."""

import copy
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from labeler.config import LearnerConfig
from labeler.embed import Encoder, Pretrained, collate
from labeler.errors import TrainingError
from labeler.heads import fit_heads
from labeler.model import FineTuned, LinearHeads, Model, Normalizer
from labeler.types import Dataset, Labels, Progress

VALIDATION = 0.2  # share of the labels that decides when fine-tuning stops, and whether it was worth it
MIN_VALIDATION = 40  # fewer items cannot decide that: with less than about 200 labels the frozen heads stay
PATIENCE = 0.5  # share of the epochs without a better validation: a high learning rate pays only as it falls
BATCH = 32
SMOOTHING = 0.1
WEIGHT_DECAY = 0.01


def fit(
    dataset: Dataset,
    labels: Labels,
    n_classes: int,
    learner: LearnerConfig,
    seed: int,
    encoder: Encoder | None = None,
    on_progress: Progress | None = None,
    normalizer: Normalizer | None = None,
) -> Model:
    """A model trained on all labels. Same data and seed give the same model on a CPU.

    `frozen` and `auto` fit linear heads in about a second. `finetune` starts from the first of them and trains the
    backbone's last blocks too; all then predict together. It gives back the heads alone if tuning was no better on a
    slice of the labels that was held back, or if there are too few labels to tell.

    Args:    n_classes: of the project; a class without a label gets probability 0.
             encoder: needed to fine-tune. on_progress: called with (epoch, epochs).
             normalizer: fitted on `dataset.embeddings` if not given.
    Raises:  TrainingError: fewer than two classes among the labels, or a backbone that cannot be fine-tuned.
    """
    normalizer = normalizer or Normalizer.fit(dataset.embeddings, dataset.dims)
    heads = fit_heads(dataset, labels, n_classes, normalizer)
    if learner.kind != "finetune":
        return heads
    if not isinstance(encoder, Pretrained):
        name = encoder.name if encoder else "(none)"
        raise TrainingError(f'backbone {name} cannot be fine-tuned: set learner.kind = "frozen".')
    return _finetune(dataset, labels, heads, learner, seed, encoder, on_progress) or heads


# ---------------------------------------------------------------- fine-tuning


def _finetune(
    dataset: Dataset,
    labels: Labels,
    heads: LinearHeads,
    learner: LearnerConfig,
    seed: int,
    encoder: Pretrained,
    on_progress: Progress | None,
) -> FineTuned | None:
    """The network with its last blocks trained, or None if that does not make the frozen heads better.

    No image is flipped or turned: a mirrored scan may mean something else. Dropout and batch-norm stay as in
    prediction, so the network starts as exactly the frozen one and draws no random numbers.
    """
    import torch
    from torch.nn import functional

    from labeler import onnx

    rng = np.random.default_rng(seed)
    training, validation = _slice(labels, rng)
    if len(validation) < MIN_VALIDATION:
        return None
    start = fit_heads(
        dataset, Labels(labels.positions[training], labels.targets[training]), heads.n_classes, heads.normalizer
    )

    network = copy.deepcopy(encoder.network).to(onnx.device()).to(memory_format=torch.channels_last)
    cut = network.cut(learner.unfrozen)
    for parameter in network.last(learner.unfrozen):
        parameter.requires_grad_(True)
    mean, weight, bias = onnx.to_device((heads.normalizer.mean, start.weight[0], start.bias[0]))
    layers = list(heads.normalizer.layers())
    items = encoder.activations([dataset.inputs[p] for p in labels.positions], cut)
    targets = np.searchsorted(heads.classes, labels.targets)
    frozen = start.predict_proba(dataset, labels.positions[validation])[:, heads.classes]

    def logits_of(rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        with onnx.autocast():
            features = network.tail(cut, *onnx.to_device(collate([items[r] for r in rows])))
        centred = features.float() - mean
        normal = torch.cat([functional.normalize(centred[:, columns], dim=1) for columns in layers], dim=1)
        return functional.linear(normal, weight, bias), torch.from_numpy(targets[rows]).to(mean.device)

    @torch.inference_mode()
    def validate() -> tuple[float, float, np.ndarray]:
        """Accuracy together with the frozen heads, where that is equal the log likelihood, and which are right."""
        logits = [logits_of(validation[i : i + BATCH])[0] for i in range(0, len(validation), BATCH)]
        proba = (torch.cat(logits).softmax(dim=1).cpu().numpy() + frozen) / 2
        right = proba.argmax(axis=1) == targets[validation]
        return right.mean(), np.log(proba[np.arange(len(proba)), targets[validation]]).mean(), right

    trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
    state = [*trained.values(), weight.requires_grad_(True), bias.requires_grad_(True)]
    optimizer = torch.optim.AdamW(
        [
            {"params": state[len(trained) :], "lr": learner.learning_rate},
            {"params": state[: len(trained)], "lr": learner.learning_rate / 10},
        ],
        weight_decay=WEIGHT_DECAY,
    )
    steps = learner.epochs * math.ceil(len(training) / BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _warm_cosine(step, steps))

    before = best = validate()
    best_state, best_epoch = [p.detach().clone() for p in state], 0
    for epoch in range(1, learner.epochs + 1):
        for rows in _batches(training, rng):
            optimizer.zero_grad(set_to_none=True)
            functional.cross_entropy(*logits_of(rows), label_smoothing=SMOOTHING).backward()
            torch.nn.utils.clip_grad_norm_(state, 1.0)
            optimizer.step()
            schedule.step()
        score = validate()
        if score[:2] > best[:2]:
            best, best_epoch, best_state = score, epoch, [p.detach().clone() for p in state]
        if on_progress:
            on_progress(epoch, learner.epochs)
        if epoch - best_epoch >= PATIENCE * learner.epochs:
            break
    if not surely_better(best[2], before[2]):
        return None
    *tuned, best_weight, best_bias = (p.cpu().numpy() for p in best_state)
    tuned_head = replace(heads, weight=best_weight[None], bias=best_bias[None])
    return FineTuned(encoder, heads, tuned_head, cut, dict(zip(trained, tuned, strict=True)))


def surely_better(right: np.ndarray, before: np.ndarray) -> bool:
    """Whether a gain on the validation items is larger than chance explains, at the one-sided 5 % level.

    The best of several epochs looks better than it is, so on labels that teach nothing it says yes more often than
    that: 4 times in 30 when tried.

    Args:    right, before: (v,) bool, the validation items that the new and the old model get right.
    Source:  McNemar 1947: only items on which the two differ tell which is better.
    """
    gained, lost = int(np.sum(right & ~before)), int(np.sum(before & ~right))
    return gained - lost > 1.64 * math.sqrt(gained + lost)


def _slice(labels: Labels, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows to validate on: a share of each class, which keeps at least one to train on."""
    held = [
        rng.permutation(np.flatnonzero(labels.targets == c))[: int(VALIDATION * np.sum(labels.targets == c) + 0.5)]
        for c in np.unique(labels.targets)
    ]
    validation = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(labels)), validation), validation


def _batches(rows: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    shuffled = rng.permutation(rows)
    for start in range(0, len(rows), BATCH):
        yield shuffled[start : start + BATCH]


def _warm_cosine(step: int, steps: int) -> float:
    """The learning rate's factor: up from 0 in the first tenth of the steps, then down to 0 along a cosine."""
    warm = max(1, steps // 10)
    return (step + 1) / warm if step < warm else (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))) / 2
