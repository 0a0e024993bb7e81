"""What runs in the process that has a project's own learner file: the file is read, and its classes are fitted.

It imports little, so that such a process starts fast.
"""

import inspect
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from labeler.core.errors import TrainingError
from strategies.base import describe

KEPT = 200  # classifiers; one that is asked later is fitted anew


@dataclass(frozen=True)
class Facts:
    """What a file has under a name. is_head: whether it is a class with a method `fit`. is_seeded: and takes a seed."""

    is_head: bool
    is_seeded: bool = False


class ToldError(Exception):
    """What went wrong in a learner file, in words, with its line."""


_modules: dict[tuple[Path, str], ModuleType] = {}
_classifiers: OrderedDict[str, Any] = OrderedDict()


def executed(path: Path) -> ModuleType:
    """The module of a file of a project; the file is code, and is run.

    Raises: TrainingError: it cannot be run; says why, with the line.
    """
    module = ModuleType(f"project_learner.{path.stem}")
    module.__file__ = str(path)
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), vars(module))
    except MemoryError:
        raise
    except Exception as error:
        raise TrainingError(
            "Learner file {name}: {reason}", name=path.name, reason=describe(error, path.name)
        ) from error
    return module


def look(path: Path, digest: str, class_name: str) -> Facts:
    """What a class of a file is. digest: of the file, which is read again where it has changed."""
    made = _class(path, digest, class_name)
    if not inspect.isclass(made) or not hasattr(made, "fit"):
        return Facts(False)
    return Facts(True, "random_state" in inspect.signature(made).parameters)


# wide: all that makes a classifier
def make(path: Path, digest: str, class_name: str, parameters: Mapping[str, Any], key: str) -> bool:
    """Make a classifier; whether it gives probabilities. key: by which it is asked later."""
    try:
        classifier = _class(path, digest, class_name)(**parameters)
    except MemoryError:
        raise
    except Exception as error:
        raise ToldError(describe(error, path.name)) from error
    _classifiers[key] = classifier
    while len(_classifiers) > KEPT:
        _classifiers.popitem(last=False)
    return hasattr(classifier, "predict_proba")


def fit(path: Path, key: str, features: np.ndarray, labels: np.ndarray) -> None:
    """Let a classifier that was made learn."""
    try:
        _classifiers[key].fit(features, labels)
    except MemoryError:
        raise
    except Exception as error:
        raise ToldError(describe(error, path.name)) from error


def predict_proba(path: Path, key: str, features: np.ndarray) -> np.ndarray | None:
    """What a fitted classifier gives, as float64; None: it is not here any more."""
    if key not in _classifiers:
        return None
    _classifiers.move_to_end(key)
    try:
        return np.asarray(_classifiers[key].predict_proba(features), dtype=np.float64)
    except MemoryError:
        raise
    except Exception as error:
        raise ToldError(describe(error, path.name)) from error


def _class(path: Path, digest: str, class_name: str) -> Any:
    if (path, digest) not in _modules:
        _modules[path, digest] = executed(path)
    return getattr(_modules[path, digest], class_name, None)
