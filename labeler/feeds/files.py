"""Files that appear at a place, such as a folder or a bucket: those that are new or have changed, in a form that an
import reads.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Protocol

from labeler.core.items import Problem
from labeler.feeds.look import MOST_BYTES, MOST_FILES, Brought, Look, records_of, table_of
from labeler.files.column_guesses import IMAGE_SUFFIXES
from labeler.files.sources import FOLDER_GROUPS, SourceColumns
from labeler.files.tables import TABLE_SUFFIXES
from labeler.i18n.messages import mark

TEXT = ".txt"
PACKED = ".zip"
AT_ONCE = 1000  # files that are looked up in the database at once


@dataclass(frozen=True)
class Seen:
    """A file at a place.

    name: below the place. version: changes with its content. path: of a file of this machine, whose name there may be
    no UTF-8.
    """

    name: str
    version: str
    bytes: int
    path: Path | None = None

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix.lower()


class Place(Protocol):
    """Where files appear."""

    def files(self, after: str = "", /) -> Iterator[Seen]:
        """The files there, in an order that stays. Those up to the one named `after` may be left out.

        Raises: LabelerError: they cannot be listed.
        """
        ...

    def fetch(self, seen: Seen, target: Path) -> str:
        """Write the content of a file to `target`; why that cannot be done, "" if it is."""
        ...

    def address(self, seen: Seen) -> str | None:
        """The address by which an import reads an image from where it is; None: the image is copied."""
        ...


@dataclass
class _Taken:
    """What was taken of a place so far."""

    versions: dict[str, str] = field(default_factory=dict)
    images: int = 0
    tables: list[tuple[Path, SourceColumns]] = field(default_factory=list)
    records: list[dict[str, str]] = field(default_factory=list)
    names: dict[Path, str] = field(default_factory=dict)  # of the tables, at their place
    files: list[str] = field(default_factory=list)  # of which the records are
    problems: list[Problem] = field(default_factory=list)


def bring(place: Place, look: Look) -> Brought:
    """What is new at a place, as far as one look brings it. Raises: LabelerError: it cannot be listed."""
    taken, size, is_more, last = _Taken(), 0, False, ""
    for seen in _new(place, look):
        is_too_much = len(taken.versions) == MOST_FILES or size + seen.bytes > MOST_BYTES or look.is_over
        if taken.versions and is_too_much:
            is_more = True
            break
        size += seen.bytes
        last = seen.name
        taken.versions[seen.name] = seen.version
        if seen.bytes > MOST_BYTES:
            taken.problems.append(Problem(seen.name, mark("is larger than {n} MiB", n=MOST_BYTES >> 20)))
        elif (address := place.address(seen)) and seen.suffix in IMAGE_SUFFIXES:
            taken.records.append({look.feed.image or "image": address, **_folder_of(look, seen)})
            taken.files.append(seen.name)
        else:
            _take(place, look, seen, taken)
        look.tell(len(taken.versions), 0, size)
    resume = {"after": last} if is_more else {}
    return Brought(
        _sources(look, taken),
        versions=taken.versions,
        problems=taken.problems,
        is_more=is_more,
        resume=resume,
        bytes=size,
        names=taken.names | {look.target / look.name: ""},  # the folder of the images is none there
        rows={records_of(look): taken.files},
    )


def _new(place: Place, look: Look) -> Iterator[Seen]:
    """The files of the project's kind that were not read yet."""
    kinds = (*IMAGE_SUFFIXES, PACKED) if look.modality == "image" else (*TABLE_SUFFIXES, TEXT)
    files = (seen for seen in place.files(look.resume.get("after", "")) if seen.suffix in kinds)
    while part := list(islice(files, AT_ONCE)):
        unread = look.unread({seen.name: seen.version for seen in part})
        yield from (seen for seen in part if seen.name in unread)


def _take(place: Place, look: Look, seen: Seen, taken: _Taken) -> None:
    is_image = seen.suffix in IMAGE_SUFFIXES
    # a table keeps its name, by which its rows are known; the folder above it keeps those of one name apart
    number = f"{len(taken.versions)}"
    target = look.target / look.name / seen.name if is_image else look.target / number / PurePosixPath(seen.name).name
    target.parent.mkdir(parents=True, exist_ok=True)
    if problem := place.fetch(seen, target):
        del taken.versions[seen.name]  # it is tried again
        taken.problems.append(Problem(seen.name, problem))
    elif is_image:
        taken.images += 1
    elif seen.suffix == TEXT:
        if text := _text(target).strip():
            taken.records.append({look.feed.text or "text": text, "file": seen.name, **_folder_of(look, seen)})
            taken.files.append(seen.name)
        else:
            taken.problems.append(Problem(seen.name, mark("the text is empty")))
        target.unlink()
    else:
        columns = SourceColumns(group=look.columns.group) if seen.suffix == PACKED else look.columns
        taken.tables.append((target, columns))
        taken.names[target] = seen.name


def _folder_of(look: Look, seen: Seen) -> dict[str, str]:
    """The column with the folder of a file, where that is its group; a file above all folders has none."""
    folder = PurePosixPath(seen.name).parent
    return {FOLDER_GROUPS: folder.as_posix() if folder.name else ""} if look.columns.group == FOLDER_GROUPS else {}


def _text(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp949", "replace")


def _sources(look: Look, taken: _Taken) -> list[tuple[Path, SourceColumns]]:
    """What is to be imported: the images as one folder, texts and addresses as one table, other files by themselves."""
    group = look.columns.group
    images = [(look.target / look.name, SourceColumns(group=group))] if taken.images else []
    of_files = SourceColumns(
        text=look.feed.text or "text" if look.modality == "text" else None,
        image=look.feed.image or "image" if look.modality == "image" else None,
        # a group that is a column of tables, texts do not have
        group=group if look.modality == "image" or group == FOLDER_GROUPS else None,
    )
    tables = [(path, of_files) for path, _ in table_of(look, taken.records)]
    return [*images, *tables, *taken.tables]
