"""A file of what was rescued from a damaged database → the project that it belongs to."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labeler.core.class_changes import KINDS, ClassChange
from labeler.core.errors import LabelerError, ProjectError
from labeler.cycle.class_changes import change_classes
from labeler.projects.project import Project
from labeler.store.rescued import PutBack
from labeler.store.rescued_rows import table_of


def put_back(project: Project, file: Path) -> PutBack:
    """What came of putting the rows of a file back: first changes of the classes, then see `Rescued.put_back`.

    Raises: ProjectError: the file holds nothing that was rescued.
    """
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise ProjectError("{file} cannot be read: {error}.", file=file, error=error.strerror or error) from None
    rows = [_parsed(line) for line in lines if line.strip()]
    if not any(isinstance(row, dict) and ("request_id" in row or "table" in row) for row in rows):
        raise ProjectError(
            "{file} holds no rescued answers: give the file `broken/answers.jsonl` of the damaged project.", file=file
        )
    project, changes = _change_classes(project, rows)
    with project.store() as store:
        result = store.rescued.put_back(rows, project.actor.name)
    return PutBack(changes.stored | result.stored, changes.there | result.there, changes.unfit | result.unfit)


def _change_classes(project: Project, rows: Sequence[Any]) -> tuple[Project, PutBack]:
    """The project after the rescued changes of its classes that it has not seen, each as it was made."""
    result = PutBack()
    changes = [(place, row) for place, row in enumerate(rows, 1) if table_of(row) == "class_changes"]
    for place, row in changes:
        read = _read(row)
        if read is None:
            result.unfit[place] = "it cannot be read"
            continue
        number, change, before, by = read
        with project.store() as store:
            stored = store.class_changes.all()
        if number <= len(stored):
            if stored[number - 1].change == change:
                result.count("class_changes", False)
            else:
                result.unfit[place] = "the classes were changed otherwise since, and that stays"
        elif number > len(stored) + 1 or before != project.config.classes:
            result.unfit[place] = "the classes of this project are not those that it changed"
        else:
            try:
                project, _stored = change_classes(project, change, by)
                result.count("class_changes", True)
            except LabelerError as error:
                result.unfit[place] = str(error)
    return project, result


def _read(row: Any) -> tuple[int, ClassChange, tuple[str, ...], str] | None:
    """Number, change, classes before it, and who made it; None where that cannot be read."""
    try:
        old, new, before = (tuple(map(str, json.loads(row[name]))) for name in ("old", "new", "before"))
        number = int(row["number"])
        if row["kind"] not in KINDS or number < 1:
            return None
        return number, ClassChange(row["kind"], old, new), before, str(row["by"])
    except (KeyError, TypeError, ValueError):
        return None


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
