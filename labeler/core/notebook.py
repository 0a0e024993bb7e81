"""What Python code gets of a project, whether it lies in a folder or on a server: items to answer, rounds, verdicts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labeler.core.inputs import ImageFile
from labeler.core.rounds import Metrics

if TYPE_CHECKING:
    import pandas as pd  # slow to load


@dataclass(frozen=True)
class AskedItem:
    """An item that waits for an answer: its text, or its image: a path, or what reads it from where it is."""

    id: int
    text: str | None
    image: ImageFile | None
    source: str
    metadata: dict[str, str]


@dataclass(frozen=True)
class RoundSummary:
    """A finished round. `metrics`: on the holdout; None while no model can be trained or measured."""

    number: int
    labels: int
    strategy: str
    metrics: Metrics | None


@dataclass(frozen=True)
class Verdict:
    """A comparison of strategies. words: what it shows, how certain that is, and what to do. table: a row a strategy.
    report: everything, as `labeler simulate --out` writes it.
    """

    words: str
    table: "pd.DataFrame"
    report: dict[str, Any]

    def __repr__(self) -> str:
        return f"{self.words}\n\n{self.table.to_string(index=False)}"
