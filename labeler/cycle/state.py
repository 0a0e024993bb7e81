"""What a turn of the cycle starts from."""

from dataclasses import dataclass

import numpy as np

from labeler.core.rounds import Dataset, Labels
from labeler.learner.model import Model, Normalizer


@dataclass(frozen=True)
class State:
    """What is known when a round begins; positions index `dataset`.

    `pool` holds the unlabeled positions; `holdout` is never trained on and never queried; `previous` is the last
    round's model, if it is at hand. What the model says of the positions `watched` is given back with the result. Of
    the positions `preferred` more is asked, see `QueryConfig.more_of`.
    """

    dataset: Dataset
    normalizer: Normalizer
    labeled: Labels
    pool: np.ndarray
    holdout: Labels
    previous: Model | None = None
    watched: np.ndarray | None = None
    preferred: np.ndarray | None = None
