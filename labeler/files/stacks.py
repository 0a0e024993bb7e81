"""Slices of a series → one stack: which files belong together and in which order, and a file that holds them all.

A stack is a zip, uncompressed, with its slices as DICOM files in the order in which they are scrolled.
"""

import io
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
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
from labeler.files.sources import Embedded, Picture, Row
from labeler.files.windows import Scan

# Imports of pydicom are deferred: it is an extra, and few projects hold scans.

SUFFIX = ".stack"
_HEAD = ("SeriesInstanceUID", "ImagePositionPatient", "ImageOrientationPatient", "InstanceNumber", "Rows", "Columns")
_THREADS = 4
_AT_ONCE = 1000  # files whose heads are read before the next ones


@dataclass(frozen=True)
class Slice:
    """What tells a slice's stack and its place there. series: with the size of the pixels."""

    series: tuple[str, int, int]
    place: float  # along the normal of the slices, in mm
    number: int


def stacked(read: Callable[[], Iterable[Row | Problem]]) -> Iterator[Row | Problem]:
    """The rows, those of the slices of one series in one folder as one row, with the slices in their order.

    Slices are files with a series and a position in the patient, so that two views of a chest stay two images.

    Args: read: gives the rows from the first one on with each call; slices alone are kept in memory.
    """
    members: dict[tuple[object, ...], list[tuple[Row, Slice]]] = defaultdict(list)
    for row, place in _slices(read()):
        members[(row.source.rpartition("/")[0], *place.series)].append((row, place))
    whole: dict[str, Row | None] = {}  # by the source of each slice: the stack that it begins
    for together in members.values():
        if len(together) < 2:
            continue
        in_order = sorted(together, key=lambda member: (member[1].place, member[1].number))
        first, *more = [row.image for row, _place in in_order if row.image is not None]
        begins, *others = [row for row, _place in together]
        whole |= dict.fromkeys((row.source for row in others), None)
        whole[begins.source] = replace(begins, image=first, more=tuple(more))
    for entry in read():
        stack = whole.get(entry.source, entry)
        if stack is not None:
            yield stack


def _slices(rows: Iterable[Row | Problem]) -> Iterator[tuple[Row, Slice]]:
    """The rows whose images are slices."""
    images = (row for row in rows if isinstance(row, Row) and row.image is not None)
    with ThreadPoolExecutor(_THREADS) as threads:
        while part := list(islice(images, _AT_ONCE)):
            for row, place in zip(part, threads.map(lambda row: _slice_of(row.image), part), strict=True):
                if place is not None:
                    yield row, place


def _slice_of(image: Picture | None) -> Slice | None:
    """The slice in a file; None: it is none, or in a store, where no file is put together of several."""
    if image is None or isinstance(image, ObjectFile | Embedded):
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
