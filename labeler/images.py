"""Image files → pixels as a person sees them: upright, 8 bit, opaque."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from labeler.errors import LabelerError

# What every browser shows as it stands.
WEB_SUFFIXES = {".png": "image/png", ".jpg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp"}


def open_image(path: Path, near: int | None = None) -> Image.Image:
    """The image in RGB, turned as its EXIF data says; what is transparent becomes white, 16-bit grey 8-bit.

    Args:   near: a large JPEG may be decoded at a fraction of its size, not below this many pixels a side.
    Raises: LabelerError: the file cannot be read as an image.
    """
    try:
        with Image.open(path) as file:
            if near:
                file.draft(None, (near, near))
            image = ImageOps.exif_transpose(file)
            if image.mode.startswith(("I", "F")):
                image = _stretched(image)
            if image.has_transparency_data:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise LabelerError(f"{path} cannot be read as an image ({error}): replace or remove it.") from error


def _stretched(image: Image.Image) -> Image.Image:
    """8-bit grey from 16 or more bits. Scans rarely fill their range, so the darkest and brightest 0.1 % bound it."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32))
    low, high = np.percentile(values, (0.1, 99.9))
    return Image.fromarray((255 * np.clip((values - low) / max(high - low, 1), 0, 1)).astype(np.uint8))


def as_png(path: Path) -> bytes:
    """The image as a PNG, for formats and depths that browsers do not show."""
    buffer = io.BytesIO()
    open_image(path).save(buffer, "PNG")
    return buffer.getvalue()


def web_type(path: Path) -> str | None:
    """The media type under which a browser shows this file as it is; None if it has to be converted."""
    kind = WEB_SUFFIXES.get(path.suffix.lower())
    if kind == "image/png":
        with Image.open(path) as image:
            return None if image.mode.startswith("I") else kind
    return kind
