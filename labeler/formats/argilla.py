"""Argilla: records with fields, suggestions of models and responses of people, as `records.to_json` writes them.

Source: docs.argilla.io, `rg.Record`.
"""

import uuid
from pathlib import Path
from typing import Any

from labeler.core.items import ForeignPrediction, GivenAnswer, Problem
from labeler.files import column_guesses
from labeler.files.json_arrays import loads
from labeler.files.sources import Row
from labeler.files.tables import as_cell
from labeler.formats import json_files
from labeler.formats.base import (
    ANYBODY,
    EVERYTHING,
    KEY,
    Description,
    Format,
    Items,
    LabeledAnswer,
    LabeledItem,
    Reading,
    Rows,
    Target,
    answer_in,
    as_object,
    beside,
    foreign,
    free,
    list_of,
    names_of,
    object_of,
    predictions_of,
    read_beside,
)
from labeler.formats.pictures import picture_of
from labeler.i18n.messages import mark

_QUESTION = "label"
_PEOPLE = uuid.UUID("6f6a4f0c-6d4f-5d5b-9b6d-1f0c3b6a7e21")  # in which annotators get numbers from their names


def recognises(path: Path) -> bool:
    first = json_files.first_entries(path, 5)
    return bool(first) and all(
        isinstance(entry.get("fields"), dict) and bool(entry.keys() & {"responses", "suggestions", "_server_id"})
        for entry in first
    )


def read(reading: Reading) -> Rows:
    question: str | None = None
    for number, record in json_files.entries(reading.path, reading.limits):
        name = reading.row(number)
        if not isinstance(record, dict) or not isinstance(record.get("fields"), dict):
            yield Problem(name, json_files.NO_OBJECT)
            continue
        question = question or _question(record)
        yield _row(reading, name, record, question or _QUESTION)


def _question(record: dict[str, Any]) -> str | None:
    """The first question that was answered with classes, or that a model answered so."""
    for part in ("responses", "suggestions"):
        for name, value in object_of(record.get(part)).items():
            entries = list_of(value) if isinstance(value, list) else [value] if isinstance(value, dict) else []
            if any(_are_classes(entry.get("value")) for entry in entries):
                return str(name)
    return None


def _are_classes(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(name, str) for name in value))


def _row(reading: Reading, name: str, record: dict[str, Any], question: str) -> Row | Problem:
    fields = object_of(record.get("fields"))
    content = _content(reading, fields)
    if content is None:
        return Problem(name, mark("has no field of the project's kind"))
    key, is_image = content
    picture = picture_of(reading.folder, str(fields[key])) if is_image else None
    if isinstance(picture, str):
        return Problem(name, picture)
    for part in ("responses", "suggestions"):
        for other in [other for other, value in object_of(record.get(part)).items() if other != question and value]:
            reading.leave(mark("answers to the question {question}", question=str(other)))
    if object_of(record.get("vectors")):
        reading.leave(mark("vectors"))
    metadata = object_of(record.get("metadata"))
    own = _own(metadata.get(KEY))
    split, decided = read_beside(own)
    return Row(
        name,
        text=None if is_image else as_cell(fields[key]),
        image=picture,
        split=split,
        metadata=json_files.cells(metadata, [KEY]) | json_files.cells(fields, [key, *metadata]),
        answers=(*_answers(object_of(record.get("responses")).get(question), own), *decided),
        predictions=tuple(_predictions(object_of(record.get("suggestions")).get(question))),
    )


def _content(reading: Reading, fields: dict[str, Any]) -> tuple[str, bool] | None:
    """The field that is labeled, and whether it is an image."""
    values = [[as_cell(value)[:1000] for value in fields.values()]]
    guess = column_guesses.content(list(fields), values, reading.modality)
    if guess is not None:
        return guess[1], guess[0] == "image"
    images = [key for key, value in fields.items() if str(value).startswith("data:image/")]
    if images and reading.modality != "text":
        return images[0], True
    texts = [key for key, value in fields.items() if isinstance(value, str)]
    if not texts or reading.modality == "image":
        return None
    return max(texts, key=lambda key: len(fields[key])), False


def _own(value: object) -> dict[str, Any]:
    """What the writer has put into a column of the metadata, as text: Argilla's metadata have no objects."""
    try:
        known = loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        known = None
    return object_of(known)


def _answers(responses: object, own: dict[str, Any]) -> list[GivenAnswer]:
    """The answers of a record: what the writer knew of them stands beside them, by the number of the user."""
    known = {str(entry.get("user")): entry for entry in list_of(own.get("answers"))}
    answers = []
    for response in list_of(responses):
        user = str(response.get("user_id") or ANYBODY)
        labels = names_of(response.get("value"))
        details = known.pop(user, None)
        answers.append(answer_in(details, labels) if details else GivenAnswer(user, labels))
    return answers + [answer_in(entry) for entry in known.values()]


def _predictions(suggestion: object) -> list[ForeignPrediction]:
    entries = list_of(suggestion) if isinstance(suggestion, list) else [suggestion]
    found = (
        foreign(entry.get("agent"), names_of(entry.get("value")), entry.get("score"))
        for entry in entries
        if isinstance(entry, dict)
    )
    return [prediction for prediction in found if prediction]


def write(project: Description, items: Items, target: Target) -> None:
    json_files.write_array(target.main, (_record(project, item, target) for item in items))


def _record(project: Description, item: LabeledItem, target: Target) -> dict[str, Any]:
    content = item.text if project.modality == "text" else target.picture(item)
    responses = [
        {"value": _value(project, answer.given.labels), "user_id": _user(answer)}
        for answer in item.answers
        if answer.given.action == "label"
    ]
    own = beside(item) | {
        "answers": [{"user": _user(answer)} | as_object(answer.given, answer.reasons) for answer in item.answers]
    }
    suggestions = [
        {"value": _value(project, labels), "score": score, "agent": model}
        for model, labels, score in predictions_of(item)
    ]
    return {
        "id": str(item.id),
        "fields": {project.modality: content},
        "metadata": free(item.metadata, {KEY, project.modality}) | {KEY: json_files.text_of(own)},
        "suggestions": {_QUESTION: suggestions[-1]} if suggestions else {},
        "responses": {_QUESTION: responses} if responses else {},
        "vectors": {},
        "status": "completed" if responses else "pending",
    }


def _value(project: Description, labels: tuple[str, ...]) -> str | list[str]:
    return list(labels) if project.several or len(labels) != 1 else labels[0]


def _user(answer: LabeledAnswer) -> str:
    return str(uuid.uuid5(_PEOPLE, answer.given.annotator))


FORMAT = Format(
    name="argilla",
    title="Argilla",
    file="records.json",
    keeps=EVERYTHING,
    write=write,
    recognises=recognises,
    read=read,
)
