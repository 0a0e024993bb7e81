"""All headlines of the curve over a table of situations: what each says is true of every one of them."""

import re
from itertools import product

import pytest

from labeler.core.rounds import Metrics
from labeler.i18n.messages import DEFAULT, use
from labeler.progress.curves import FLAT, TOO_FEW, Projection
from labeler.report.headlines import TOPICS, page
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
            share = {"en": "95%", "ko": "95%"}[language]
            assert f"({share}: {100 * measured.low:.1f}" in headline
            assert max(int(n) for n in re.findall(r"(?<![\d.])\d+(?![\d.%])", headline) or [0]) <= 343, headline
            assert "not before" not in headline
            if measured.high < 0.9:  # then it says that the target is not reached
                assert "has reached it" not in headline
    finally:
        use(DEFAULT)


def test_each_headline_of_the_curve_says_what_to_do_once():
    advice = ("Label on", "label", "raise", "Raise", "help", "stop")
    for projection, accuracy, labels, affordable in TABLE:
        measured = Metrics(57, accuracy, accuracy - 0.05, accuracy + 0.03, accuracy)
        headline = Outlook(projection, 0.9, measured, labels, 343.0, True, affordable, 0.01, 3).in_words()
        assert any(word in headline.split(". ")[-1] for word in advice), headline
        assert headline.lower().count("budget is spent") + headline.count("budget ends") <= 1, headline


def test_what_the_latest_round_rules_out_is_not_said_to_be_so_already():
    not_reached = Metrics(200, 0.8, 0.75, 0.85, 0.8)
    for projection, _accuracy, labels, affordable in TABLE:
        headline = Outlook(projection, 0.9, not_reached, labels, 343.0, True, affordable, 0.01, 3).in_words()
        assert "already" not in headline
        assert "has reached it" not in headline


def test_every_headline_is_there_in_every_language_and_no_field_is_left_open():
    blocks = [block for block in page().split("\n\n") if block.startswith("> ")]
    assert len(blocks) == sum(len(situations) for situations in TOPICS.values())
    for block in blocks:
        english, korean = block.split("\n>\n")
        if re.search("[a-z]", english):  # figures alone may be equal
            assert english != korean, block
        assert not re.search(r"[{}]|None|\bnan\b|[ (]-\d", block), block


@pytest.mark.parametrize("left", [0, 1, 43, 500])
def test_no_more_holdout_labels_are_asked_for_than_can_be_had(left):
    sentence = width_in_words(Metrics(17, 0.83, 0.59, 0.94, 0.8), left, 900)
    asked = re.search(r"(\d+) (?:more )?holdout", sentence)
    assert int(asked[1]) <= left if asked else left == 0
