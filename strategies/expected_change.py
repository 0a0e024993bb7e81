"""Expected model change: ask about the items whose label is expected to change the model, or its error, the most."""

import numpy as np

from strategies import blocks
from strategies.base import Candidates, scores, top
from strategies.uncertainty import gap, shannon

# Imports of scipy are deferred: it is slow to load.

FAMILY = "expected model change"

CANDIDATES = 200  # items whose effect is worked out: half of them the smallest margins, half drawn
REFERENCE = 500  # items drawn to estimate the pool's error on
RIDGE = 1.0  # weight decay of the head; with rows of length 1 this is logistic regression's C = 1
CURVATURE = 0.5  # of softmax's log loss, at most


@scores(needs=("proba", "embeddings"), linear=True)
def expected_gradient_length(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """Expected length of the step that the item's label would make the head take. Far from 0 counts as well as doubt.

    In closed form: the gradient of the log loss of a linear softmax layer is the outer product of p − e_c and (x, 1),
    so that its expected length is Σ_c p_c ‖p − e_c‖ · ‖(x, 1)‖.

    Args:    c: with proba and embeddings.
    Returns: (n,) from 0; higher is asked first.
    Source:  Settles, Craven & Ray 2008; Settles 2010, section 3.3.
    """
    assert c.proba is not None
    assert c.embeddings is not None
    lengths = np.empty(len(c))
    for rows, x in blocks.rows(c.embeddings):
        p = c.proba[rows].astype(float)  # in single precision the difference below is noise where the model is sure
        squares = np.einsum("ij,ij->i", p, p)
        residuals = np.sqrt(np.maximum(1 + squares[:, None] - 2 * p, 0))  # ‖p − e_c‖
        lengths[rows] = (p * residuals).sum(axis=1) * np.sqrt(1 + np.einsum("ij,ij->i", x, x))
    return lengths


@scores(needs=("proba", "embeddings", "labeled"), linear=True)
def expected_error_reduction(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """How far the pool's expected log loss would fall with the item's label. It asks what helps all items.

    Approximated in three places. Instead of a retrained model for each item and label, the head takes one Newton step
    from the given probabilities, under Böhning's bound on the curvature of all labeled items and the new one (rank-one
    update), on centred embeddings of length 1; the labels are weighted by their predicted probability. The error is
    the mean entropy of up to 500 drawn items instead of the whole pool. Only 200 items are looked at, the 100 smallest
    margins and 100 drawn ones; all others come after these, in the order of their margins. Each item is valued alone,
    so that a large batch holds items that teach the same: best where few are asked at a time.

    Args:    c: with proba, embeddings and labeled (which may be empty).
    Returns: (n,) nats an item, higher is asked first; items not looked at score below all that were.
    Source:  Roy & McCallum 2001; Settles 2010, section 3.4; Böhning 1992 (the bound).
    """
    assert c.proba is not None
    assert c.embeddings is not None
    assert c.labeled_embeddings is not None
    n = len(c)
    gaps = gap(c.proba).astype(float)
    tried, reference = _tried(gaps, rng), rng.choice(n, min(n, REFERENCE), replace=False)
    mean = blocks.mean(c.embeddings)
    steps = influence(
        _features(c.embeddings[tried], mean),
        _features(c.embeddings[reference], mean),
        _features(c.labeled_embeddings, mean),
    )
    now = shannon(c.proba[reference].astype(float)).mean()
    # rounded: products of matrices leave equal items equal but for the last bits
    gains = np.round(now - loss_after(c.proba[tried], c.proba[reference], steps), 12)
    scored = gains.min() - 1 - gaps
    scored[tried] = gains
    return scored


def influence(X: np.ndarray, reference: np.ndarray, labeled: np.ndarray) -> np.ndarray:
    """How far labeling an item of X moves the logits at each reference item, per unit of surprise e_y − p.

    A new item x adds CURVATURE · x xᵀ to the curvature A = RIDGE + CURVATURE · Σ (labeled) x xᵀ; by Sherman & Morrison
    the step along x is then A⁻¹x / (1 + CURVATURE · xᵀA⁻¹x), without a matrix to invert for each item.

    Args:    X: (k, d), reference: (r, d), labeled: (m, d) float64; m may be 0.
    Returns: (k, r).
    Source:  Böhning 1992 (no step under this curvature overshoots); Sherman & Morrison 1950.
    """
    from scipy.linalg import solve

    curvature = CURVATURE * (labeled.T @ labeled) + RIDGE * np.eye(X.shape[1])
    directions = solve(curvature, X.T, assume_a="pos").T
    stiffness = 1 + CURVATURE * np.einsum("ij,ij->i", X, directions)
    return directions @ reference.T / stiffness[:, None]


def loss_after(proba: np.ndarray, reference_proba: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Expected log loss on the reference items, each by its own prediction, once an item is labeled.

    Label y, of probability p_y, moves the logits at reference item j by steps[i, j] · (e_y − p). All labels share the
    part with −p, so that each of them changes one column only: O(r · C) for all C labels of an item.

    Args:    proba: (k, C), reference_proba: (r, C), rows sum to 1; steps: (k, r), see `influence`.
    Returns: (k,) nats.
    Source:  Roy & McCallum 2001 (log loss).
    """
    logits = np.log(np.maximum(reference_proba.astype(float), 1e-12))  # finite where a class is ruled out
    after = np.empty(len(proba))
    for i, (p, step) in enumerate(zip(proba.astype(float), steps, strict=True)):
        common = logits - step[:, None] * p
        weights, raised = np.exp(common), np.exp(common + step[:, None])
        # column y: the sum over classes, and that of weight · logit, once the label is y
        total = weights.sum(axis=1, keepdims=True) - weights + raised
        weights *= common
        product = weights.sum(axis=1, keepdims=True) - weights + raised * (common + step[:, None])
        after[i] = (np.log(total) - product / total).mean(axis=0) @ p
    return after


def _tried(gaps: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Positions of the items that are worked out: all, or half the smallest gaps and half drawn from the others."""
    if len(gaps) <= CANDIDATES:
        return np.arange(len(gaps))
    closest = top(-gaps, CANDIDATES // 2, rng)
    others = np.setdiff1d(np.arange(len(gaps)), closest, assume_unique=True)
    return np.concatenate([closest, rng.choice(others, CANDIDATES - len(closest), replace=False)])


def _features(X: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Rows centred, scaled to length 1 (0 where there is none) and with a 1 for the bias: (…, d + 1) float64."""
    X = X.astype(float) - mean
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    X = np.divide(X, norms, out=np.zeros_like(X), where=norms > 0)
    return np.hstack([X, np.ones((len(X), 1))])
