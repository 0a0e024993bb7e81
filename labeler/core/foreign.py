"""The records of somebody else's models, once their predictions are stored; see also `items.ForeignPrediction`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from labeler.core.items import Problem


@dataclass(frozen=True)
class ForeignModel:
    """A model of somebody else whose predictions are stored. n: of how many items. source: the file they came from.

    classes: the project's when they came, and class_change the number of the latest change of the classes then.
    """

    id: int
    name: str
    version: str
    at: str
    by: str
    source: str
    n: int
    classes: tuple[str, ...]
    class_change: int

    @property
    def title(self) -> str:
        """Its name, with its version behind it."""
        return title_of(self.name, self.version)


def title_of(name: str, version: str) -> str:
    """How a model is called: its name, with its version behind it."""
    return f"{name} {version}".strip()


@dataclass(frozen=True)
class ForeignForecast:
    """The predictions of a model for some items, in today's classes.

    items: (n,) int64 ids. labels: (n,) stored texts. proba: (n, C) float, NaN in all of a row without probabilities.
    confidence: (n,) float, the probability of the label; NaN: there is none. unreadable: how many predictions are left
    out, because they say nothing in today's classes: theirs was split or retired.
    """

    items: np.ndarray
    labels: tuple[str, ...]
    proba: np.ndarray
    confidence: np.ndarray
    unreadable: int = 0


@dataclass(frozen=True)
class AddedPredictions:
    """What came of the predictions of one model: how many items have one now, and what was left out.

    repeated: rows about an item that an earlier row was about. problems: the first rows that were left out, with the
    reason; more_problems: beyond those. replaced: whether the model had predictions under this version before.
    """

    model: str
    version: str
    n: int
    repeated: int
    problems: tuple[Problem, ...]
    more_problems: int = 0
    replaced: bool = False

    @property
    def title(self) -> str:
        """The model's name, with its version behind it."""
        return title_of(self.model, self.version)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """What was written as JSON."""
        return cls(**{**stored, "problems": tuple(Problem(**problem) for problem in stored["problems"])})

    @property
    def left_out(self) -> int:
        """The number of rows that were left out, other than the repeated ones."""
        return len(self.problems) + self.more_problems
