"""Files, folders and tables → items of a project. An import draws the holdout once, and can be repeated safely."""

import hashlib
import io
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from filelock import Timeout
from PIL import Image, UnidentifiedImageError

from labeler.core.errors import LabelerError, ProjectError, SourceError
from labeler.core.items import ImportReport, Modality, NewItem, Problem, Progress, Split
from labeler.core.labels import join, names_in
from labeler.core.whole_files import make_folder, write_whole
from labeler.files import deidentify, dicom, sources, stacks
from labeler.files.sources import OBVIOUS, Row, SourceColumns
from labeler.i18n.messages import Message, mark
from labeler.projects.project import Project
from labeler.projects.scans import ScanImport, without_dropped
from labeler.store import Store

BATCH = 1000  # rows stored in one transaction
REPORT_EVERY = 100  # rows between two reports of progress
THREADS = min(4, os.cpu_count() or 1)  # PIL releases Python's lock while it decodes

# The formats that are tried whatever the file's suffix, with the suffix that each is stored under.
_SUFFIXES = {
    "PNG": ".png",
    "JPEG": ".jpg",
    "BMP": ".bmp",
    "GIF": ".gif",
    "TIFF": ".tif",
    "WEBP": ".webp",
}


def import_source(
    project: Project,
    source: Path,
    columns: SourceColumns = OBVIOUS,
    *,
    keep_labels: Literal["all", "holdout"] = "all",
    on_progress: Progress | None = None,
) -> ImportReport:
    """The report on importing a folder, zip or table. Bad rows are reported, equal content is stored once.

    Images are copied into the project. The first import draws the holdout, unless a split column names it (`test` or
    `holdout`; any other value is the pool). Repeating an import that was cut off completes it. The first column of
    groups becomes the project's, and later imports read it by default.

    Args:     columns: of a table. keep_labels: "holdout" drops the pool's labels, so that annotators are asked for
              them. on_progress: called with (rows done, rows in all).
    Returns:  counts, and a problem for each row that was not imported.
    Raises:   SourceError: nothing can be read, a column is missing, the project has the other modality, or a split
              column puts a group on both sides. ProjectError: the project was moved away.
    """
    try:
        with project.lock("import.lock", wait=-1):  # one import after the other, and none while the project is moved
            return _imported(project, source, columns, keep_labels, on_progress)
    except Timeout:
        raise ProjectError("{folder} was archived, deleted or moved meanwhile.", folder=project.folder) from None


def _imported(
    project: Project,
    source: Path,
    columns: SourceColumns,
    keep_labels: Literal["all", "holdout"],
    on_progress: Progress | None,
) -> ImportReport:
    project, rows = _with_groups(project, source, columns)
    added = duplicates = labels_added = 0
    problems: list[Problem] = []
    scans = _scans(project, source, columns)
    withheld: list[NewItem] = []  # labeled items, whose labels are stored only if they are drawn for the holdout
    twice = ContentsInTwoGroups()
    with project.store() as store:
        check_groups(rows, store.items.group_sides())
        number = store.imports.begin(_name_of(project, source))
        for batch in _batches_of_items(project, rows, scans, on_progress):
            problems += [entry for entry in batch if isinstance(entry, Problem)]
            items = [entry for entry in batch if isinstance(entry, NewItem)]
            if keep_labels == "holdout":
                withheld += [item for item in items if item.label is not None]
                items = [replace(item, label=None) for item in items]
            twice.watch(items, store)
            result = store.items.add(_merged(items), number)
            added += result.added
            duplicates += len(items) - result.added
            labels_added += result.labels_added
        store.items.fix_holdout()
        labels_added += _label_holdout(store, withheld, number)
        store.imports.end(number, added, duplicates, labels_added)
        if added or labels_added:
            store.rounds.request("import")  # it embeds the new items and ranks the pool
        counts, across = store.items.counts(), twice.across(store)
        groups = store.items.group_counts()
    sizes, two = (counts.pool, counts.holdout), (len(twice.pairs), across)
    stored = _columns_of(rows) if sources.is_table(source) else ()
    return ImportReport(added, duplicates, labels_added, *sizes, tuple(problems), groups, *two, scans.report(), stored)


def _columns_of(rows: Sequence[Row | Problem]) -> tuple[str, ...]:
    """The columns that are stored with the items."""
    return tuple(dict.fromkeys(name for row in rows if isinstance(row, Row) for name in row.metadata))


def undo_import(project: Project, number: int, by: str) -> int:
    """The number of items that an import brought and that are taken out again; those that people answered stay.

    Raises: LabelerError: the import was undone before.
    """
    with project.store() as store:
        taken = store.imports.undo(number, by)
        if taken and store.rounds.latest():
            store.rounds.request("import undone")
    return taken


def _with_groups(project: Project, source: Path, columns: SourceColumns) -> tuple[Project, list[Row | Problem]]:
    """The project, whose column of groups the first such column becomes, and the rows of the source."""
    evaluation = project.config.evaluation
    if columns.group or not evaluation.group_column:
        rows = _rows(project, source, columns)
        if columns.group and not evaluation.group_column:
            config = replace(project.config, evaluation=replace(evaluation, group_column=columns.group))
            project = project.save(config)
        return project, rows
    try:
        return project, _rows(project, source, replace(columns, group=evaluation.group_column))
    except SourceError as error:
        if evaluation.group_column not in str(error):
            raise
        raise SourceError(
            "{error} The items of a group stay on one side of the split: name the column of their groups, or empty the"
            " setting evaluation.group_column.",
            error=error,
        ) from None


def _group_field(source: Path, columns: SourceColumns) -> str | None:
    """The DICOM field that names the group of each image of a folder; None: no field does."""
    if columns.group in (None, sources.FOLDER_GROUPS) or sources.is_table(source):
        return None
    return columns.group if deidentify.is_field(str(columns.group)) else None


def _scans(project: Project, source: Path, columns: SourceColumns) -> ScanImport:
    deidentify.check_fields(project.config.dicom.keep) if project.config.modality == "image" else None
    group = columns.group or project.config.evaluation.group_column or None
    return ScanImport(project, _group_field(source, replace(columns, group=group)), sources.is_table(source))


def _name_of(project: Project, source: Path) -> str:
    """What the import is called in the project; the name of a folder may be that of a patient."""
    if project.config.modality == "image" and project.config.dicom.deidentify and not sources.is_table(source):
        return "DICOM"
    return source.name


class ContentsInTwoGroups:
    """The contents that an import has in two groups, such as the same image under two patients.

    pairs: the group that keeps the content, and the other one; a pair for each row.
    """

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []
        self._group_of: dict[str, str] = {}

    def watch(self, items: Sequence[NewItem], store: Store) -> None:
        """Compare items, before they are stored, with those that are stored or came before."""
        if all(item.group is None for item in items):
            return
        stored = store.items.groups_by_content([item.content_hash for item in items])
        for item in items:
            kept = stored.get(item.content_hash) or self._group_of.setdefault(item.content_hash, item.group or "")
            if kept and item.group and kept != item.group:
                self.pairs.append((kept, item.group))

    def across(self, store: Store) -> int:
        """The number of pairs of which one group is in the pool and the other in the holdout."""
        sides = store.items.group_sides() if self.pairs else {}
        # a group that has no item of its own has no side
        return sum({sides.get(one), sides.get(other)} == {"pool", "holdout"} for one, other in self.pairs)


def check_groups(rows: Sequence[Row | Problem], sides: Mapping[str, Split]) -> None:
    """Refuse a split column that puts a group on both sides, or on the other side than the project has it.

    Args:   sides: of the groups in the project.
    Raises: SourceError: names the row and the group.
    """
    side_of: dict[str, Split] = dict(sides)
    for row in rows:
        if isinstance(row, Problem) or row.group is None or (split := _split(row.split)) is None:
            continue
        if side_of.setdefault(row.group, split) != split:
            raise SourceError(
                "{source} puts the group {group!r} in the {split}, but it is in the {other} already: put each group on"
                " one side, or leave out the column that marks the holdout.",
                source=row.source,
                group=row.group,
                split=mark("pool") if split == "pool" else mark("holdout"),
                other=mark("holdout") if split == "pool" else mark("pool"),
            )


def _rows(project: Project, source: Path, columns: SourceColumns) -> list[Row | Problem]:
    """The rows of the source, without labels where its folders are not named after classes."""
    if _group_field(source, columns):
        columns = replace(columns, group=None)  # it is read with each file
    rows = list(sources.read(source, columns, modality=project.config.modality))
    if project.config.dicom.stacks and not sources.is_table(source):
        rows = stacks.stacked(rows)
    if sources.is_table(source):
        rows = without_dropped(project, rows, columns.group)
    _check_modality(project.config.modality, source, rows)
    if columns.label is None and not _folders_are_classes(rows, project.config.classes):
        return [replace(row, label=None) if isinstance(row, Row) else row for row in rows]
    return rows


def _batches_of_items(
    project: Project, rows: Sequence[Row | Problem], scans: ScanImport, on_progress: Progress | None
) -> Iterator[list[NewItem | Problem]]:
    """Items of the rows, `BATCH` at a time; images are decoded in several threads."""
    classes = {unicodedata.normalize("NFC", name): name for name in project.config.classes}

    def item_of(row: Row | Problem) -> NewItem | Problem:
        return row if isinstance(row, Problem) else _item(project, classes, row, scans)

    done = 0
    with ThreadPoolExecutor(THREADS) as threads:
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            items: list[NewItem | Problem] = []
            for item in threads.map(item_of, batch) if project.config.modality == "image" else map(item_of, batch):
                items.append(item)
                done += 1
                if on_progress is not None and (done % REPORT_EVERY == 0 or done == len(rows)):
                    on_progress(done, len(rows))
            yield items


def normalise(text: str) -> str:
    """The text in the form in which duplicates are found: composed letters, and one space for any whitespace."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def content_hash(content: bytes) -> str:
    """The hash that identifies an item by its content: 32 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()[:32]


def _check_modality(modality: Modality, source: Path, rows: Sequence[Row | Problem]) -> None:
    row = next((row for row in rows if isinstance(row, Row)), None)
    if row is None:
        return
    given = "text" if row.text is not None else "image"
    if given != modality:
        raise SourceError(
            "{name} holds {given}s, but this project is for {modality}s: "
            "name its {modality} column, or import it into a project for {given}s.",
            name=source.name,
            given=given,
            modality=modality,
        )


def _folders_are_classes(rows: Sequence[Row | Problem], classes: Sequence[str]) -> bool:
    """Whether any folder is named after a class; otherwise folders sort the files, e.g. by patient or day.

    Case is ignored here: a folder "Cat" beside the class "cat" is reported as an unknown label, not dropped.
    """
    names = {row.label.casefold() for row in rows if isinstance(row, Row) and row.label is not None}
    return not names.isdisjoint(unicodedata.normalize("NFC", name).casefold() for name in classes)


def _item(project: Project, classes: Mapping[str, str], row: Row, scans: ScanImport) -> NewItem | Problem:
    label = None
    if row.label is not None:
        given = unicodedata.normalize("NFC", row.label)
        names = names_in(given, classes) if project.config.several else (given,)
        unknown = next((name for name in names if name not in classes), None)
        if unknown is not None:
            choices = ", ".join(map(repr, classes.values()))
            return Problem(
                row.source,
                mark("the label {unknown!r} is not among the classes {choices}", unknown=unknown, choices=choices),
            )
        label = join([classes[name] for name in names], project.config)
    text, media = None, None
    if row.image is not None:
        try:
            contents = [image.read_bytes() for image in (row.image, *row.more)]
            if dicom.is_dicom(contents[0]):
                row, contents = scans.prepared(row, contents)
            else:
                scans.pass_by(row)
            name, media = _store_image(project, contents)
        except UnidentifiedImageError:
            return Problem(
                row.source, mark("is not an image of a known format ({suffixes}, DICOM)", suffixes=", ".join(_SUFFIXES))
            )
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
    return NewItem(name, row.source, text, media, label, _split(row.split), row.metadata, row.group)


def _split(value: str | None) -> Split | None:
    if value is None:
        return None
    return "holdout" if value.strip().lower() in ("test", "holdout") else "pool"


def _store_image(project: Project, slices: Sequence[bytes]) -> tuple[str, str]:
    """The content hash of an image and its path below the project's folder, stored once it decodes completely.

    Args: slices: the files of a stack; of any other image its only file.
    """
    content = slices[0] if len(slices) == 1 else stacks.packed(slices)
    name = content_hash(content)
    if len(slices) > 1:
        check: Callable[[], object] = partial(stacks.check, io.BytesIO(content))
        suffix = stacks.SUFFIX
    elif dicom.is_dicom(content):
        check = partial(dicom.read, io.BytesIO(content), "the file")
        suffix = ".dcm"
    else:
        # PIL refuses more than about 180 megapixels here, as it would when a model reads the image
        picture = Image.open(io.BytesIO(content), formats=list(_SUFFIXES))
        # the only other format is MPO: a JPEG with further pictures behind the first, written by phones
        suffix, check = _SUFFIXES.get(picture.format or "", ".jpg"), picture.load
    path = project.media / name[:2] / (name + suffix)
    if not _is_stored(path, content):
        check()
        for folder in (project.media, path.parent):  # not the project's folder, which may have been moved away
            make_folder(folder)
        write_whole(path, content)  # on the disk before the row that names it
    return name, path.relative_to(project.folder).as_posix()


def _is_stored(path: Path, content: bytes) -> bool:
    """Whether a file has this content, which was decoded before; a disk or a version of before may have damaged it."""
    return path.exists() and path.stat().st_size == len(content) and path.read_bytes() == content


def _merged(items: Sequence[NewItem]) -> list[NewItem]:
    """One item for each content: the first one, with the first label and the first group among its duplicates."""
    first: dict[str, NewItem] = {}
    for item in items:
        kept = first.setdefault(item.content_hash, item)
        if (kept.label is None and item.label is not None) or (kept.group is None and item.group is not None):
            label = item.label if kept.label is None else kept.label
            first[item.content_hash] = replace(kept, label=label, group=kept.group or item.group)
    return list(first.values())


def _label_holdout(store: Store, labeled: Sequence[NewItem], number: int) -> int:
    """The number of labels stored, for those of the items that were drawn for the holdout."""
    stored = 0
    for start in range(0, len(labeled), BATCH):
        batch = labeled[start : start + BATCH]
        splits = store.items.split_of([item.content_hash for item in batch])
        holdout = [item for item in batch if splits[item.content_hash] == "holdout"]
        stored += store.items.add(holdout, number).labels_added
    return stored
