"""Candidates that are made up: what strategies are tried on."""

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np

from strategies.base import Candidates, Strategy


def generator(seed: int = 7) -> np.random.Generator:
    """A generator that gives the same numbers each time."""
    return np.random.default_rng(seed)


def pool(
    n: int = 40,
    classes: int = 4,
    members: int = 5,
    labeled: int = 12,
    features: int = 6,
    names: Collection[str] = ("proba", "member_proba", "embeddings", "labeled_embeddings", "labeled_targets"),
) -> Candidates:
    """Candidates about which everything is known, or what is named; their ids are no positions."""
    rng = generator(0)
    draw: dict[str, Callable[[], np.ndarray]] = {
        "proba": lambda: rng.dirichlet(np.ones(classes), n),
        "member_proba": lambda: rng.dirichlet(np.ones(classes), (members, n)),
        "embeddings": lambda: rng.standard_normal((n, features), dtype=np.float32),
        "labeled_embeddings": lambda: rng.standard_normal((labeled, features), dtype=np.float32),
        "labeled_targets": lambda: rng.integers(0, classes, labeled),
    }
    return Candidates(ids=1_000_000 + np.arange(n), **{name: draw[name]() for name in names})


def without_ties() -> Candidates:
    """Six candidates that no measure calls equal: five members vote 5, 4:1, 3:2, 3:1:1, 2:2:1 and 2:1:1:1."""
    votes = [[0] * 5, [0, 0, 0, 0, 1], [0, 0, 0, 1, 1], [0, 0, 0, 1, 2], [0, 0, 1, 1, 2], [0, 0, 1, 2, 3]]
    noise = generator(1).dirichlet(np.ones(4), (5, 6))
    return replace(pool(6), member_proba=0.8 * np.eye(4)[np.array(votes).T] + 0.2 * noise)


def arrays(strategy: Strategy) -> list[str]:
    """The names of the arrays behind its needs."""
    behind = {"labeled": ["labeled_embeddings", "labeled_targets"]}
    return [name for need in sorted(strategy.needs) for name in behind.get(need, [need])]


def only_needed(strategy: Strategy, c: Candidates) -> Candidates:
    """The candidates with nothing but what the strategy needs, as it gets them from a round."""
    return Candidates(ids=c.ids, **{name: getattr(c, name) for name in arrays(strategy)})
