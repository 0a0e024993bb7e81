"""What the curve says in sentences."""

import pytest

from labeler.core.rounds import Metrics
from labeler.measure.intervals import Estimate
from labeler.progress.curves import FLAT, Projection
from labeler.progress.history import Step
from labeler.report.sentences.curve import Outlook, amount, gain_in_words, rounded, step_in_words, width_in_words


def sentence(
    expected: float | None, low: float | None, high: float | None, why_not: str = "", accuracy: float = 0.85, **changes
) -> str:
    """The headline at 400 pool labels of 5,000, measured on 400 items, with a target of 90% by default."""
    target = changes.pop("target", 0.9)
    measured = Metrics(400, accuracy, accuracy - 0.04, accuracy + 0.03, accuracy)
    values = {"labels": 400, "most": 5000.0, "whole_pool": False, **changes}
    return Outlook(Projection(expected, low, high, why_not), target, measured, **values).in_words()


def test_when_the_target_is_expected():
    now = "90% is not reached: the accuracy is 85.0% (95%: 81.0 – 88.0%). "
    assert sentence(638.2, 551.0, 777.0) == now + (
        "The curve reaches it at about 640 pool labels (95%: 550 – 780). Label on: the budget pays for that."
    )
    assert "That is about 4.8 h more (95%: 3.0 – 7.5)." in sentence(638.2, 551.0, 777.0, hours=0.02)
    assert "That is about 4.8 h more, or longer." in sentence(638.2, 551.0, None, hours=0.02)
    assert "640 pool labels (95%: 550 at the earliest, and perhaps never)." in sentence(638.2, 551.0, None)


def test_a_target_is_not_rounded():
    assert sentence(638.2, 551.0, 777.0, target=0.905).startswith("90.5% is not reached: the accuracy is 85.0%")
    assert sentence(638.2, 551.0, 777.0, target=0.7).startswith("70% is reached:")


def test_that_the_target_may_be_reached_already_is_said_only_where_the_latest_round_allows_it():
    assert "(95%: 780 at the latest)" in sentence(638.2, 300.0, 777.0)
    assert "(95%: perhaps soon, or never)" in sentence(638.2, 300.0, None)
    assert "(95%: perhaps already now, 780 at the latest)" in sentence(638.2, 300.0, 777.0, accuracy=0.88)
    assert "(95%: perhaps already now, or never)" in sentence(638.2, 300.0, None, accuracy=0.88)
    assert "may have reached it already" in sentence(None, 200.0, None, accuracy=0.88)
    assert "may reach it with more labels" in sentence(None, 200.0, None)


def test_a_budget_that_ends_before_is_said_in_place_of_the_hours():
    short = sentence(638.2, 551.0, 777.0, affordable=500.0, hours=0.02)
    assert short.endswith("before that, at about 500 pool labels. Raise the budget, or settle for a lower target.")
    assert "ends before" not in sentence(638.2, 551.0, 777.0, affordable=700.0)
    assert sentence(638.2, 551.0, 777.0, affordable=300.0).count("budget") == 1  # it is spent


def test_an_earliest_number_beyond_the_budget_calls_for_a_larger_budget():
    assert sentence(None, 700.0, None, affordable=500.0).endswith(
        "and perhaps never. The budget ends before that, at about 500 pool labels. Raise the budget, or settle for a"
        " lower target."
    )
    assert sentence(None, 700.0, None, affordable=800.0).endswith("whether the curve rises enough.")


def test_without_a_projection_the_reason_or_the_horizon_is_given():
    assert "Too few rounds. Label on" in sentence(None, None, None, why_not="Too few rounds.")
    assert "at 700 pool labels at the earliest (97.5% certain), and perhaps never." in sentence(None, 700.0, None)
    assert "stays below it up to 5,000 pool labels (97.5% certain)" in sentence(None, None, None)
    assert "even with labels of all 5,000 pool items" in sentence(None, None, None, whole_pool=True)


def test_a_curve_that_is_flat_at_83_percent_does_not_read_as_a_model_at_chance():
    flat = sentence(None, None, None, why_not=FLAT, accuracy=0.83)
    assert flat.startswith("90% is not reached: the accuracy is 83.0% (95%: 79.0 – 86.0%).")
    assert "beyond chance" not in flat


def test_with_the_whole_pool_labeled_nothing_is_forecast():
    done = sentence(638.2, 551.0, 777.0, labels=343, most=343.0, whole_pool=True)
    assert "The whole pool is labeled, 343 items." in done
    assert "The curve" not in done


def test_a_reached_target_is_reported_as_reached():
    assert sentence(300.0, 200.0, 390.0, accuracy=0.95).startswith("90% is reached: the accuracy is 95.0%")
    unsure = sentence(300.0, 200.0, 900.0, accuracy=0.89, holdout_left=20)
    assert unsure.startswith("Whether 90% is reached is not certain: the accuracy is 89.0% (95%: 85.0 – 92.0%).")
    assert unsure.endswith("Holdout labels make this certain sooner than pool labels do.")


def test_rounds_without_significant_difference_are_reported():
    assert "Rounds 4 and 5 cannot be told apart" in step_in_words(Step(4, 5, Estimate(0.01, -0.02, 0.04)))
    assert "+1.0 points (95%: −2.0 to +4.0)" in step_in_words(Step(4, 5, Estimate(0.01, -0.02, 0.04)))
    assert "Round 5 is better than round 4: +3.0 points (95%: +1.0 to +5.0)." in step_in_words(
        Step(4, 5, Estimate(0.03, 0.01, 0.05))
    )
    assert "Round 5 is worse than round 4" in step_in_words(Step(4, 5, Estimate(-0.03, -0.05, -0.01)))


def test_without_forecasts_the_width_of_the_interval_decides():
    before = Metrics(100, 0.7, 0.65, 0.75, 0.7)
    assert "10.0 points wide" in (gain_in_words(Metrics(100, 0.72, 0.67, 0.77, 0.7), before) or "")
    assert gain_in_words(Metrics(100, 0.85, 0.8, 0.9, 0.8), before) is None
    worse = gain_in_words(Metrics(100, 0.68, 0.63, 0.73, 0.7), before) or ""
    assert worse.endswith("the difference is −2.0 points.")


def test_the_width_of_the_interval_and_what_would_halve_it():
    measured = Metrics(100, 0.8, 0.711, 0.867, 0.8)
    # Wilson's width at 0.8 is 0.1556 with 100 items and 0.0777 with 404
    assert width_in_words(measured, 500, 900).startswith("The accuracy's interval is 15.6 points wide. 30")
    # 140 items have a width of 0.132
    assert "The 40 holdout items that are still to be labeled narrow it to about 13.2 points." in width_in_words(
        measured, 40, 900
    )
    assert width_in_words(measured, 500, 77).endswith("would halve it, but the budget pays for 77 more answers.")
    assert "Every holdout item is labeled" in width_in_words(measured, 0, 900)


@pytest.mark.parametrize(("exact", "two_digits"), [(7.4, 7), (99.6, 100), (638, 640), (1549, 1500), (98_765, 99_000)])
def test_numbers_are_rounded_to_two_digits(exact, two_digits):
    assert rounded(exact) == two_digits


def test_hours_are_rounded_by_their_size():
    assert (amount(4.84), amount(52.6), amount(1234)) == ("4.8", "53", "1,200")
