"""The only `fit`: labels → model. A linear head on frozen features, a committee of them, or a fine-tuned network."""

import copy
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from labeler.config import LearnerConfig
from labeler.embed import Encoder, Pretrained, collate
from labeler.errors import TrainingError
from labeler.model import Committee, FineTuned, FrozenHead, Model, Normalizer
from labeler.types import Dataset, Labels, Progress

# Inverse strength of the head's L2 penalty. Fixed: what cross-validation picks on actively chosen labels is worse.
C_TEXT, C_IMAGE = 1.0, 3.0

VALIDATION = 0.2  # share of the labels that decides when fine-tuning stops, and whether it was worth it
MIN_VALIDATION = 40  # fewer items cannot decide that: with less than about 200 labels the frozen head stays
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

    `frozen` and `auto` fit a linear head in under a second. `finetune` starts from that head and trains the backbone's
    last blocks too; the two then predict together. It gives back the head alone if tuning was no better on a slice
    of the labels that was held back, or if there are too few labels to tell.

    Args:    n_classes: of the project; a class without a label gets probability 0.
             encoder: needed to fine-tune. on_progress: called with (epoch, epochs).
             normalizer: fitted on `dataset.embeddings` if not given.
    Raises:  TrainingError: fewer than two classes among the labels, or a backbone that cannot be fine-tuned.
    """
    normalizer = normalizer or Normalizer.fit(dataset.embeddings, dataset.dims)
    head = _fit_head(dataset, labels, n_classes, normalizer)
    if learner.kind != "finetune":
        return head
    if not isinstance(encoder, Pretrained):
        name = encoder.name if encoder else "(none)"
        raise TrainingError(f'backbone {name} cannot be fine-tuned: set learner.kind = "frozen".')
    return _finetune(dataset, labels, head, learner, seed, encoder, on_progress) or head


def fit_committee(
    dataset: Dataset,
    labels: Labels,
    n_classes: int,
    members: int,
    seed: int,
    normalizer: Normalizer | None = None,
) -> Committee:
    """Linear heads that are each fitted to a bootstrap of the labels with at least one example of each class.

    Raises: TrainingError: fewer than two classes among the labels.
    Source: Abe and Mamitsuka 1998 (query by bagging).
    """
    normalizer = normalizer or Normalizer.fit(dataset.embeddings, dataset.dims)
    classes, targets = _classes(labels)
    features, basis = _span(normalizer.apply(dataset.embeddings[labels.positions]))
    rng = np.random.default_rng(seed)
    heads = []
    for _ in range(members):
        # one example of each class first, the others drawn with replacement
        sure = [rng.choice(np.flatnonzero(targets == c)) for c in range(len(classes))]
        drawn = np.concatenate([sure, rng.integers(len(targets), size=len(targets) - len(sure))])
        heads.append(_logistic(features, targets, _strength(dataset), np.bincount(drawn, minlength=len(targets))))
    weights = np.stack([weight @ basis for weight, _ in heads]).astype(np.float32)
    return Committee(normalizer, classes, n_classes, weights, np.stack([b for _, b in heads]).astype(np.float32))


# ---------------------------------------------------------------- a linear head


def _fit_head(dataset: Dataset, labels: Labels, n_classes: int, normalizer: Normalizer) -> FrozenHead:
    classes, targets = _classes(labels)
    features, basis = _span(normalizer.apply(dataset.embeddings[labels.positions]))
    weight, bias = _logistic(features, targets, _strength(dataset))
    return FrozenHead(normalizer, classes, n_classes, (weight @ basis).astype(np.float32), bias.astype(np.float32))


def _classes(labels: Labels) -> tuple[np.ndarray, np.ndarray]:
    """The classes that have labels, and each label's position among them."""
    classes, targets = np.unique(labels.targets, return_inverse=True)
    if len(classes) < 2:
        found = "there are no labels" if not len(labels) else f"all {len(labels)} labels are of one class"
        raise TrainingError(f"{found}: label items of at least two classes.")
    return classes.astype(np.int64), targets


def _strength(dataset: Dataset) -> float:
    return C_TEXT if isinstance(dataset.inputs[0], str) else C_IMAGE


def _span(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same rows (m, r) in an orthonormal basis (r, d) of what they span, r = min(m, d).

    A head with an L2 penalty lies in the span of its examples, so the fit among r instead of d columns finds the
    same one; with few labels and wide features it is several times faster.
    """
    if len(features) >= features.shape[1]:
        return features.astype(np.float64), np.eye(features.shape[1])
    basis, triangle = np.linalg.qr(features.T.astype(np.float64))
    return triangle.T, basis.T


def _logistic(
    features: np.ndarray, targets: np.ndarray, strength: float, counts: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Weight (c, r) and bias (c,) of a logistic regression; `counts` says how often each row is seen."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=strength, max_iter=1000).fit(features, targets, sample_weight=counts)
    weight, bias = fitted.coef_, fitted.intercept_
    if len(weight) == 1:  # two classes: one row of log odds becomes a row for each class
        return np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return weight, bias


# ---------------------------------------------------------------- fine-tuning


def _finetune(
    dataset: Dataset,
    labels: Labels,
    head: FrozenHead,
    learner: LearnerConfig,
    seed: int,
    encoder: Pretrained,
    on_progress: Progress | None,
) -> FineTuned | None:
    """The network with its last blocks trained, or None if that does not make the frozen head better.

    No image is flipped or turned: a mirrored scan may mean something else. Dropout and batch-norm stay as in
    prediction, so the network starts as exactly the frozen head and draws no random numbers.
    """
    import torch
    from torch.nn import functional

    from labeler import onnx

    rng = np.random.default_rng(seed)
    training, validation = _slice(labels, rng)
    if len(validation) < MIN_VALIDATION:
        return None
    start = _fit_head(
        dataset, Labels(labels.positions[training], labels.targets[training]), head.n_classes, head.normalizer
    )

    network = copy.deepcopy(encoder.network).to(onnx.device()).to(memory_format=torch.channels_last)
    cut = network.cut(learner.unfrozen)
    for parameter in network.last(learner.unfrozen):
        parameter.requires_grad_(True)
    mean, weight, bias = onnx.to_device((head.normalizer.mean, start.weight, start.bias))
    layers = list(head.normalizer.layers())
    items = encoder.activations([dataset.inputs[p] for p in labels.positions], cut)
    targets = np.searchsorted(head.classes, labels.targets)
    frozen = start.predict_proba(dataset, labels.positions[validation])[:, head.classes]

    def logits_of(rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        with onnx.autocast():
            features = network.tail(cut, *onnx.to_device(collate([items[r] for r in rows])))
        centred = features.float() - mean
        normal = torch.cat([functional.normalize(centred[:, columns], dim=1) for columns in layers], dim=1)
        return functional.linear(normal, weight, bias), torch.from_numpy(targets[rows]).to(mean.device)

    @torch.inference_mode()
    def validate() -> tuple[float, float, np.ndarray]:
        """Accuracy together with the frozen head, where that is equal the log likelihood, and which are right."""
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
    tuned_head = replace(head, weight=best_weight, bias=best_bias)
    return FineTuned(encoder, head, tuned_head, cut, dict(zip(trained, tuned, strict=True)))


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
