"""The tables of strategies: families in a fixed order, the control last, and pages rewritten between their markers."""

import pytest

from labeler import listing
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
    assert listing.by_family().splitlines() == [
        "| family | names |",
        "|---|---|",
        "| uncertainty sampling | `margin` |",
        "| hybrid | `b`, `a` |",
        "| a house's own | `mine` |",
        "| control | `random` |",
    ]


def test_each_strategy_has_a_row(registry):
    head, rule, first, *others = listing.in_full().splitlines()
    assert head == "| name | family | what it asks | needs | source |"
    assert rule == "|---|---|---|---|---|"
    row = (
        r"| `margin` | uncertainty sampling | Items with a high \|x\|. | `embeddings`, `proba` | A paper, section 2. |"
    )
    assert first == row
    assert [line.split(" | ")[0] for line in others] == ["| `b`", "| `a`", "| `mine`", "| `random`"]
    assert "| nothing |" in others[0]


def test_pages_are_written_between_their_markers_alone(registry, tmp_path):
    (tmp_path / "docs").mkdir()
    for page in listing.PAGES:
        (tmp_path / page).write_text(f"before\n{listing.BEGIN}\nold\n{listing.END}\nnach 후\n", encoding="utf-8")
    for _ in range(2):  # and a second time changes nothing
        listing.write_tables(tmp_path)
        for page, table in listing.PAGES.items():
            text = (tmp_path / page).read_text(encoding="utf-8")
            assert text == f"before\n{listing.BEGIN}\n{table()}\n{listing.END}\nnach 후\n"


@pytest.mark.parametrize("text", ["nothing", listing.BEGIN, f"{listing.END}{listing.BEGIN}"])
def test_a_page_without_markers_is_refused(text):
    with pytest.raises(ValueError, match="there is no <!-- strategies"):
        listing.parts(text)
