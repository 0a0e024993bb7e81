"""Which engine does large work: the one that a project's settings name."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from labeler.core.settings import EngineConfig
from labeler.engine.local import LocalEngine
from labeler.engine.protocol import Engine

# Imports of labeler.engine.cluster are deferred: only projects on a cluster need it.

_LOCAL = LocalEngine()
_current: ContextVar[Engine] = ContextVar("engine", default=_LOCAL)


def engine_of(settings: EngineConfig) -> Engine:
    """The engine of these settings; a cluster is not asked before there is work.

    Raises: LabelerError: the library that speaks to the cluster is not installed.
    """
    if settings.kind == "local":
        return _LOCAL
    from labeler.engine.cluster import RayEngine

    return RayEngine(settings.address)


def current() -> Engine:
    """The engine of this thread: this machine, unless a block says otherwise."""
    return _current.get()


@contextmanager
def working_on(engine: Engine) -> Iterator[None]:
    """A block whose large work an engine does."""
    token = _current.set(engine)
    try:
        yield
    finally:
        _current.reset(token)
