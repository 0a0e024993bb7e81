"""Sentences on other models: they claim no more than the intervals do."""

from dataclasses import replace

from labeler.core.foreign import AddedPredictions, ForeignModel
from labeler.core.items import Problem
from labeler.core.rounds import Metrics
from labeler.measure.foreign import Beside, Compared
from labeler.measure.intervals import Estimate
from labeler.report.sentences.foreign import in_words, of_import
from tests.support.samples import text_config, topics_config

MODEL = ForeignModel(1, "GPT-like", "4.1", "2026-11-27T10:00:00", "kim", "gpt.csv", 900, ("good", "bad"), 0)
OF = Compared(MODEL, 200, Metrics(200, 0.81, 0.75, 0.858, 0.8))


def beside(number: int, low: float, high: float) -> Beside:
    return Beside(number, 200, Estimate((low + high) / 2, low, high))


def said(*args, **changes) -> str:
    return in_words(replace(OF, **changes), text_config())


def test_its_accuracy_has_its_interval_and_the_items_that_it_is_of():
    assert said() == "GPT-like 4.1: accuracy 81.0% (95%: 75.0 – 85.8%, n = 200)."
    assert said(labeled=240).endswith("on the 200 of 240 labeled holdout items that it predicted.")
    assert in_words(OF, topics_config()).startswith("GPT-like 4.1: subset accuracy 81.0%")


def test_better_and_worse_are_said_only_where_the_interval_excludes_0():
    better = "It is better than round 3, the latest: +4.0 points on the same items (95%: +1.0 to +7.0)."
    assert said(latest=beside(3, 0.01, 0.07)).endswith(better)
    assert "It is worse than round 3, the latest: −4.0 points" in said(latest=beside(3, -0.07, -0.01))
    for low, high in ((0.0, 0.07), (-0.07, 0.0), (-0.01, 0.09)):
        text = said(latest=beside(3, low, high))
        assert "It is not told apart from round 3, the latest" in text
        assert "better" not in text
        assert "worse" not in text


def test_the_rounds_that_it_has_passed_are_named_where_the_latest_is_none_of_them():
    assert said(latest=beside(7, -0.07, -0.01), passed=beside(3, 0.01, 0.07)).endswith(
        "It is better than the rounds up to 3."
    )
    assert said(latest=beside(7, -0.1, 0.1), passed=beside(1, 0.01, 0.07)).endswith("It is better than round 1.")
    assert "up to" not in said(latest=beside(7, 0.01, 0.07), passed=beside(7, 0.01, 0.07))


def test_what_cannot_be_measured_is_said():
    assert "has predicted no labeled item of the holdout" in said(metrics=None)
    assert "a class that it predicted was split or retired, so 12 of its" in said(metrics=None, unreadable=12)


def test_an_import_says_what_was_replaced_repeated_and_left_out():
    added = AddedPredictions("GPT-like", "", 900, 2, (Problem("gpt.csv row 3", "is of no item"),), 4, True)
    assert of_import(added) == (
        "GPT-like: predictions for 900 items. They take the place of the earlier ones of this version. 2 rows were"
        " about items that had one already. 5 rows were left out."
    )
    assert of_import(AddedPredictions("m", "2", 1, 0, ())) == "m 2: a prediction for 1 item."
