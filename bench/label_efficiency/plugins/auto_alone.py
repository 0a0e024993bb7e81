"""What `auto` asks where nothing watches it: no item is drawn at random."""

import numpy as np

from strategies.auto import auto
from strategies.base import Candidates, selects

FAMILY = "hybrid"


@selects(needs=("proba", "embeddings", "labeled"))
def auto_alone(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """Items that cover most of the uncertainty around them, and no random ones.

    Source: strategies.auto.auto.
    """
    return auto(c, n, rng)
