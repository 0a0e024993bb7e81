"""A project's own strategy files, which run in a process of their own under limits: they are somebody's code.

A file that loops, eats memory or crashes is ended, and told by its name and line; nothing else stops. Built-in
strategies run where they are called.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labeler.core.limited import LimitedProcess, LimitError, Limits
from labeler.core.settings import LimitsConfig
from labeler.i18n.messages import mark, sentences
from labeler.projects import strategy_process
from labeler.projects.project import Project
from labeler.projects.strategy_process import Description
from strategies import Broken, Strategy, StrategyError, base

PAGE_SECONDS = 10.0  # that a file may take where somebody waits for a page
# What reading files gave is kept while they stay as they are; what ended at a limit is tried again after so long.
KEPT, KEPT_SECONDS = 100, 60.0


@dataclass(frozen=True)
class _Reading:
    """What the files of a folder have. is_at_limit: whether one of them was ended."""

    descriptions: tuple[Description, ...]
    broken: tuple[Broken, ...]
    files: tuple[Path, ...]  # those that can be read
    is_at_limit: bool
    at: float


_readings: dict[tuple[Path, str, Limits], _Reading] = {}


def own_strategies(project: Project, most_seconds: float | None = None) -> AbstractContextManager[list[Broken]]:
    """A block in which the strategies of the project's own folder are known, see `strategies_in`.

    Args: most_seconds: that a file may take, where the settings allow more: `PAGE_SECONDS` where a person waits.
    """
    return strategies_in(project.strategies, limits_of(project.config.limits, most_seconds))


def limits_of(settings: LimitsConfig, most_seconds: float | None = None) -> Limits:
    """The limits of strategy files that the settings give."""
    seconds = settings.strategy_seconds
    return Limits(seconds if most_seconds is None else min(seconds, most_seconds), settings.strategy_megabytes)


@contextmanager
def strategies_in(folder: Path, limits: Limits) -> Iterator[list[Broken]]:
    """Make the strategies in a folder's Python files, or in one file, known within the block, in this thread only.

    They are those of `strategies.strategies_of`, but their code runs in another process, which starts when it is
    needed. A folder that is not there has no strategies.

    Returns: the files that could not be used; those of the others can be found by `strategies.get`.
    """
    files = [folder] if folder.is_file() else sorted(folder.glob("*.py"))
    with base.registry(dict(base.current())) as registered:
        if not files:
            yield []
            return
        with LimitedProcess(str(folder), limits, folder, load=(strategy_process.__name__,)) as process:
            reading = _read(process, folder, files)
            for description in reading.descriptions:
                registered[description.name] = _strategy(process, description, reading.files)
            yield list(reading.broken)


def fingerprint(folder: Path) -> str:
    """A digest of the Python files in a folder: what was read from them is kept until they change."""
    digest = hashlib.sha256()
    for path in [folder] if folder.is_file() else sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _read(process: LimitedProcess, folder: Path, files: Sequence[Path]) -> _Reading:
    """What the files have. One that is ended is left out, and the others are read anew."""
    key = (folder, fingerprint(folder), process.limits)
    reading = _readings.get(key)
    if reading is not None and not (reading.is_at_limit and time.monotonic() - reading.at > KEPT_SECONDS):
        return reading
    left: list[Path] = list(files)
    ended: list[Broken] = []
    descriptions: tuple[Description, ...] = ()
    broken: tuple[Broken, ...] = ()
    while left:
        process.name = mark("Reading it")
        try:
            descriptions, broken = process.call(strategy_process.load, tuple(left))
        except LimitError as error:
            guilty = [path for path in left if error.place and error.place.startswith(f"{path.name}, ")] or left
            ended += [Broken(path.name, _as_strategy_error(error)) for path in guilty]
            left = [path for path in left if path not in guilty]
        else:
            break
    reading = _Reading(descriptions, (*broken, *ended), tuple(left), bool(ended), time.monotonic())
    _readings[key] = reading
    for oldest in list(_readings)[:-KEPT]:
        _readings.pop(oldest, None)
    return reading


def _strategy(process: LimitedProcess, description: Description, files: tuple[Path, ...]) -> Strategy:
    """The strategy, whose function asks the other process."""

    def function(*arguments: object) -> np.ndarray:
        *others, rng = arguments
        assert isinstance(rng, np.random.Generator)
        process.name = mark("The strategy {name}", name=description.name)
        try:
            array, state = process.call(strategy_process.ask, files, description.name, *others, rng)
        except LimitError as error:
            raise _as_strategy_error(error) from error
        rng.bit_generator.state = state  # as if it had been used here
        return array

    function.__doc__ = description.doc
    d = description
    return Strategy(d.name, d.family, d.needs, d.kind, function, d.linear, d.watched)  # type: ignore[arg-type]


def _as_strategy_error(error: LimitError) -> StrategyError:
    return StrategyError(sentences(error))
