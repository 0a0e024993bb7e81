"""A zip of another tool's folder → that folder, unpacked for as long as it is read."""

import errno
import lzma
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from labeler.core.errors import SourceError
from labeler.core.settings import LimitsConfig
from labeler.files.addresses import Source
from labeler.files.column_guesses import IMAGE_SUFFIXES
from labeler.files.limits import USUAL, within_limits
from labeler.files.sources import OBVIOUS, SourceColumns
from labeler.files.uploads import safe_name
from labeler.files.zip_directory import Packed, ZipDirectory
from labeler.formats.recognise import TABLE, recognise

PREFIX = ".unpacked-"  # of the folders that are unpacked into
# Of the files by which a folder is recognised. Whatever else a zip holds beside images is not unpacked.
_DOCUMENTS = {".arrow", ".json", ".jsonl", ".md", ".ndjson", ".nbib", ".parquet", ".ris", ".txt", ".xml"}
_BROKEN = (
    *(zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, zlib.error, lzma.LZMAError, EOFError),
    *(FileExistsError, NotADirectoryError, IsADirectoryError),  # one name is that of a file and of a folder
)

SHOWN = 80  # characters of a name in a message
_NO_NAME = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)  # what file systems answer to a name that they do not take


@contextmanager
def unpacked(
    source: Source,
    place: Path | None = None,
    limits: LimitsConfig = USUAL,
    *,
    images: bool = True,
    columns: SourceColumns = OBVIOUS,
) -> Iterator[Source]:
    """The folder of another tool that a zip holds, under the name of the zip; any other source as it is.

    Args:   place: the folder that it is unpacked into; None: one for temporary files. limits: what it may unpack to.
            images: without them, empty files have their names. columns: may name the format.
    Raises: SourceError: the zip cannot be unpacked, or a limit is passed.
    """
    if not isinstance(source, Path) or source.suffix.lower() != ".zip" or not source.is_file():
        yield source
        return
    with tempfile.TemporaryDirectory(dir=place, prefix=PREFIX) as scratch:
        folder = Path(scratch) / source.name
        try:
            is_of_tool = _unpack(source, folder, limits, images, columns)
        except _BROKEN:
            raise SourceError(
                "{name} is not a zip file, or is cut off: make or fetch it again.", name=source.name
            ) from None
        yield folder if is_of_tool else source


def _unpack(source: Path, folder: Path, limits: LimitsConfig, images: bool, columns: SourceColumns) -> bool:
    """Whether the zip holds another tool's folder, which is unpacked then."""
    directory = ZipDirectory(source)
    documents = sum(_suffix(file) in _DOCUMENTS for file in _files(within_limits(source, directory, limits)))
    if not documents:
        return False
    top = _top(directory)
    _write(source, (file for file in _files(directory) if _suffix(file) in _DOCUMENTS), folder, top)
    if columns.format == TABLE or recognise(folder, SourceColumns(format=columns.format)) is None:
        return False
    _write(source, (file for file in _files(directory) if _suffix(file) in IMAGE_SUFFIXES), folder, top, images)
    return True


def _files(directory: Iterable[Packed]) -> Iterator[Packed]:
    """The files of a zip without litter."""
    return (file for file in directory if not file.entry.is_dir() and not _is_litter(file.entry.filename))


def _write(source: Path, files: Iterable[Packed], folder: Path, top: str, is_whole: bool = True) -> None:
    """Write files of a zip below the folder, without the folder `top` that all of them are in."""
    for packed in files:
        path = folder / safe_name(packed.entry.filename.removeprefix(top))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                if is_whole:
                    with packed.open() as content:
                        shutil.copyfileobj(content, file)
        except OSError as error:
            if error.errno not in _NO_NAME:
                raise
            raise SourceError(
                "{name} holds a file whose name cannot be used here: {entry}. Rename it, and pack the zip again.",
                name=source.name,
                entry=_beginning(packed.entry.filename),
            ) from error


def _top(directory: ZipDirectory) -> str:
    """The folder that all files are in, with the / after it; "" where there is none."""
    top = next(_files(directory)).entry.filename.partition("/")[0] + "/"
    return top if all(file.entry.filename.startswith(top) for file in _files(directory)) else ""


def _beginning(name: str) -> str:
    """A name as a message shows it, without the end of one that is very long."""
    return name if len(name) <= SHOWN else name[:SHOWN] + "…"


def _suffix(file: Packed) -> str:
    return PurePosixPath(file.entry.filename).suffix.lower()


def _is_litter(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)
