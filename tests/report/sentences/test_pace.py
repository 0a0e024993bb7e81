"""The date of the goal in words."""

from datetime import date

from labeler.progress.pace import Finish
from labeler.report.sentences.pace import finish_in_words


def test_an_interval_of_one_day_names_no_day_twice():
    first, last = date(2026, 12, 1), date(2026, 12, 4)
    assert finish_in_words(Finish(5, first, first, last)) == "95%: 2026-12-01 – 2026-12-04"
    assert finish_in_words(Finish(5, first, first, first)) == "95%: this day"
