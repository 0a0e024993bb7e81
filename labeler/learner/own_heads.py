"""Learner files of a project run in a process of their own under limits: they are somebody's code.

A file that loops, eats memory or crashes is ended, and told by its name and line; nothing else stops.
"""

import inspect
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from labeler.core.limited import LimitedProcess, Limits
from labeler.core.settings import LimitsConfig
from labeler.i18n.messages import mark
from labeler.learner import head_process

MOST = 2  # processes at a time, a file each
Result = TypeVar("Result")


def limits_of(settings: LimitsConfig) -> Limits:
    """The limits of learner files that the settings give."""
    return Limits(settings.strategy_seconds, settings.strategy_megabytes)


_limits: Limits | None = limits_of(LimitsConfig())  # None: the files run in this process
_processes: dict[Path, LimitedProcess] = {}
_turn = threading.RLock()


@contextmanager
def heads_limited(limits: Limits | None) -> Iterator[None]:
    """A block in which learner files have these limits, in all threads; None: they run in this process, which is
    watched by somebody else.
    """
    global _limits
    before, _limits = _limits, limits
    try:
        yield
    finally:
        _limits = before


def own_class(path: Path, digest: str, class_name: str) -> Callable[..., Any] | None:
    """What makes classifiers of a class in a file; None: the file has no class of this name with a method `fit`.

    Args:   digest: of the file.
    Raises: TrainingError: the file cannot be run. LimitError: its process was ended.
    """
    if _limits is None:
        made = getattr(head_process.executed(path), class_name, None)
        return made if inspect.isclass(made) and hasattr(made, "fit") else None
    facts = _call(path, class_name, head_process.look, path, digest, class_name)
    if not facts.is_head:
        return None

    def make(**parameters: Any) -> object:
        classifier = _Classifier(path, digest, class_name, parameters)
        return classifier if classifier.has_proba else object()

    seed = inspect.Parameter("random_state", inspect.Parameter.KEYWORD_ONLY)
    make.__signature__ = inspect.Signature([seed] if facts.is_seeded else [])  # type: ignore[attr-defined]
    return make


class _Classifier:
    """A classifier in the other process. has_proba: whether it gives probabilities."""

    def __init__(self, path: Path, digest: str, class_name: str, parameters: dict[str, Any]) -> None:
        self.path, self.digest, self.class_name, self.parameters = path, digest, class_name, parameters
        self.key = uuid.uuid4().hex
        self.has_proba = self._ask(head_process.make, path, digest, class_name, parameters, self.key)

    def fit(self, features: np.ndarray, labels: np.ndarray) -> None:
        self.features, self.labels = features, labels
        self._ask(head_process.fit, self.path, self.key, features, labels)

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        with _turn:
            proba = self._ask(head_process.predict_proba, self.path, self.key, features)
            if proba is None:  # many others came since, or that process was ended
                self._ask(head_process.make, self.path, self.digest, self.class_name, self.parameters, self.key)
                self.fit(self.features, self.labels)
                proba = self._ask(head_process.predict_proba, self.path, self.key, features)
        assert proba is not None, "it was fitted a moment ago"
        return proba

    def _ask(self, function: Callable[..., Result], *arguments: object) -> Result:
        return _call(self.path, self.class_name, function, *arguments)


def _call(path: Path, class_name: str, function: Callable[..., Result], *arguments: object) -> Result:
    """What a function returns in the process of a file."""
    with _turn:
        process = _processes.pop(path, None)
        if process is not None and process.limits != _limits:
            process.end()
            process = None
        if process is None:
            assert _limits is not None, "else nothing is asked of another process"
            process = LimitedProcess("", _limits, path, load=(head_process.__name__,))
        _processes[path] = process
        for oldest in list(_processes)[:-MOST]:
            _processes.pop(oldest).end()
        head = f"{path.name}:{class_name}"
        process.name = mark("The head {name}", name=head)
        return process.call(function, *arguments)
