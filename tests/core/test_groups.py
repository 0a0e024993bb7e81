"""Groups of items: which belong together, and which groups a holdout holds."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.core.groups import codes, drawn_groups, drawn_items


def test_items_of_a_group_have_one_code_and_an_item_without_a_group_has_its_own():
    first, other, again, alone, also_alone = codes(["p1", "p2", "p1", None, None]).tolist()
    assert first == again
    assert len({first, other, alone, also_alone}) == 4
    assert codes([None, None]) is None


def test_codes_of_known_groups_stay_when_items_are_added():
    assert codes(["a", "b", "a", "c"]).tolist()[:3] == codes(["a", "b", "a"]).tolist()


def test_the_holdout_of_sixty_patients_with_five_items_each_is_nine_patients():
    drawn = drawn_groups({f"p{i}": 5 for i in range(60)}, seed=1)
    assert len(set(drawn)) == len(drawn) == 9  # 45 of 300 items
    assert drawn != drawn_groups({f"p{i}": 5 for i in range(60)}, seed=2)


def test_the_draw_depends_on_names_and_not_on_order():
    sizes = {f"p{i}": 1 + i % 7 for i in range(40)}
    assert drawn_groups(sizes, 0) == drawn_groups(dict(reversed(sizes.items())), 0)


def test_single_items_are_drawn_by_their_names_and_not_by_their_order():
    items = [(f"{i:032x}", i) for i in range(100)]
    drawn = drawn_items(items, seed=0)
    assert len(set(drawn)) == len(drawn) == 15
    assert drawn == drawn_items(reversed(items), seed=0)
    assert drawn != drawn_items(items, seed=1)
    assert drawn_items(items, seed=0, size=4) == drawn[:4]
    assert len(drawn_items(((f"{i:032x}", i) for i in range(5000)), seed=0)) == 300
    assert drawn_items([], seed=0) == []


def test_each_item_is_drawn_as_often_as_any_other():
    items = [(f"{i:032x}", i) for i in range(20)]
    times = np.bincount([item for seed in range(2000) for item in drawn_items(items, seed)], minlength=20)
    assert times.sum() == 2000 * 3
    assert abs(times - 300).max() < 5 * np.sqrt(2000 * 0.15 * 0.85)


def test_many_large_groups_give_more_than_three_hundred_items_so_that_there_are_enough_groups():
    assert len(drawn_groups({f"p{i}": 100 for i in range(1000)}, 0)) == 20


@settings(max_examples=30)
@given(st.lists(st.integers(1, 50), min_size=2, max_size=30))
def test_at_least_one_group_is_drawn_and_one_is_left(sizes):
    drawn = drawn_groups({str(i): size for i, size in enumerate(sizes)}, 0)
    assert len(drawn) < len(sizes)
    assert bool(drawn) == (sum(sizes) > 3)  # 15% of three items are none
