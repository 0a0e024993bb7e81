import pytest

from labeler.report.sentences.labels import next_in_doubt, second_look


@pytest.mark.parametrize(
    ("labels", "expected", "sentence"),
    [
        (0, 0.0, "No label is worth a second look."),
        (1, 0.2, "One label is worth a second look: it is wrong with a probability of 20%."),
        (2, 0.6, "2 labels are worth a second look: fewer than one wrong label is expected."),
        (5, 1.3, "5 labels are worth a second look: about 1 of them is wrong."),
        (9, 2.4, "9 labels are worth a second look: about 2 of them are wrong."),
    ],
)
def test_the_words_say_how_many_of_the_labels_are_wrong(labels: int, expected: float, sentence: str) -> None:
    assert second_look(labels, expected) == sentence


@pytest.mark.parametrize(
    ("labels", "expected", "sentence"),
    [
        (0, 0.0, ""),
        (1, 0.1, "If you have time for more, 1 label follows that is wrong with a lower probability."),
        (7, 0.6, "If you have time for more, 7 labels follow; fewer than one wrong label is expected among them."),
        (26, 2.4, "If you have time for more, 26 labels follow; about 2 of them are wrong."),
    ],
)
def test_the_words_say_what_follows_for_those_who_have_time(labels: int, expected: float, sentence: str) -> None:
    assert next_in_doubt(labels, expected) == sentence
