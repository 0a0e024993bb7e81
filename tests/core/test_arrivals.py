"""Which items of a later import join the holdout: by their content alone, and never more than may."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.core.arrivals import FEWEST_LATER, Newer, drawn_later, uniform

UNITS = st.dictionaries(st.text("abcdef", min_size=1, max_size=6), st.integers(1, 9), max_size=60)


@given(UNITS, st.floats(0, 0.5), st.randoms())
def test_what_joins_depends_on_neither_the_order_nor_the_other_items(units, share, random):
    names = [*units.items()]
    drawn, chance = drawn_later(names, share, 10**6, seed=7)
    random.shuffle(names)
    again, _chance = drawn_later(names, share, 10**6, seed=7)
    half = len(names) // 2
    in_two = [name for part in (names[:half], names[half:]) for name in drawn_later(part, share, 10**6, seed=7)[0]]
    assert sorted(again) == sorted(drawn) == sorted(in_two)
    assert chance == share


@given(UNITS, st.floats(0, 0.5), st.integers(0, 30))
def test_no_more_items_join_than_may_and_those_are_the_ones_with_the_lowest_numbers(units, share, most):
    drawn, chance = drawn_later(units.items(), share, most, seed=7)
    every, _chance = drawn_later(units.items(), share, 10**6, seed=7)
    assert sum(units[name] for name in drawn) <= most
    assert drawn == every[: len(drawn)]
    assert chance == (share if drawn == every else pytest.approx(len(drawn) / len(units)))


def test_the_numbers_are_uniform_and_other_seeds_have_other_ones():
    numbers = np.array([uniform(1, f"later:{i}") for i in range(4000)])
    assert np.histogram(numbers, 10, (0, 1))[0] / 4000 == pytest.approx([0.1] * 10, abs=0.02)
    others = np.array([uniform(2, f"later:{i}") for i in range(4000)])
    assert abs(np.corrcoef(numbers, others)[0, 1]) < 0.05


def test_the_labels_that_are_missing_before_figures_speak_of_newer_items():
    assert Newer(100, 5).missing == FEWEST_LATER - 5
    assert Newer(8, 5).missing == 3
    assert (Newer(100, 60).missing, Newer().missing) == (0, 0)
