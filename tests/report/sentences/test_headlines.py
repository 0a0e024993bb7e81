"""All headlines of the curve over a table of situations: what each says is true of every one of them."""

import re
from itertools import product

import pytest

from labeler.core.rounds import Metrics
from labeler.i18n.messages import DEFAULT, use
from labeler.progress.curves import FLAT, TOO_FEW, Projection
from labeler.report.sentences.curve import Outlook, width_in_words

PROJECTIONS = [
    Projection(None, None, None, TOO_FEW), Projection(None, None, None, FLAT), Projection(None, None, None),
    Projection(None, 240.0, None), Projection(None, 50.0, None), Projection(250.0, 200.0, None),
    Projection(250.0, 60.0, 300.0), Projection(250.0, 200.0, 320.0), Projection(60.0, 40.0, 70.0),
]  # fmt: skip
TABLE = list(product(PROJECTIONS, (0.83, 0.89, 0.97), (83, 343), (None, 83.0, 200.0)))


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_headline_has_its_interval_and_no_more_labels_than_there_are(language):
    use(language)
    try:
        for projection, accuracy, labels, affordable in TABLE:
            measured = Metrics(57, accuracy, accuracy - 0.05, accuracy + 0.03, accuracy)
            headline = Outlook(projection, 0.9, measured, labels, 343.0, True, affordable, 0.01, 3).in_words()
            share = {"en": "95 %", "ko": "95%"}[language]
            assert f"({share}: {100 * measured.low:.1f}" in headline
            assert max(int(n) for n in re.findall(r"(?<![\d.])\d+(?![\d.%])", headline) or [0]) <= 343, headline
            assert "not before" not in headline
            if measured.high < 0.9:  # then it says that the target is not reached
                assert "has reached it" not in headline
    finally:
        use(DEFAULT)


@pytest.mark.parametrize("left", [0, 1, 43, 500])
def test_no_more_holdout_labels_are_asked_for_than_can_be_had(left):
    sentence = width_in_words(Metrics(17, 0.83, 0.59, 0.94, 0.8), left)
    asked = re.search(r"(\d+) (?:more|unlabeled) holdout", sentence)
    assert int(asked[1]) <= left if asked else left == 0
