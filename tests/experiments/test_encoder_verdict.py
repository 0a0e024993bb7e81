"""Whether another encoder is surely better: the estimate on hand-made probabilities, when it is asked, and answers."""

from typing import Any

import numpy as np
import pytest

from labeler.core.jobs import EncoderAnswer, EncoderRequest
from labeler.experiments.encoder_verdict import (
    ALLOWANCE,
    TRUST,
    Gain,
    Predictions,
    gain_of,
    is_due,
    is_settled,
    proposal,
    trusted,
    verdict,
)


def world(n: int, ours: float, theirs: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The classes of n items, and what two models say: each is right with such a probability, and says 0.8 or 0.2."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(2, size=n)
    proba = list[np.ndarray]()
    for share in (ours, theirs):
        says = np.where(rng.random(n) < share, targets, 1 - targets)
        proba.append(np.where(says[:, None] == [0, 1], 0.8, 0.2)[None])
    return targets, proba[0], proba[1]


def gain(
    drawn: tuple[np.ndarray, np.ndarray, np.ndarray],
    labeled: int,
    queried: np.ndarray | None = None,
    tried: int = 1,
    groups: np.ndarray | None = None,
) -> Gain:
    targets, ours, theirs = drawn
    present, other = (Predictions(proba[:, :labeled], proba[:, labeled:]) for proba in (ours, theirs))
    queried = np.zeros(labeled, dtype=bool) if queried is None else queried
    return gain_of(other, present, targets[:labeled], queried, tried, groups)


def test_trust_is_what_the_labels_say():
    """Log odds of 1 that are right 9 times in 10 deserve log(9) of trust in the mean of many; noise deserves none."""
    truth = np.tile(np.repeat([0, 1], 450), 2)[:1800]
    right = np.arange(1800) % 10 > 0
    first = np.where(right, truth, 1 - truth)
    noise = np.arange(1800) // 2 % 2
    columns = np.stack([np.eye(2)[first], np.eye(2)[noise], np.zeros((1800, 2))], axis=2)
    trust = trusted(columns, truth, np.ones(1800))
    assert trust == pytest.approx([np.log(9), 0, TRUST[2]], abs=0.1)


def test_a_better_encoder_is_found_and_its_gain_is_near_the_truth():
    found = gain(world(1200, 0.65, 0.85), labeled=200)
    assert 0 < found.low < found.value < found.high
    assert found.value == pytest.approx(0.2, abs=0.08)


def test_equal_encoders_and_worse_ones_are_not_better():
    assert max(gain(world(1200, 0.75, 0.75, seed), labeled=200, tried=4).low for seed in range(3)) < 0
    assert gain(world(1200, 0.85, 0.65), labeled=200).high < 0


def test_the_interval_allows_for_the_number_of_encoders_tried_and_for_what_the_estimate_misses():
    one, many = (gain(world(1200, 0.65, 0.75), labeled=200, tried=tried) for tried in (1, 20))
    assert many.value == one.value
    assert many.high - many.low > 1.5 * (one.high - one.low)
    assert one.value - one.low > 1.6 * ALLOWANCE


def test_labels_that_one_encoder_chose_where_it_was_unsure_do_not_speak_for_the_other():
    """Both are right in three of four items, and most labels are of items where the present one is often wrong."""
    targets, ours, theirs = world(4000, 0.75, 0.75)
    wrong = ours[0].argmax(axis=1) != targets
    unsure = wrong | (np.random.default_rng(1).random(4000) < 0.2)  # the present model says so: 0.55 in place of 0.8
    ours[0, unsure] = np.where(ours[0, unsure] > 0.5, 0.55, 0.45)
    order = np.concatenate([np.flatnonzero(unsure)[:170], np.flatnonzero(~unsure)[:30]])
    rest = np.setdiff1d(np.arange(4000), order)
    rows = np.concatenate([order, rest])
    targets, ours, theirs = targets[rows], ours[:, rows], theirs[:, rows]
    queried = np.arange(200) < 170
    plain = (theirs[0, :200].argmax(1) == targets[:200]).mean() - (ours[0, :200].argmax(1) == targets[:200]).mean()
    assert plain > 0.2
    assert abs(gain((targets, ours, theirs), 200, queried).value) < plain / 4


def test_items_of_a_group_are_one_piece_of_evidence():
    drawn = world(1200, 0.65, 0.8)
    targets, ours, theirs = (values[..., :200, :] if values.ndim == 3 else values[:200] for values in drawn)
    ahead = (theirs[0].argmax(1) == targets) * 1 - (ours[0].argmax(1) == targets)
    alike = np.argsort(np.argsort(ahead, kind="stable")) // 20  # groups of items on which the same one is right
    alone, grouped = gain(drawn, labeled=200), gain(drawn, labeled=200, groups=alike)
    assert grouped.high - grouped.low > alone.high - alone.low


def test_with_several_classes_an_item_is_right_if_all_its_classes_are():
    rng = np.random.default_rng(0)
    targets = rng.integers(2, size=(600, 3))
    proba = [
        np.where(rng.random((600, 3)) < share, targets * 0.6 + 0.2, (1 - targets) * 0.6 + 0.2)[None]
        for share in (0.7, 0.95)
    ]
    present, other = (Predictions(values[:, :200], values[:, 200:]) for values in proba)
    found = gain_of(other, present, targets[:200], np.zeros(200, dtype=bool), 1)
    assert found.value == pytest.approx(0.95**3 - 0.7**3, abs=0.12)


def test_with_no_other_items_the_labeled_ones_stand_for_the_pool():
    assert gain(world(200, 0.6, 0.9), labeled=200).low > 0


@pytest.mark.parametrize(
    ("labels", "encoders", "change", "due"),
    [
        (119, ("a", "b"), 0, False),
        (120, ("a", "b"), 0, True),  # twice the labels
        (61, ("a", "b", "c"), 0, True),  # another encoder is here
        (61, ("b", "a"), 0, False),
        (61, ("a", "b"), 1, True),  # other classes
        (49, ("a", "b", "c"), 1, False),
        (500, ("a",), 0, False),  # nothing to compare
    ],
)
def test_encoders_are_compared_again_where_that_tells_something_new(labels, encoders, change, due):
    assert is_due(EncoderRequest(labels, encoders, change), EncoderRequest(60, ("a", "b"))) is due


@pytest.mark.parametrize(("labels", "due"), [(49, False), (50, True)])
def test_the_first_comparison_is_at_fifty_labels(labels, due):
    assert is_due(EncoderRequest(labels, ("a", "b")), None) is due


def report(labels: int, low: float, name: str = "b", present: str = "a") -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {"name": name, "gain": low + 0.1, "low": low, "high": low + 0.2},
        {"name": "c", "note": "It is too slow."},
    ]
    return {"labels": labels, "present": present, "encoders": rows, "proposal": proposal(rows)}


@pytest.mark.parametrize(
    ("again", "settled"),
    [
        (report(119, 0.05), True),
        (report(120, 0.02), True),  # twice the labels, and no stronger evidence
        (report(120, 0.05), False),
        (report(61, 0.01, name="d"), False),
        (report(61, 0.01, present="d"), False),
    ],
)
@pytest.mark.parametrize("answer", ["declined", "used"])
def test_what_was_declined_or_taken_back_is_proposed_again_with_clearly_more_evidence(again, settled, answer):
    assert is_settled(again, [EncoderAnswer(1, answer, "kim", "now", report(60, 0.03))]) is settled


def test_the_encoder_with_the_highest_lower_bound_is_proposed_and_none_that_may_be_worse():
    rows: list[dict[str, Any]] = [
        {"name": "a", "low": 0.01},
        {"name": "b", "low": 0.03},
        {"name": "c", "low": -0.2},
        {"name": "d"},
    ]
    assert proposal(rows) == "b"
    assert proposal(rows[2:]) is None


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (report(60, 0.03), "b is better than a on this project's labels: +13.0 points"),
        (
            report(60, -0.03),
            "No encoder is surely better than a on this project's labels: the best of 1, b, differs by +7.0 points",
        ),
        (report(60, 0.0) | {"encoders": [{"name": "c", "note": "It is too slow."}]}, "No other encoder could be"),
    ],
)
def test_the_verdict_names_the_difference_its_interval_and_what_it_is_on(found, says):
    sentence = str(verdict(found))
    assert sentence.startswith(says)
    assert ("by cross-validation on 60 labels." in sentence) is ("points" in says)
