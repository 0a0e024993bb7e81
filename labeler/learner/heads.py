"""Linear heads on frozen features, which predict from the first labels on, and committees of such heads."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_softmax

from labeler.core import decisions, processes
from labeler.core.errors import TooFewClassesError
from labeler.core.rounds import Dataset
from labeler.i18n.messages import mark
from labeler.learner.folds import stratified
from labeler.learner.model import LinearHeads
from labeler.learner.prior import Prior, offset_logistic
from labeler.learner.task import LearningTask

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

# Imports of scipy.linalg, sklearn and threadpoolctl are deferred: they are slow to load.

# Inverse strength of the L2 penalty. Fixed: values that cross-validation picks on actively chosen labels are worse.
C_TEXT, C_IMAGE = 1.0, 3.0
SHRINKAGE = 0.6  # of the covariance towards a sphere
TEMPERATURE = 3.0  # with few labels the discriminant is far too confident

# How much a prior may count, and how likely each of these is before there is evidence.
PRIOR_WEIGHTS, BELIEFS = np.array([0.0, 1.0, 2.0]), np.array([0.05, 0.1, 0.85])
SOFTENED = 1.5  # temperature of the evidence: a prior that makes a model right, but too sure, is no worse for it
EVIDENCE = 300  # labels that decide between them; more tell nothing new
FADES, ENDS = 30, 500  # labels: with more a prior counts less, and then nothing, whatever the likelihood says
FEW = 20  # labels: with a prior, a discriminant of fewer is only noise beside it
LEAST_FREE, FREE = 0.05, 200  # the strength beside a prior: its share before there are labels, and those for all of it
FLOOR = 1e-4  # the smallest probability that counts as evidence
FOLDS = 5

SPREAD_ENDS = 500  # labels: with more the pool's spread gains nothing

# Multiplications from which on a GPU is asked: some seconds of one core.
LARGE = 2 * 10**10
PASSES = 200  # that a fit of a regression makes, about

Head = tuple[np.ndarray, np.ndarray]  # weight (c, r), bias (c,)
Span = tuple[np.ndarray, np.ndarray]  # of a task, see `_span`


def fit_heads(task: LearningTask, weight: float | None = None) -> LinearHeads:
    """A logistic regression and a linear discriminant, which predict together.

    The regression learns from the labels near the boundary, the discriminant from all; their mean is better than
    either. Where an item has several classes, each class has such a pair, which predicts yes or no. With a prior both
    learn what it leaves open, and it counts as much as the labels say that it should, see `weight_of_prior`.

    Args:   weight: of the prior; None: that of `weight_of_prior`.
    Raises: TooFewClassesError: fewer than two classes among the labels, or none that some items have and others not,
            and no prior that says more.
    """
    weight = weight_of_prior(task) if weight is None else weight
    return _heads_of(task, weight, _span(task))


def weight_of_prior(task: LearningTask) -> float:
    """How much the prior counts: 0 where it does not help, or where there is none.

    It is the weight with the highest posterior on labels that were held back, of at most `EVIDENCE` of them. From
    `FADES` labels on it falls in proportion to them, and from `ENDS` on it is 0: likelihood alone would keep a prior
    that makes a model sure, not right. With fewer, likelihood alone would refuse one that is right, but too sure.
    """
    labels = task.labels
    if task.prior is None or len(labels) >= ENDS:
        return 0.0
    weights = PRIOR_WEIGHTS * min(1.0, FADES / max(len(labels), 1))
    if len(labels) > EVIDENCE:
        task = task.subset(np.random.default_rng(0).permutation(len(labels))[:EVIDENCE])
        labels = task.labels
    evidence = np.log(BELIEFS)
    all_rows = np.arange(len(labels))
    for rows in stratified(labels.targets, FOLDS, 0, task.groups):
        if not len(rows):
            continue
        rest, true = task.subset(np.setdiff1d(all_rows, rows)), labels.targets[rows]
        span = _span(rest)
        for place, weight in enumerate(weights):
            evidence[place] += _evidence(_proba(rest, float(weight), span, labels.positions[rows]), true)
    if len(np.unique(labels.targets, axis=0)) < 2:
        evidence[0] = -np.inf  # labels of one class train nothing by themselves
    return float(weights[evidence.argmax()])


def _evidence(proba: np.ndarray, targets: np.ndarray) -> float:
    """The log likelihood of the targets, with softened probabilities. Args: as in `labeler.core.decisions`."""
    proba, targets = decisions.as_single_decisions(proba, targets)
    log = log_softmax(np.log(np.maximum(proba, FLOOR)) / SOFTENED, axis=1)
    return float(decisions.proba_of_targets(log, targets).sum())


def _proba(task: LearningTask, weight: float, span: Span, positions: np.ndarray) -> np.ndarray:
    """(k, C) probabilities by heads with this weight of the prior; all equal where labels of one class have none."""
    try:
        return _heads_of(task, weight, span).predict_proba(task.dataset, positions)
    except TooFewClassesError:
        return np.full((len(positions), task.n_classes), 1 / task.n_classes)


def _heads_of(task: LearningTask, weight: float, span: Span) -> LinearHeads:
    if not weight or task.prior is None:
        return _plain_heads(task, span)
    return _heads_with(task, task.prior, weight, span)


def _heads_with(task: LearningTask, prior: Prior, weight: float, span: Span) -> LinearHeads:
    """Heads over all classes whose logits are those of the prior, times its weight, and what was learned beside it."""
    if task.labels.several:
        return _over_all_classes(task, [_beside_of_each(task, prior, weight, span)])
    fitted = [_beside(task, prior, weight, span)]
    targets = task.labels.targets
    if len(targets) >= FEW and len(np.unique(targets)) == task.n_classes:
        features, basis = span
        learned, bias = discriminant(features, targets)
        fitted.append((learned @ basis + weight * prior.weight, bias + weight * prior.bias))
    return _over_all_classes(task, fitted)


def _beside(task: LearningTask, prior: Prior, weight: float, span: Span) -> Head:
    """Weight (C, d) and bias (C,) of a prior and of a logistic regression of what it leaves open."""
    features, basis = span
    offset = weight * prior.scores(task.features(task.labels.positions))
    learned, bias = offset_logistic(features, task.labels.targets.astype(np.intp), offset, _strength_beside(task))
    return learned @ basis + weight * prior.weight, bias + weight * prior.bias


def _beside_of_each(task: LearningTask, prior: Prior, weight: float, span: Span) -> Head:
    """As `_beside`, of items with several classes: for each class the log odds of yes, learned alone.

    Before there are labels an item is taken to have one class on average; then the labels say how frequent each is.
    """
    n_classes, strength = task.n_classes, _strength_beside(task)
    features, basis = span
    frequency = (task.labels.targets.sum(axis=0) + 1) / (len(task.labels) + max(n_classes, 2))
    base = np.log(frequency / (1 - frequency))
    scores, heads = weight * prior.scores(task.features(task.labels.positions)) + base, []
    for c in range(n_classes):
        halves = np.column_stack([-scores[:, c], scores[:, c]]) / 2
        learned, bias = offset_logistic(features, task.labels.targets[:, c].astype(np.intp), halves, strength)
        heads.append((learned[1] - learned[0], bias[1] - bias[0]))
    own, biases = (np.stack(parts) for parts in zip(*heads, strict=True))
    return own @ basis + weight * prior.weight, biases + weight * prior.bias + base


def _over_all_classes(task: LearningTask, fitted: list[Head]) -> LinearHeads:
    weight, bias = (np.stack(parts).astype(np.float32) for parts in zip(*fitted, strict=True))
    classes = np.arange(task.n_classes)
    return LinearHeads(task.normalizer, classes, task.n_classes, weight, bias, task.labels.several)


def _plain_heads(task: LearningTask, span: Span) -> LinearHeads:
    """Heads that learn from the labels alone."""
    features, basis = span
    strength = _strength(task.dataset)

    def fit(targets: np.ndarray) -> list[Head]:
        return [logistic(features, targets, strength), discriminant(features, targets)]

    return _heads(task, fit, basis)


def fit_committee(task: LearningTask, members: int, seed: int) -> LinearHeads:
    """Logistic regressions that are each fitted to a bootstrap of the labels with at least one example of each class.

    Where an item has several classes, the heads of each class are fitted to bootstraps of their own. A prior
    counts for each member as it does for the model.

    Raises: TooFewClassesError: as `fit_heads`.
    Source: Abe and Mamitsuka 1998 (query by bagging).
    """
    rng = np.random.default_rng(seed)
    if task.prior is not None and (weight := weight_of_prior(task)):
        n = len(task.labels)
        drawn = [task.subset(rng.integers(n, size=n)) for _ in range(members)]
        beside = _beside_of_each if task.labels.several else _beside
        return _over_all_classes(task, [beside(part, task.prior, weight, _span(part)) for part in drawn])
    features, basis = _span(task)
    strength = _strength(task.dataset)

    def fit(targets: np.ndarray) -> list[Head]:
        fitted = []
        for _ in range(members):
            # one example of each class first, the others drawn with replacement
            firsts = [rng.choice(np.flatnonzero(targets == c)) for c in range(targets.max() + 1)]
            drawn = np.concatenate([firsts, rng.integers(len(targets), size=len(targets) - len(firsts))])
            fitted.append(logistic(features, targets, strength, np.bincount(drawn, minlength=len(targets))))
        return fitted

    return _heads(task, fit, basis)


def discriminant(features: np.ndarray, targets: np.ndarray) -> Head:
    """Weight (c, r) and bias (c,) of a linear discriminant analysis with a shrunken covariance, cooled down.

    The covariance within the classes is drawn towards a sphere of the features' mean variance, so that it can be
    inverted from a single example of each class on.

    Args:   features: (m, r) float. targets: (m,) int, 0 to c − 1, each of them present.
    Source: Friedman 1989, section 3 (shrinkage to a multiple of the identity); Guo et al. 2017 (temperature).
    """
    counts = np.bincount(targets)
    means = np.stack([features[targets == c].mean(axis=0) for c in range(len(counts))])
    within, share = features - means[targets], (1 - SHRINKAGE) / len(features)
    weight = _solve_covariance(within, share, SHRINKAGE * max(features.var(axis=0).mean(), 1e-12), means)
    bias = np.log(counts / len(features)) - np.einsum("cr,cr->c", weight, means) / 2
    return weight / TEMPERATURE, bias / TEMPERATURE


def _solve_covariance(within: np.ndarray, share: float, ridge: float, means: np.ndarray) -> np.ndarray:
    """(c, r): the means (c, r) times the inverse of `share` · within.T @ within + `ridge` · I."""
    from scipy.linalg import solve

    m, width = within.shape
    if device_is_worthwhile(m * width**2 + width**3 // 3):
        from labeler.learner import device_heads  # deferred: it loads torch

        return device_heads.solve_covariance(within, share, ridge, means)
    covariance = share * (within.T @ within)
    covariance[np.diag_indices_from(covariance)] += ridge
    return solve(covariance, means.T, assume_a="pos").T


def _heads(task: LearningTask, fit: Callable[[np.ndarray], list[Head]], basis: np.ndarray) -> LinearHeads:
    """The members that `fit` returns for targets 0 to c − 1, mapped back to all d columns by `basis` (r, d)."""
    labels = task.labels
    if labels.several:
        classes, fitted = np.arange(task.n_classes), _yes_or_no(labels.targets, fit)
    else:
        classes, targets = classes_of(labels.targets)
        fitted = fit(targets)
    weight = np.stack([weight @ basis for weight, _ in fitted]).astype(np.float32)
    bias = np.stack([bias for _, bias in fitted]).astype(np.float32)
    return LinearHeads(task.normalizer, classes, task.n_classes, weight, bias, labels.several)


def classes_of(targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The classes that have labels, and each label's position among them.

    Args:   targets: (m,) int.
    Raises: TooFewClassesError: fewer than two classes.
    """
    classes, places = np.unique(targets, return_inverse=True)
    if len(classes) < 2:
        n = len(targets)
        problem = mark("all {n} labels are of one class", n=n) if n else mark("there are no labels")
        raise TooFewClassesError("{problem}: label items of at least two classes.", problem=problem)
    return classes.astype(np.int64), places


def _yes_or_no(targets: np.ndarray, fit: Callable[[np.ndarray], list[Head]]) -> list[Head]:
    """Members that give the log odds of yes for each class, each class fitted alone (binary relevance).

    A class that all items have, or none, gets its base rate by Laplace's rule, which leaves room for the next item to
    differ.

    Args:    targets: (m, C) of 0 and 1.
    """
    counts = targets.sum(axis=0)
    learned = {c: fit(targets[:, c].astype(np.intp)) for c in np.flatnonzero((counts > 0) & (counts < len(targets)))}
    if not learned:
        raise TooFewClassesError(
            "of {targets} labels none tells a class from the others: label items with a class and without it.",
            targets=len(targets),
        )
    pairs = next(iter(learned.values()))
    fitted = []
    for member in range(len(pairs)):
        weight = np.zeros((targets.shape[1], pairs[0][0].shape[1]))
        bias = np.log((counts + 1) / (len(targets) - counts + 1))
        for c, heads in learned.items():
            weight[c], bias[c] = (no_yes[1] - no_yes[0] for no_yes in heads[member])
        fitted.append((weight, bias))
    return fitted


def _strength(dataset: Dataset) -> float:
    return C_TEXT if dataset.is_of_texts else C_IMAGE


def _strength_beside(task: LearningTask) -> float:
    """The strength of what is learned beside a prior: the fewer labels there are, the less they may change."""
    return _strength(task.dataset) * min(1.0, LEAST_FREE + len(task.labels) / FREE)


def _span(task: LearningTask) -> Span:
    """The labels' features as heads learn from them (m, r), and the columns that each stands for (r, d).

    Up to `SPREAD_ENDS` labels the features are stretched as the pool is spread. The rows lie in an orthonormal basis of
    their span; with many labels they are the features themselves, r = d. A head with an L2 penalty lies in the span of
    its examples, so a fit on m columns finds the same head as one on d columns. With few labels and wide features it is
    several times faster.
    """
    features, spread = task.features(task.labels.positions), task.spread if len(task.labels) <= SPREAD_ENDS else None
    if spread is not None:
        features = spread.stretched(features)
    if 2 * len(features) > features.shape[1]:  # finding the basis costs more than it saves
        rows, basis = features, np.eye(features.shape[1], dtype=features.dtype)
    else:
        columns, triangle = np.linalg.qr(features.T)
        rows, basis = triangle.T, columns.T
    return rows, basis if spread is None else spread.of_features(basis)


def logistic(features: np.ndarray, targets: np.ndarray, strength: float, counts: np.ndarray | None = None) -> Head:
    """Weight (c, r) and bias (c,) of a logistic regression; `counts` weighs each row."""
    from sklearn.linear_model import LogisticRegression

    if device_is_worthwhile(PASSES * features.size * (int(targets.max()) + 1)):
        from labeler.learner import device_heads  # deferred: it loads torch

        return device_heads.logistic(features, targets, strength, counts)
    with _blas().limit(limits=1, user_api="blas"):
        fitted = LogisticRegression(C=strength, max_iter=1000).fit(features, targets, sample_weight=counts)
    weight, bias = fitted.coef_, fitted.intercept_
    if len(weight) == 1:  # two classes: one row of log odds becomes a row for each class
        return np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return weight, bias


def device_is_worthwhile(multiplications: int) -> bool:
    """Whether a GPU is asked to do them: there is one that computes in float64, and they are many."""
    if multiplications < LARGE or not processes.may_have_gpu():
        return False
    from labeler.backbones.devices import device  # deferred: it loads torch, which small heads do without

    return device().type == "cuda"


@cache
def _blas() -> "ThreadpoolController":
    """The libraries whose threads a fit does without: its vectors are so short that they only wait for each other."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
