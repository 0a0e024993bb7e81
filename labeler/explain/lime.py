"""LIME: parts of one item are hidden at random, and a linear model estimates each part's effect on the prediction.

It needs the model's predictions only, so it works for any model.

Source: Ribeiro, Singh and Guestrin 2016, section 3 (LIME).
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from labeler.backbones.encoder import Encoder, Pretrained
from labeler.backbones.images import Slice
from labeler.core.inputs import ImageFile, Input
from labeler.core.rounds import Dataset
from labeler.files.images import open_image
from labeler.learner.model import Model

# Imports of sklearn are deferred: it is slow to load, and texts do not need it.

TRIES = 300
SEGMENTS = 36  # of an image
MOST_SPANS = 60  # of a text; of a longer text several words are hidden together
SHOWN = 3  # classes that are explained side by side
WIDTH = 0.25  # of the kernel that weights variations by their distance to the item
STRENGTH = 1.0  # of the ridge penalty
SIDE, SQUARE = 64, 224  # pixels a side: for segmentation, and for the varied images
COLOUR = 4.0  # weight of a pixel's colour against its place in the segmentation


@dataclass(frozen=True)
class Local:
    """The effect of each part of an item on the probabilities of its most probable classes.

    classes: (k,) int. proba: (k,). weights: (k, h, w) of an image's places, or (k, s) of a text's `spans`.
    fit: (k,) share of the probabilities' variance that the linear model explains, at most 1. slice: the one of a stack
    that all this is of, as if it were alone, counted from 1, and the number of slices.
    """

    classes: np.ndarray
    proba: np.ndarray
    weights: np.ndarray
    fit: np.ndarray
    spans: tuple[tuple[int, int], ...] | None = None
    slice: tuple[int, int] | None = None


def explain_locally(model: Model, encoder: Encoder, content: Input, seed: int = 0) -> Local:
    """The effects of the parts of one image or text on the prediction; the same seed gives the same effects.

    Of a stack they are those in the slice that speaks most for the stack's most probable class.

    Raises: LabelerError: the image cannot be read.
    """
    rng = np.random.default_rng(seed)
    if isinstance(content, str):
        spans = parts_of(content)
        shown = masks(len(spans), TRIES, rng)
        proba = _proba(model, encoder, [without(content, spans, row) for row in shown])
        classes, weights, fit = _weigh(shown, proba)
        return Local(classes, proba[0, classes], weights, fit, spans)
    image = _telling_slice(model, encoder, content)
    path, frame, place = (image.path, image.number, image.place) if isinstance(image, Slice) else (image, None, None)
    picture = np.asarray(open_image(path, 2 * SQUARE, frame).resize((SQUARE, SQUARE)))
    segment = divide(picture)
    shown = masks(int(segment.max()) + 1, TRIES, rng)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, varied in enumerate(hide(picture, segment, shown)):
            paths.append(Path(folder) / f"{number}.png")
            Image.fromarray(varied).save(paths[-1], compress_level=1)
        proba = _proba(model, encoder, paths)
    classes, weights, fit = _weigh(shown, proba)
    return Local(classes, proba[0, classes], weights[:, segment], fit, slice=place)


def _telling_slice(model: Model, encoder: Encoder, image: ImageFile) -> ImageFile | Slice:
    """The slice of a stack that is by itself the most probable for the stack's most probable class; any other image."""
    pictures = encoder.slices([image])[0] if isinstance(encoder, Pretrained) else [image]
    if len(pictures) == 1:
        return image
    predicted = _proba(model, encoder, [image])[0].argmax()
    return pictures[_proba(model, encoder, pictures)[:, predicted].argmax()]


def masks(parts: int, tries: int, rng: np.random.Generator) -> np.ndarray:
    """(tries, parts) bool: the shown parts. First all, then a random number of them, each number as likely."""
    missing = rng.integers(1, max(parts, 2), size=tries)
    order = rng.random((tries, parts)).argsort(axis=1)
    shown = order >= missing[:, None]
    shown[0] = True
    return shown


def ridge(shown: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(k, parts) weights of the parts in a linear model of the values (tries, k), and (k,) how well it fits.

    Variations that are nearer to the whole item have more weight.
    """
    near = 1 - np.sqrt(shown.mean(axis=1))  # cosine distance between the mask and the whole
    weight = np.exp(-((near / WIDTH) ** 2))[:, None]
    x = np.column_stack([np.ones(len(shown)), shown])
    penalty = STRENGTH * np.eye(x.shape[1])
    penalty[0, 0] = 0.0
    fitted = np.linalg.solve(x.T @ (weight * x) + penalty, x.T @ (weight * values))
    mean = (weight * values).sum(axis=0) / weight.sum()
    rest = (weight * (values - x @ fitted) ** 2).sum(axis=0)
    spread = (weight * (values - mean) ** 2).sum(axis=0)
    return fitted[1:].T, 1 - rest / np.maximum(spread, 1e-12)


def _weigh(shown: np.ndarray, proba: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    classes = np.argsort(-proba[0], kind="stable")[:SHOWN]
    return classes, *ridge(shown, proba[:, classes])


def _proba(model: Model, encoder: Encoder, inputs: Sequence[Any]) -> np.ndarray:
    dataset = Dataset(inputs, encoder.encode(inputs), encoder.dims)
    return model.predict_proba(dataset, np.arange(len(inputs)))


# ---------------------------------------------------------------- parts of a text


def parts_of(text: str) -> tuple[tuple[int, int], ...]:
    """First and last + 1 character of each part that can be hidden.

    The parts are words (several together in a long text), or letters of a text with fewer than three words.
    """
    words = [match.span() for match in re.finditer(r"\S+", text)]
    if len(words) < 3:
        words = [match.span() for match in re.finditer(r"\S", text)]
    step = -(-len(words) // MOST_SPANS)
    return tuple((words[i][0], words[min(i + step, len(words)) - 1][1]) for i in range(0, len(words), step))


def without(text: str, spans: Sequence[tuple[int, int]], shown: np.ndarray) -> str:
    """The text without the parts that are not shown."""
    if shown.all():
        return text
    kept, end = [], 0
    for (start, stop), is_shown in zip(spans, shown, strict=True):
        kept.append(text[end : stop if is_shown else start])
        end = stop
    return "".join([*kept, text[end:]])


# ---------------------------------------------------------------- parts of an image


def divide(picture: np.ndarray) -> np.ndarray:
    """(h, w) int: the segment of each pixel; a segment has pixels of similar colour and place.

    Source: Achanta et al. 2012, section 3 (SLIC: k-means on colour and place).
    """
    from sklearn.cluster import KMeans

    small = np.asarray(Image.fromarray(picture).resize((SIDE, SIDE)), dtype=np.float64) / 255
    cells = round(SEGMENTS**0.5)
    rows, columns = np.divmod(np.arange(SIDE * SIDE), SIDE)
    points = np.column_stack([COLOUR / cells * small.reshape(-1, 3), rows / SIDE, columns / SIDE])
    middles = ((np.arange(cells) + 0.5) * SIDE / cells).astype(int)
    start = points.reshape(SIDE, SIDE, -1)[np.ix_(middles, middles)].reshape(cells * cells, -1)
    fitted = KMeans(cells * cells, init=start, n_init=1, max_iter=10).fit_predict(points)
    segment = np.unique(fitted, return_inverse=True)[1].reshape(SIDE, SIDE)
    height, width = picture.shape[:2]
    return segment[np.arange(height)[:, None] * SIDE // height, np.arange(width) * SIDE // width]


def hide(picture: np.ndarray, segment: np.ndarray, shown: np.ndarray) -> Iterator[np.ndarray]:
    """The picture once for each row of `shown`; hidden segments have their mean colour."""
    counts = np.bincount(segment.ravel())
    means = np.stack([np.bincount(segment.ravel(), picture[..., c].ravel()) / counts for c in range(3)], axis=1)
    flat = means.round().astype(np.uint8)[segment]
    for row in shown:
        yield np.where(row[segment][..., None], picture, flat)
