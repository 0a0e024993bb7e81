"""What the curve says in sentences."""

import pytest

from labeler.core.rounds import Metrics
from labeler.measure.intervals import Estimate
from labeler.progress.curves import Projection
from labeler.progress.history import Step
from labeler.report.sentences.curve import amount, gain_in_words, outlook, rounded, step_in_words, width_in_words


def sentence(
    expected: float | None,
    low: float | None,
    high: float | None,
    *,
    hours: float | None = None,
    whole_pool: bool = False,
    why_not: str = "",
) -> str:
    return outlook(Projection(expected, low, high, why_not), 0.9, 400, 5000, whole_pool, hours)


def test_when_the_target_is_expected():
    assert sentence(638.2, 551.0, 777.0) == "90% is expected at 640 labels (550 to 780)."
    assert sentence(638.2, 551.0, 777.0, hours=0.02).endswith("That is about 4.8 h more.")
    assert sentence(638.2, 551.0, None) == "90% is expected at 640 labels, at 550 at the earliest, and perhaps never."
    assert sentence(638.2, 300.0, 777.0).endswith("by 780 at the latest; it may be reached already.")
    assert sentence(638.2, 300.0, None).endswith("it may be reached already, or never.")


def test_without_a_projection_the_reason_or_the_horizon_is_given():
    assert sentence(None, None, None, why_not="Too few rounds.") == "Too few rounds."
    assert sentence(None, 700.0, None).endswith("at 700 labels at the earliest, if at all.")
    assert sentence(None, 200.0, None).endswith("at 400 labels at the earliest, if at all.")  # it is not there today
    assert sentence(None, None, None) == "90% is not in sight, not before 5,000 labels."
    assert sentence(None, None, None, whole_pool=True).endswith("not even with all 5,000 items of the pool.")


def test_a_reached_target_is_reported_as_reached():
    sure = "The learning curve fitted to all rounds shows that 90% has been reached since about 300 labels."
    assert sentence(300.0, 200.0, 390.0) == sure
    unsure = "The learning curve fitted to all rounds suggests that 90% is about reached. It is less certain"
    assert sentence(300.0, 200.0, 900.0).startswith(unsure)


def test_rounds_without_significant_difference_are_reported():
    assert "Rounds 4 and 5 cannot be told apart" in step_in_words(Step(4, 5, Estimate(0.01, -0.02, 0.04)))
    assert "+1.0 points (-2.0 to +4.0)" in step_in_words(Step(4, 5, Estimate(0.01, -0.02, 0.04)))
    assert "Round 5 is better than round 4, by 3.0 points (1.0 to 5.0)." in step_in_words(
        Step(4, 5, Estimate(0.03, 0.01, 0.05))
    )
    assert "Round 5 is worse than round 4" in step_in_words(Step(4, 5, Estimate(-0.03, -0.05, -0.01)))


def test_without_forecasts_the_width_of_the_interval_decides():
    before = Metrics(100, 0.7, 0.65, 0.75, 0.7)
    assert "10.0 points wide" in (gain_in_words(Metrics(100, 0.72, 0.67, 0.77, 0.7), before) or "")
    assert gain_in_words(Metrics(100, 0.85, 0.8, 0.9, 0.8), before) is None


def test_the_width_of_the_interval_and_what_would_halve_it():
    measured = Metrics(100, 0.8, 0.711, 0.867, 0.8)
    # Wilson's width at 0.8 is 0.1556 with 100 items and 0.0777 with 404
    assert width_in_words(measured, 500).startswith("The interval is 15.6 points wide; 30")
    assert "has 40 items without a label" in width_in_words(measured, 40)
    assert "without a label" not in width_in_words(measured, 500)


@pytest.mark.parametrize(("exact", "two_digits"), [(7.4, 7), (99.6, 100), (638, 640), (1549, 1500), (98_765, 99_000)])
def test_numbers_are_rounded_to_two_digits(exact, two_digits):
    assert rounded(exact) == two_digits


def test_hours_are_rounded_by_their_size():
    assert (amount(4.84), amount(52.6), amount(1234)) == ("4.8", "53", "1,200")
