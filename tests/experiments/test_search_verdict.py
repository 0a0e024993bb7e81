"""Evidence for settings: the gain of the best of many, and what is said of it."""

import numpy as np
import pytest

from labeler.experiments.search_verdict import gain_of, table, verdict


def test_the_interval_is_wider_for_the_best_of_many_settings():
    theirs = np.zeros(4)
    ours = np.array([0.2, 0.4, 0.2, 0.4])
    mean, low, high = gain_of(ours, theirs, tried=1)
    half = 1.6449 * np.std(ours, ddof=1) / 2
    assert (mean, low, high) == pytest.approx((0.3, 0.3 - half, 0.3 + half), abs=1e-4)
    many = gain_of(ours, theirs, tried=50)
    assert many[0] == mean
    assert many[1] < low
    assert gain_of(ours, ours, tried=3) == (0.0, 0.0, 0.0)


def test_the_best_of_many_that_are_equally_good_is_seldom_surely_better():
    rng = np.random.default_rng(0)
    proposals = {1: 0, 30: 0}
    for _ in range(200):
        noise = rng.normal(0, 1, (30, 100))
        best = noise[noise.mean(axis=1).argmax()]
        for tried in proposals:
            proposals[tried] += gain_of(best, np.zeros(100), tried)[1] > 0
    assert proposals[1] > 100  # more than half of them, if their number is not allowed for
    assert proposals[30] < 20


ROW = {"state": "complete", "name": None, "share": 0.5, "seconds": 12.3}
NAMED = ROW | {"name": "frozen heads"}
SPACE = {"unfrozen": "1 to 6"}
CHECK = {
    "log_likelihood": -0.4,
    "current_log_likelihood": -0.5,
    "accuracy": 0.9,
    "current_accuracy": 0.85,
    "gain": 0.1,
    "gain_low": 0.02,
    "gain_high": 0.18,
}


@pytest.mark.parametrize(
    ("report", "says"),
    [
        (
            {"check": None, "trials": [NAMED]},
            "no others were tried. No levers were varied: 12 s go into one setting.",
        ),
        (
            {"check": None, "trials": [NAMED, NAMED], "space": {}},
            "the only other ones did not do better",
        ),
        ({"check": None, "trials": [ROW] * 4}, "none of 3 others did better than the current ones."),
        (
            {"check": CHECK, "trials": [ROW] * 9, "proposal": {"finetune": {"unfrozen": 4}}},
            "Better settings were found: unfrozen 4. On fresh folds: log likelihood −0.400 instead of −0.500 (a gain of"
            " 0.100; 0.020 to 0.180, allowing for the best of 8), accuracy 90.0% instead of 85.0%.",
        ),
        ({"check": CHECK | {"gain_low": -0.1}, "trials": [ROW] * 9, "proposal": None}, "which may be chance."),
        ({"check": CHECK, "trials": [ROW] * 9, "proposal": None}, "but it got fewer items right."),
        (
            {"check": None, "trials": [ROW | {"share": 0.0}] * 4},
            "Fine-tuning got no say in any of them, so its levers made no difference; the notes say why.",
        ),
    ],
)
def test_a_verdict_is_one_sentence_for_each_outcome(report, says):
    assert says in verdict({"space": SPACE} | report)


def test_the_table_has_the_varied_levers_and_a_note_on_early_ends():
    row = ROW | {"number": 3, "note": "", "backbone": "mini", "log_likelihood": -0.4, "accuracy": 0.9, "items": 50}
    row |= {"low": 0.786, "high": 0.957, "levers": {"unfrozen": 4, "augment": ["crop", "noise"]}}
    failed = row | {
        "name": "frozen heads, large",
        "backbone": "large",
        "levers": {},
        "items": 0,
        "note": "out of memory",
    }
    first, second = table({"trials": [row, failed]})
    assert first == {
        "settings": "setting 3",
        "log likelihood": -0.4,
        "accuracy": 0.9,
        "95% interval": "78.6 to 95.7%",
        "seconds": 12.3,
        "backbone": "mini",
        "unfrozen": "4",
        "augment": "crop + noise",
        "note": "",
    }
    assert (second["settings"], second["95% interval"], second["unfrozen"]) == ("frozen heads", "", "")
    assert second["note"] == "out of memory"
    assert "backbone" not in table({"trials": [row, row]})[0]
