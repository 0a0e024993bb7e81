"""What is lost where a strategy looks at a part of the pool only: its own objective, relative to looking at all of it.

    python -m bench.query.error --n 10000 --seeds 3

The pool: 64-d points in 300 groups of very unequal sizes and widths, 100 of them labeled, batches of 100. For each
strategy its objective, after the choice, over the whole pool, divided by that of the same greedy search (or k-means)
without a sample; beside it that of as many random items. The lowest of the seeds is in brackets.

max_herding, uncertainty_herding   how much of the pool (of its uncertainty) is covered: 2,000 items looked at
auto                               the same: 4,000 items looked at
prob_cover                         the share of the pool within the radius: 5,000 items looked at
k-means (typiclust, k_means)       squared distances to the centres: k-means on the pool until it settles, over 5 steps
                                   on an eighth of it, which has 50 items to a cluster, as 25,000 have with 500
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from strategies import Candidates, auto, blocks, get, herding, low_budget
from strategies.uncertainty import gap

D, GROUPS, LABELED, BATCH = 64, 300, 100, 100


def pool(n: int, seed: int) -> Candidates:
    """A pool of n candidates in groups."""
    draw = np.random.default_rng(seed)
    shares = 1 / np.arange(1, GROUPS + 1)
    group = draw.choice(GROUPS, n + LABELED, p=shares / shares.sum())
    centres, widths = draw.normal(size=(GROUPS, D)), draw.uniform(0.2, 1, GROUPS)
    X = (centres[group] + widths[group, None] * draw.normal(size=(n + LABELED, D))).astype(np.float32)
    return Candidates(np.arange(n), draw.dirichlet(np.ones(5), n), None, X[:n], X[n:], np.zeros(LABELED, dtype=int))


def points(c: Candidates) -> tuple[np.ndarray, np.ndarray]:
    """The embeddings of the candidates and of the labeled items."""
    assert c.embeddings is not None
    assert c.labeled_embeddings is not None
    return c.embeddings, c.labeled_embeddings


@contextmanager
def with_constants(module: Any, **values: int) -> Iterator[None]:
    """Other constants in a module, within the block."""
    before = {name: getattr(module, name) for name in values}
    vars(module).update(values)
    try:
        yield
    finally:
        vars(module).update(before)


def herding_objective(c: Candidates, chosen: np.ndarray, weights: np.ndarray) -> float:
    """The objective of herding, with the width that the labeled items give."""
    X, labeled = points(c)
    away = blocks.nearest_squared(X, np.concatenate([labeled, X[chosen]]))
    sample = X[:2000]
    width = herding._width(sample - sample.mean(axis=0), labeled, low_budget.squared_distances(sample))
    return float(weights @ np.exp(-away / width**2))


def coverage(c: Candidates, chosen: np.ndarray, radius: float) -> float:
    """The objective of prob_cover: the share of the pool within a radius of what is labeled or chosen."""
    X, labeled = points(c)
    away = blocks.nearest_squared(X, np.concatenate([labeled, X[chosen]]))
    return float((away <= radius).mean())


def of_seed(n: int, seed: int) -> dict[str, tuple[float, float]]:
    """For each strategy its objective and that of random items, relative to the search of the whole pool."""
    c = pool(n, seed)
    assert c.proba is not None
    uncertainty = 1 - gap(c.proba)
    X, _ = points(c)
    pairs = low_budget.squared_distances(X[:2000])[np.triu_indices(2000, 1)]
    radius = float(np.quantile(pairs, 1 / (LABELED + BATCH)))
    objectives = {
        "max_herding": (herding, "SAMPLE", lambda chosen: herding_objective(c, chosen, np.ones(n))),
        "uncertainty_herding": (herding, "SAMPLE", lambda chosen: herding_objective(c, chosen, uncertainty)),
        "auto": (auto, "SAMPLE", lambda chosen: herding_objective(c, chosen, uncertainty)),
        "prob_cover": (low_budget, "COVER", lambda chosen: coverage(c, chosen, radius)),
    }
    at_random = np.random.default_rng(seed).choice(n, BATCH, replace=False)
    result = {}
    for name, (module, constant, objective) in objectives.items():
        sampled = get(name).query(c, BATCH, np.random.default_rng(seed)).positions
        with with_constants(module, **{constant: n}):
            exact = get(name).query(c, BATCH, np.random.default_rng(seed)).positions
        result[name] = (objective(sampled) / objective(exact), objective(at_random) / objective(exact))

    def squares(centres: np.ndarray) -> float:
        return float(blocks.nearest_squared(X, centres).sum())

    k = n // 400
    with with_constants(low_budget, DRAWN=n, FEWEST=300):
        whole = squares(low_budget.clusters(X, k, seed)[1])
    with with_constants(low_budget, DRAWN=n // 8, COMPARISONS=0):
        part = squares(low_budget.clusters(X, k, seed)[1])
    drawn = squares(X[np.random.default_rng(seed).choice(n, k, replace=False)])
    return result | {"k-means": (whole / part, whole / drawn)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=10_000, help="items in the pool; n × n numbers are held several times")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    results = [of_seed(options.n, seed) for seed in range(options.seeds)]
    print(f"{'strategy':<20} {'of a part':>16} {'random items':>16}")
    for name in results[0]:
        cells = [f"{np.mean(v):.3f} ({min(v):.3f})" for v in zip(*(result[name] for result in results), strict=True)]
        print(f"{name:<20} {cells[0]:>16} {cells[1]:>16}")


if __name__ == "__main__":
    main()
