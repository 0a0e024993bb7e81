"""What a lead has filled in about a new project → the project, with its items, or nothing at all."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from labeler.core.actor import Actor
from labeler.core.errors import LabelerError, ProjectError
from labeler.core.items import ClassesAnItem, ImportReport, Modality, Progress
from labeler.core.labels import names_in
from labeler.core.settings_parser import parse
from labeler.files.addresses import Source
from labeler.files.sources import OBVIOUS, SourceColumns
from labeler.formats.preview import Preview
from labeler.i18n.messages import Message
from labeler.projects import guidelines
from labeler.projects import project as projects
from labeler.projects.columns import choices
from labeler.projects.importer import import_source
from labeler.projects.project import Project


@dataclass(frozen=True)
class Draft:
    """A project that is about to be created.

    source: of its items; None: they are imported later. keep_labels: see `import_source`. shown: columns that
    annotators see beside the item. deidentify: whether DICOM files lose what identifies patients. dropped: columns that
    are not stored.
    """

    name: str
    modality: Modality
    classes: tuple[str, ...]
    answers: ClassesAnItem = "one"
    guidelines: str = ""
    currency: str = ""
    source: Source | None = None
    columns: SourceColumns = OBVIOUS
    keep_labels: Literal["all", "holdout"] = "all"
    shown: tuple[str, ...] = ()
    deidentify: bool = False
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Creation:
    """A project that was created. report: on its items; None: none were imported.

    refused: why columns that were to be shown beside the item are not, because they tell the answer.
    """

    project: Project
    report: ImportReport | None = None
    refused: tuple[Message, ...] = ()


def create(
    draft: Draft, home: Path, where: str, on_progress: Progress | None = None, actor: Actor | None = None
) -> Creation:
    """The project of a draft, in the home, with its items. If these cannot be read, no project is left behind.

    Args:   where: the name of the form in error messages. on_progress: of the import.
            actor: who makes it; by default who acts in this process.
    Raises: LabelerError: a value is wrong, there is such a project, or nothing can be read.
    """
    project = create_empty(draft, home, where, actor)
    if draft.source is None:
        return Creation(project)
    try:
        report = import_source(
            project, draft.source, draft.columns, keep_labels=draft.keep_labels, on_progress=on_progress
        )
        check_any(report, draft.source.name)
    except LabelerError:
        shutil.rmtree(project.folder)
        raise
    # the import may have written the column of the groups into the settings
    project, refused = show_columns(projects.open_project(project.folder, project.actor), draft.shown)
    return Creation(project, report, refused)


def create_empty(draft: Draft, home: Path, where: str, actor: Actor | None = None) -> Project:
    """The project of a draft, in the home, before its items are imported.

    Args:   as in `create`.
    Raises: LabelerError: a value is wrong, or there is such a project.
    """
    values: dict[str, Any] = {
        "name": draft.name.strip(),
        "classes": [*draft.classes],
        "modality": draft.modality,
        "answers": draft.answers,
    } | ({"team": {"currency": draft.currency}} if draft.currency else {})
    if draft.deidentify or draft.dropped:
        values["dicom"] = {"deidentify": draft.deidentify, "drop_columns": [*draft.dropped]}
    project = projects.create(home / projects.slug(draft.name), parse(values, where), actor)
    try:
        if draft.guidelines.strip():
            guidelines.write(project, draft.guidelines)
    except LabelerError:
        shutil.rmtree(project.folder)
        raise
    return project


def check_any(report: ImportReport, name: str) -> None:
    """Refuse an import that has brought nothing, for a project that is new.

    Args:   name: of the source.
    Raises: ProjectError: says why the first row was not imported.
    """
    if report.pool + report.holdout == 0 and report.problems:
        raise ProjectError(
            "No item of {name} can be imported. The first row: {problem}", name=name, problem=report.problems[0]
        )


def show_columns(project: Project, names: Sequence[str]) -> tuple[Project, tuple[Message, ...]]:
    """The project whose annotators see these columns beside the item, and why some are not shown."""
    if not names:
        return project, ()
    with project.store() as store:
        problems = choices(store)
    shown = tuple(name for name in names if problems.get(name) is None)
    if shown:
        labeling = replace(project.config.labeling, show_columns=shown)
        project = project.save(replace(project.config, labeling=labeling))
    return project, tuple(problem for name in names if (problem := problems.get(name)))


def all_labeled(beginning: Preview, label: str | None) -> bool:
    """Whether every one of the first rows has a label: then nothing would be left to ask about."""
    if not beginning.is_table:
        return bool(beginning.folders) and all(name for name, _ in beginning.folders) and len(beginning.folders) > 1
    return label is not None and all(value.strip() for value in beginning.values(label))


def single_classes(names: Sequence[str], answers: ClassesAnItem) -> tuple[str, ...]:
    """The proposed classes; where items have several, each cell may name more than one."""
    if answers == "one":
        return tuple(names)
    return tuple(dict.fromkeys(name for cell in names for name in names_in(cell, {})))
