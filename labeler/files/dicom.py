"""DICOM files → a scan's values in their unit, or a colour picture. pydicom is imported with the first file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from labeler.core.errors import ImageError, LabelerError
from labeler.core.extras import require
from labeler.files.windows import Scan, Window

if TYPE_CHECKING:
    from pydicom import Dataset

# Imports of pydicom are deferred: it is an extra, and few projects hold scans.

SUFFIXES = (".dcm", ".dicom")
_MOST_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 1 << 27)  # where Pillow refuses an image as well


def is_dicom(content: bytes) -> bool:
    """Whether a file with this content is marked as DICOM."""
    return content[128:132] == b"DICM"


def read(source: Path | BinaryIO, name: str, frame: int | None = None) -> Scan | Image.Image:
    """The scan in a file, its values rescaled by slope and intercept, or the colour picture in it.

    Args:   name: the name of the file in error messages. frame: which of several, from 0 on; None: the middle one.
    Raises: ImageError: the file is broken, holds no image, or is compressed in a way that needs a further package;
            or pydicom is not installed.
    """
    require("dicom")
    from pydicom import dcmread

    try:
        data = dcmread(source)
        return _image(data, frame)
    except LabelerError as error:
        raise ImageError("{name} {error}", name=name, error=error) from None
    except Exception as error:  # broken bytes make the reader raise nearly anything
        reason = str(error).split("\n")[0] or type(error).__name__
        raise ImageError(
            "{name} cannot be read as a DICOM image ({reason}): replace or remove it.", name=name, reason=reason
        ) from error


def _image(data: "Dataset", frame: int | None = None) -> Scan | Image.Image:
    from pydicom.pixels import apply_color_lut, pixel_array

    if "PixelData" not in data and "FloatPixelData" not in data and "DoubleFloatPixelData" not in data:
        raise LabelerError("is a DICOM file without an image in it: leave it out of the import.")
    if data.Rows * data.Columns > _MOST_PIXELS:
        raise LabelerError(
            "has {columns} × {rows} pixels, which is more than can be shown: cut it up.",
            columns=data.Columns,
            rows=data.Rows,
        )
    frames = int(data.get("NumberOfFrames") or 1)
    frame = frames // 2 if frame is None else min(max(frame, 0), frames - 1)
    try:
        values = pixel_array(data, index=frame)
    except (NotImplementedError, RuntimeError) as error:
        if "package" not in str(error) and "plugin" not in str(error):
            raise
        syntax = data.file_meta.TransferSyntaxUID.name
        raise LabelerError(
            "is compressed as {syntax}, which pydicom reads with a further package only: "
            "install pylibjpeg[all], or save the file uncompressed.",
            syntax=syntax,
        ) from error
    if data.PhotometricInterpretation == "PALETTE COLOR":
        values = apply_color_lut(values, data)
    if values.ndim == 3:
        return Image.fromarray((values >> 8 if values.dtype.itemsize == 2 else values).astype(np.uint8))
    values, window = _rescaled(values, data, frame)
    return Scan(
        values,
        window=window,
        unit="HU" if data.get("Modality") == "CT" and data.get("RescaleType", "HU") == "HU" else None,
        inverted=data.PhotometricInterpretation == "MONOCHROME1",
        frame=(frame + 1, frames) if frames > 1 else None,
    )


def _rescaled(stored: np.ndarray, data: "Dataset", frame: int) -> tuple[np.ndarray, Window | None]:
    """The values after the modality transformation, and the window on them that the file names.

    Every window is read as `LINEAR_EXACT`, which differs from `LINEAR` by half a value: level and width are then those
    in the file. Where the file has a lookup table in place of a window, the values are looked up in the table.

    Source: DICOM PS3.3, C.11.1 and C.11.2.
    """
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    settings = _functional_groups(data, frame)
    if "ModalityLUTSequence" in data:
        values = apply_modality_lut(stored, data)
    else:
        slope, intercept = float(settings.get("RescaleSlope") or 1), float(settings.get("RescaleIntercept") or 0)
        changed = (slope, intercept) != (1.0, 0.0)
        values = stored.astype(np.float32) * np.float32(slope) + np.float32(intercept) if changed else stored
    centre, width = _first(settings.get("WindowCenter")), _first(settings.get("WindowWidth"))
    if centre is not None and width:
        return values, (centre - width / 2, centre + width / 2)
    if data.get("VOILUTSequence"):
        bits = data.VOILUTSequence[0].LUTDescriptor[2]
        return apply_voi_lut(np.rint(values).astype(np.int32), data), (0.0, float(2**bits - 1))
    return values, None


def _functional_groups(data: "Dataset", frame: int) -> dict[str, Any]:
    """Rescaling and window. Files with many frames keep them in functional groups, shared or for each frame."""
    values: dict[str, Any] = {}
    shared, each = data.get("SharedFunctionalGroupsSequence"), data.get("PerFrameFunctionalGroupsSequence")
    groups = [g for g in (shared and shared[0], each and len(each) > frame and each[frame]) if g]
    parts = [group[name][0] for group in groups for name in _GROUPS if group.get(name)]
    for part in [data, *parts]:
        values |= {name: part[name].value for name in _SETTINGS if name in part}
    return values


_GROUPS = ("PixelValueTransformationSequence", "FrameVOILUTSequence")
_SETTINGS = ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth")


def _first(value: Any) -> float | None:
    """The first number of a value that may be one number, several or none."""
    if value is None or value == "":
        return None
    return float(value[0]) if hasattr(value, "__getitem__") and not isinstance(value, str) else float(value)


def frames(source: Path | BinaryIO) -> int:
    """How many frames the image in a file has; 1 where that cannot be read."""
    require("dicom")
    from pydicom import dcmread

    try:
        data = dcmread(source, stop_before_pixels=True, specific_tags=["NumberOfFrames"])
        return max(1, int(data.get("NumberOfFrames") or 1))
    except Exception:  # what is broken is said where the image is read
        return 1
