"""Control: the arm that every other strategy has to beat."""

import numpy as np

from strategies.base import Candidates, selects

FAMILY = "control"


@selects()
def random(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """Items drawn at random, each as likely as any other. What labeling without active learning would ask.

    Args:    c: nothing but its size is used.
    Returns: (n,) positions in random order.
    Source:  Settles 2010, section 1.2 (passive learning, the baseline).
    """
    return rng.choice(len(c), n, replace=False)
