"""Checks of a file of strategies against the contract, for `python -m labeler check-strategy`."""

from collections.abc import Iterator
from itertools import product
from multiprocessing.connection import Connection
from pathlib import Path

import strategies
from labeler.experiments.check_file import LIMIT, Verdict, verdicts
from strategies import base
from strategies.contract import CHECKS, IN_TIME
from strategies.plugins import strategies_of

ALL = [*CHECKS, IN_TIME]


def check_file(path: Path, limit: float = LIMIT) -> Iterator[Verdict]:
    """Yield a verdict for each promise of each strategy that the file registers.

    Args:   limit: seconds that a check may take.
    Raises: CheckedFileError: it cannot be read or run, or registers no strategy.
    """
    return verdicts(path, ALL, _check, limit, "Strategy file")


def _check(path: Path, start: int, messages: Connection) -> None:
    """Send the names of the file's strategies, or the error; then the result of each check, beginning with `start`."""
    others = {name: s for name, s in strategies.registered().items() if not _is_of(path, s)}
    with base.registry(others), strategies_of(path) as broken:
        own = [s for name, s in base.current().items() if name not in others]
        if broken:
            messages.send(str(broken[0]))
        elif not own:
            messages.send(f"Strategy file {path.name}: it registers nothing: put @scores or @selects above a function.")
        else:
            messages.send([s.name for s in own])
            for strategy, check in list(product(own, ALL))[start:]:
                messages.send(check.broken(strategy))


def _is_of(path: Path, strategy: base.Strategy) -> bool:
    """Whether the strategy was registered from this very file, as part of the package or of an installed plug-in."""
    code = getattr(strategy.function, "__code__", None)
    return code is not None and Path(code.co_filename).resolve() == path.resolve()
