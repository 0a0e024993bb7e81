"""What the strategies' tests share."""

from collections.abc import Iterator

import pytest

from strategies import base


@pytest.fixture
def registry() -> Iterator[dict[str, base.Strategy]]:
    """An empty registry of the test's own."""
    with base.registry({}) as own:
        yield own
