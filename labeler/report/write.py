"""The report as a file: a page for people, or JSON for programs."""

import json
from pathlib import Path
from typing import Any

from labeler.core.errors import LabelerError
from labeler.core.whole_files import write_whole
from labeler.projects.project import Project
from labeler.report.facts import report
from labeler.report.page import page


def write(project: Project, out: Path) -> None:
    """Write the report to `out`, whole or not at all: as JSON if the name ends in .json, else as a page.

    Raises: LabelerError: it cannot be written.
    """

    text = as_json(report(project)) if out.suffix.lower() == ".json" else page(project)
    try:
        write_whole(out, text)
    except OSError as error:
        raise LabelerError("{out} cannot be written: {strerror}.", out=out, strerror=error.strerror or error) from error


def as_json(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, indent=1)
