"""Folders, zips and tables → rows of texts or images. This module knows files and columns, but no projects."""

import lzma
import os
import unicodedata
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.resources.abc import Traversable
from itertools import chain, islice
from pathlib import Path, PurePosixPath, PureWindowsPath

from labeler.core.errors import ImageError, SourceError
from labeler.core.items import ForeignPrediction, GivenAnswer, Modality, Problem
from labeler.core.settings import LimitsConfig
from labeler.files import column_guesses
from labeler.files.addresses import Address, Source, allowed, is_address
from labeler.files.column_guesses import IMAGE_SUFFIXES
from labeler.files.limits import USUAL, within_limits
from labeler.files.objects import MOST_BYTES, ObjectFile, listing
from labeler.files.tables import Records, check_names, read_table
from labeler.files.zip_directory import Packed, ZipDirectory
from labeler.i18n.messages import Message, mark

_LITTER = {"__macosx", "thumbs.db", "desktop.ini"}
_MAX_ENTRY = 1 << 30  # bytes that one image may have, and an entry of a zip unpack to
_PACKED_AS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


@dataclass(frozen=True, slots=True)
class Embedded:
    """An image whose bytes stand in a table or a JSON file itself."""

    name: str
    content: bytes = field(repr=False)

    def read_bytes(self) -> bytes:
        return self.content


Picture = Traversable | ObjectFile | Embedded | Packed


@dataclass(frozen=True, slots=True)
class Row:
    """One text or one image of a source. `image` is read with `.read_bytes()`, on disk, in a zip or in a store.

    The files of other tools (`labeler.formats`) give `labels` in place of `label`, and with them who answered.
    """

    source: str  # e.g. "reviews.csv row 12", "scans/glioma/a.png"
    text: str | None = None
    image: Picture | None = None
    label: str | None = None
    split: str | None = None  # the raw value
    metadata: Mapping[str, str] = field(default_factory=dict)  # a table's other columns, where not empty
    group: str | None = None  # what it belongs to, such as a patient
    more: tuple[Picture, ...] = ()  # further slices of the stack that `image` begins, in their order
    labels: tuple[str, ...] | None = None  # the classes as a list; None: `label` has them, or the item has no label
    answers: tuple[GivenAnswer, ...] = ()
    predictions: tuple[ForeignPrediction, ...] = ()


@dataclass(frozen=True)
class SourceColumns:
    """Names of a table's columns by what they hold.

    At most one of `text` and `image` is named; without either, the column with a usual name is taken, else the only
    one of long texts or of image paths. `label` and `split` are never guessed. A folder of images has no columns: the
    label of an image is its parent folder. `group` names what items belong to, such as a patient; of a folder it may be
    `FOLDER_GROUPS`, the folder of each image. `format` is no column: it says what the file is, the name of a format or
    "table", where that is not to be recognised.
    """

    text: str | None = None
    image: str | None = None
    label: str | None = None
    split: str | None = None
    group: str | None = None
    format: str | None = None

    def given(self) -> dict[str, str]:
        """What is named."""
        return {role: name for role, name in asdict(self).items() if name is not None}

    def named(self) -> dict[str, str]:
        """The columns that are named, by what they hold."""
        return {role: column for role, column in self.given().items() if role != "format"}


LOOKED_AT = 50  # rows of a table in which the column of the items is looked for
LONGEST_SHOWN = 300  # characters of a path in a message
ROW = " row "  # between a table's name and the number of one of its rows


def origin(source: str) -> Message:
    """A row's `source` as a message: a table's row is named in the reader's language."""
    table, row, number = source.rpartition(ROW)
    return mark("{table} row {number}", table=table, number=number) if row and number.isdigit() else Message(source)


def is_table(source: Source) -> bool:
    """Whether a source is a table, and no image and no folder or zip of images, nor objects of a store."""
    if isinstance(source, Address):
        return False
    return not source.is_dir() and source.suffix.lower() not in (".zip", *IMAGE_SUFFIXES)


def holds_images(source: Source) -> bool:
    """Whether a source is a folder or zip, or in a store."""
    return isinstance(source, Address) or source.is_dir() or source.suffix.lower() == ".zip"


OBVIOUS = SourceColumns()  # no column is named
FOLDER_GROUPS = "folder"


def read(
    source: Source,
    columns: SourceColumns = OBVIOUS,
    *,
    modality: Modality | None = None,
    most: int | None = None,
    limits: LimitsConfig = USUAL,
) -> Iterator[Row | Problem]:
    """Rows of a folder or zip of images, of images in a store, or of a table of texts or of paths or addresses of
    images; a bad row comes as a problem.

    Args:     columns: of a table. modality: whether the text or the image column is taken, where a table has both.
              most: so many rows are wanted, the first ones; little more of the source is read.
              limits: what a zip or table may unpack to.
    Returns:  rows in the order of the file, files in the order of their names; tables are read as the rows are asked
              for.
    Raises:   SourceError: nothing can be read, a column is not there, or a limit is passed; raised by the call, before
              any row, but for what is wrong further down in a table.
    """
    if isinstance(source, Address) or holds_images(source):
        return islice(images(source, columns, limits)(), most)
    with _readable(source):
        table = read_table(source, most, limits)
        return _table_rows(_name_of(source), source.parent, *table, columns.named(), modality)


def images(source: Source, columns: SourceColumns, limits: LimitsConfig) -> Callable[[], Iterator[Row | Problem]]:
    """What gives the rows of a folder, zip or store from the first one on with each call, so that none has to be kept.

    Args and Raises: see `read`.
    """
    if isinstance(source, Address):
        _check_no_columns(source.name, columns)
        return _image_rows(source.name, _files(source, limits), columns.group is not None)
    with _readable(source):
        _check_no_columns(_name_of(source), columns)
        return _image_rows(_name_of(source), _files(source, limits), columns.group is not None)


def _name_of(source: Path) -> str:
    return decode_name(os.fsencode(os.path.basename(os.path.abspath(source))))


@contextmanager
def _readable(source: Path) -> Iterator[None]:
    """A block that reads a file. Raises: SourceError: it is not there, or cannot be read."""
    try:
        if not source.exists():
            raise SourceError("{source} does not exist: check the path.", source=source)
        yield
    except OSError as error:
        raise SourceError(
            "{source} cannot be read: {strerror}.", source=source, strerror=error.strerror or error
        ) from error


def _check_no_columns(name: str, columns: SourceColumns) -> None:
    """Refuse columns for what is no table, other than that of the groups. Raises: SourceError."""
    named = columns.named()
    group = named.pop("group", None)
    if named:
        raise SourceError(
            "{name} is no table: leave out the column {values}.", name=name, values=_listed(named.values())
        )
    if group not in (None, FOLDER_GROUPS):
        raise SourceError(
            "{name} is no table, so it has no column {group!r}: name {folder!r} for groups by its folders, or a"
            " DICOM field, such as PatientID.",
            name=name,
            group=group,
            folder=FOLDER_GROUPS,
        )


# ---------------------------------------------------------------- folders and zips, and what is in stores


@dataclass(frozen=True)
class _File:
    name: PurePosixPath  # below the source, as a person reads it
    content: Traversable | ObjectFile | Packed
    problem: str | None = None
    shown: str = ""  # its name in messages and as the source of its item; by default that below the source


def _files(source: Source, limits: LimitsConfig) -> Callable[[], Iterable[_File]]:
    """The files of a folder, zip or store in the order of their names, from the first one on with each call.

    A folder is walked anew, so that no list of its files is kept. Of a zip it is kept where the directory has each
    file; a store lists all its files at once.
    """
    if not isinstance(source, Address):
        return partial(_folder, source) if source.is_dir() else _zip(source, limits)
    files = sorted(_objects(source), key=lambda file: file.name)
    return lambda: files


def _image_rows(
    source: str, files: Callable[[], Iterable[_File]], grouped: bool
) -> Callable[[], Iterator[Row | Problem]]:
    """Args: grouped: whether the images of a folder are a group."""
    if not any(file.name.suffix.lower() in IMAGE_SUFFIXES for file in files()):
        raise SourceError(
            "{source} has no images in it ({image_suffixes}).", source=source, image_suffixes=", ".join(IMAGE_SUFFIXES)
        )

    def rows() -> Iterator[Row | Problem]:
        for file in files():
            name = file.shown or f"{source}/{file.name}"
            if file.problem is not None:
                yield Problem(name, file.problem)
            elif file.name.suffix.lower() not in IMAGE_SUFFIXES:
                yield Problem(name, mark("is not an image; import a table by its own path, not by its folder"))
            else:
                group = file.name.parent.as_posix() if grouped and file.name.parent.name else None
                # as a table's column of groups does, the folder stays with the item
                columns = {} if group is None else {FOLDER_GROUPS: group}
                yield Row(name, image=file.content, label=file.name.parent.name or None, metadata=columns, group=group)

    return rows


def _folder(source: Path) -> Iterator[_File]:
    """The files below a folder; a folder that may not be read has none."""
    waiting = [iter([source])]  # of each folder on the way, names: paths of all its files would take ten times as much
    while waiting:
        path = next(waiting[-1], None)
        if path is None:
            waiting.pop()
            continue
        name = PurePosixPath(decode_name(os.fsencode(path.relative_to(source).as_posix())))
        if _is_litter(name):
            continue
        if path.is_dir() and (path == source or not path.is_symlink()):
            with suppress(PermissionError, FileNotFoundError):  # the latter: it was moved away meanwhile
                names = sorted(os.listdir(path), key=lambda entry: decode_name(os.fsencode(entry)))
                waiting.append(map(path.joinpath, names))
            continue
        problem = None
        if not path.is_file():
            problem = mark("is a link to a folder or to nothing")
        elif path.stat().st_size > _MAX_ENTRY:
            problem = mark("is larger than {n} MiB", n=_MAX_ENTRY >> 20)
        yield _File(name, path, problem)


def _objects(source: Address) -> list[_File]:
    """The objects below an address; the address itself where it is an object."""
    files = []
    for entry in listing(source):
        key = PurePosixPath(entry.address.key)
        name = key.relative_to(source.key) if entry.address.key != source.key else PurePosixPath(key.name)
        if _is_litter(name):
            continue
        problem = mark("is larger than {n} MiB", n=MOST_BYTES >> 20) if entry.known.bytes > MOST_BYTES else None
        files.append(_File(name, entry, problem, str(entry.address)))
    return files


def _zip(source: Path, limits: LimitsConfig) -> Callable[[], Iterator[_File]]:
    with _unbroken(source):
        directory = ZipDirectory(source)
        keys, places = [], array("Q")
        for packed in within_limits(source, directory, limits):
            # as paths are compared: part by part
            keys.append("\0".join(_name_in_zip(packed.entry).parts).encode())
            places.append(packed.place)
    ordered = array("Q", (places[number] for number in sorted(range(len(places)), key=keys.__getitem__)))

    def files() -> Iterator[_File]:
        with _unbroken(source):
            for packed in directory.at(ordered):
                if (file := _file_in_zip(packed)) is not None:
                    yield file

    return files


@contextmanager
def _unbroken(source: Path) -> Iterator[None]:
    """Raises: SourceError: the directory of the zip is broken."""
    try:
        yield
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError):  # all three from broken bytes
        raise SourceError(
            "{name} is not a zip file, or is cut off: make or fetch it again.", name=source.name
        ) from None


def _name_in_zip(entry: zipfile.ZipInfo) -> PurePosixPath:
    # Without its UTF-8 flag zipfile takes a name for cp437, where Korean Windows means cp949 and macOS UTF-8.
    raw = entry.filename.encode("utf-8" if entry.flag_bits & 0x800 else "cp437", "replace")
    return PurePosixPath(decode_name(raw).replace("\\", "/"))


def _file_in_zip(packed: Packed) -> _File | None:
    """The file; None: it is a folder, or litter."""
    entry, name = packed.entry, _name_in_zip(packed.entry)
    if entry.is_dir() or (_is_litter(name) and not _leaves_the_folder(name)):
        return None
    problem = None
    if _leaves_the_folder(name):
        problem = mark("its name leads out of the zip")
    elif entry.file_size > _MAX_ENTRY:
        problem = mark("would unpack to more than {n} MiB", n=_MAX_ENTRY >> 20)
    elif entry.compress_type not in _PACKED_AS:
        problem = mark("is packed in a way that cannot be read: pack it as an ordinary zip")
    return _File(name, packed, problem)


def _is_litter(name: PurePosixPath) -> bool:
    return any(part.startswith(".") or part.lower() in _LITTER for part in name.parts)


def _leaves_the_folder(name: PurePosixPath) -> bool:
    return bool(PureWindowsPath(name).anchor) or ".." in name.parts  # the anchor: / or C:


def decode_name(raw: bytes) -> str:
    """The name of a file, which may be in Korean and no UTF-8."""
    for encoding in ("utf-8", "cp949"):
        try:
            # macOS takes Korean letters apart; put together they equal what is typed.
            return unicodedata.normalize("NFC", raw.decode(encoding))
        except UnicodeDecodeError:
            pass
    return raw.decode("utf-8", "replace")


def content_of(image: Picture) -> bytes:
    """The bytes of a row's image.

    Raises: ImageError: they cannot be read.
    """
    try:
        return image.read_bytes()
    except (OSError, RuntimeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
        raise ImageError(
            "{name} cannot be read ({error}): make or fetch it again.", name=image.name, error=error
        ) from error


# ---------------------------------------------------------------- tables


def _table_rows(
    source: str,
    folder: Path,
    columns: list[str],
    records: Records,
    named: dict[str, str],
    modality: Modality | None,
) -> Iterator[Row | Problem]:
    first = list(islice(records, LOOKED_AT))
    if not first:
        raise SourceError("{source} has no rows: there is nothing to read.", source=source)
    if {"text", "image"} <= named.keys():
        raise SourceError("A text and an image column are named, but an item is one of the two: name one.")
    at = {role: _position(source, columns, name) for role, name in named.items()}
    if not {"text", "image"} & named.keys():
        at |= _content_column(source, columns, set(at.values()), first, modality)
    # the group stays among the other columns, by which items are sliced and found
    roles = {i for role, i in at.items() if role != "group"}
    others = [i for i, column in enumerate(columns) if column and i not in roles]
    names = _told_apart(columns)

    def row(name: str, fields: list[str] | str) -> Row | Problem:
        if isinstance(fields, str):
            return Problem(name, fields)
        if len(fields) != len(columns):
            return Problem(
                name,
                mark("has {fields} fields where the header has {columns}", fields=len(fields), columns=len(columns)),
            )
        image = image_named(folder, fields[at["image"]]) if "image" in at else None
        if isinstance(image, str):
            return Problem(name, image)
        return Row(
            name,
            text=fields[at["text"]] if "text" in at else None,
            image=image,
            label=(fields[at["label"]].strip() or None) if "label" in at else None,
            split=fields[at["split"]] if "split" in at else None,
            metadata={names[i]: fields[i] for i in others if fields[i]},
            group=(fields[at["group"]].strip() or None) if "group" in at else None,
        )

    return (row(f"{source}{ROW}{number}", fields) for number, fields in chain(first, records))


def _told_apart(columns: Sequence[str]) -> list[str]:
    """The names of the columns; a name that came before gets a number behind it, so that no cell is lost."""
    names: dict[str, None] = {}
    for column in columns:
        name, number = column, 1
        while name in names:
            number += 1
            name = f"{column} ({number})"
        names[name] = None
    return list(names)


def _position(source: str, columns: list[str], name: str) -> int:
    check_names(source, columns, [name])
    if columns.count(name) > 1:
        raise SourceError(
            "{source} has {n} columns {name!r}: give each its own name.",
            source=source,
            n=columns.count(name),
            name=name,
        )
    return columns.index(name)


def _content_column(
    source: str,
    columns: list[str],
    taken: set[int],
    first: list[tuple[int, list[str] | str]],
    modality: Modality | None,
) -> dict[str, int]:
    """What the items are, and the place of their column, where none is named."""
    free = [column for i, column in enumerate(columns) if i not in taken]
    places = [i for i in range(len(columns)) if i not in taken]
    whole = [fields for _, fields in first if isinstance(fields, list) and len(fields) == len(columns)]
    guess = column_guesses.content(free, [[fields[i] for i in places] for fields in whole], modality)
    if guess is not None:
        return {guess[0]: _position(source, columns, guess[1])}
    if len(free) == 1:
        return {modality or "text": places[0]}
    raise SourceError(
        "Name the text or image column of {source}; its columns are {columns}.", source=source, columns=_listed(columns)
    )


def image_named(folder: Path, value: str) -> Path | ObjectFile | str:
    """The image that a cell names, below the folder or in a store, or why there is none."""
    if is_address(value):
        try:
            return ObjectFile(allowed(value))
        except SourceError as error:
            return Message.of(error)
    name = PurePosixPath(value.strip().replace("\\", "/"))
    if not name.parts:
        return mark("has no image path")
    if _leaves_the_folder(name):
        return mark(
            "{path!r} leads out of the table's folder: put the images below it and name them from there",
            path=value[:LONGEST_SHOWN],
        )
    # macOS stores Korean names taken apart, while a table mostly has them put together
    for form in (str(name), unicodedata.normalize("NFC", str(name)), unicodedata.normalize("NFD", str(name))):
        try:
            if (folder / form).is_file():
                return folder / form
        except (OSError, ValueError):  # it is longer than names can be
            continue
    return mark("the image {path!r} does not exist in the table's folder", path=value[:LONGEST_SHOWN])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
