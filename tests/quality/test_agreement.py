"""Agreement on published examples, worked out by hand by their authors."""

import json
from dataclasses import asdict

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from labeler.core.settings import Config
from labeler.quality.agreement import Agreement, Votes, agreement, cohen

_ = -1  # no answer

# Krippendorff 2011, "Computing Krippendorff's alpha-reliability", section C: four observers, twelve units, five values.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
)

# The worked example of Fleiss' kappa in Wikipedia: 10 subjects, 14 raters, 5 categories; kappa 0.210.
FOURTEEN = np.array(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
)


def votes_of(table: np.ndarray) -> Votes:
    """From (annotators, items) of class indices, `_` for none."""
    annotator, item = np.nonzero(table >= 0)
    return Votes(item + 100, np.array([f"a{i}" for i in annotator], dtype=object), table[annotator, item])


def figures(table: np.ndarray, classes: int) -> Agreement:
    report = agreement(votes_of(table), [str(c) for c in range(classes)])
    assert report is not None
    return report


def from_counts(counts: np.ndarray) -> np.ndarray:
    """(annotators, items) in which so many annotators named each class."""
    return np.stack([np.repeat(np.arange(counts.shape[1]), row) for row in counts], axis=1)


def test_krippendorffs_example_has_his_alpha() -> None:
    report = figures(np.where(KRIPPENDORFF > 0, KRIPPENDORFF - 1, _), 5)
    assert report.alpha is not None
    assert report.alpha.value == pytest.approx(0.743, abs=5e-4)
    assert (report.items, report.answers) == (11, 40)  # the unit with one value pairs with none
    assert report.alpha.low < 0.743 < report.alpha.high


def test_fleiss_kappa_of_fourteen_raters() -> None:
    report = figures(from_counts(FOURTEEN), 5)
    assert report.percent.value == pytest.approx(0.378, abs=5e-4)
    assert report.fleiss is not None
    assert report.fleiss.value == pytest.approx(0.210, abs=5e-4)


def test_cohens_kappa_of_a_table_of_grants() -> None:
    """50 grant applications: both yes 20, both no 15, 5 and 10 apart; kappa is (0.7 - 0.5) / 0.5."""
    first = np.array([1] * 20 + [1] * 5 + [0] * 10 + [0] * 15)
    second = np.array([1] * 20 + [0] * 5 + [1] * 10 + [0] * 15)
    percent, kappa = cohen(first, second, 2)
    assert percent.value == pytest.approx(0.7)
    assert kappa is not None
    assert kappa.value == pytest.approx(0.4)
    assert kappa.low < 0.4 < kappa.high


@given(st.integers(0, 10_000))
def test_cohen_is_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 4, 30)
    second = np.where(rng.random(30) < 0.6, first, rng.integers(0, 4, 30))
    kappa = cohen(first, second, 4)[1]
    assert kappa is not None
    assert kappa.value == pytest.approx(cohen_kappa_score(first, second))


@given(st.integers(0, 10_000))
def test_alpha_is_that_of_the_krippendorff_package(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, 25)
    table = np.where(rng.random((4, 25)) < 0.6, truth, rng.integers(0, 3, (4, 25)))
    table = np.where(rng.random((4, 25)) < 0.3, _, table)
    report = figures(table, 3)
    data = np.where(table == _, np.nan, table.astype(float))
    assert report.alpha is not None
    assert report.alpha.value == pytest.approx(krippendorff.alpha(data, level_of_measurement="nominal"))
    for c, of_class in enumerate(report.classes):
        binary = np.where(table == _, np.nan, (table == c).astype(float))
        assert of_class.alpha is not None
        assert of_class.alpha.value == pytest.approx(krippendorff.alpha(binary, level_of_measurement="nominal"))


@pytest.mark.slow
@given(st.integers(0, 10_000), st.permutations(range(4)))
def test_agreement_does_not_depend_on_names_and_order(seed: int, order: list[int]) -> None:
    table = np.random.default_rng(seed).integers(-1, 3, (4, 20))
    original, reordered = (agreement(votes_of(t), "abc") for t in (table, table[order]))
    assert (original is None) == (reordered is None)
    if original is not None and reordered is not None and original.alpha is not None and reordered.alpha is not None:
        assert original.alpha.value == pytest.approx(reordered.alpha.value)
        assert original.percent.value == pytest.approx(reordered.percent.value)


def test_perfect_agreement_on_few_items_has_a_wide_interval() -> None:
    report = figures(np.tile(np.array([0, 1, 0, 1, 0, 1]), (2, 1)), 2)
    assert report.alpha is not None
    assert report.alpha.value == 1
    assert report.alpha.high == 1
    assert report.alpha.low < 0.5
    many = figures(np.tile(np.arange(400) % 2, (2, 1)), 2)
    assert many.alpha is not None
    assert many.alpha.low > 0.9


def test_where_everybody_always_says_the_same_there_is_no_kappa() -> None:
    report = figures(np.zeros((2, 8), dtype=int), 2)
    assert report.alpha is None
    assert report.fleiss is None
    assert report.pairs[0].kappa is None
    assert report.percent.value == 1


def test_without_overlap_there_is_no_agreement() -> None:
    assert agreement(votes_of(np.array([[0, 1, _, _], [_, _, 1, 0]])), "ab") is None


def test_pairs_are_of_those_who_share_enough_items() -> None:
    table = np.full((3, 12), _)
    table[0] = np.arange(12) % 2
    table[1, :6] = np.arange(6) % 2
    table[2, 8:] = 1  # four items in common with the first, none with the second
    pairs = figures(table, 2).pairs
    assert [(p.one, p.other, p.items) for p in pairs] == [("a0", "a1", 6)]


def test_several_classes_are_yes_and_no_to_each() -> None:
    """Three items, two people; of nine decisions each, one differs: alpha by hand from the coincidences."""
    first = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]])
    second = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0]])
    votes = Votes(np.array([1, 2, 3, 1, 2, 3]), np.array(list("aaabbb"), dtype=object), np.concatenate([first, second]))
    report = agreement(votes, "xyz")
    assert report is not None
    assert report.percent.value == pytest.approx(2 / 3)
    assert report.fleiss is None
    # 18 values, 7 of them yes; one pair of nine differs
    observed, expected = 1 / 9, 2 * 7 * 11 / (18 * 17)
    assert report.alpha is not None
    assert report.alpha.value == pytest.approx(1 - observed / expected)
    assert report.classes[0].alpha is not None
    assert report.classes[0].alpha.value == 1
    assert report.classes[2].alpha is None  # nobody ever said z


def test_votes_leave_out_classes_that_are_gone_and_the_report_is_json() -> None:
    config = Config("p", ("x", "y"))
    rows = [(i, who, "xy"[i % 2]) for i in range(8) for who in ("ann", "bob")] + [(3, "cy", "gone")]
    report = agreement(Votes.of(rows, config), config.classes)
    assert report is not None
    assert report.answers == 16
    assert json.loads(json.dumps(asdict(report)))["pairs"][0]["one"] == "ann"


@pytest.mark.slow
def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    """Two people who are each right with 85%: kappa of infinitely many items is known."""
    rng, right, inside = np.random.default_rng(0), 0.85, 0
    truth = 1 - 2 * 2 * right * (1 - right)  # 1 - disagreement / 0.5
    for _run in range(60):
        classes = rng.integers(0, 2, 150)
        table = np.where(rng.random((2, 150)) < right, classes, 1 - classes)
        alpha = figures(table, 2).alpha
        assert alpha is not None
        inside += alpha.low <= truth <= alpha.high
    assert 52 <= inside <= 60
