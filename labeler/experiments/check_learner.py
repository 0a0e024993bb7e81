"""Checks of a file of learners against the contract, for `python -m labeler check-learner`."""

import inspect
import shutil
import tempfile
from collections.abc import Iterator
from itertools import product
from multiprocessing.connection import Connection
from pathlib import Path

from labeler.core.errors import LabelerError
from labeler.experiments.check_file import LIMIT, Verdict, verdicts
from labeler.learner.contract import CHECKS
from labeler.learner.estimators import Head, executed


def check_file(path: Path, limit: float = LIMIT) -> Iterator[Verdict]:
    """Yield a verdict for each promise of each learner in the file.

    Args:   limit: seconds that a check may take.
    Raises: CheckedFileError: it cannot be read or run, or has no learner.
    """
    return verdicts(path, CHECKS, _check, limit, "Learner file")


def learners_of(path: Path) -> list[str]:
    """The names of the learners in a file: its own classes with `fit` and `predict_proba`.

    Raises: TrainingError: the file cannot be run.
    """
    module = executed(path)
    return [
        name
        for name, made in vars(module).items()
        if inspect.isclass(made) and made.__module__ == module.__name__ and not name.startswith("_")
        if hasattr(made, "fit") and hasattr(made, "predict_proba")
    ]


def _check(path: Path, start: int, messages: Connection) -> None:
    """Send the names of the file's learners, or the error; then the result of each check, beginning with `start`."""
    try:
        names = learners_of(path)
    except LabelerError as error:
        messages.send(str(error))
        return
    if not names:
        messages.send(f"Learner file {path.name}: it has no class with the methods fit and predict_proba.")
        return
    messages.send(names)
    with tempfile.TemporaryDirectory() as scratch:  # models are saved beside a copy, as in a project's folder
        folder = Path(scratch)
        shutil.copy(path, folder)
        for name, check in list(product(names, CHECKS))[start:]:
            messages.send(check.broken(Head.named(f"{path.name}:{name}", {}, folder), folder))
