"""Label Studio's own files: what its server exports is read, and what is no choice is said by name."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from labeler.core.errors import SourceError
from labeler.core.items import Problem
from labeler.formats.base import Description, Reading
from labeler.formats.label_studio import CONFIGURATION, configuration_of, parse_configuration, read
from labeler.formats.recognise import declared_classes, recognise

CONFIG = """<View>
  <Header value="What is it?"/>
  <Text name="t" value="$review"/>
  <Choices name="mood" toName="t" choice="multiple">
    <Choice value="Good &amp; nice" hotkey="g" background="#00ff00"/>
    <Choice value="Bad" alias="bad"/>
  </Choices>
  <Choices name="language" toName="t"><Choice value="ko"/></Choices>
  <RectangleLabels name="box" toName="t"><Label value="x"/></RectangleLabels>
</View>"""


def choice(*names: str, question: str = "mood") -> dict:
    return {"from_name": question, "to_name": "t", "type": "choices", "value": {"choices": list(names)}}


TASK = {
    "id": 5,
    "data": {"review": "what a film", "site": "Seoul", "stars": 4.50},
    "drafts": [{"result": [choice("bad")]}],
    "annotations": [
        {
            "id": 1,
            "completed_by": {"id": 3, "email": "ann@example.org"},
            "result": [choice("Good & nice", "bad"), choice("ko", question="language")],
            "created_at": "2024-05-02T21:52:49.513742Z",
            "lead_time": 4.288,
            "was_cancelled": False,
        },
        {"id": 2, "completed_by": 7, "result": [], "was_cancelled": True, "created_at": "2024-05-03T00:00:00Z"},
        {"id": 4, "completed_by": 8, "result": [{"type": "rectanglelabels", "from_name": "box", "value": {}}]},
    ],
    "predictions": [{"model_version": "v2", "score": 0.75, "result": [choice("bad")]}],
}


def rows_of(path: Path, left_out: Counter | None = None) -> list[Any]:
    reading = Reading(path)
    rows = list(read(reading))
    if left_out is not None:
        left_out.update({str(what): n for what, n in reading.left_out.items()})
    return rows


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    path = tmp_path / "project-1-at-2024.json"
    path.write_text(json.dumps([TASK, {"id": 6, "data": {"review": "no more"}}, 3]), encoding="utf-8")
    (tmp_path / CONFIGURATION).write_text(CONFIG, encoding="utf-8")
    return path


def test_annotations_come_with_who_and_when(tasks: Path) -> None:
    row, other, problem = rows_of(tasks)
    assert (row.text, row.metadata) == ("what a film", {"site": "Seoul", "stars": "4.5"})
    ann, seven = row.answers
    assert (ann.annotator, ann.labels, ann.at, ann.seconds) == (
        "ann@example.org",
        ("Good & nice", "bad"),
        "2024-05-02T21:52:49.513+00:00",
        4.288,
    )
    assert (seven.annotator, seven.action, seven.labels) == ("user 7", "skip", ())
    assert (other.text, other.answers) == ("no more", ())
    assert isinstance(problem, Problem)


def test_predictions_come_with_model_and_score(tasks: Path) -> None:
    (prediction,) = rows_of(tasks)[0].predictions
    assert (prediction.model, prediction.labels, prediction.confidence) == ("v2", ("bad",), 0.75)


def test_what_is_left_out_is_said_by_name(tasks: Path) -> None:
    left_out: Counter = Counter()
    rows_of(tasks, left_out)
    assert left_out == {
        "drafts": 1,
        "answers to the question language": 1,
        "results of the kind rectanglelabels": 1,
        "the tag RectangleLabels of the labeling configuration": 1,
        "the tag Label of the labeling configuration": 1,
        "the tag Choices language of the labeling configuration": 1,
    }


def test_the_configuration_gives_classes_keys_and_colours(tasks: Path) -> None:
    known = parse_configuration(CONFIG)
    assert (known.classes, known.several, known.content, known.modality) == (
        ("Good & nice", "bad"),
        True,
        "review",
        "text",
    )
    assert (known.keys, known.colours) == ({"Good & nice": "g"}, {"Good & nice": "#00ff00"})
    assert declared_classes(tasks) == ("Good & nice", "bad")


def test_a_configuration_comes_back_as_it_was_written() -> None:
    project = Description("p", ('a "b" <c>', "d & é"), "image", True, {"d & é": "q"}, {"d & é": "#123456"})
    known = parse_configuration(configuration_of(project))
    assert (known.classes, known.several, known.modality, known.content) == (project.classes, True, "image", "image")
    assert (known.keys, known.colours, known.others) == (project.keys, project.colours, ())


@pytest.mark.parametrize("text", ["<View>", "<View><Text name='a'/></View>", "<!DOCTYPE a [<!ENTITY b 'c'>]><View/>"])
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(SourceError):
        parse_configuration(text)


def test_without_a_configuration_the_columns_tell_what_the_items_are(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps([{"data": {"text": "one", "n": 1}, "annotations": []}]), encoding="utf-8")
    assert recognise(path).format.name == "label-studio"
    (row,) = rows_of(path)
    assert (row.text, row.metadata) == ("one", {"n": "1"})


def test_without_a_configuration_an_entry_without_data_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps([{"data": {"text": "one"}}, {"id": 2}, {"data": None}]), encoding="utf-8")
    row, *problems = rows_of(path)
    assert (row.text, [problem.reason for problem in problems]) == ("one", ["is not a JSON object"] * 2)


def test_an_image_is_found_where_a_server_of_label_studio_names_it(tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    for name in ("a.png", "cats/b.png"):
        (tmp_path / name).write_bytes(b"x")
    names = ["/data/upload/3/1a2b3c4d-a.png", "/data/local-files/?d=cats/b.png", "cats/b.png", "https://e.org/a.png"]
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps([{"data": {"image": name}} for name in names]), encoding="utf-8")
    rows = rows_of(path)
    assert [row.image for row in rows[:3]] == [tmp_path / "a.png", tmp_path / "cats/b.png", tmp_path / "cats/b.png"]
    assert "web server" in rows[3].reason
