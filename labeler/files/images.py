"""Image files → upright pixels: opaque with 8 bit a channel, or a scan's values in full depth."""

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from labeler.core.errors import ImageError
from labeler.core.inputs import ImageFile
from labeler.files import dicom, stacks, windows
from labeler.files.windows import Scan

# The formats that every browser shows without conversion.
WEB_SUFFIXES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}

_ORIENTATION = 0x0112  # in EXIF: 5 to 8 are rotated by 90 degrees
_DEEP = ("I", "F")  # how the names of Pillow's modes of more than 8 bit begin
_UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)  # what Pillow raises for broken files


def open_image(path: ImageFile, near: int | None = None, frame: int | None = None) -> Image.Image:
    """The image in RGB, upright by its EXIF data. Transparent pixels become white; a scan is drawn in 8 bit.

    Args:   near: a large JPEG may be decoded at a fraction of its size, with at least this many pixels a side.
            frame: of a stack, from 0 on; None: the middle one.
    Raises: ImageError: the file cannot be read as an image.
    """
    image = read(path, near, frame)
    return (windows.picture(image) if isinstance(image, Scan) else image).convert("RGB")


def read(path: ImageFile, near: int | None = None, frame: int | None = None) -> Image.Image | Scan:
    """The image in a file, upright: an opaque picture in grey or RGB, or a scan with more than 8 bit.

    Args:   near: as in `open_image`. frame: of a stack, from 0 on; None: the middle one.
    Raises: ImageError: the file cannot be read as an image.
    """
    if path.suffix.lower() in dicom.SUFFIXES:
        return dicom.read(_source(path), str(path), frame)
    if path.suffix == stacks.SUFFIX:
        return stacks.read(_source(path), str(path), frame)
    try:
        with Image.open(_source(path)) as file:
            if near:
                file.draft(None, (near, near))
            file.load()
            ImageOps.exif_transpose(file, in_place=True)  # a copy of 40 megapixels costs as much as decoding them
            image: Image.Image = file
            if image.mode.startswith(_DEEP):
                values = np.asarray(image)
                return Scan(values.astype(values.dtype.newbyteorder("="), copy=False))
            if image.has_transparency_data:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            mode = "L" if image.mode in ("1", "L") else "RGB"
            return image if image.mode == mode else image.convert(mode)
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def frames(path: ImageFile) -> int:
    """How many frames or slices an image has to scroll through."""
    if path.suffix.lower() in dicom.SUFFIXES:
        return dicom.frames(_source(path))
    return stacks.frames(_source(path)) if path.suffix == stacks.SUFFIX else 1


def size(path: ImageFile) -> tuple[int, int, bool]:
    """Width, height (both upright), and whether a channel has more than 8 bit; read from the header alone.

    Raises: ImageError: the file cannot be read as an image.
    """
    try:
        with Image.open(_source(path)) as file:
            # A PNG without EXIF data at its beginning would be decoded to look for some at its end.
            exif = file.getexif() if file.format != "PNG" or "exif" in file.info else Image.Exif()
            turned = exif.get(_ORIENTATION, 1) >= 5
            width, height = reversed(file.size) if turned else file.size
            return width, height, file.mode.startswith(_DEEP)
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def _source(path: ImageFile) -> Path | BinaryIO:
    """What decoders read: a path, or the content of an object of a store."""
    return path if isinstance(path, Path) else io.BytesIO(path.read_bytes())


def _unreadable(path: ImageFile, error: Exception) -> ImageError:
    return ImageError("{path} cannot be read as an image ({error}): replace or remove it.", path=path, error=error)


def thumbnail(path: ImageFile, side: int) -> bytes:
    """The image as a JPEG of at most `side` pixels a side.

    Raises: ImageError: the file cannot be read as an image.
    """
    image = open_image(path, near=side)
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
