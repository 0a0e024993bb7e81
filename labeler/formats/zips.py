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
from labeler.files.limits import GIBIBYTE, USUAL, check_password, check_unpacked
from labeler.files.sources import OBVIOUS, SourceColumns
from labeler.files.uploads import safe_name
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
            with zipfile.ZipFile(source) as archive:
                is_of_tool = _unpack(archive, folder, limits, images, columns)
        except _BROKEN:
            raise SourceError(
                "{name} is not a zip file, or is cut off: make or fetch it again.", name=source.name
            ) from None
        yield folder if is_of_tool else source


def _unpack(archive: zipfile.ZipFile, folder: Path, limits: LimitsConfig, images: bool, columns: SourceColumns) -> bool:
    """Whether the zip holds another tool's folder, which is unpacked then."""
    source = Path(archive.filename or "")
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_litter(entry.filename)]
    documents = [entry for entry in entries if _suffix(entry) in _DOCUMENTS]
    if not documents:
        return False
    most = limits.unpacked_gigabytes * GIBIBYTE
    check_unpacked(source.name, archive, most, "limits.unpacked_gigabytes", source.stat().st_size)
    check_password(source.name, archive)
    top = _top(entries)
    _write(archive, documents, folder, top)
    if columns.format == TABLE or recognise(folder, SourceColumns(format=columns.format)) is None:
        return False
    pictures = [entry for entry in entries if _suffix(entry) in IMAGE_SUFFIXES]
    _write(archive, pictures, folder, top, is_whole=images)
    return True


def _write(
    archive: zipfile.ZipFile, entries: Iterable[zipfile.ZipInfo], folder: Path, top: str, is_whole: bool = True
) -> None:
    """Write entries below the folder, without the folder `top` that all of them are in."""
    for entry in entries:
        path = folder / safe_name(entry.filename.removeprefix(top))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                if is_whole:
                    with archive.open(entry) as content:
                        shutil.copyfileobj(content, file)
        except OSError as error:
            if error.errno not in _NO_NAME:
                raise
            raise SourceError(
                "{name} holds a file whose name cannot be used here: {entry}. Rename it, and pack the zip again.",
                name=Path(archive.filename or "").name,
                entry=_beginning(entry.filename),
            ) from error


def _top(entries: Iterable[zipfile.ZipInfo]) -> str:
    """The folder that all entries are in, with the / after it; "" where there is none."""
    tops = {entry.filename.partition("/")[0] + "/" for entry in entries}
    top = tops.pop()
    return top if not tops and all(entry.filename.startswith(top) for entry in entries) else ""


def _beginning(name: str) -> str:
    """A name as a message shows it, without the end of one that is very long."""
    return name if len(name) <= SHOWN else name[:SHOWN] + "…"


def _suffix(entry: zipfile.ZipInfo) -> str:
    return PurePosixPath(entry.filename).suffix.lower()


def _is_litter(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)
