"""Maps of weights as transparent pictures, to be laid over the image that they explain."""

import io

import numpy as np
from PIL import Image

# Orange is for a class, blue against it; the colour-blind can tell them apart, on light and dark.
FOR, AGAINST = (235, 110, 0), (0, 90, 200)
ATTENDED = (150, 60, 210)  # attention is neither
SIDE = 160  # pixels of the longer side
CONTRAST = 1.5  # exponent of a weight: maps often have one sign everywhere, and the largest weights should stand out

Colour = tuple[int, int, int]


def overlay(weights: np.ndarray, most: float, positive: Colour = FOR) -> bytes:
    """A PNG of a map (h, w) of weights: the sign gives the colour, the size, up to `most`, the opacity."""
    height, width = weights.shape
    scale = max(1, SIDE // max(height, width))
    smooth = Image.fromarray((weights / max(most, 1e-12)).astype(np.float32)).resize(
        (width * scale, height * scale), Image.Resampling.BICUBIC
    )
    values = np.clip(np.asarray(smooth), -1, 1)
    pixels = np.empty((*values.shape, 4), dtype=np.uint8)
    pixels[..., :3] = np.where(values[..., None] > 0, positive, AGAINST)
    pixels[..., 3] = np.round(255 * np.abs(values) ** CONTRAST)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
