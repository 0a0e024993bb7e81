"""A source → its format, by its content, and its rows: of other tools' files, else of tables and folders."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from labeler.core.errors import LabelerError, SourceError
from labeler.core.items import Modality, Problem
from labeler.core.settings import LimitsConfig
from labeler.files import sources
from labeler.files.addresses import Address, Source
from labeler.files.column_guesses import IMAGE_SUFFIXES
from labeler.files.limits import USUAL
from labeler.files.sources import OBVIOUS, Row, SourceColumns
from labeler.formats import argilla, coco, doccano, hugging_face, image_folder, label_studio, prodigy, provenance, ris
from labeler.formats.base import Description, Format, Name, Reading, misfit
from labeler.i18n.messages import Message

# In this order they are tried: the narrowest first.
FORMATS: dict[Name, Format] = {
    module.FORMAT.name: module.FORMAT
    for module in (label_studio, argilla, coco, prodigy, doccano, ris, hugging_face, image_folder, provenance)
}
_MOST_FILES = 50  # of a folder that are looked at


@dataclass(frozen=True)
class Found:
    """A source of a known format. path: the file, or the folder of a format that is one."""

    format: Format
    path: Path


def recognise(source: Source, columns: SourceColumns = OBVIOUS) -> Found | None:
    """The format of a source and its file; None for a table, images, or a store.

    A folder is of the format of its one file that is of any: its images lie beside it. Where somebody names the columns
    of the items or labels, the file is a table, unless the format has columns.
    """
    if isinstance(source, Address) or not source.exists():
        return None
    named = bool(columns.text or columns.image or columns.label)
    formats = [f for f in FORMATS.values() if f.read is not None and (f.by_columns or not named)]
    found = _of_file(source, formats)
    if found is not None or source.is_file():
        return None if found is None else Found(found, source)
    with suppress(OSError):
        inside = [Found(f, path) for path in _files_in(source) if (f := _of_file(path, formats)) is not None]
        return inside[0] if len(inside) == 1 else None
    return None


def _of_file(path: Path, formats: Iterable[Format]) -> Format | None:
    return next((format_ for format_ in formats if format_.recognises(path)), None)


def _files_in(folder: Path) -> list[Path]:
    """The files of a folder that may be those of another tool; none where there are too many."""
    files: list[Path] = []
    for path in chain(folder.iterdir(), (folder / "annotations").glob("*")):
        if path.suffix.lower() not in IMAGE_SUFFIXES and path.is_file():
            files.append(path)
        if len(files) > _MOST_FILES:
            return []
    return sorted(files)


def is_table(source: Source, columns: SourceColumns = OBVIOUS) -> bool:
    """Whether rows come with columns: those of a table, or of another tool's file."""
    return sources.is_table(source) or recognise(source, columns) is not None


def read(  # wide: the options of an import
    source: Source,
    columns: SourceColumns = OBVIOUS,
    *,
    modality: Modality | None = None,
    most: int | None = None,
    limits: LimitsConfig = USUAL,
    classes: tuple[str, ...] = (),
    left_out: Counter[Message] | None = None,
) -> Iterator[Row | Problem]:
    """As `files.sources.read`, also of other tools' files.

    Args:   classes: of the project. left_out: counts what a file has that is not taken over.
    Raises: SourceError: as there.
    """
    found = recognise(source, columns)
    if found is None or found.format.read is None:
        return sources.read(source, columns, modality=modality, most=most, limits=limits)
    reading = Reading(found.path, columns, modality, classes, limits)
    if left_out is not None:
        reading.left_out = left_out
    rows = islice(found.format.read(reading), most)
    first = list(islice(rows, 1))  # so that a broken file is refused at once
    if not first:
        raise SourceError("{source} has no rows: there is nothing to read.", source=found.path.name)
    return (_with_columns(row, columns) for row in chain(first, rows))


def _with_columns(row: Row | Problem, columns: SourceColumns) -> Row | Problem:
    """The row with the group and the side of the split that its other columns name."""
    if isinstance(row, Problem) or not (columns.group or columns.split):
        return row
    group = row.metadata.get(columns.group or "", "").strip() or None
    return replace(row, group=row.group or group, split=row.metadata.get(columns.split or "", row.split))


def formats_for(project: Description) -> list[Name]:
    """The formats that can hold the items of a project."""
    return [name for name, format_ in FORMATS.items() if misfit(format_, project) is None]


def check_fits(format_: Format, project: Description) -> None:
    """Raises: LabelerError: the format cannot hold the project's items at all; names those that can."""
    if (fact := misfit(format_, project)) is not None:
        raise LabelerError(
            "{title} cannot hold {fact}. These formats hold the items of this project: {formats}.",
            title=format_.title,
            fact=fact,
            formats=", ".join(formats_for(project)),
        )


def declared_classes(source: Source) -> tuple[str, ...] | None:
    """The classes of another tool's file: those that it declares, else those that its answers name, the most frequent
    first. None: the source is no such file.
    """
    found = recognise(source)
    if found is None:
        return None
    declared = found.format.classes(found.path)
    if declared:
        return declared
    counts: Counter[str] = Counter()
    for row in read(source):
        if isinstance(row, Row):
            counts.update(row.labels or ())
            for answer in row.answers:
                counts.update(answer.labels)
    return tuple(name for name, _ in counts.most_common())


def several_classes(source: Source, most: int = 1000) -> bool:
    """Whether one of the first items of another tool's file has several classes."""
    rows = (row for row in read(source, most=most) if isinstance(row, Row))
    return any(len(names) > 1 for row in rows for names in ((row.labels or ()), *(a.labels for a in row.answers)))
