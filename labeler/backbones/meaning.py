"""Which encoders place texts by their meaning, so that a sentence about a class lies near the texts of that class."""

import numpy as np

from labeler.backbones.catalogue import ENCODERS
from labeler.backbones.encoder import Encoder, side_by_side


def meaning(encoder: Encoder) -> np.ndarray | None:
    """(d,) bool, the encoder's columns in which sentences can be compared with items; None: there are none.

    Of encoders that are used together, the columns of those that were measured. An encoder of images would need one of
    texts in the same space, such as CLIP's; none is known here, so sentences say nothing about images yet.
    """
    places = {name for name, entry in ENCODERS.items() if entry.places_by_meaning}
    columns = np.concatenate([np.full(sum(part.dims), part.name in places) for part in side_by_side(encoder)])
    return columns if columns.any() else None
