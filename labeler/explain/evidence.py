"""What an explanation says of one item, as plain arrays: no torch is loaded for it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Evidence:
    """The attribution of one item's scores, for its most probable classes.

    classes: (k,) int, the most probable first. proba, score, base: (k,) float; weights sum to score − base.
    weights: (k, h, w) of an image's places, or (k, s) of a text's `spans`: first and last + 1 character of each.
    slice: the one of a stack that score, base and weights are of, counted from 1, and the number of slices; `proba` is
    that of the whole stack.
    attention: (h, w) or (s,) shares of the places or spans in what a transformer read, of no class; None of others.
    """

    classes: np.ndarray
    proba: np.ndarray
    score: np.ndarray
    base: np.ndarray
    weights: np.ndarray
    spans: tuple[tuple[int, int], ...] | None = None
    slice: tuple[int, int] | None = None
    attention: np.ndarray | None = None
