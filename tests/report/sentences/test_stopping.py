"""Sentences on the stopping rules: a value that is rounded does not contradict what is said of its limit."""

import pytest

from labeler.core.rounds import Rule
from labeler.progress.stopping import Evidence, History, Thresholds
from labeler.report.sentences.stopping import in_words

NO_ROUND = History((), (), (), (), (), (), (), (), (), holdout=60, budget=400, batch=20)


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        (
            "gain",
            0.0020004,
            "gain 0.20004 points at most (upper end of the 95% interval); the rule needs less than 0.20",
        ),
        ("gain", 0.002, "gain 0.20 points at most (upper end of the 95% interval); the rule needs less than 0.20"),
        ("gain", 0.0051, "gain 0.51 points at most"),
        ("target", 0.89996, "The low end of the interval is 89.996%, the target 90%."),
        ("stable", 0.98996, "mean kappa of 0.98996 over the last 3; the rule needs 0.99."),
        ("confident", 0.05004, "mean uncertainty is 5.004%; the rule needs 5.0% or less."),
    ],
)
def test_a_value_has_the_digits_that_tell_it_from_its_limit(rule: Rule, value: float, expected: str) -> None:
    assert expected in in_words(Evidence(rule, False, value, 0.0), NO_ROUND, Thresholds())
