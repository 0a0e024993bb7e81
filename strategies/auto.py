"""The default: what asks for those who choose no strategy."""

import numpy as np

from strategies.base import Candidates, selects
from strategies.herding import herd
from strategies.uncertainty import gap

FAMILY = "hybrid"

SAMPLE = 4_000  # twice the hybrid's: its kernel takes 64 MB, and covers the pool better


@selects(needs=("proba", "embeddings", "labeled"), watched=True)
def auto(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """The default: items that cover most of the uncertainty around them, and more random ones if these teach as much.

    Uncertainty Herding in a larger sample of the pool: few labels are spread out, many refine the boundaries, and an
    item that is like a chosen one adds nothing. A project compares what was asked with its control arm after each
    round, and draws the more of the next batch at random, the likelier it is that the choice gains nothing.
    docs/benchmarks/strategies.md has the comparisons.

    Args:    c: with proba, embeddings and labeled.
    Returns: (n,) positions in the order of choice.
    Source:  Bae, Hutchinson & Sutherland 2025 (Uncertainty Herding); Thompson 1933 (the share of random items).
    """
    assert c.proba is not None
    return herd(c, 1 - gap(c.proba), n, rng, SAMPLE)
