"""A file of answers that were rescued from a damaged database → the project that they belong to."""

import json
from pathlib import Path
from typing import Any

from labeler.core.errors import ProjectError
from labeler.projects.project import Project
from labeler.store.rescued import PutBack


def put_back(project: Project, file: Path) -> PutBack:
    """What came of putting the answers of a file back, see `RescuedAnswers.put_back`.

    Raises: ProjectError: the file is no file of answers.
    """
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise ProjectError("{file} cannot be read: {error}.", file=file, error=error.strerror or error) from None
    answers = [_parsed(line) for line in lines if line.strip()]
    if not any(isinstance(answer, dict) and "request_id" in answer for answer in answers):
        raise ProjectError(
            "{file} holds no rescued answers: give the file `broken/answers.jsonl` of the damaged project.", file=file
        )
    with project.store() as store:
        return store.rescued.put_back(answers, project.actor.name)


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
