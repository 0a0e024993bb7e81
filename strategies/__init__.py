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

__all__ = [
    "Candidates",
    "InvalidCandidates",
    "InvalidScores",
    "PoolExhausted",
    "Query",
    "Strategy",
    "StrategyError",
    "UnknownStrategy",
    "get",
    "registered",
    "scores",
    "selects",
]
