"""Label Studio: tasks with annotations and predictions of choices, and the labeling configuration.

Source: labelstud.io/guide/task_format and /tags/choices.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from labeler.core.errors import SourceError
from labeler.core.items import ForeignPrediction, GivenAnswer, Modality, Problem
from labeler.core.whole_files import write_whole
from labeler.files import column_guesses
from labeler.files.sources import LOOKED_AT, Row
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
    number_of,
    object_of,
    predictions_of,
    read_beside,
    time_of,
)
from labeler.formats.pictures import picture_of
from labeler.i18n.messages import mark

CONFIGURATION = "labeling-config.xml"  # beside the tasks
_CONTROL, _CONTENT = "label", "item"  # names of the tags that are written
_LARGEST = 1 << 20  # bytes of a configuration


# ---------------------------------------------------------------- the labeling configuration


@dataclass(frozen=True)
class Configuration:
    """What a labeling configuration says of the question of classes. content: the key of the data with the items.

    keys, colours: of the classes that have one. others: the tags that nothing here stands for. shown_by: the name of
    the tag that shows the items.
    """

    name: str
    classes: tuple[str, ...]
    several: bool
    modality: Modality | None = None
    content: str | None = None
    keys: dict[str, str] = field(default_factory=dict)
    colours: dict[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    shown_by: str = ""


_SHOWN: dict[str, Modality] = {"Text": "text", "HyperText": "text", "Image": "image"}
_LAYOUT = {"View", "Header", "Style", "Choices", "Choice", *_SHOWN}


def parse_configuration(text: str, name: str = "the labeling configuration") -> Configuration:
    """The first question of classes in a labeling configuration.

    Raises: SourceError: it is no XML, or has no `Choices`.
    """
    try:
        if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():  # entities that unpack to gigabytes
            raise ElementTree.ParseError
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        raise SourceError("{name} is not a labeling configuration: it is not valid XML.", name=name) from None
    question = next(root.iter("Choices"), None)
    if question is None:
        raise SourceError(
            "{name} has no <Choices>: only classes of a whole item can be labeled here.", name=name
        ) from None
    choices = {value: choice for choice in question.iter("Choice") if (value := _value_of(choice))}
    shown = next((tag for tag in root.iter() if tag.get("name") == question.get("toName")), None)
    further = [tag.get("name", "") for tag in list(root.iter("Choices"))[1:]]
    content = (shown.get("value") or "").removeprefix("$") if shown is not None else ""
    return Configuration(
        question.get("name", ""),
        tuple(choices),
        question.get("choice", "single") == "multiple",
        None if shown is None else _SHOWN.get(shown.tag),
        content or None,
        {name: key for name, choice in choices.items() if (key := choice.get("hotkey", "").strip().lower())},
        {name: c for name, choice in choices.items() if (c := _colour(choice.get("background") or ""))},
        tuple(
            dict.fromkeys(
                [tag.tag for tag in root.iter() if tag.tag not in _LAYOUT] + [f"Choices {name}" for name in further]
            )
        ),
        question.get("toName", ""),
    )


def _value_of(choice: ElementTree.Element) -> str:
    return (choice.get("alias") or choice.get("value") or "").strip()


def _colour(value: str) -> str:
    """The colour as #rrggbb; "" for a named one."""
    return value.lower() if re.fullmatch(r"#[0-9a-fA-F]{6}", value) else ""


def configuration_of(project: Description) -> str:
    """The labeling configuration for a project, with the keys and colours of its classes."""
    content = (
        f'  <Text name="{_CONTENT}" value="$text"/>'
        if project.modality == "text"
        else f'  <Image name="{_CONTENT}" value="$image"/>'
    )
    kind = "multiple" if project.several else "single"
    choices = []
    for name in project.classes:
        key, colour = project.keys.get(name), project.colours.get(name)
        more = f" hotkey={quoteattr(key)}" if key else ""
        more += f" background={quoteattr(colour)}" if colour else ""
        choices.append(f"    <Choice value={quoteattr(name)}{more}/>")
    return "\n".join(
        [
            "<View>",
            content,
            f'  <Choices name="{_CONTROL}" toName="{_CONTENT}" choice="{kind}" showInline="true">',
            *choices,
            "  </Choices>",
            "</View>",
            "",
        ]
    )


def read_configuration(path: Path) -> Configuration:
    """The labeling configuration in a file.

    Raises: SourceError: it is none, or cannot be read.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise SourceError("{name} is too large for a labeling configuration.", name=path.name)
        return parse_configuration(path.read_text(encoding="utf-8-sig"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError("{source} cannot be read: {strerror}.", source=path, strerror=error) from None


def _beside(path: Path) -> Configuration | None:
    """The labeling configuration in the folder of the tasks; None where there is none."""
    file = (path if path.is_dir() else path.parent) / CONFIGURATION
    return read_configuration(file) if file.is_file() else None


# ---------------------------------------------------------------- reading


def recognises(path: Path) -> bool:
    first = json_files.first_entries(path, 1)
    return bool(first) and isinstance(first[0].get("data"), dict) and not first[0].keys() & {"fields", "text", "image"}


@dataclass(frozen=True)
class _Question:
    """What of the tasks is read: the key of the items in their data, and the name of the question of classes."""

    content: str
    modality: Modality
    name: str | None


def read(reading: Reading) -> Rows:
    found = json_files.entries(reading.path, reading.limits)
    first = list(islice(found, LOOKED_AT))
    question = _question(reading, [entry for _, entry in first if isinstance(entry, dict)])
    for number, entry in chain(first, found):
        name = reading.row(number)
        if not isinstance(entry, dict) or not isinstance(entry.get("data"), dict):
            yield Problem(name, json_files.NO_OBJECT)
        else:
            yield _row(reading, question, name, entry)


def _question(reading: Reading, tasks: Sequence[dict[str, Any]]) -> _Question:
    """Raises: SourceError: the tasks do not tell where the items are."""
    configuration = _beside(reading.path)
    for tag in configuration.others if configuration else ():
        reading.leave(mark("the tag {tag} of the labeling configuration", tag=tag))
    modality = reading.modality or (configuration.modality if configuration else None)
    name = (configuration.name if configuration else None) or _first_question(tasks)
    if configuration and configuration.content and configuration.modality:
        return _Question(configuration.content, modality or configuration.modality, name)
    known = [data for task in tasks if isinstance(data := task.get("data"), dict)]
    columns = list(dict.fromkeys(key for data in known for key in data))
    rows = [[as_cell(data.get(key)) for key in columns] for data in known]
    guess = column_guesses.content(columns, rows, modality)
    if guess is None and len(columns) == 1:
        guess = (modality or "text", columns[0])
    if guess is None:
        raise SourceError(
            "{name} does not tell which of {columns} holds the items: put the labeling configuration beside it, as"
            " {file}.",
            name=reading.path.name,
            columns=", ".join(map(repr, columns)),
            file=CONFIGURATION,
        )
    return _Question(guess[1], guess[0], name)


def _first_question(tasks: Sequence[dict[str, Any]]) -> str | None:
    """The name of the first question of classes that somebody answered."""
    results = (r for task in tasks for entry in _annotations(task) for r in list_of(entry.get("result")))
    return next((str(r.get("from_name")) for r in results if r.get("type") == "choices"), None)


def _annotations(task: dict[str, Any]) -> list[dict[str, Any]]:
    return [*list_of(task.get("annotations") or task.get("completions")), *list_of(task.get("predictions"))]


def _row(reading: Reading, question: _Question, name: str, task: dict[str, Any]) -> Row | Problem:
    data = task["data"]
    content = as_cell(data.get(question.content))
    picture = picture_of(reading.folder, content) if question.modality == "image" else None
    if isinstance(picture, str):
        return Problem(name, picture)
    for _ in list_of(task.get("drafts")):
        reading.leave(mark("drafts"))
    answers = [
        answer
        for annotation in list_of(task.get("annotations") or task.get("completions"))
        if (answer := _answer(reading, question, annotation)) is not None
    ]
    predictions = [p for entry in list_of(task.get("predictions")) if (p := _prediction(reading, question, entry))]
    meta = object_of(task.get("meta"))
    split, decided = read_beside(meta.get(KEY))
    return Row(
        name,
        text=content if question.modality == "text" else None,
        image=picture,
        split=split,
        metadata=json_files.cells(data, [question.content])
        | json_files.cells({key: value for key, value in meta.items() if key not in data}, [KEY]),
        answers=(*answers, *decided),
        predictions=tuple(predictions),
    )


def _answer(reading: Reading, question: _Question, annotation: dict[str, Any]) -> GivenAnswer | None:
    labels = _labels(reading, question, annotation)
    own = object_of(annotation.get(KEY))
    is_skipped = bool(annotation.get("was_cancelled"))
    if labels is None and not is_skipped:
        if list_of(annotation.get("result")):
            return None  # it answers other questions
        labels = ()
    if KEY in annotation:
        return answer_in(own, labels or ())
    return GivenAnswer(
        _who(annotation.get("completed_by")),
        () if is_skipped else labels or (),
        "skip" if is_skipped else "label",
        time_of(annotation.get("created_at")),
        number_of(annotation.get("lead_time")),
    )


def _who(completed_by: object) -> str:
    """The name of an annotator: Label Studio gives an object, or the number of a user."""
    if isinstance(completed_by, dict):
        whole = " ".join(str(completed_by.get(part) or "") for part in ("first_name", "last_name")).strip()
        number = completed_by.get("id")
        return str(
            completed_by.get("email") or completed_by.get("username") or whole or (f"user {number}" if number else "")
        )
    return f"user {completed_by}" if completed_by not in (None, "") else ANYBODY


def _labels(reading: Reading, question: _Question, annotation: dict[str, Any]) -> tuple[str, ...] | None:
    """The classes that an annotation chooses; None where it does not answer the question."""
    labels: tuple[str, ...] | None = None
    for result in list_of(annotation.get("result")):
        value = object_of(result.get("value"))
        if result.get("type") != "choices":
            reading.leave(mark("results of the kind {kind}", kind=str(result.get("type"))))
        elif str(result.get("from_name")) != question.name:
            reading.leave(mark("answers to the question {question}", question=str(result.get("from_name"))))
        else:
            labels = names_of([*_flat(value.get("choices"))])
    return labels


def _flat(choices: object) -> Iterator[object]:
    """The chosen names; of a choice within another its own name."""
    for choice in choices if isinstance(choices, list) else [choices]:
        yield choice[-1] if isinstance(choice, list) and choice else choice


def _prediction(reading: Reading, question: _Question, entry: dict[str, Any]) -> ForeignPrediction | None:
    return foreign(entry.get("model_version"), _labels(reading, question, entry) or (), entry.get("score"))


def classes(path: Path) -> tuple[str, ...]:
    configuration = _beside(path)
    return configuration.classes if configuration else ()


# ---------------------------------------------------------------- writing


def write(project: Description, items: Items, target: Target) -> None:
    if target.folder is not None:
        write_whole(target.folder / CONFIGURATION, configuration_of(project))
    json_files.write_array(target.main, (_task(project, item, target) for item in items))


def _task(project: Description, item: LabeledItem, target: Target) -> dict[str, Any]:
    content = item.text if project.modality == "text" else target.picture(item)
    return {
        "id": item.id,
        "data": {project.modality: content, **free(item.metadata, {project.modality})},
        "meta": {KEY: beside(item)},
        "annotations": [_annotation(answer) for answer in item.answers],
        "predictions": [
            {"model_version": model, "result": [_result(labels)]} | ({} if score is None else {"score": score})
            for model, labels, score in predictions_of(item)
        ],
    }


def _annotation(answer: LabeledAnswer) -> dict[str, Any]:
    given = answer.given
    known = {"created_at": given.at, "lead_time": given.seconds}
    return {
        "result": [_result(given.labels)] if given.action == "label" else [],
        "was_cancelled": given.action != "label",
        **{name: value for name, value in known.items() if value is not None},
        # Label Studio refuses a file that names users whom it does not know, and ignores this
        KEY: as_object(given, answer.reasons),
    }


def _result(labels: Sequence[str]) -> dict[str, Any]:
    return {"from_name": _CONTROL, "to_name": _CONTENT, "type": "choices", "value": {"choices": list(labels)}}


FORMAT = Format(
    name="label-studio",
    title="Label Studio",
    file="tasks.json",
    keeps=EVERYTHING,
    write=write,
    recognises=recognises,
    read=read,
    classes=classes,
)
