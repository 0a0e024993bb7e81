"""Herding: ask about the items whose neighbourhoods hold most of what the labels so far leave open."""

import numpy as np

from strategies import blocks
from strategies.base import Candidates, selects
from strategies.low_budget import by_samples, nearest_squared, squared_distances
from strategies.uncertainty import gap

SAMPLE = 2_000  # random items that are candidates and are to be covered: their kernel takes 16 MB
PAIRED = 8_192  # labeled items of which each two are compared, so that a round's time does not grow with their square
FLOOR = 0.05  # the kernel is never narrower than this, times the pool's root mean square distance from its mean


@selects(needs=("proba", "embeddings", "labeled"), family="hybrid")
def uncertainty_herding(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """The items that cover most of the uncertainty around them. It covers at first, and refines boundaries later on.

    Greedily maximises Σ_j u_j · max_i k(x_i, x_j) with i labeled or chosen, u = 1 − margin and k = exp(−d²/σ²); σ is
    the smallest distance between two labeled items, so that it narrows with every round. At most 2,000 random items
    are looked at.

    Args:    c: with proba, embeddings and labeled.
    Returns: (n,) positions in the order of choice.
    Source:  Bae, Hutchinson & Sutherland 2025 (Uncertainty Herding).
    """
    assert c.proba is not None
    return herd(c, 1 - gap(c.proba), n, rng)


@selects(needs=("embeddings", "labeled"), family="low budget")
def max_herding(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """The items that cover most of the pool around them. For the first labels, when the model's doubts mean nothing.

    Greedily maximises Σ_j max_i k(x_i, x_j) with i labeled or chosen and k = exp(−d²/σ²), as uncertainty_herding
    does. At most 2,000 random items are looked at.

    Args:    c: with embeddings and labeled.
    Returns: (n,) positions in the order of choice.
    Source:  Bae, Noh & Sutherland 2024 (Generalized Coverage; MaxHerding).
    """
    return herd(c, np.ones(len(c)), n, rng)


def herd(
    c: Candidates, weights: np.ndarray, n: int, rng: np.random.Generator, sample_size: int | None = None
) -> np.ndarray:
    """The items that cover most of the weight around them, chosen from samples of that many random ones.

    Args:    c: with embeddings and labeled. weights: (len(c),) 0 or more.
    Returns: (n,) positions in the order of choice.
    """
    assert c.embeddings is not None
    assert c.labeled_embeddings is not None
    X, labeled = c.embeddings, c.labeled_embeddings

    def choose(rows: np.ndarray, answered: np.ndarray, k: int) -> np.ndarray:
        # centred, so that ‖x‖² + ‖y‖² − 2 x·y does not cancel in float32 when the pool lies far from 0
        sample = blocks.take(X, rows)
        mean = sample.mean(axis=0)
        sample = (sample - mean).astype(np.float32, copy=False)
        kernel = squared_distances(sample)
        width = _width(sample, (labeled - mean).astype(np.float32, copy=False), kernel)
        kernel /= -(width**2)
        np.exp(kernel, out=kernel)
        away = nearest_squared(sample, (answered - mean).astype(np.float32, copy=False))
        return _greedy(kernel, weights[rows].astype(np.float32), np.exp(away / -(width**2)), k)

    return by_samples(X, labeled, n, sample_size or SAMPLE, rng, choose)


def _width(sample: np.ndarray, labeled: np.ndarray, away: np.ndarray) -> np.float32:
    """σ: the smallest distance between two labeled items; before there are two, what is usual between neighbours.

    The floor keeps two copies among the labeled items from making every item an island. Of more than `PAIRED` labeled
    items, each second, third, … takes part.

    Args:    sample: (s, d) and labeled: (m, d), both centred; away: (s, s) squared distances within the sample.
    """
    spread = np.sqrt(np.einsum("ij,ij->i", sample, sample).mean())
    labeled = labeled[:: max(1, -(-len(labeled) // PAIRED))]
    if len(labeled) > 1:
        # an item is not its own neighbour: those before it are enough, for distances go both ways
        nearest = [nearest_squared(labeled[at : at + 256], labeled[:at]).min() for at in range(256, len(labeled), 256)]
        for at in range(0, len(labeled), 256):
            block = squared_distances(labeled[at : at + 256])
            if len(block) > 1:
                nearest.append(block[np.triu_indices(len(block), 1)].min())
        width = np.sqrt(min(nearest))
    elif len(sample) > 1:
        width = np.sqrt(np.median(np.partition(away, 1, axis=1)[:, 1]))
    else:
        width = np.float32(0)
    return np.float32(max(width, FLOOR * spread) or 1)


def _greedy(kernel: np.ndarray, weights: np.ndarray, covered: np.ndarray, n: int) -> np.ndarray:
    """The n rows of a kernel that cover its columns best, given how far each column is covered already.

    Lazy: what a row adds can only shrink as others are chosen, so that an old gain is an upper bound, and only rows
    whose bound is the highest are looked at again.
    """
    bounds = blocks.by_rows(lambda rows: np.maximum(rows - covered, 0) @ weights, kernel)
    chosen = np.empty(n, dtype=np.intp)
    for i in range(n):
        fresh = np.zeros(len(bounds), dtype=bool)
        while not fresh[best := int(bounds.argmax())]:  # the first of equals: the rows stand in random order
            bounds[best] = np.maximum(kernel[best] - covered, 0) @ weights
            fresh[best] = True
        chosen[i] = best
        covered = np.maximum(covered, kernel[best])
        bounds[best] = -1  # never twice: what a row adds is 0 or more
    return chosen
