"""The tables of strategies: families in a fixed order, the control last."""

import pytest

from labeler.experiments import strategy_tables
from strategies import base
from strategies.base import Strategy


@pytest.fixture
def registry():
    """Four strategies in four families, registered in no order."""
    with base.registry({}) as own:
        for name, family in [("mine", "a house's own"), ("random", "control"), ("b", "hybrid"), ("a", "hybrid")]:
            base.register(Strategy(name, family, frozenset(), "scores", documented))
        base.register(
            Strategy("margin", "uncertainty sampling", frozenset({"proba", "embeddings"}), "scores", documented)
        )
        yield own


def documented(c, rng):
    """Items with a high |x|. More of it.

    Source: A paper,
            section 2.
    """


def test_families_stand_in_their_order_and_strategies_as_in_their_file(registry):
    assert strategy_tables.by_family().splitlines() == [
        "| family | names |",
        "|---|---|",
        "| uncertainty sampling | `margin` |",
        "| hybrid | `b`, `a` |",
        "| a house's own | `mine` |",
        "| control | `random` |",
    ]


def test_each_strategy_has_a_row(registry):
    head, rule, first, *others = strategy_tables.in_full().splitlines()
    assert head == "| name | family | what it asks | needs | source |"
    assert rule == "|---|---|---|---|---|"
    row = (
        r"| `margin` | uncertainty sampling | Items with a high \|x\|. | `embeddings`, `proba` | A paper, section 2. |"
    )
    assert first == row
    assert [line.split(" | ")[0] for line in others] == ["| `b`", "| `a`", "| `mine`", "| `random`"]
    assert "| nothing |" in others[0]
