"""The beginning of a source, before it is imported: columns and first rows of a table, or images and their folders.

The file of another tool is shown as a table: its items, their labels, and what else it has of them.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TypeVar

from labeler.core.errors import ImageError, SourceError
from labeler.core.items import Problem
from labeler.core.labels import cell_of
from labeler.core.limited import Limits, run_limited
from labeler.files import column_guesses
from labeler.files.addresses import Address, Source
from labeler.files.column_guesses import Rows
from labeler.files.dicom import is_dicom
from labeler.files.images import thumbnail
from labeler.files.limits import USUAL, is_light
from labeler.files.pixels import are_light, check_pixels
from labeler.files.sources import OBVIOUS, Row, SourceColumns, content_of, holds_images
from labeler.files.tables import read_table
from labeler.formats.recognise import declared_classes, read, recognise
from labeler.formats.zips import unpacked

Result = TypeVar("Result")
SAMPLE = 200  # rows that guesses are made from
MOST_LETTERS = 20_000_000  # of all its cells together; of each no fewer than
SHORTEST = 200
MOST_CLASSES = 1000  # different values of a column that are still proposed as classes


@dataclass(frozen=True)
class Preview:
    """The beginning of a source.

    columns, rows: of a table, the first `SAMPLE` rows as strings, with long cells cut off; both empty for a folder or
    zip of images. folders: that the images lie in, with the number of images in each; empty for a table. title: of the
    format of another tool, whose first column holds the items and whose second their labels; "" for anything else.
    """

    name: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    folders: tuple[tuple[str, int], ...] = ()
    title: str = ""

    @property
    def is_table(self) -> bool:
        return bool(self.columns)

    @property
    def label(self) -> str | None:
        """The column of the labels of another tool's file; None for anything else."""
        return self.columns[1] if self.title else None

    def values(self, column: str) -> list[str]:
        """The values of a column in the first rows, the empty ones too."""
        at = self.columns.index(column)
        return [row[at] for row in self.rows]


def apart(function: Callable[..., Result], source: Source, *arguments: object) -> Result:
    """What a function of this module returns for a source: in this process where that is a small file, else in one of
    its own with limits of time and memory, so that no file and no object fills the memory of the one that asks.

    Raises: LimitError: that process was ended. Whatever the function raises.
    """
    if not isinstance(source, Address) and (not source.exists() or is_light(source) or are_light(source)):
        return function(source, *arguments)
    limits = Limits(USUAL.import_seconds, USUAL.import_megabytes)
    return run_limited(function, source, *arguments, name=source.name, limits=limits, load=(__name__,))


def preview(source: Source, columns: SourceColumns = OBVIOUS) -> Preview:
    """The beginning of a folder or zip of images, of images in a store, or of a table, of which no more is read.

    Args:   columns: may name the format.
    Raises: SourceError: nothing can be read, or it is not of that format.
    """
    if isinstance(source, Path) and not source.exists():
        raise SourceError("{source} does not exist: check the path.", source=source)
    # the images of the first items are told by their names alone
    with unpacked(source, images=False, columns=columns) as place:
        return _preview(place, SourceColumns(format=columns.format))


def _preview(source: Source, as_format: SourceColumns) -> Preview:
    if (found := recognise(source, as_format)) is not None:
        return _of_tool(source.name, found.format.title, read(source, as_format, most=SAMPLE))
    if isinstance(source, Address) or holds_images(source):
        counts = Counter(row.label or "" for row in read(source) if isinstance(row, Row))
        return Preview(source.name, folders=tuple(sorted(counts.items())))
    columns, records = read_table(source, SAMPLE)
    whole = tuple(_cut_off(fields) for _, fields in records if isinstance(fields, list) and len(fields) == len(columns))
    if not whole:
        raise SourceError("{source} has no rows: there is nothing to read.", source=source.name)
    return Preview(source.name, tuple(columns), whole)


def _cut_off(cells: Sequence[str]) -> tuple[str, ...]:
    """A row without the ends of long cells."""
    most = max(SHORTEST, MOST_LETTERS // (SAMPLE * len(cells)))
    return tuple(cell[:most] for cell in cells)


def _of_tool(name: str, title: str, rows: Iterator[Row | Problem]) -> Preview:
    """The first items of another tool's file.

    Raises: SourceError: none of them can be read.
    """
    items, problem = [], None
    for row in rows:
        if isinstance(row, Row):
            items.append(row)
        else:
            problem = problem or row
    if not items:
        raise SourceError("No item of {name} can be read. The first: {problem}", name=name, problem=problem or "")
    content = "text" if items[0].text is not None else "image"
    others = list(dict.fromkeys(column for row in items for column in row.metadata))
    return Preview(
        name,
        (content, "label", *others),
        tuple(
            _cut_off([_shown(row), _label(row), *(row.metadata.get(column, "") for column in others)]) for row in items
        ),
        title=title,
    )


def _shown(row: Row) -> str:
    return row.text if row.text is not None else row.image.name if row.image is not None else ""


def _label(row: Row) -> str:
    """The label of an item, or what people answered."""
    if row.labels is not None:
        return cell_of(row.labels)
    return " / ".join(dict.fromkeys(cell_of(answer.labels) for answer in row.answers if answer.labels))


def guessed_columns(beginning: Preview) -> SourceColumns:
    """The columns of a table that seem to hold the items, their labels and the mark of the holdout; of another tool's
    file none has to be named.
    """
    columns, rows = beginning.columns, beginning.rows
    if beginning.title:  # it knows its own
        return OBVIOUS
    guess = column_guesses.content(columns, rows)
    kind, content = guess or ("text", _longest(columns, rows))
    label = column_guesses.label(columns, rows, {content})
    return SourceColumns(**{kind: content}, label=label, split=column_guesses.split(columns, rows, {content, label}))


def _longest(columns: tuple[str, ...], rows: Rows) -> str:
    """The column of the longest texts, for a person to confirm."""
    texts = column_guesses.long_texts(columns, rows)
    return texts[0][1] if texts else max(columns, key=lambda c: sum(len(row[columns.index(c)]) for row in rows))


def proposed_classes(source: Source, beginning: Preview, label: str | None) -> tuple[str, ...]:
    """The classes that the labels name, in the order of their frequency; the whole column is read.

    Args:   label: the column of known labels; of images it is the folder that counts.
    Raises: SourceError: the column has more different values than there can be classes.
    """
    if beginning.title:
        with unpacked(source, images=False) as place:
            return (declared_classes(place) or ())[:MOST_CLASSES]
    if not beginning.is_table:
        names = Counter({folder: n for folder, n in beginning.folders if folder})
        return tuple(name for name, _ in names.most_common(MOST_CLASSES)) if len(names) > 1 else ()
    if label is None or isinstance(source, Address):
        return ()
    columns, records = read_table(source)
    at, counts = columns.index(label), Counter[str]()
    for _, fields in records:
        if isinstance(fields, list) and len(fields) == len(columns) and (value := fields[at].strip()):
            counts[value] += 1
            if len(counts) > MOST_CLASSES:
                raise SourceError(
                    "The column {column!r} has more than {n:,} different values: it cannot be the one of the labels.",
                    column=label,
                    n=MOST_CLASSES,
                )
    return tuple(name for name, _ in counts.most_common())


def first_items(source: Source, columns: SourceColumns, n: int) -> list[Row]:
    """The first items as an import will see them; rows that cannot be read are left out.

    Raises: SourceError: nothing can be read or a column is not there.
    """
    rows = (row for row in read(source, columns, most=4 * n) if isinstance(row, Row))
    return list(islice(rows, n))


def holds_scans(source: Source, columns: SourceColumns, n: int) -> bool:
    """Whether one of the first images is a DICOM file.

    Raises: SourceError: as `first_items`. ImageError: an image cannot be read.
    """
    return any(row.image is not None and is_dicom(content_of(row.image)) for row in first_items(source, columns, n))


def first_pictures(source: Source, columns: SourceColumns, n: int, side: int) -> list[tuple[bytes, str]]:
    """The first images that can be read, as JPEGs of at most `side` pixels a side, each with its label or "".

    Raises: SourceError: as `first_items`.
    """
    pictures = []
    with tempfile.TemporaryDirectory() as scratch:
        for number, row in enumerate(first_items(source, columns, n)):
            if row.image is None:
                continue
            path = Path(scratch) / f"{number}{PurePosixPath(row.image.name).suffix}"
            try:
                content = content_of(row.image)
                check_pixels(content, USUAL)
                path.write_bytes(content)
                pictures.append((thumbnail(path, side), row.label or ""))
            except ImageError:  # the import will name it
                continue
    return pictures
