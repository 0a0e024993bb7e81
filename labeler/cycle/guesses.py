"""What was predicted for items before they were imported, as a column has it: classes, or their probabilities."""

from collections.abc import Sequence

import numpy as np

from labeler.core.labels import names_in, shares_in


def shares_of(guesses: Sequence[str], classes: Sequence[str], several: bool) -> np.ndarray:
    """(n, C) float, the probability of each class; NaN in all of a row without a guess.

    Args: guesses: the name of a class, or, where an item has several, names as an imported label has them; or the
          probabilities of classes, as JSON ({"good": 0.8, "bad": 0.2}) or as good: 0.8; bad: 0.2. A name or a number
          that cannot be read counts for nothing. several: whether an item has several classes.
    """
    shares = np.full((len(guesses), len(classes)), np.nan)
    for row, guess in zip(shares, guesses, strict=True):
        known = {name: share for name, share in _shares(guess.strip(), classes, several).items() if name in classes}
        if known:
            row[:] = 0.0
            row[[classes.index(name) for name in known]] = list(known.values())
            row /= 1.0 if several else row.sum()
    return shares


def _shares(guess: str, classes: Sequence[str], several: bool) -> dict[str, float]:
    """The probability of each class that a guess names, above 0 and at most 1."""
    if guess in classes:
        return {guess: 1.0}
    pairs = shares_in(guess)
    if pairs:
        return {name: share for name, share in pairs.items() if 0 < share <= 1}
    return dict.fromkeys(names_in(guess, classes), 1.0) if several and guess else {}
