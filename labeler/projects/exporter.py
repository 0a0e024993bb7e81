"""Labels → a CSV, Excel, Parquet or JSON Lines file, with a row for each item or for each answer."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from labeler.core.errors import LabelerError
from labeler.core.whole_files import whole_file
from labeler.projects.export_columns import Format, Rows
from labeler.projects.export_files import write_rows
from labeler.projects.export_rows import export_rows
from labeler.projects.predictions import Predictions
from labeler.projects.project import Project

FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True)
class Export:
    """What to take out. predictions: of the items without a label, for one row an item. other_models: whether it has
    columns for what somebody else's models predicted, for one row an item.
    """

    rows: Rows = "answers"
    format: Format | None = None  # None: that of the file's suffix, else csv
    predictions: Predictions | None = None
    other_models: bool = False


def export_labels(project: Project, out: Path, export: Export = Export()) -> int:
    """The number of rows written to `out`. Other columns of the imported tables are columns here too.

    The file is written whole or not at all, in little memory, and says what is so at one moment. Several classes are a
    list in JSON Lines and Parquet. In CSV and Excel they are names with `;` between them, or `[]` without a class.

    Raises: LabelerError: `out` cannot be written, its suffix tells no format, or the format cannot hold the rows.
    """
    kind = export.format or _format_of(out)
    try:
        with whole_file(out) as part:
            with (
                export_rows(project, export.rows, export.predictions, export.other_models) as rows,
                part.open("wb") as file,
            ):
                write_rows(file, kind, rows)
            record_export(project, export.rows, kind, out.name, rows.count)  # no file leaves that the log does not know
    except OSError as error:
        raise LabelerError("{out} cannot be written: {strerror}.", out=out, strerror=error.strerror or error) from error
    return rows.count


def record_export(project: Project, rows: Rows, kind: Format, name: str, count: int) -> None:
    """Write into the log that rows leave the project."""
    with project.store() as store:
        what = {"rows": rows, "format": kind, "file": name}
        store.audit.record(project.actor, "exported", what, None, {"rows": count})


def _format_of(out: Path) -> Format:
    """The format that the suffix of a file's name tells."""
    suffix = out.suffix.lower()
    for format_ in FORMATS:
        if suffix == f".{format_}":
            return format_
    raise LabelerError(
        "The suffix of {out} tells no format: end the name with one of {suffixes}, or name the format.",
        out=out,
        suffixes=", ".join(f".{format_}" for format_ in FORMATS),
    )
