"""A source → its format, by its content, and its rows: of other tools' files, else of tables and folders."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import get_args

from labeler.core.errors import LabelerError, SourceError
from labeler.core.items import Modality, Problem
from labeler.core.settings import LimitsConfig
from labeler.files import sources
from labeler.files.addresses import Address, Source
from labeler.files.column_guesses import IMAGE_SUFFIXES
from labeler.files.limits import USUAL
from labeler.files.sources import OBVIOUS, Row, SourceColumns
from labeler.files.tables import read_table
from labeler.formats import argilla, coco, doccano, hugging_face, image_folder, label_studio, prodigy, provenance, ris
from labeler.formats.base import Description, Format, Name, ReadAs, Reading, misfit
from labeler.i18n.messages import Message, mark

# In this order they are tried: the narrowest first.
FORMATS: dict[Name, Format] = {
    module.FORMAT.name: module.FORMAT
    for module in (label_studio, argilla, coco, prodigy, doccano, ris, hugging_face, image_folder, provenance)
}
TABLE: ReadAs = "table"
_MOST_FILES = 50  # of a folder that are looked at


@dataclass(frozen=True)
class Found:
    """A source of a known format. path: the file, or the folder of a format that is one."""

    format: Format
    path: Path


def recognise(source: Source, columns: SourceColumns = OBVIOUS) -> Found | None:
    """The format of a source and its file; None for a table, images, or a store.

    A folder is of the format of its one file that is of any: its images lie beside it. Where somebody names the columns
    of the items or labels, the file is a table, unless the format has columns. Where somebody names the format, the
    file is of that one.

    Raises: SourceError: it is not of the format that is named.
    """
    if columns.format is not None:
        return _as_named(source, columns)
    if isinstance(source, Address) or not source.exists():
        return None
    named = bool(columns.text or columns.image or columns.label)
    formats = [f for f in FORMATS.values() if f.read is not None and (f.by_columns or not named)]
    found = _of_file(source, formats)
    if found is not None or source.is_file():
        return None if found is None else Found(found, source)
    inside = _inside(source, formats)
    return inside[0] if len(inside) == 1 else None


def _as_named(source: Source, columns: SourceColumns) -> Found | None:
    """As `recognise`, where the format is named."""
    name = columns.format
    if name not in get_args(ReadAs):
        raise SourceError(
            "There is no format {name!r} of files that are read: name one of {formats}.",
            name=name,
            formats=", ".join(get_args(ReadAs)),
        )
    if isinstance(source, Path) and not source.exists():
        return None  # whatever reads it says so
    if name == TABLE:
        if not sources.is_table(source):
            raise SourceError("{source} is no table, but {kind}.", source=source.name, kind=_kind(source))
        return None
    format_ = next(format_ for format_ in FORMATS.values() if format_.name == name)
    if (own := columns.text or columns.image or columns.label) and not format_.by_columns:
        raise SourceError(
            "A file of {title} has its items and labels in places of its own: leave out the column {column!r}.",
            title=format_.title,
            column=own,
        )
    if isinstance(source, Path):
        fitting = replace(format_, recognises=format_.fits or format_.recognises)
        if fitting.recognises(source):
            return Found(format_, source)
        if source.is_dir() and len(inside := _inside(source, [format_]) or _inside(source, [fitting])) == 1:
            return Found(format_, inside[0].path)
    raise SourceError(
        "{source} is no file of {title}, but {kind}.", source=source.name, title=format_.title, kind=_kind(source)
    )


def _kind(source: Source) -> Message:
    """What a source seems to be, as a noun."""
    if (found := recognise(source)) is not None:
        return mark("a file of {title}", title=found.format.title)
    if isinstance(source, Address) or not sources.is_table(source):
        return mark("images, or files that are not recognised")
    try:
        return mark("a table with the columns {columns}", columns=", ".join(read_table(source, 1)[0]))
    except LabelerError as error:
        return mark("a file that cannot be read as a table either: {error}", error=error)


def _inside(folder: Path, formats: Iterable[Format]) -> list[Found]:
    """The files of a folder that are of a format."""
    with suppress(OSError):
        return [Found(f, path) for path in _files_in(folder) if (f := _of_file(path, formats)) is not None]
    return []


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
