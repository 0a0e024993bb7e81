"""Which encoders place texts by their meaning, so that a sentence about a class lies near the texts of that class."""

import numpy as np

from labeler.backbones.encoder import Encoder, Joined

# Measured, see docs/benchmarks/class-sentences.md: before there are labels nothing else could tell whether it is so.
MEASURED = ("bge-small-en-v1.5", "multilingual-e5-small", "all-MiniLM-L6-v2")


def meaning(encoder: Encoder) -> np.ndarray | None:
    """(d,) bool, the encoder's columns in which sentences can be compared with items; None: there are none.

    Of encoders that are used together, the columns of those that were measured. An encoder of images would need one of
    texts in the same space, such as CLIP's; none is known here, so sentences say nothing about images yet.
    """
    parts = encoder.parts if isinstance(encoder, Joined) else (encoder,)
    columns = np.concatenate([np.full(sum(part.dims), part.name in MEASURED) for part in parts])
    return columns if columns.any() else None
