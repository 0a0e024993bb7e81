"""The best model's predictions for new inputs, made in a process of its own: whoever asks never loads torch."""

from collections.abc import Sequence
from pathlib import Path

from filelock import Timeout

from labeler.core.errors import BusyError
from labeler.core.limited import Limits, run_limited
from labeler.models.inference import Predictions, predict_unseen
from labeler.projects import project as projects
from labeler.projects.project import Project

SECONDS = 120.0  # for the model and the inputs
LOCK = "predict.lock"


def predict_apart(project: Project, sources: Sequence[Path], column: str | None = None) -> Predictions:
    """As `predict_unseen`, one request at a time, under limits of time and memory.

    Raises: BusyError: others are being made. LimitError: it took too long, or too much memory. As `predict_unseen`.
    """
    limits = Limits(SECONDS, project.config.limits.import_megabytes)
    try:
        with project.lock(LOCK):
            return run_limited(
                _predict,
                project.folder,
                [*sources],
                column,
                name=project.config.name,
                limits=limits,
                load=("labeler.models.inference",),
            )
    except Timeout:
        raise BusyError("Predictions are being made in this project already: come again in a moment.") from None


def _predict(folder: Path, sources: list[Path], column: str | None) -> Predictions:
    return predict_unseen(projects.open_project(folder), sources, column)
