"""A source → its items in a file of their own, with images in the project: the first half of an import.

It runs in a process of its own where the source may be large or hostile, and keeps a batch of rows in memory.
"""

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path

from labeler.core.errors import SourceError
from labeler.core.items import Modality, NewItem, Problem, Progress, Split
from labeler.core.processes import yield_to_others
from labeler.core.settings import Config
from labeler.core.whole_files import synchronise_all
from labeler.files import deidentify, sources, stacks
from labeler.files.addresses import VARIABLE, Source
from labeler.files.sources import Row, SourceColumns
from labeler.files.tables import expected_rows
from labeler.formats import recognise
from labeler.formats.recognise import is_table
from labeler.formats.zips import unpacked
from labeler.i18n.messages import Message, dump, mark
from labeler.projects.given_answers import fitting
from labeler.projects.new_items import item_of, split_named
from labeler.projects.project import Project
from labeler.projects.scans import ScanImport, without_dropped
from labeler.store.staged import Staged

BATCH = 1000  # rows in memory
REPORT_EVERY = 100  # rows between two reports of progress
THREADS = min(4, os.cpu_count() or 1)  # PIL releases Python's lock while it decodes
STORE_THREADS = 16  # where images may be in a store, whose answers take longer than decoding
NICENESS = 10  # of the process: people who label go first


@dataclass(frozen=True)
class Task:
    """What is to be read: a source for the project in `folder` with these settings, into the file `target`."""

    folder: Path
    config: Config
    source: Source
    columns: SourceColumns
    target: Path


def stage_apart(task: Task, tell: Callable[[tuple[int, int]], None]) -> None:
    """As `stage`, in a process of its own, which sends how far it is."""
    yield_to_others(NICENESS)
    stage(task, lambda done, total: tell((done, total)))


def stage(task: Task, on_progress: Progress) -> None:
    """Read the source into the file `task.target`, with facts on its columns and scans.

    Raises: SourceError: see `import_source`.
    """
    with unpacked(task.source, task.target.parent, task.config.limits, columns=task.columns) as source:
        _stage(replace(task, source=source), on_progress)


def _stage(task: Task, on_progress: Progress) -> None:
    project, source = Project(task.folder, task.config), task.source
    columns, group_column = _with_group(project, source, task.columns)
    scans = _scans(project, source, columns)
    stored: dict[str, None] = {}  # columns
    left_out: Counter[Message] = Counter()
    has_answers = has_predictions = False
    with Staged(task.target) as staged:
        rows = _watched(_rows(project, source, columns, left_out), stored if is_table(source, columns) else {})
        with project.store() as store:
            sides = store.items.group_sides() if columns.split and columns.group else {}
        total = expected_rows(source) if isinstance(source, Path) and sources.is_table(source) else 0
        folders: set[Path] = set()
        for batch in _batches_of_items(project, check_groups(rows, sides), total, scans, left_out, on_progress):
            items = [entry for entry in batch if isinstance(entry, NewItem)]
            has_answers = has_answers or any(item.answers for item in items)
            has_predictions = has_predictions or any(item.predictions for item in items)
            folders |= _synchronised([project.folder / item.media for item in items if item.media and not item.object])
            staged.add(items, [entry for entry in batch if isinstance(entry, Problem)])
        synchronise_all(folders if os.name == "posix" else ())  # elsewhere folders cannot be opened
        report = scans.report()
        staged.keep(
            {
                "name": _name_of(project, source),
                "group_column": group_column,
                "columns": list(stored),
                "answers": has_answers,
                "predictions": has_predictions,
                "left_out": [[dump(what), n] for what, n in left_out.items()],
                "dicom": asdict(report) if report else None,
            }
        )


def _synchronised(images: Collection[Path]) -> set[Path]:
    """The folders of images, which are on the disk now; also those that were there: another import, which was cut off,
    may have written them.
    """
    synchronise_all(images)
    return {image.parent for image in images}


def _watched(rows: Iterable[Row | Problem], stored: dict[str, None]) -> Iterator[Row | Problem]:
    """The rows, whose columns are noted on the way."""
    for row in rows:
        if isinstance(row, Row):
            stored |= dict.fromkeys(row.metadata)
        yield row


def _with_group(project: Project, source: Source, columns: SourceColumns) -> tuple[SourceColumns, str]:
    """The columns with that of the groups, which the settings name if nothing else does; and what the settings say
    afterwards: the first column of groups becomes the project's.
    """
    setting = project.config.evaluation.group_column
    if columns.group or not setting:
        return columns, setting or columns.group or ""
    return replace(columns, group=setting), setting


def _group_field(source: Source, columns: SourceColumns) -> str | None:
    """The DICOM field that names the group of each image of a folder; None: no field does."""
    if columns.group in (None, sources.FOLDER_GROUPS) or is_table(source, columns):
        return None
    return columns.group if deidentify.is_field(str(columns.group)) else None


def _scans(project: Project, source: Source, columns: SourceColumns) -> ScanImport:
    if project.config.modality == "image":
        deidentify.check_fields(project.config.dicom.keep)
    return ScanImport(project, _group_field(source, columns), is_table(source, columns))


def _name_of(project: Project, source: Source) -> str:
    """What the import is called in the project; the name of a folder may be that of a patient."""
    if project.config.modality == "image" and project.config.dicom.deidentify and not is_table(source):
        return "DICOM"
    return source.name


def check_groups(rows: Iterable[Row | Problem], sides: Mapping[str, Split]) -> Iterator[Row | Problem]:
    """The rows, unless the split column puts a group on both sides, or on the other side than the project has it.

    Args:   sides: of the groups in the project.
    Raises: SourceError: names the row and the group.
    """
    side_of: dict[str, Split] = dict(sides)
    for row in rows:
        if isinstance(row, Problem) or row.group is None or (split := split_named(row.split)) is None:
            yield row
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
        yield row


def _rows(
    project: Project, source: Source, columns: SourceColumns, left_out: Counter[Message]
) -> Iterator[Row | Problem]:
    """The rows of the source, without labels where its folders are not named after classes."""
    wanted = columns
    if _group_field(source, columns):
        columns = replace(columns, group=None)  # it is read with each file
    config = project.config
    modality, limits = config.modality, config.limits
    with_columns = is_table(source, columns) or not sources.holds_images(source)
    try:
        if with_columns:
            rows = recognise.read(
                source, columns, modality=modality, limits=limits, classes=config.classes, left_out=left_out
            )
        else:
            read = sources.images(source, columns, limits)
    except SourceError as error:
        setting = project.config.evaluation.group_column
        if not setting or wanted.group != setting or setting not in str(error):
            raise
        raise SourceError(
            "{error} The items of a group stay on one side of the split: name the column of their groups, or empty the"
            " setting evaluation.group_column.",
            error=error,
        ) from None
    if with_columns:
        return without_dropped(project, _of_modality(modality, source, rows), columns.group)
    _of_modality(modality, source, read())  # it is refused at once
    return _files(project, columns, read)


def _files(
    project: Project, columns: SourceColumns, read: Callable[[], Iterator[Row | Problem]]
) -> Iterator[Row | Problem]:
    """The rows of a folder or zip, with slices of a series as one row.

    Args: read: gives the rows from the first one on with each call: they are not kept, since there may be a million.
    """
    has_labels = columns.label is not None or _folders_are_classes(read(), project.config.classes)
    for row in stacks.stacked(read) if project.config.dicom.stacks else read():
        yield row if has_labels or isinstance(row, Problem) else replace(row, label=None)


def _batches_of_items(
    project: Project,
    rows: Iterator[Row | Problem],
    expected: int,
    scans: ScanImport,
    left_out: Counter[Message],
    on_progress: Progress,
) -> Iterator[list[NewItem | Problem]]:
    """Items of the rows, `BATCH` at a time; images are decoded in several threads."""
    classes = {unicodedata.normalize("NFC", name): name for name in project.config.classes}

    def from_row(row: Row | Problem) -> NewItem | Problem:
        return row if isinstance(row, Problem) else item_of(project, classes, row, scans)

    rows = (fitting(row, project.config.several, left_out) for row in rows)

    done = 0
    with ThreadPoolExecutor(STORE_THREADS if os.environ.get(VARIABLE) else THREADS) as threads:
        while batch := list(islice(rows, BATCH)):
            items: list[NewItem | Problem] = []
            for item in threads.map(from_row, batch) if project.config.modality == "image" else map(from_row, batch):
                items.append(item)
                done += 1
                if done % REPORT_EVERY == 0:
                    on_progress(done, max(done, expected))
            yield items
    if done % REPORT_EVERY or done != max(done, expected):
        on_progress(done, done)


def _of_modality(modality: Modality, source: Source, rows: Iterator[Row | Problem]) -> Iterator[Row | Problem]:
    """The rows, if the first that can be read is of the project's modality."""
    beginning: list[Row | Problem] = []
    for row in rows:
        beginning.append(row)
        if isinstance(row, Row):
            check_modality(modality, "text" if row.text is not None else "image", source.name)
            break
    return chain(beginning, rows)


def check_modality(modality: Modality, given: Modality, name: str) -> None:
    """Refuse items that are not of the project's modality.

    Args:   given: of the items. name: of their source.
    Raises: SourceError: they are of the other one.
    """
    if given == modality:
        return
    if modality == "text":
        raise SourceError(
            "{name} holds images, but this project is for texts: name its text column, or import it into a project for"
            " images.",
            name=name,
        )
    raise SourceError(
        "{name} holds texts, but this project is for images: name its image column, or import it into a project for"
        " texts.",
        name=name,
    )


def _folders_are_classes(rows: Iterable[Row | Problem], classes: Sequence[str]) -> bool:
    """Whether any folder is named after a class; otherwise folders sort the files, e.g. by patient or day.

    Case is ignored here: a folder "Cat" beside the class "cat" is reported as an unknown label, not dropped.
    """
    names = {unicodedata.normalize("NFC", name).casefold() for name in classes}
    return any(isinstance(row, Row) and row.label is not None and row.label.casefold() in names for row in rows)
