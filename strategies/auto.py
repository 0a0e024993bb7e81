"""The default: what asks for those who choose no strategy."""

import numpy as np

from strategies.base import Candidates, selects
from strategies.herding import herd
from strategies.uncertainty import gap

FAMILY = "hybrid"

SAMPLE = 4_000  # twice the hybrid's: its kernel takes 64 MB, and covers the pool better


@selects(needs=("proba", "embeddings", "labeled"))
def auto(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """The default: items that cover most of the uncertainty around them, looked for in a larger sample of the pool.

    Uncertainty Herding: few labels are spread over the pool, many refine the boundaries, and an item that is like a
    chosen one adds nothing. docs/benchmarks/strategies.md has the comparison.

    Args:    c: with proba, embeddings and labeled.
    Returns: (n,) positions in the order of choice.
    Source:  Bae, Hutchinson & Sutherland 2025 (Uncertainty Herding).
    """
    assert c.proba is not None
    return herd(c, 1 - gap(c.proba), n, rng, SAMPLE)
