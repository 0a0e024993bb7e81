"""A row of a source → a new item: its content hash, its label and answers, and its image as a file of the project."""

import io
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PIL import Image

from labeler.core.errors import ImageError, LabelerError
from labeler.core.items import NewItem, Problem, Split, StoredObject
from labeler.core.labels import names_in
from labeler.core.settings import Config, LimitsConfig
from labeler.core.whole_files import make_folder, write_for_now
from labeler.files import dicom, sources, stacks
from labeler.files.object_cache import hash_of
from labeler.files.objects import ObjectFile
from labeler.files.pixels import FORMATS, check_pixels
from labeler.files.sources import Row
from labeler.i18n.messages import Message, mark
from labeler.projects.given_answers import answers_of, stored_label
from labeler.projects.project import Project
from labeler.projects.scans import ScanImport


def normalise(text: str) -> str:
    """The text in the form in which duplicates are found: composed letters, and one space for any whitespace."""
    return " ".join(unicodedata.normalize("NFC", text).split())


content_hash = hash_of


def item_of(project: Project, classes: Mapping[str, str], row: Row, scans: ScanImport) -> NewItem | Problem:
    """The item of a row, whose image is in the project then, or why there is none.

    Args: classes: of the project, by their composed names.
    """
    label = None
    if row.label is not None or row.labels is not None:
        label = stored_label(_names_of(row, classes, project.config), classes, project.config)
        if isinstance(label, Message):
            return Problem(row.source, label)
    answers = answers_of(row, classes, project.config)
    if isinstance(answers, Message):
        return Problem(row.source, answers)
    if (too_long := _too_long(row, project.config.limits)) is not None:
        return Problem(row.source, too_long)
    text, media, stored = None, None, None
    if row.image is not None:
        try:
            # before it is read, so that what changes meanwhile is noticed
            said = row.image.known if isinstance(row.image, ObjectFile) else None
            contents = [sources.content_of(image) for image in (row.image, *row.more)]
            for content in contents:
                check_pixels(content, project.config.limits)
            if dicom.is_dicom(contents[0]):
                row, contents = scans.prepared(row, contents)
            else:
                scans.pass_by(row)
            if isinstance(row.image, ObjectFile) and said is not None:
                name, media, stored = _keep_object(project, row.image, contents[0], said)
            else:
                name, media = _store_image(project, contents)
        except LabelerError as error:
            return Problem(row.source, Message.of(error))
        except Exception as error:  # with broken bytes, decoders and zipfile raise nearly any error
            return Problem(
                row.source, mark("the image cannot be read: {error}", error=str(error) or type(error).__name__)
            )
    else:
        text = unicodedata.normalize("NFC", row.text or "").strip()
        if not text:
            return Problem(row.source, mark("the text is empty"))
        name = content_hash(normalise(text).encode())
    return NewItem(
        name,
        row.source,
        text,
        media,
        label,
        split_named(row.split),
        row.metadata,
        row.group,
        stored,
        answers,
        row.predictions,
    )


def _names_of(row: Row, classes: Mapping[str, str], config: Config) -> tuple[str, ...]:
    """The names of classes that a row gives: as a list, or in a cell."""
    if row.labels is not None:
        return row.labels
    given = unicodedata.normalize("NFC", row.label or "")
    return names_in(given, classes) if config.several else (given,)


def _too_long(row: Row, limits: LimitsConfig) -> Message | None:
    """That a text or another cell is longer than the limit; None: none is."""
    longest = max(map(len, (row.text or "", *row.metadata.values())))
    if longest <= limits.text_characters:
        return None
    return mark(
        "has a cell of {n:,} characters, and the limit is {most:,}: cut it up, or raise the setting"
        " limits.text_characters",
        n=longest,
        most=limits.text_characters,
    )


def split_named(value: str | None) -> Split | None:
    """The side of the split that a cell names; None: the row has no such cell."""
    if value is None:
        return None
    return "holdout" if value.strip().lower() in ("test", "holdout") else "pool"


def _keep_object(
    project: Project, image: ObjectFile, content: bytes, said: StoredObject
) -> tuple[str, str, StoredObject]:
    """The content hash of an object, its address and what the store says of it, once it decodes completely.

    Args: said: by the store, before the content was read.
    """
    if dicom.is_dicom(content) and project.config.dicom.deidentify:
        raise ImageError("is a DICOM file that is to be de-identified: copy it, and import the copy.")
    check, suffix = _decoder(content)
    check()
    name = content_hash(content)
    if not project.objects.has(name):
        project.objects.keep(name, content)  # it is soon asked for, by a person or by the encoder
    return name, str(image.address), replace(said, suffix=suffix)


def _store_image(project: Project, slices: Sequence[bytes]) -> tuple[str, str]:
    """The content hash of an image and its path below the project's folder, stored once it decodes completely.

    Args: slices: the files of a stack; of any other image its only file.
    """
    content = slices[0] if len(slices) == 1 else stacks.packed(slices)
    name = content_hash(content)
    check, suffix = (
        _decoder(content) if len(slices) == 1 else (partial(stacks.check, io.BytesIO(content)), stacks.SUFFIX)
    )
    path = project.media / name[:2] / (name + suffix)
    if not _is_stored(path, content):
        check()
        for folder in (project.media, path.parent):  # not the project's folder, which may have been moved away
            make_folder(folder)
        write_for_now(path, content)
    return name, path.relative_to(project.folder).as_posix()


def _decoder(content: bytes) -> tuple[Callable[[], object], str]:
    """What decodes an image completely, and the suffix of its format."""
    if dicom.is_dicom(content):
        return partial(dicom.read, io.BytesIO(content), "the file"), ".dcm"
    picture = Image.open(io.BytesIO(content), formats=list(FORMATS))
    # the only other format is MPO: a JPEG with further pictures behind the first, written by phones
    return picture.load, FORMATS.get(picture.format or "", ".jpg")


def _is_stored(path: Path, content: bytes) -> bool:
    """Whether a file has this content, which was decoded before; a disk or a version of before may have damaged it."""
    return path.exists() and path.stat().st_size == len(content) and path.read_bytes() == content
