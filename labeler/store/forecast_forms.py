"""The forms in which a forecast's probabilities are stored, and which of them a round has at its age.

Every form keeps what the model decided about each item, so that accuracy, F1 and paired comparisons are the same in
all, and the bin of the calibration error that its confidence lies in.
"""

import zlib
from typing import Literal

import numpy as np

# probabilities: of all classes, to 1/65535. rough: of all classes, to 1/255, where an item has several. decisions:
# where an item has one class, the class that was predicted, and its probability to 1/65535.
Form = Literal["probabilities", "rough", "decisions"]

YOUNG = 20  # rounds, the latest ones, that all keep their probabilities
BINS = 15  # as in `labeler.measure.metrics`
FINE, ROUGH = 65_535, 255  # steps from probability 0 to 1: odd, so that 1/2 is none; multiples of 15, so that bins are


def form_at(number: int, latest: int, classes: int, several: bool) -> Form:
    """The form of a round's forecast when `latest` is the number of the latest round.

    The latest `YOUNG` rounds keep their probabilities, then every second one while it is younger than twice that, every
    fourth while it is younger than four times that, and so on.

    Args: classes: how many the model knows. several: whether an item has several of them.
    """
    if classes <= 2 and not several:
        return "decisions"  # which is all that there is to know
    doublings = max(0, ((latest - number) // YOUNG).bit_length())
    if number % (1 << doublings) == 0:
        return "probabilities"
    return "rough" if several else "decisions"


def is_complete(form: Form, classes: int) -> bool:
    """Whether the form has the probability of each class."""
    return form != "decisions" or classes <= 2


def packed(proba: np.ndarray, form: Form, several: bool) -> bytes:
    """Probabilities as they are stored.

    Args: proba: (n, C) from 0 to 1. several: whether an item has several classes.
    """
    if form == "rough":
        return _compressed(_steps(proba, ROUGH, several).astype(np.uint8))
    steps = _steps(proba, FINE, several)
    if form == "decisions":
        predicted = proba.argmax(axis=1)[:, None]
        steps = np.hstack([predicted.astype(np.uint16), np.take_along_axis(steps, predicted, axis=1)])
    return _compressed(steps)


def unpacked(blob: bytes, form: Form, n: int, classes: int) -> np.ndarray:
    """(n, classes) float32 probabilities. Of `decisions`, the classes that were not predicted share the rest evenly."""
    if form == "rough":
        return _decompressed(blob, np.dtype(np.uint8), n, classes) / np.float32(ROUGH)
    if form == "probabilities":
        return _decompressed(blob, np.dtype("<u2"), n, classes) / np.float32(FINE)
    predicted, steps = _decompressed(blob, np.dtype("<u2"), n, 2).T
    proba = (steps / np.float32(FINE))[:, None]
    # below the class that was predicted also where rounding would put them beside it
    others = np.minimum((1 - proba) / max(classes - 1, 1), np.nextafter(proba, np.float32(0)))
    spread = np.repeat(others, classes, axis=1)
    np.put_along_axis(spread, predicted[:, None].astype(np.intp), proba, axis=1)
    return spread


def _steps(proba: np.ndarray, steps: int, several: bool) -> np.ndarray:
    """(n, C) uint16: the probabilities, rounded so that the decisions stay: see `labeler.core.decisions.predicted`."""
    proba = np.clip(proba, 0, 1).astype(float)
    if several:
        return np.where(
            proba > 0.5, _rounded(proba, steps), steps - np.maximum(_rounded(1 - proba, steps), steps // 2 + 1)
        )
    rounded, predicted = _rounded(proba, steps), proba.argmax(axis=1)[:, None]
    # Rounding puts no class above the one that was predicted, but may put one beside it; of equals the first counts.
    beside = rounded == np.take_along_axis(rounded, predicted, axis=1)
    return rounded - (beside & (np.arange(proba.shape[1]) < predicted))


def _rounded(confidence: np.ndarray, steps: int) -> np.ndarray:
    """uint16 of the same shape: rounded to a step inside the same bin, not on its edge, which arithmetic may miss."""
    exact, width = confidence * steps, steps // BINS
    bins = np.minimum(np.floor(confidence * BINS), BINS - 1)
    low, high = np.where(bins > 0, bins * width + 1, 0), np.where(bins < BINS - 1, (bins + 1) * width - 1, steps)
    return np.clip(np.rint(exact), low, high).astype(np.uint16)


def _compressed(values: np.ndarray) -> bytes:
    """Class by class, and first the high bytes, then the low ones: alike bytes stand together."""
    columns = np.ascontiguousarray(values.T).astype(values.dtype.newbyteorder("<"))
    planes = columns.reshape(-1).view(np.uint8).reshape(-1, values.itemsize).T
    return zlib.compress(np.ascontiguousarray(planes[::-1]).tobytes(), 9)


def _decompressed(blob: bytes, dtype: np.dtype, n: int, columns: int) -> np.ndarray:
    """(n, columns) of `dtype`.

    Raises: ValueError: the bytes are of another shape.
    """
    planes = np.frombuffer(zlib.decompress(blob), np.uint8).reshape(dtype.itemsize, columns * n)
    return np.ascontiguousarray(planes[::-1].T).view(dtype).reshape(columns, n).T
