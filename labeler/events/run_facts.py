"""What a tracker of experiments is given of a round: figures, settings, files."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from labeler.core.rounds import Round
from labeler.core.settings_changes import flat
from labeler.models.cards import card_path
from labeler.projects.project import Project

NAMES = ("accuracy", "low", "high", "macro_f1", "micro_f1", "calibration_error")


@dataclass(frozen=True)
class RunFacts:
    """A round of a project, which is one run in a tracker.

    project: its uid. figures: by name. settings: by their names with dots. files: the model and its card, as far as
    they are kept.
    """

    project: str
    name: str
    folder: Path
    round: int
    labels: int
    figures: Mapping[str, float]
    settings: Mapping[str, Any]
    files: tuple[Path, ...]


class TrackRound(Protocol):
    """Adds a round to the run of its project, and leaves the rounds before it."""

    def __call__(self, facts: RunFacts) -> None: ...


def facts_of(project: Project, finished: Round) -> RunFacts:
    """What a tracker is given of a finished round."""
    metrics = finished.metrics
    figures = {name: getattr(metrics, name, None) for name in NAMES} if metrics else {}
    figures |= {"holdout": metrics.n if metrics else 0}
    figures |= {"train_seconds": finished.train_seconds, "query_seconds": finished.query_seconds}
    weights = project.folder / finished.model if finished.model else None
    kept = [path for path in (weights, weights and card_path(weights)) if path and path.exists()]
    return RunFacts(
        project.uid,
        project.config.name,
        project.folder,
        finished.number,
        finished.labels,
        {name: float(value) for name, value in figures.items() if value is not None},
        flat(replace(project.config, feeds={}).as_dict()) | {"strategy": finished.strategy, "seed": finished.seed},
        tuple(kept),
    )
