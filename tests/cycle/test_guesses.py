"""What a column of predictions says of each item, as a class, several, or probabilities."""

import numpy as np
import pytest

from labeler.cycle.guesses import shares_of

NONE = [np.nan, np.nan]


@pytest.mark.parametrize(
    ("guess", "shares"),
    [
        (" good ", [1, 0]),
        ('{"good": 0.8, "bad": 0.2}', [0.8, 0.2]),
        ("bad: 0.3; good: 0.1", [0.25, 0.75]),
        ("good: 0.5; awful: 0.5", [1, 0]),
        ("good: 7", NONE),
        ("who knows", NONE),
        ("", NONE),
        ("{", NONE),
        ("good; bad", NONE),
    ],
)
def test_a_guess_is_a_class_or_the_probabilities_of_classes(guess: str, shares: list[float]) -> None:
    np.testing.assert_allclose(shares_of([guess], ("good", "bad"), several=False), [shares])


@pytest.mark.parametrize(
    ("guess", "shares"),
    [("good; bad", [1, 1]), ("bad", [0, 1]), ("good: 0.9; bad: 0.6", [0.9, 0.6]), ("neither", NONE), ("", NONE)],
)
def test_with_several_classes_an_item_each_has_a_probability_of_its_own(guess: str, shares: list[float]) -> None:
    np.testing.assert_allclose(shares_of([guess], ("good", "bad"), several=True), [shares])
