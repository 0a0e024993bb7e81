"""What a turn of the cycle starts from."""

from dataclasses import dataclass

import numpy as np

from labeler.core.rounds import Labels
from labeler.cycle.neighbours import Neighbours
from labeler.learner.model import Model
from labeler.learner.task import LearningTask
from labeler.measure.intervals import Estimate


@dataclass(frozen=True)
class State:
    """The labels and the pool at the beginning of a round; positions index `task.dataset`.

    task: the labels of the pool so far. pool: (n,) unlabeled positions. holdout: labels that are never trained on and
    never queried. previous: the last round's model, for a warm start. watched: positions whose probabilities are
    returned with the round. preferred: positions that are asked about more often, see `QueryConfig.more_of`.
    gain: in accuracy over random labels so far, by the control arm; None: it was not measured. neighbours: where items
    similar to minorities are found; None: the candidates of a large pool are random.
    """

    task: LearningTask
    pool: np.ndarray
    holdout: Labels
    previous: Model | None = None
    watched: np.ndarray | None = None
    preferred: np.ndarray | None = None
    gain: Estimate | None = None
    neighbours: Neighbours | None = None
