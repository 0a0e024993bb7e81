"""Prodigy: JSON Lines of `textcat`, `choice` and `classification` tasks, a line an answer.

Prodigy is sold, so nothing here was tried with it. The keys are as remembered from prodi.gy/docs/api-interfaces and
/docs/text-classification; how recipes use `options`, `label` and `answer` is in github.com/explosion/prodigy-recipes.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from labeler.core.items import ForeignPrediction, GivenAnswer, Problem
from labeler.files.sources import Row
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
    names_of,
    number_of,
    object_of,
    read_beside,
    time_of,
)
from labeler.formats.pictures import picture_of
from labeler.i18n.messages import mark

ANSWERS = ("accept", "reject", "ignore")
_TASK = {"_task_hash", "_input_hash", "_view_id", "_session_id", "_annotator_id"}
# Keys of a task that are no columns of its item; of these the annotations are said to be left out.
_READ = {"text", "image", "label", "options", "accept", "answer", "meta", "_timestamp", "_annotator_id", "config", KEY}
_OTHERS = ("spans", "relations", "tokens", "audio_spans", "html")
_SCREEN = ("_view_id", "_session_id", "priority")


def recognises(path: Path) -> bool:
    first = json_files.first_entries(path, 5)
    return fits(path) and all(
        bool(entry.keys() & _TASK) or entry.get("answer") in ANSWERS or _has_options(entry) for entry in first
    )


def fits(path: Path) -> bool:
    """Whether its lines are tasks, such as those that Prodigy is given, without a mark of its own."""
    first = json_files.first_entries(path, 5)
    return bool(first) and all("text" in entry or "image" in entry for entry in first)


def _has_options(entry: dict[str, Any]) -> bool:
    options = entry.get("options")
    return isinstance(options, list) and all(isinstance(option, dict) and "id" in option for option in options)


def read(reading: Reading) -> Rows:
    for number, entry in json_files.entries(reading.path, reading.limits):
        name = reading.row(number)
        yield _row(reading, name, entry) if isinstance(entry, dict) else Problem(name, json_files.NO_OBJECT)


def _row(reading: Reading, name: str, task: dict[str, Any]) -> Row | Problem:
    is_image = "image" in task and (reading.modality == "image" or "text" not in task)
    picture = picture_of(reading.folder, str(task["image"])) if is_image else None
    if isinstance(picture, str):
        return Problem(name, picture)
    for other in _OTHERS:
        if task.get(other):
            reading.leave(mark("the key {key} of tasks", key=other))
    meta = object_of(task.get("meta"))
    split, decided = read_beside(task.get(KEY))
    answer = _answer(reading, task)
    prediction = _prediction(task)
    return Row(
        name,
        text=None if is_image else json_files.clean(str(task.get("text") or "")),
        image=picture,
        split=split,
        metadata=json_files.cells(meta) | json_files.cells(task, [*_READ, *_OTHERS, *_SCREEN, *meta]),
        answers=(*([answer] if answer else []), *decided),
        predictions=(prediction,) if prediction else (),
    )


def _answer(reading: Reading, task: dict[str, Any]) -> GivenAnswer | None:
    """The answer of a line; None where it has none, or only says what the item is not."""
    verdict = task.get("answer")
    labels = names_of(task["accept"] if isinstance(task.get("accept"), list) else task.get("label"))
    own = object_of(object_of(task.get(KEY)).get("answer"))
    if own or "answer" in object_of(task.get(KEY)):
        return answer_in(own, labels)
    if verdict not in ANSWERS:
        return None
    if verdict == "reject":
        reading.leave(mark("rejected answers, which say what an item is not"))
        return None
    return GivenAnswer(
        str(task.get("_annotator_id") or task.get("_session_id") or ANYBODY),
        labels if verdict == "accept" else (),
        "label" if verdict == "accept" else "skip",
        time_of(number_of(task.get("_timestamp"))),
    )


def _prediction(task: dict[str, Any]) -> ForeignPrediction | None:
    """The model's view of a task that was not answered: Prodigy puts the score beside the label."""
    score = task.get("score")
    if score is None or task.get("answer") in ANSWERS:
        return None
    meta = object_of(task.get("meta"))
    return foreign(meta.get("model") or "Prodigy", names_of(task.get("label")), score)


def write(project: Description, items: Items, target: Target) -> None:
    json_files.write_lines(target.main, (line for item in items for line in _lines(project, item, target)))


def _lines(project: Description, item: LabeledItem, target: Target) -> Iterator[dict[str, Any]]:
    """A line an answer; the item alone where nobody has answered."""
    content = item.text if project.modality == "text" else target.picture(item)
    task = {
        project.modality: content,
        "meta": {name: text for name, text in item.metadata.items() if name not in ("_task_hash", "_input_hash")},
        **{name: int(text) for name in ("_input_hash", "_task_hash") if _is_whole(text := item.metadata.get(name, ""))},
        "options": [{"id": name, "text": name} for name in project.classes],
        "_view_id": "choice",
    }
    if not item.answers:
        yield task | {KEY: beside(item)}
    for answer in item.answers:
        yield task | _answered(answer) | {KEY: beside(item) | {"answer": as_object(answer.given, answer.reasons)}}


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isdecimal() and text.isascii()


def _answered(answer: LabeledAnswer) -> dict[str, Any]:
    given = answer.given
    values: dict[str, Any] = {"accept": list(given.labels), "answer": "accept" if given.action == "label" else "ignore"}
    if given.annotator != ANYBODY:
        values |= {"_annotator_id": given.annotator}
    if given.at:
        values |= {"_timestamp": int(datetime.fromisoformat(given.at).timestamp())}
    return values


FORMAT = Format(
    name="prodigy",
    title="Prodigy",
    file="tasks.jsonl",
    keeps=EVERYTHING,
    write=write,
    recognises=recognises,
    fits=fits,
    read=read,
)
