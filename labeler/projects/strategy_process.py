"""What runs in the process that has a project's own strategies: their files are read, and their functions called.

It imports little, so that such a process starts fast.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import strategies
from strategies import Broken, Strategy, StrategyError, base


@dataclass(frozen=True)
class Description:
    """A strategy without its code, which stays in this process. doc: of its function."""

    name: str
    family: str
    needs: frozenset[base.Need]
    kind: str
    doc: str
    linear: bool
    watched: bool


# The files that this process has read once: a process reads one list of files.
_open = ExitStack()
_own: dict[str, Strategy] = {}
_broken: list[Broken] = []
_is_read = False


def load(files: tuple[Path, ...]) -> tuple[tuple[Description, ...], tuple[Broken, ...]]:
    """What the files register, without the code, and the files that cannot be used."""
    global _is_read
    if not _is_read:
        built_in = set(base.current())
        for path in files:
            _broken.extend(_open.enter_context(strategies.strategies_of(path)))
        _own.update((name, strategy) for name, strategy in base.current().items() if name not in built_in)
        _is_read = True
    return tuple(map(_described, _own.values())), tuple(_broken)


def ask(files: tuple[Path, ...], name: str, *arguments: object) -> tuple[np.ndarray, Mapping[str, Any]]:
    """What the strategy's function returns, and the state of the generator, its last argument, afterwards.

    Raises: StrategyError: its code failed. MemoryError: it asked for more than there is.
    """
    load(files)
    *_others, rng = arguments
    assert isinstance(rng, np.random.Generator)
    try:
        return _own[name]._call(*arguments), rng.bit_generator.state
    except StrategyError as error:
        if isinstance(error.__cause__, MemoryError):
            raise error.__cause__ from None
        raise


def _described(strategy: Strategy) -> Description:
    s = strategy
    return Description(s.name, s.family, s.needs, s.kind, s.function.__doc__ or "", s.linear, s.watched)
