"""The newest items against earlier ones, worked out by hand; and how often nothing is called something."""

import numpy as np
import pytest

from labeler.measure.drift import (
    LEVEL,
    QUESTIONS,
    accuracy_change,
    area,
    change,
    class_changes,
    since,
    sure_ones,
    told_apart,
)
from labeler.measure.intervals import wilson


def test_the_newest_items_begin_with_as_few_imports_as_have_enough_labels():
    imports = np.repeat([1, 2, 3, 4], [60, 30, 30, 25])
    assert since(imports) == 3  # 25 of the latest are too few, 55 are enough
    assert since(imports[:90]) is None  # 30 of import 2 are too few, and of import 1 none would be left
    assert since(np.repeat([1, 2], [49, 100])) is None
    assert since(np.repeat([1, 2], [50, 50])) == 2


def test_a_difference_of_shares_by_the_published_example():
    # Newcombe 1998, table II (a), method 10: 56/70 − 48/80 has the 95% interval 0.0524 to 0.3339
    has = np.concatenate([np.arange(70) < 56, np.arange(80) < 48])
    of = change(has, np.arange(150) < 70, level=0.05)
    assert of.difference.value == pytest.approx(0.2)
    assert (of.difference.low, of.difference.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert (of.newest.low, of.newest.high) == tuple(pytest.approx(end) for end in wilson(0.8, 70))
    assert of.is_sure


def test_weights_and_groups_make_intervals_as_wide_as_they_have_to_be():
    has, newest = np.arange(200) % 5 > 0, np.arange(200) >= 100
    alone = change(has, newest, 0.05)
    heavy = change(has, newest, 0.05, np.where(np.arange(200) % 2, 3.0, 1.0))
    assert heavy.newest.width > alone.newest.width
    alike = change(np.arange(200) // 10 % 5 > 0, newest, 0.05, None, np.arange(200) // 10)
    assert alike.difference.width > 1.5 * alone.difference.width
    one_group = change(has, newest, 0.05, None, np.where(newest, 7, np.arange(200)))
    assert (one_group.difference.low, one_group.difference.high) == (-1, 1)


def test_the_share_of_each_class_has_its_part_of_the_level():
    targets = np.concatenate([np.repeat([0, 1, 2], [60, 30, 10]), np.repeat([0, 1, 2], [20, 70, 10])])
    newest = np.arange(200) >= 100
    changes = class_changes(targets, 3, newest)
    assert [of.difference.value for of in changes] == pytest.approx([-0.4, 0.4, 0.0])
    assert sure_ones(changes) == [0, 1]
    alone = change(targets == 0, newest, LEVEL / QUESTIONS / 3)
    assert changes[0] == alone
    several = class_changes(np.eye(3, dtype=int)[targets], 3, newest)
    assert several == changes


def test_the_area_by_hand():
    new, old = np.array([3.0, 2.0, 2.0]), np.array([1.0, 2.0])
    of = area(new, old)
    assert of.value == pytest.approx((1 + 1 + 1 + 0.5 + 1 + 0.5) / 6)
    parts = np.array([1, 0.75, 0.75]).var(ddof=1) / 3 + np.array([1, 2 / 3]).var(ddof=1) / 2
    assert of.value - of.low == pytest.approx(1.959964 * np.sqrt(parts))
    assert of.high == 1.0


def test_content_that_differs_is_told_apart_and_too_little_is_not_looked_at():
    rng = np.random.default_rng(0)
    earlier, newest = rng.normal(size=(200, 8)), rng.normal(size=(120, 8)) + np.array([1.0] + 7 * [0])
    told = told_apart(newest, earlier)
    assert told is not None
    assert told.is_sure
    assert told.pairs.low > 0.6
    assert (told.newest, told.earlier) == (120, 200)
    assert told_apart(newest[:49], earlier) is None


def test_where_nothing_has_changed_hardly_anything_is_called_sure():
    rng, called = np.random.default_rng(1), 0
    for _look in range(200):
        right, newest = rng.random(300) < 0.85, np.arange(300) >= 200
        targets = rng.choice(4, 300, p=[0.5, 0.3, 0.15, 0.05])
        called += accuracy_change(right, newest).is_sure or bool(sure_ones(class_changes(targets, 4, newest)))
    assert called <= 12  # 5% of 200 would be 10 for all three questions
    p = [told_apart(rng.normal(size=(60, 4)), rng.normal(size=(60, 4)), seed).p for seed in range(40)]
    assert np.mean(np.array(p) <= 0.2) == pytest.approx(0.2, abs=0.17)
