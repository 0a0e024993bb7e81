"""Maps of weights as transparent pictures, to be laid over the image that they are about."""

import io

import numpy as np
from PIL import Image

# Orange speaks for a class, blue against it: told apart by everybody's eyes, and on light and dark.
FOR, AGAINST = (235, 110, 0), (0, 90, 200)
SIDE = 160  # pixels of the longer side
CONTRAST = 1.5  # power of a weight: maps are often of one sign everywhere, and the eye is to find the most


def overlay(weights: np.ndarray, most: float) -> bytes:
    """A PNG of a map (h, w) of weights: the sign is the colour, and the size, up to `most`, how much it covers."""
    height, width = weights.shape
    scale = max(1, SIDE // max(height, width))
    smooth = Image.fromarray((weights / max(most, 1e-12)).astype(np.float32)).resize(
        (width * scale, height * scale), Image.Resampling.BICUBIC
    )
    values = np.clip(np.asarray(smooth), -1, 1)
    pixels = np.empty((*values.shape, 4), dtype=np.uint8)
    pixels[..., :3] = np.where(values[..., None] > 0, FOR, AGAINST)
    pixels[..., 3] = np.round(255 * np.abs(values) ** CONTRAST)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
