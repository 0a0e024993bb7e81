"""doccano: JSON Lines of text classification, with the classes of a text as a list.

Source: doccano.github.io/doccano, *Import and export*.
"""

from pathlib import Path
from typing import Any

from labeler.core.items import Problem
from labeler.files.sources import Row
from labeler.formats import json_files
from labeler.formats.base import (
    Description,
    Format,
    Items,
    LabeledItem,
    Reading,
    Rows,
    Target,
    free,
    names_of,
)
from labeler.formats.pictures import picture_of
from labeler.i18n.messages import mark

_COMMENTS = ("comments", "Comments")
_OTHERS = ("entities", "relations", "annotation_approver")
_OWN_EXPORT = {"item_id", "content_hash"}  # columns of the labeler's JSON Lines, which are a table


def recognises(path: Path) -> bool:
    first = json_files.first_entries(path)
    return bool(first) and all(
        _is_line(entry) and not entry.keys() & _OWN_EXPORT and bool(entry.keys() & {"id", *_COMMENTS})
        for entry in first
    )


def fits(path: Path) -> bool:
    """Whether its lines have what doccano's import needs; other programs write such lines too."""
    first = json_files.first_entries(path)
    return bool(first) and all(_is_line(entry) for entry in first)


def _is_line(entry: dict[str, Any]) -> bool:
    """Whether a line has a text or file name, and a list of classes."""
    labels = entry.get("label")
    has_item = "text" in entry or "filename" in entry
    return has_item and isinstance(labels, list) and all(isinstance(label, str) for label in labels)


def read(reading: Reading) -> Rows:
    for number, entry in json_files.entries(reading.path, reading.limits):
        name = reading.row(number)
        yield _row(reading, name, entry) if isinstance(entry, dict) else Problem(name, json_files.NO_OBJECT)


def _row(reading: Reading, name: str, line: dict[str, Any]) -> Row | Problem:
    picture = None if "text" in line else picture_of(reading.folder, str(line.get("filename") or ""))
    if isinstance(picture, str):
        return Problem(name, picture)
    for key in _COMMENTS:
        comments = line.get(key)
        for _comment in comments if isinstance(comments, list) else []:
            reading.leave(mark("comments, which belong to no answer"))
    for key in _OTHERS:
        if line.get(key):
            reading.leave(mark("the key {key} of tasks", key=key))
    labels = line.get("label")
    if isinstance(labels, list) and any(isinstance(label, list | dict) for label in labels):
        reading.leave(mark("marked passages of texts"))
        labels = []
    chosen = names_of(labels) if labels is not None else ()
    return Row(
        name,
        text=json_files.clean(str(line.get("text") or "")) if picture is None else None,
        image=picture,
        metadata=json_files.cells(line, ["id", "text", "filename", "label", *_COMMENTS, *_OTHERS]),
        labels=chosen or None,  # doccano does not tell an answer without a class from none
    )


def write(project: Description, items: Items, target: Target) -> None:
    json_files.write_lines(target.main, (_line(project, item, target) for item in items))


def _line(project: Description, item: LabeledItem, target: Target) -> dict[str, Any]:
    content = {"text": item.text} if project.modality == "text" else {"filename": target.picture(item)}
    notes = [answer.given.note for answer in item.answers if answer.given.note]
    taken = {"id", "text", "filename", "label", *_COMMENTS, *_OTHERS, *_OWN_EXPORT}
    return {
        "id": item.id,
        **content,
        "label": list(item.labels or ()),
        "Comments": notes,
        **free(item.metadata, taken),
    }


FORMAT = Format(
    name="doccano",
    title="doccano",
    file="all.jsonl",
    keeps={
        "texts": "both",
        "images": "both",
        "several": "both",
        "unlabeled": "both",
        "columns": "both",
        "notes": "written",
    },
    write=write,
    recognises=recognises,
    fits=fits,
    read=read,
)
