"""Files, folders and tables → items of a project: whole, or not at all. An import draws the holdout once, and can be
repeated safely.

The rows are first read into a file beside the database (`labeler.projects.staging`). Once all are there the file gets
its final name, and its rows are stored, some at a time, so that nobody who labels waits. What a crash leaves before
that moment is removed, and what it leaves after it is completed: by the next import, or by the worker. So is the
undoing of an import.
"""

import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from filelock import Timeout

from labeler.core.errors import BusyError, LabelerError, ProjectError
from labeler.core.foreign import AddedPredictions
from labeler.core.items import DicomReport, ImportReport, Problem, Progress, Split
from labeler.core.limited import Limits, run_limited
from labeler.core.whole_files import PART, make_folder, whole_file
from labeler.files.addresses import Source
from labeler.files.sources import OBVIOUS, SourceColumns
from labeler.formats.zips import PREFIX
from labeler.i18n.messages import Message, load
from labeler.projects import foreign
from labeler.projects.new_items import content_hash, normalise
from labeler.projects.project import Project, is_project
from labeler.projects.staging import Task, stage, stage_apart
from labeler.store import Store
from labeler.store.incoming import Part
from labeler.store.parts import AT_ONCE, let_others_write
from labeler.store.staged import Staged

__all__ = ["content_hash", "finish_left", "import_source", "is_left", "normalise", "undo_import"]

log = logging.getLogger(__name__)

FOLDER = "imports"  # in the project's folder
WHOLE = "rows.sqlite"  # in it: the rows of an import that were all read
PREDICTIONS = "predictions-{number}.sqlite"  # the same file once its items are stored, if predictions came with them
MOST_PROBLEMS = 1000  # that a report names


def import_source(  # wide: what an import may be asked for, each with a default
    project: Project,
    source: Source,
    columns: SourceColumns = OBVIOUS,
    *,
    keep_labels: Literal["all", "holdout"] = "all",
    on_progress: Progress | None = None,
    apart: bool = False,
    wait: float = -1,
    asks_round: bool = True,
) -> ImportReport:
    """The report on importing a folder, zip or table. Bad rows are reported, equal content is stored once.

    Images are copied into the project, other than those of a store, which stay there. The first import draws the
    holdout, unless a split column names it (`test` or `holdout`; any other value is the pool). The import is whole or
    leaves nothing, and can be repeated. The first column of groups becomes the project's, and later imports read it by
    default.

    Args:     columns: of a table. keep_labels: "holdout" drops the pool's labels, so that annotators are asked for
              them. on_progress: called with (rows done, rows in all, as far as that is known). apart: whether the
              source is read in a process of its own, under the project's limits of time and memory. wait: seconds for
              an import that is at work; negative: until it has ended. asks_round: whether a round is requested that
              ranks the new items.
    Returns:  counts, and a problem for each row that was not imported.
    Raises:   SourceError: nothing can be read, a column is missing, the project has the other modality, a limit is
              passed, or a split column puts a group on both sides. ProjectError: the project was moved away.
              LimitError: the process that reads was ended. BusyError: another import is at work for longer.
    """
    try:
        with project.lock("import.lock", wait):  # one import after the other, and none while the project is moved
            _complete(project)
            kept = {"keep_labels": keep_labels, "asks_round": asks_round}
            _staged(project, source, columns, kept, on_progress or (lambda done, total: None), apart)
            return _with_predictions(project, _stored(project))
    except Timeout:
        if is_project(project.folder):
            raise BusyError("Another import is at work: send the request again in a moment.") from None
        raise ProjectError("{folder} was archived, deleted or moved meanwhile.", folder=project.folder) from None


def is_left(store: Store) -> bool:
    """Whether a crash has left something of an import or of its undoing in a project, or one of them is at work."""
    folder = store.path.parent / FOLDER
    return (folder.is_dir() and any(folder.iterdir())) or bool(store.imports.being_undone())


def finish_left(project: Project) -> None:
    """Complete what a crash cut off, an import while its rows were stored or the undoing of one, and remove what an
    import left before that; unless an import is at work.
    """
    try:
        with project.lock("import.lock"):
            _complete(project)
            _add_predictions(project)
    except Timeout:
        return


def undo_import(project: Project, number: int, by: str) -> int:
    """The number of items that an import brought and that are taken out again; those that people answered stay.

    That it is undone is decided at once; an import that is at work ends before items are taken out.

    Raises: LabelerError: the import was undone before. ProjectError: the project was moved away; the rest is taken out
            where it is now.
    """
    with project.store() as store:
        store.imports.begin_undo(number, by)
    try:
        with project.lock("import.lock", -1):
            _complete(project)
    except Timeout:
        raise ProjectError("{folder} was archived, deleted or moved meanwhile.", folder=project.folder) from None
    with project.store() as store:
        return store.imports.taken_out(number)


# ---------------------------------------------------------------- from a source to a file of rows, and into the store


def _complete(project: Project) -> None:
    folder = project.folder / FOLDER
    if (folder / WHOLE).exists():
        _stored(project)
    for part in folder.glob(f".*{PART}"):
        _forget(project, part)
    for left in folder.glob(f"{PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    _take_out(project)


def _take_out(project: Project) -> None:
    """Take out the items of imports that are being undone."""
    with project.store() as store:
        for number in store.imports.being_undone():
            store.imports.take_out(number)
            with store.write():
                if store.imports.end_undo(number) and store.rounds.latest():
                    store.rounds.request("import undone")


def _staged(
    project: Project,
    source: Source,
    columns: SourceColumns,
    kept: dict[str, Any],
    on_progress: Progress,
    apart: bool,
) -> None:
    """Read the source into the file of rows, which is there whole or not at all.

    Args: kept: facts on the import that are kept with the rows.
    """
    folder, limits = project.folder / FOLDER, project.config.limits
    make_folder(folder)
    with whole_file(folder / WHOLE) as part:
        task = Task(project.folder, project.config, source, columns, part)
        try:
            if apart:
                run_limited(
                    stage_apart,
                    task,
                    name=source.name,
                    limits=Limits(limits.import_seconds, limits.import_megabytes),
                    on_message=lambda progress: on_progress(*progress),
                    load=("labeler.projects.staging",),
                )
            else:
                stage(task, on_progress)
            with Staged(part) as staged, project.store() as store:
                number = store.imports.begin(staged.facts()["name"])
                with store.items.incoming.file(part) as file:
                    drawn = store.holdout.drawn_of(f"{file}.items")
                staged.draw(drawn)
                staged.keep(kept | {"number": number})
        except BaseException:
            _forget(project, part)
            raise


def _forget(project: Project, part: Path) -> None:
    """Remove rows that are not all there, with the images that came with them alone."""
    if part.exists():
        with Staged(part) as staged, project.store() as store:
            for images in staged.media(AT_ONCE):
                stored = store.items.split_of([name for name, _ in images])
                for name, media in images:
                    if name not in stored:
                        (project.folder / media).unlink(missing_ok=True)
            store.imports.forget_empty()
    for path in (part, part.with_name(f"{part.name}-journal")):  # SQLite leaves one in which nothing stands yet
        path.unlink(missing_ok=True)


def _stored(project: Project) -> ImportReport:
    """The report on storing the rows that were all read. It can be repeated after a crash."""
    path = project.folder / FOLDER / WHOLE
    with Staged(path) as staged:
        facts = staged.facts()
        project = _with_group_column(project, facts["group_column"])
        with project.store() as store:
            report = _into(store, staged, facts)
    if facts.get("predictions"):
        path.replace(path.with_name(PREDICTIONS.format(number=facts["number"])))
    else:
        path.unlink()
    return report


def _with_predictions(project: Project, report: ImportReport) -> ImportReport:
    """The report with what came of predictions of models, which another tool's file has."""
    added = _add_predictions(project)
    return replace(report, predictions=tuple((model.title, model.n, model.left_out) for model in added))


def _add_predictions(project: Project) -> list[AddedPredictions]:
    """Store the predictions that came with items, if any wait. It can be repeated after a crash.

    Nobody else may import meanwhile.
    """
    added = []
    for path in (project.folder / FOLDER).glob(PREDICTIONS.format(number="*")):
        with Staged(path) as staged:
            name = staged.facts().get("name", "")
            try:
                added += foreign.add_within_lock(project, staged.predictions(), name)
            except LabelerError as error:  # none of them fits; the items are there
                log.warning("No prediction of %s was stored: %s", name, error)
                added.append(AddedPredictions(name, "", 0, 0, (Problem(name, Message.of(error)),)))
        path.unlink(missing_ok=True)
    return added


def _with_group_column(project: Project, name: str) -> Project:
    """The project, whose column of groups this one becomes if it has none."""
    evaluation = project.config.evaluation
    if not name or evaluation.group_column:
        return project
    return project.save(replace(project.config, evaluation=replace(evaluation, group_column=name)))


def _into(store: Store, staged: Staged, facts: dict[str, Any]) -> ImportReport:
    number, incoming, labels_added, answers_added = facts["number"], store.items.incoming, 0, 0
    keeps_all, is_drawn, has_answers = facts["keep_labels"] == "all", facts.get("drawn", False), facts.get("answers")
    of_split: Split | None = None if keeps_all else "holdout"
    with incoming.file(staged.path) as file:
        parts = [Part(f"{file}.items", *ends, f"{file}.drawn" if is_drawn else None) for ends in staged.parts(AT_ONCE)]
        for part in parts:
            with store.write():
                incoming.take(part, number)
                labels_added += incoming.label(part, number, of_split) if keeps_all or is_drawn else 0
            let_others_write(store.db, part.n)
        store.holdout.draw()
        for part in [] if keeps_all or is_drawn else parts:  # labels of the items that were drawn for the holdout
            labels_added += incoming.label(part, number, of_split)
            let_others_write(store.db, part.n)
        for part in parts if has_answers else ():  # behind the draw, so that every item has its side
            labels, answers = incoming.answers(part, number, of_split)
            labels_added, answers_added = labels_added + labels, answers_added + answers
            let_others_write(store.db, part.n)
        in_two_groups, across = incoming.in_two_groups(f"{file}.items")
    read, refused = staged.counts()
    added = store.imports.count(number)
    store.imports.end(number, added, read - added, labels_added)
    if (added or labels_added) and facts.get("asks_round", True):
        store.rounds.request("import")  # it embeds the new items and ranks the pool
    counts = store.items.counts()
    dicom = facts["dicom"]
    return ImportReport(
        added,
        read - added,
        labels_added,
        counts.pool,
        counts.holdout,
        tuple(staged.problems(MOST_PROBLEMS)),
        store.items.group_counts(),
        in_two_groups,
        across,
        None
        if dicom is None
        else DicomReport(**dicom | {k: tuple(v) for k, v in dicom.items() if isinstance(v, list)}),
        tuple(facts["columns"]),
        max(0, refused - MOST_PROBLEMS),
        tuple((load(what), n) for what, n in facts.get("left_out", ())),
        answers_added,
    )
