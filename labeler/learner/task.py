"""A learning task: labels, and everything else that a model needs to learn from them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from labeler.backbones.encoder import Encoder
from labeler.core.rounds import Dataset, Labels
from labeler.learner.model import Normalizer
from labeler.learner.prior import Known, Prior
from labeler.learner.spread import Spread


@dataclass(frozen=True)
class LearningTask:
    """Labels of a dataset, and what it takes to learn from them.

    n_classes: of the project, with or without labels. normalizer: of the dataset's embeddings. encoder: what computed
    these; only fine-tuning needs it. folder: of the project; only a head that is a file of its needs it. prior: what is
    known of the classes without labels; only linear heads start from it. spread: of the dataset's features; None:
    linear heads take all directions to be alike.
    """

    dataset: Dataset
    labels: Labels
    n_classes: int
    normalizer: Normalizer
    encoder: Encoder | None = None
    folder: Path | None = None
    prior: Prior | None = None
    spread: Spread | None = None

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        labels: Labels,
        n_classes: int,
        encoder: Encoder | None = None,
        folder: Path | None = None,
    ) -> Self:
        """A task whose normalizer is fitted to all of the dataset's embeddings.

        Of texts the spread is that of the embeddings, too. Of images there is none: heads lost by it on drawings.
        """
        normalizer = Normalizer.fit(dataset.embeddings, dataset.dims)
        spread = Spread.of(normalizer, dataset.embeddings) if dataset.is_of_texts else None
        return cls(dataset, labels, n_classes, normalizer, encoder, folder, spread=spread)

    def knowing(self, known: Known) -> Self:
        """The same task, learned from what is known of the classes, too."""
        return replace(self, prior=known.prior(self.normalizer, self.dataset.embeddings, self.n_classes))

    def without_prior(self) -> Self:
        """The same task, learned from its labels alone."""
        return replace(self, prior=None)

    @property
    def groups(self) -> np.ndarray | None:
        """(m,) int, equal for labels of one group, such as a patient; None: there are no groups."""
        return self.dataset.groups_of(self.labels.positions)

    def relabeled(self, labels: Labels) -> Self:
        """The same task with other labels."""
        return replace(self, labels=labels)

    def alone(self) -> Self:
        """The same task with a dataset of the labeled items alone."""
        return replace(
            self,
            dataset=self.dataset.part(self.labels.positions),
            labels=replace(self.labels, positions=np.arange(len(self.labels))),
        )

    def subset(self, rows: np.ndarray) -> Self:
        """The same task with some of its labels.

        Args: rows: (k,) int, into the labels.
        """
        return self.relabeled(Labels(self.labels.positions[rows], self.labels.targets[rows]))

    def features(self, positions: np.ndarray) -> np.ndarray:
        """(k, d) float32 normalised features of the items at `positions` (k,)."""
        return self.normalizer.apply(self.dataset.embeddings[positions])
