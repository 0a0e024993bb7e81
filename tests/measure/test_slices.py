"""Weak slices are found, and chance alone finds none; numbers come in ranges; what is wished for is matched."""

import numpy as np
import pytest

from labeler.measure.slices import MOST_VALUES, Column, columns, counted, matches, matching_items, more_of_entry, slices


def rows(**values: list[str]) -> list[dict[str, str]]:
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def test_columns_of_few_values_are_offered_and_those_of_names_are_not():
    n = 60
    offered = columns(
        rows(
            site=["B", "A", ""] * 20,
            patient=[f"P{i}" for i in range(n)],
            always=["x"] * n,
            floor=[str(i % 12) for i in range(n)],
            mixed=[*map(str, range(59)), "unknown"],
        )
    )
    assert [c.name for c in offered] == ["floor", "site"]
    assert offered[0].values == tuple(str(i) for i in range(12))  # numbers in their order
    assert offered[1].values == ("A", "B", "")


def test_numbers_come_in_ranges_with_round_ends():
    (age,) = columns([{"age": str(a)} for a in range(100)])
    assert age.values == ("..25", "25..50", "50..74", "74..")
    assert [age.value_of(text) for text in ("0", "24.9", "25", "99", "", "old")] == [
        "..25",
        "..25",
        "25..50",
        "74..",
        None,
        None,
    ]
    (year,) = columns([{"year": str(1950 + i)} for i in range(64)] + [{}])
    assert year.values[:2] == ("..1966", "1966..1982")
    assert year.values[-1] == ""
    assert year.value_of("") == ""
    (tiny,) = columns([{"dose": f"{i / 10_000}"} for i in range(41)])
    assert tiny.values == ("..0.001", "0.001..0.002", "0.002..0.003", "0.003..")


def test_a_range_matches_the_numbers_that_its_name_says():
    column = Column("age", ("..25", "25..50", "50.."), (25.0, 50.0))
    for text in ("3", "25", "49.9", "50", "-7", "1e3"):
        assert [matches(text, value) for value in column.values] == [column.value_of(text) == v for v in column.values]
    assert not matches("old", "..25")
    assert not matches("", "..25")
    assert matches("..25", "..25")
    assert not matches("3", "a..b")


def test_wishes_are_matched_by_any_of_them():
    table = {"site": ["A", " B", "C", ""], "age": ["20", "x", "31", "45"]}

    def column_of(name):
        return np.array([2, 3, 5, 7]), table.get(name, [""] * 4)

    site = Column("site", ("A", "B", "C", ""))
    assert matching_items([more_of_entry(site, "B")], column_of).tolist() == [3]
    assert matching_items(["site = A", "age=30..45"], column_of).tolist() == [2, 5]
    assert matching_items(["age=45..", "age=..21"], column_of).tolist() == [2, 7]
    assert matching_items(["colour=red"], column_of).tolist() == []
    assert matching_items(["site=a=b"], column_of).tolist() == []


def test_accuracy_by_value_with_fishers_test_by_hand():
    site = Column("site", ("A", "B"))
    held = rows(site=["A"] * 6 + ["B"] * 4)
    right = np.array([1] * 6 + [0] * 3 + [1], dtype=bool)
    a, b = slices([site], held, right)["site"]
    assert (a.n, a.accuracy.value, b.n, b.accuracy.value) == (6, 1, 4, 0.25)
    assert b.accuracy.low == pytest.approx(0.0456, abs=1e-4)  # Wilson, 1 of 4
    # 7 right of 10, 4 of them drawn: at most 1 right has 7 of 210 ways; twice that, since two slices are looked at
    assert b.chance == pytest.approx(2 * 7 / 210)
    assert a.chance == 1
    assert not b.weak


def test_a_slice_of_all_items_has_no_comparison():
    site = Column("site", ("A", "B"))
    a, b = slices([site], rows(site=["A"] * 3), np.array([1, 0, 1]))["site"]
    assert (a.chance, b.chance, b.accuracy, b.n) == (None, None, None, 0)


def test_a_weak_slice_is_found_among_many():
    rng = np.random.default_rng(0)
    held = rows(site=["ABCDEF"[i % 6] for i in range(600)], scanner=[f"S{i // 6 % 12}" for i in range(600)])
    right = rng.random(600) < np.where([row["site"] == "C" for row in held], 0.6, 0.9)
    of_column = slices(columns(held), held, right)
    assert [s.value for s in of_column["site"] if s.weak] == ["C"]
    assert not any(s.weak for s in of_column["scanner"])


@pytest.mark.slow
def test_without_weak_slices_few_are_marked():
    rng, alarms = np.random.default_rng(1), 0
    held = rows(site=list(rng.choice(list("ABCDE"), 300)), scanner=[f"S{i}" for i in rng.integers(0, 15, 300)])
    offered = columns(held)
    uncorrected = 0
    for _ in range(200):
        of_column = slices(offered, held, rng.random(300) < 0.8)
        alarms += any(s.weak for column_slices in of_column.values() for s in column_slices)
        uncorrected += any(
            s.chance is not None and s.chance < 1 for column_slices in of_column.values() for s in column_slices
        )
    assert alarms / 200 <= 0.07
    assert uncorrected > alarms


def test_items_drawn_by_active_testing_are_weighted_and_not_tested():
    site = Column("site", ("A", "B"))
    a, _b = slices([site], rows(site=["A", "A", "B"]), np.array([1, 0, 1]), np.array([3.0, 1.0, 1.0]))["site"]
    assert a.accuracy.value == 0.75
    assert a.chance is None
    assert not a.weak


def test_pool_and_labels_are_counted():
    site = Column("site", ("A", "B", ""))
    counts = counted(site, [("", 1, 0), ("A", 1, 0), ("A ", 1, 1), ("B", 1, 1), ("Z", 1, 1)])
    assert counts == {"A": (2, 1), "B": (1, 1), "": (1, 0)}


def test_a_column_may_have_just_so_many_values():
    exactly = rows(city=[f"c{i % MOST_VALUES}" for i in range(100)])
    assert len(columns(exactly)) == 1
    assert columns(rows(city=[f"c{i % (MOST_VALUES + 1)}" for i in range(100)])) == []
