"""Slices of a series → one stack: which files belong together and in which order, and a file that holds them all.

A stack is a zip, uncompressed, with its slices as DICOM files in the order in which they are scrolled.
"""

import io
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from labeler.core.errors import ImageError
from labeler.core.extras import require
from labeler.core.items import Problem
from labeler.files import dicom
from labeler.files.dicom import is_dicom
from labeler.files.objects import ObjectFile
from labeler.files.sources import Row
from labeler.files.windows import Scan

# Imports of pydicom are deferred: it is an extra, and few projects hold scans.

SUFFIX = ".stack"
_HEAD = ("SeriesInstanceUID", "ImagePositionPatient", "ImageOrientationPatient", "InstanceNumber", "Rows", "Columns")
_THREADS = 4


@dataclass(frozen=True)
class Slice:
    """What tells a slice's stack and its place there. series: with the size of the pixels."""

    series: tuple[str, int, int]
    place: float  # along the normal of the slices, in mm
    number: int


def stacked(rows: Sequence[Row | Problem]) -> list[Row | Problem]:
    """The rows, those of the slices of one series in one folder as one row, with the slices in their order.

    Slices are files with a series and a position in the patient, so that two views of a chest stay two images.
    """
    if not any(isinstance(row, Row) and row.image is not None for row in rows):
        return list(rows)
    with ThreadPoolExecutor(_THREADS) as threads:
        slices = list(threads.map(lambda row: _slice_of(row.image) if isinstance(row, Row) else None, rows))
    members: dict[tuple[object, ...], list[tuple[int, Row, Slice]]] = defaultdict(list)
    for number, (row, place) in enumerate(zip(rows, slices, strict=True)):
        if isinstance(row, Row) and place is not None:
            members[(row.source.rpartition("/")[0], *place.series)].append((number, row, place))
    result: list[Row | Problem | None] = list(rows)
    for together in members.values():
        if len(together) < 2:
            continue
        in_order = sorted(together, key=lambda member: (member[2].place, member[2].number))
        first, *more = [row.image for _number, row, _place in in_order if row.image is not None]
        for number, _row, _place in together:
            result[number] = None
        number, row, _place = together[0]
        result[number] = replace(row, image=first, more=tuple(more))
    return [row for row in result if row is not None]


def _slice_of(image: Traversable | ObjectFile | None) -> Slice | None:
    """The slice in a file; None: it is none, or in a store, where no file is put together of several."""
    if image is None or isinstance(image, ObjectFile):
        return None
    try:
        with image.open("rb") as file:
            if not is_dicom(file.read(132)):
                return None
            require("dicom")
            from pydicom import dcmread

            file.seek(0)
            data = dcmread(file, stop_before_pixels=True, specific_tags=list(_HEAD))
        position, orientation = data.get("ImagePositionPatient"), data.get("ImageOrientationPatient")
        if not data.get("SeriesInstanceUID") or position is None or orientation is None:
            return None
        across, down = np.array(orientation, dtype=float).reshape(2, 3)
        place = float(np.array(position, dtype=float) @ np.cross(across, down))
        series = str(data.SeriesInstanceUID), int(data.Rows), int(data.Columns)
        return Slice(series, place, int(data.get("InstanceNumber") or 0))
    except Exception:  # the import reads the file as an image, and says what is wrong with it
        return None


def packed(contents: Iterable[bytes]) -> bytes:
    """The slices as one file; the same slices give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(zipfile.ZipInfo(f"{number:05}.dcm"), content)
    return buffer.getvalue()


def read(source: Path | BinaryIO, name: str, frame: int | None = None) -> Scan | Image.Image:
    """The image of a slice of a stack.

    Args:   name: of the file in error messages. frame: the slice, from 0 on; None: the middle one.
    Raises: ImageError: it cannot be read.
    """
    with _opened(source, name) as archive:
        names = sorted(archive.namelist())
        frame = len(names) // 2 if frame is None else min(max(frame, 0), len(names) - 1)
        image = dicom.read(io.BytesIO(archive.read(names[frame])), name)
    return replace(image, frame=(frame + 1, len(names))) if isinstance(image, Scan) else image


def frames(source: Path | BinaryIO) -> int:
    """How many slices there are.

    Raises: ImageError: the file cannot be read.
    """
    with _opened(source, str(source)) as archive:
        return len(archive.namelist())


@contextmanager
def _opened(source: Path | BinaryIO, name: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise ImageError(
            "{name} cannot be read as a stack ({error}): replace or remove it.", name=name, error=error
        ) from error


def check(source: BinaryIO) -> None:
    """Read every slice of a stack.

    Raises: LabelerError: one cannot be read.
    """
    with zipfile.ZipFile(source) as archive:
        for name in sorted(archive.namelist()):
            dicom.read(io.BytesIO(archive.read(name)), f"the slice {name}")
