"""The verdict on a comparison: it is no surer than its runs, and names what to do."""

import pytest

from labeler.experiments.summary import Run, summarise
from labeler.report.sentences.comparison import saved, saved_in_short, verdict


def report(**finals: list[float]) -> dict:
    """A comparison whose runs rise from 50% at 20 labels to these accuracies at 60."""
    runs = [
        Run(name, seed, [20, 40, 60], curve, curve, [0.0] * 3, [0.0] * 3)
        for name, accuracies in finals.items()
        for seed, final in enumerate(accuracies)
        for curve in [[0.5, (0.5 + final) / 2, final]]
    ]
    return {"summary": summarise(runs), "runs": [vars(run) for run in runs]}


RANDOM = [0.70, 0.72, 0.68, 0.71, 0.69]


def gaining(*points: float) -> list[float]:
    return [accuracy + point for accuracy, point in zip(RANDOM, points, strict=True)]


def test_a_clear_gain_is_told_with_its_intervals_and_recommended():
    better = report(random=RANDOM, margin=gaining(0.09, 0.1, 0.11, 0.1, 0.1))
    sentence = verdict(better)
    assert sentence.startswith("margin is better than random. Over 5 runs")
    assert "by +5.0 points (95%: +4.6 to +5.4)" in sentence
    assert "reached an accuracy of 70% with 20% to 25% fewer labels than random (95%)" in sentence
    assert "fewer in 5 of 5 runs" in sentence
    assert sentence.endswith("Use margin on data like these.")
    assert verdict(better, own_labels=True).endswith("this is a hint and no proof.")


def test_what_may_be_chance_is_not_recommended_and_says_how_many_more_runs():
    sentence = verdict(report(random=RANDOM, margin=gaining(0.1, -0.05, 0.04, -0.02, 0.0)))
    assert sentence.startswith("The runs cannot tell margin from random.")
    assert sentence.endswith("15 more runs would halve this interval.")
    assert "Use" not in sentence


def test_the_best_of_strategies_that_may_be_worse_than_random_is_not_called_the_best_of_all():
    lower = {"margin": gaining(0.05, -0.15, 0.04, -0.12, 0.0), "entropy": gaining(0.05, -0.2, 0.04, -0.12, 0.0)}
    assert "from random; of them, margin has the highest mean accuracy." in verdict(report(random=RANDOM, **lower))


def test_the_best_of_many_must_be_better_than_the_best_of_many_by_chance():
    gains = gaining(0.03, 0.02, 0.05, 0.05, 0.02)
    assert "Use margin" in verdict(report(random=RANDOM, margin=gains))
    others = {f"other{n}": gaining(-0.01, 0.01, 0, -0.01, 0) for n in range(12)}
    of_many = verdict(report(random=RANDOM, margin=gains, **others))
    assert "The best of 13 strategies may look like that by chance." in of_many
    assert "Use" not in of_many


def test_strategies_that_did_as_well_are_named():
    gains = gaining(0.09, 0.1, 0.11, 0.1, 0.1)
    alike = report(random=RANDOM, margin=gains, entropy=gaining(0.1, 0.09, 0.1, 0.11, 0.1), bald=RANDOM)
    assert "The runs cannot tell it from entropy." in verdict(alike)


def test_strategies_that_are_all_worse_leave_random():
    worse = report(random=RANDOM, margin=gaining(-0.09, -0.1, -0.11, -0.1, -0.1), bald=gaining(*[-0.2] * 5))
    assert verdict(worse).startswith("All 2 strategies are worse than random; the best of them is margin.")
    assert "Keep random sampling" in verdict(worse)


def test_one_run_tells_nothing_about_chance():
    one = report(random=[0.7], margin=[0.9])
    assert "tells nothing about chance" in verdict(one)
    (cell,) = (saved_in_short(row) for row in one["summary"] if row["strategy"] == "margin")
    assert cell == "33% (one run has no interval)"


def test_an_interval_of_two_runs_that_tells_nothing_is_not_given():
    two = report(random=[0.7, 0.55], margin=[0.9, 0.51])
    (cell,) = (saved_in_short(row) for row in two["summary"] if row["strategy"] == "margin")
    assert cell.endswith("% (more runs are needed for an interval)")


def test_a_strategy_that_surely_needs_many_more_labels_has_its_interval():
    row = {
        "areas": [0.6] * 20,
        "saved": {"percent": -180.0, "low": -260.0, "high": -120.0, "accuracy": 0.8, "fewer": 0},
    }
    assert saved_in_short(row) == "−180% (−260 to −120)"
    assert "needed 120% to 260% more labels than random (95%), and fewer in 0 of 20 runs" in saved(row)


@pytest.mark.parametrize("runs", [1, 3])
def test_a_report_of_an_older_version_is_summarised_anew(runs):
    now = report(random=RANDOM[:runs], margin=gaining(0.09, 0.1, 0.11, 0.1, 0.1)[:runs])
    old = now | {"summary": [{k: v for k, v in row.items() if k not in ("areas", "saved")} for row in now["summary"]]}
    assert verdict(old) == verdict(now)
