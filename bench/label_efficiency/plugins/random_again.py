"""Random sampling with other draws: what the control saves against itself is the noise of the measure."""

import numpy as np

from strategies.base import Candidates, selects

FAMILY = "control"


@selects()
def random_again(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """Items drawn at random, and other ones than `random` draws with the same seed.

    Source: strategies.control.random.
    """
    return rng.spawn(1)[0].choice(len(c), n, replace=False)
