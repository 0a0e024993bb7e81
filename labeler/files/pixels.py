"""How many pixels the header of an image declares, compared with the limit before any of them is decoded."""

import io
import zlib
from itertools import islice
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from labeler.core.errors import ImageError, LabelerError
from labeler.core.extras import require
from labeler.core.settings import LimitsConfig
from labeler.files.addresses import Address, Source
from labeler.files.column_guesses import IMAGE_SUFFIXES
from labeler.files.dicom import is_dicom

if TYPE_CHECKING:
    from pydicom import Dataset

# Imports of pydicom are deferred: it is an extra, and few projects hold scans.

MEGA = 1_000_000
FEW, FEW_BYTES, SMALL_MEGAPIXELS = 50, 20_000_000, 5.0
# The formats that are tried whatever the file's suffix, with the suffix that each is stored under.
FORMATS = {"PNG": ".png", "JPEG": ".jpg", "BMP": ".bmp", "GIF": ".gif", "TIFF": ".tif", "WEBP": ".webp"}
_DEFLATED = "1.2.840.10008.1.2.1.99"  # the transfer syntax whose fields are all packed
_BYTES_A_PIXEL = 8  # of the values of a scan, at most
_PIECE = 1 << 20  # bytes


def check_pixels(content: bytes, limits: LimitsConfig) -> None:
    """Refuse an image that has more pixels than the limit; only its header is read.

    Raises: ImageError: it has too many, it is of no known format, or its header cannot be read.
    """
    if is_dicom(content):
        data = _head(content, limits)
        width, height = int(data.get("Columns") or 0), int(data.get("Rows") or 0)
    else:
        width, height = _size(content)
    if width * height > limits.image_megapixels * MEGA:
        raise ImageError(
            "has {width:,} × {height:,} pixels, and the limit is {most:g} million: make it smaller, or raise the"
            " setting limits.image_megapixels.",
            width=width,
            height=height,
            most=limits.image_megapixels,
        )


def _size(content: bytes) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(content), formats=list(FORMATS)) as picture:
            return picture.size
    except UnidentifiedImageError:
        raise ImageError("is not an image of a known format ({suffixes}, DICOM)", suffixes=", ".join(FORMATS)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):  # a warning where they are errors
        raise ImageError("has more pixels than can be shown: make it smaller.") from None
    except Exception as error:  # broken bytes make decoders raise nearly anything
        reason = str(error) or type(error).__name__
        raise ImageError("the image cannot be read: {error}", error=reason) from error


def _head(content: bytes, limits: LimitsConfig) -> "Dataset":
    """The size that a DICOM file declares."""
    require("dicom")
    from pydicom import dcmread
    from pydicom.filereader import _read_file_meta_info, read_preamble

    try:
        file = io.BytesIO(content)
        read_preamble(file, force=False)
        meta = _read_file_meta_info(file)
        if meta.get("TransferSyntaxUID") == _DEFLATED:
            _check_inflated(file, limits)
        return dcmread(io.BytesIO(content), stop_before_pixels=True, specific_tags=["Rows", "Columns"])
    except LabelerError:
        raise
    except Exception as error:  # broken bytes make the reader raise nearly anything
        reason = str(error).split("\n")[0] or type(error).__name__
        raise ImageError("cannot be read as a DICOM file ({reason}): replace or remove it.", reason=reason) from error


def _check_inflated(packed: io.BytesIO, limits: LimitsConfig) -> None:
    """Refuse packed fields that unpack to more than the largest image has; they are unpacked piece by piece."""
    most, unpacked = int(limits.image_megapixels * MEGA) * _BYTES_A_PIXEL, 0
    unpacker, rest = zlib.decompressobj(-zlib.MAX_WBITS), packed.read()
    while rest and not unpacker.eof:
        piece = unpacker.decompress(rest, _PIECE)
        unpacked, rest = unpacked + len(piece), unpacker.unconsumed_tail
        if unpacked > most:
            raise ImageError(
                "would unpack to more than {megabytes:,} MB: save it unpacked, or raise the setting"
                " limits.image_megapixels.",
                megabytes=most // 1_000_000,
            )


def are_light(folder: Source) -> bool:
    """Whether a folder holds few, small images and no scans, so that the process that is asked can read it at once."""
    if isinstance(folder, Address) or not folder.is_dir():
        return False
    files = [path for path in islice(folder.rglob("*"), 4 * FEW) if path.is_file()]
    if len(files) > FEW or sum(path.stat().st_size for path in files) > FEW_BYTES:
        return False
    try:
        for path in files:
            content = path.read_bytes()
            if is_dicom(content):
                return False
            if path.suffix.lower() in IMAGE_SUFFIXES:
                check_pixels(content, LimitsConfig(image_megapixels=SMALL_MEGAPIXELS))
    except (ImageError, OSError):
        return False
    return True
