"""Answers → a CSV, JSON Lines or Parquet file."""

import json
from pathlib import Path

import pandas as pd

from labeler.core.errors import LabelerError
from labeler.core.labels import cell_of, split
from labeler.core.whole_files import whole_file
from labeler.projects.project import Project
from labeler.store import EXPORT

KINDS = ("csv", "jsonl", "parquet")
LABELS = ("label", "given", "item_label")


def export_labels(project: Project, out: Path, kind: str | None = None) -> int:
    """The number of rows written to `out`: one for each current answer, with when and why the item was asked.

    The file is written whole or not at all. Several classes are a list in JSON Lines and Parquet. In CSV they are names
    with `;` between them, or `[]` without a class.

    Args:   kind: csv, jsonl or parquet; by default that of the suffix of `out`, else csv.
    Raises: LabelerError: `out` cannot be written.
    """
    kind = kind or (out.suffix[1:].lower() if out.suffix[1:].lower() in KINDS else "csv")
    with project.store() as store:
        rows = store.answers.export()
    if project.config.several:
        rows = [row | {column: _names(row[column], kind) for column in LABELS} for row in rows]
    frame = pd.DataFrame(rows, columns=list(EXPORT))
    if kind != "jsonl":
        frame["metadata"] = [json.dumps(m, ensure_ascii=False) for m in frame["metadata"]]
    try:
        with whole_file(out) as part:
            if kind == "jsonl":
                frame.to_json(part, orient="records", lines=True, force_ascii=False)
            elif kind == "parquet":
                frame.to_parquet(part, index=False)
            else:  # with a byte order mark, without which Excel misreads Korean
                frame.to_csv(part, index=False, encoding="utf-8-sig")
    except OSError as error:
        raise LabelerError("{out} cannot be written: {strerror}.", out=out, strerror=error.strerror or error) from error
    return len(frame)


def _names(label: str | None, kind: str) -> str | list[str] | None:
    """The classes in a stored label, in the form for a file of this kind."""
    if label is None:
        return None
    return cell_of(split(label)) if kind == "csv" else list(split(label))
