"""Checks of learners against the contract: of a file for `check-learner`, of a head before a project has it."""

import inspect
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from labeler.core.errors import LabelerError
from labeler.core.setting_rules import LINEAR
from labeler.core.settings import LearnerConfig
from labeler.experiments.check_file import LIMIT, NoAnswerError, Verdict, next_message, running, verdicts
from labeler.i18n.messages import Message, dump, load
from labeler.learner.contract import CHECKS, BrokenPromiseError, kept, probabilities
from labeler.learner.estimators import NAMES, Head
from labeler.learner.head_process import executed
from labeler.learner.own_heads import heads_limited


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


def refusal(learner: LearnerConfig, folder: Path, limit: float = LIMIT) -> str | None:
    """Why a project cannot have this head, in one sentence; None if it can.

    The head is fitted to examples in a process of its own, because it may be a file, which is foreign code.

    Args: folder: of the project, which holds the head's file, if it has one. limit: seconds that this may take.
    """
    if learner.head == LINEAR or (learner.head in NAMES and not learner.head_parameters):
        return None
    work = partial(try_head, learner.head, dict(learner.head_parameters))
    with running(folder, 0, work) as (process, messages):
        try:
            problem: str | None = next_message(process, messages, limit)
        except NoAnswerError as error:
            return _unusable(learner.head, error)
    return problem and load(problem)


def try_head(name: str, parameters: Mapping[str, Any], folder: Path, start: int, messages: Connection) -> None:
    """Send what is wrong with a head, as `dump` stores it, or None: runs in a process of its own."""
    file, _, class_name = name.partition(":")
    with tempfile.TemporaryDirectory() as scratch, heads_limited(None):
        try:
            head = Head.named(name, parameters, folder)
            if class_name and file.endswith(".py"):
                (Path(scratch) / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(folder / file, Path(scratch) / file)
            for promise in (probabilities, kept):
                promise(head, Path(scratch))
        except BrokenPromiseError as error:
            messages.send(dump(_unusable(name, error)))
        except LabelerError as error:
            messages.send(dump(error))
        else:
            messages.send(None)


def _unusable(name: str, error: LabelerError) -> Message:
    return Message.of(LabelerError("The head {name} cannot be used: {reason}", name=name, reason=error))


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
    with (
        tempfile.TemporaryDirectory() as scratch,
        heads_limited(None),
    ):  # models are saved beside a copy, as in a project's folder
        folder = Path(scratch)
        shutil.copy(path, folder)
        for name, check in list(product(names, CHECKS))[start:]:
            messages.send(check.broken(Head.named(f"{path.name}:{name}", {}, folder), folder))
