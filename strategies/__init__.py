"""Query strategies: which unlabeled items to ask an expert about.

A leaf package: numpy, scipy, scikit-learn and modAL only, so that it works in a notebook. Every file beside
this one is discovered; adding a strategy is adding one file.
"""

import importlib
import pkgutil

from strategies.base import (
    Candidates,
    InvalidCandidates,
    InvalidScores,
    PoolExhausted,
    Query,
    Strategy,
    StrategyError,
    UnknownStrategy,
    get,
    registered,
    scores,
    selects,
)

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

from strategies.plugins import Broken, load_entry_points, strategies_of  # noqa: E402 (after the built-in ones)

# Installed packages whose strategies could not be used.
broken = load_entry_points()

__all__ = [
    "Broken",
    "Candidates",
    "InvalidCandidates",
    "InvalidScores",
    "PoolExhausted",
    "Query",
    "Strategy",
    "StrategyError",
    "UnknownStrategy",
    "broken",
    "get",
    "registered",
    "scores",
    "selects",
    "strategies_of",
]
