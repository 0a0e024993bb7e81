"""An engine that cannot be reached."""

from collections.abc import Iterator
from typing import Any, NoReturn

from labeler.core.errors import EngineError


class GoneEngine:
    """A cluster that has ended."""

    apart = True

    def map(self, *_: Any, **__: Any) -> Iterator[NoReturn]:
        """Raises EngineError."""
        raise EngineError("The cluster is gone.")

    def call(self, *_: Any) -> NoReturn:
        """Raises EngineError."""
        raise EngineError("The cluster is gone.")
