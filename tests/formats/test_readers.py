"""What Prodigy, doccano, COCO, Argilla and literature databases write is read, and the rest is said by name."""

import base64
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from labeler.core.errors import SourceError
from labeler.core.items import Answer
from labeler.files.sources import Row, SourceColumns
from labeler.formats.preview import preview
from labeler.formats.recognise import declared_classes, read, recognise
from labeler.projects import importer
from labeler.projects.importer import import_source, undo_import
from tests.support.tools import add_texts, new_project


def written(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    if name.endswith("l"):
        content = "\n".join(json.dumps(line, ensure_ascii=False) for line in content)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def rows_of(path: Path, format_name: str, classes: tuple[str, ...] = ()) -> tuple[list[Any], dict[str, int]]:
    assert recognise(path).format.name == format_name
    left_out: Counter = Counter()
    rows = list(read(path, classes=classes, left_out=left_out))
    return rows, {str(what): n for what, n in left_out.items()}


# ---------------------------------------------------------------- Prodigy


PRODIGY = [
    {
        "text": "one",
        "options": [{"id": "A", "text": "A"}, {"id": "B", "text": "B"}],
        "accept": ["B"],
        "answer": "accept",
        "_input_hash": -15,
        "_task_hash": 20,
        "_annotator_id": "ds-ann",
        "_timestamp": 1_600_000_000,
        "meta": {"site": "Seoul"},
    },
    {"text": "two", "label": "A", "answer": "accept", "_task_hash": 21},
    {"text": "three", "label": "A", "answer": "reject", "_task_hash": 22},
    {"text": "four", "label": "A", "answer": "ignore", "_task_hash": 23, "spans": [{"start": 0}]},
    {"text": "five", "label": "A", "score": 0.25, "_task_hash": 24},
    {"text": "six", "label": "A", "score": 0.25, "answer": "reject", "_task_hash": 25},
]


def test_prodigy_answers_are_accepted_rejected_or_ignored(tmp_path: Path) -> None:
    rows, left_out = rows_of(written(tmp_path, "a.jsonl", PRODIGY), "prodigy")
    first = rows[0].answers[0]
    assert (first.annotator, first.labels, first.at) == ("ds-ann", ("B",), "2020-09-13T12:26:40.000+00:00")
    assert rows[0].metadata == {"site": "Seoul", "_input_hash": "-15", "_task_hash": "20"}
    assert [[(a.action, a.labels) for a in row.answers] for row in rows[1:]] == [
        [("label", ("A",))],
        [],
        [("skip", ())],
        [],
        [],
    ]
    assert [[(p.labels, p.confidence) for p in row.predictions] for row in rows[4:]] == [[(("A",), 0.25)], []]
    assert left_out == {"rejected answers, which say what an item is not": 2, "the key spans of tasks": 1}


# ---------------------------------------------------------------- doccano


def test_doccano_has_lists_of_classes_and_comments(tmp_path: Path) -> None:
    lines = [
        {"id": 1, "text": "one", "label": ["A", "B"], "Comments": ["hm"], "site": "Seoul"},
        {"id": 2, "text": "two", "label": []},
    ]
    rows, left_out = rows_of(written(tmp_path, "a.jsonl", lines), "doccano")
    assert [(row.text, row.labels, row.metadata) for row in rows] == [
        ("one", ("A", "B"), {"site": "Seoul"}),
        ("two", None, {}),
    ]
    assert left_out == {"comments, which belong to no answer": 1}


def test_a_table_of_json_lines_stays_a_table(tmp_path: Path) -> None:
    lines = [{"item_id": 1, "text": "one", "label": ["A"], "content_hash": "x"}]
    assert recognise(written(tmp_path, "own.jsonl", lines)) is None
    assert recognise(written(tmp_path, "plain.jsonl", [{"text": "one", "label": "A"}])) is None


def test_named_columns_make_a_table_of_it(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", [{"id": 1, "text": "one", "label": ["A"]}])
    assert recognise(path, SourceColumns(text="text")) is None


# ---------------------------------------------------------------- COCO


COCO = {
    "info": {},
    "images": [{"id": n, "file_name": f"{n}.png", "width": 2, "height": 2, "site": "Seoul"} for n in (1, 2, 3)],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 7, "bbox": [0, 0, 1, 1]},
        {"id": 2, "image_id": 1, "category_id": 7, "bbox": [1, 1, 1, 1]},
        {"id": 3, "image_id": 2, "category_id": 9},
    ],
    "categories": [{"id": 7, "name": "cat"}, {"id": 9, "name": "dog"}],
}


def test_coco_gives_each_image_the_classes_of_its_annotations(tmp_path: Path) -> None:
    for n in (1, 2, 3):
        (tmp_path / f"{n}.png").write_bytes(b"x")
    path = written(tmp_path, "instances.json", COCO)
    rows, left_out = rows_of(path, "coco")
    assert [(row.labels, row.metadata) for row in rows] == [
        (("cat",), {"site": "Seoul"}),
        (("dog",), {"site": "Seoul"}),
        (None, {"site": "Seoul"}),
    ]
    assert left_out == {"boxes and outlines, of which the class counts for the whole image": 2}
    assert declared_classes(path) == ("cat", "dog")


# ---------------------------------------------------------------- Argilla


def test_argilla_has_responses_and_suggestions(tmp_path: Path) -> None:
    record = {
        "id": "a",
        "fields": {"text": "one", "title": "x"},
        "metadata": {"site": "Seoul"},
        "suggestions": {"mood": {"value": "A", "score": 0.5, "agent": "gpt"}},
        "responses": {
            "mood": [{"value": "A", "user_id": "u-1"}, {"value": "B", "user_id": "u-2"}],
            "why": [{"value": "because", "user_id": "u-1"}],
        },
        "vectors": {"v": [1.0]},
        "status": "completed",
        "_server_id": "s",
    }
    (row,), left_out = rows_of(written(tmp_path, "records.json", [record]), "argilla")
    assert (row.text, row.metadata) == ("one", {"site": "Seoul", "title": "x"})
    assert [(answer.annotator, answer.labels) for answer in row.answers] == [("u-1", ("A",)), ("u-2", ("B",))]
    assert [(p.model, p.labels, p.confidence) for p in row.predictions] == [("gpt", ("A",), 0.5)]
    assert left_out == {"answers to the question why": 1, "vectors": 1}


# ---------------------------------------------------------------- RIS and NBIB


RIS = """TY  - JOUR
AU  - Kim, A.
AU  - Lee, B.
TI  - Sleep and memory
AB  - We asked
  nine people.
N1  - ASReview_relevant
N1  - read twice
DO  - 10.1/x
ER  -

TY  - JOUR
T1  - Another
N1  - ASReview_irrelevant
ER  -
TY  - JOUR
TI  - Third
N1  - ASReview_not_seen
ER  -
"""


@pytest.mark.parametrize(
    ("classes", "labels"),
    [((), ("relevant", "irrelevant")), (("Excluded", "Included"), ("Included", "Excluded"))],
)
def test_ris_has_title_and_abstract_and_the_labels_of_asreview(
    tmp_path: Path, classes: tuple[str, ...], labels: tuple[str, str]
) -> None:
    rows, _ = rows_of(written(tmp_path, "export.txt", RIS), "ris", classes)
    assert rows[0].text == "Sleep and memory\n\nWe asked nine people."
    assert rows[0].metadata == {"TY": "JOUR", "AU": "Kim, A.; Lee, B.", "DO": "10.1/x", "N1": "read twice"}
    assert [row.labels for row in rows] == [(labels[0],), (labels[1],), None]


def test_ris_may_have_a_number_before_each_record(tmp_path: Path) -> None:
    text = "1.\nTY  - JOUR\nTI  - One\nER  - \n\n2.\nTY  - JOUR\nTI  - Two\nER  - \n"
    rows, _ = rows_of(written(tmp_path, "numbered.txt", text), "ris")
    assert [row.text for row in rows] == ["One", "Two"]


def test_pubmed_records_go_on_over_lines(tmp_path: Path) -> None:
    text = "PMID- 1\nTI  - Sleep\n      and memory\nAB  - Nine.\nFAU - Kim, A\n\nPMID- 2\nTI  - Other\n"
    rows, _ = rows_of(written(tmp_path, "pubmed.nbib", text), "ris")
    assert [(row.text, row.metadata) for row in rows] == [
        ("Sleep and memory\n\nNine.", {"PMID": "1", "FAU": "Kim, A"}),
        ("Other", {"PMID": "2"}),
    ]


def test_a_line_that_goes_on_with_a_hyphen_is_no_tag(tmp_path: Path) -> None:
    text = "TY  - JOUR\nTI  - Sleep\nAB  - We measured\nIL-6 and\nMRI- or RNA-based\nvalues.\nER  -\n"
    rows, _ = rows_of(written(tmp_path, "a.ris", text), "ris")
    assert rows[0].text == "Sleep\n\nWe measured IL-6 and MRI- or RNA-based values."
    assert rows[0].metadata == {"TY": "JOUR"}


# ---------------------------------------------------------------- Hugging Face


def test_a_data_set_with_broken_files_is_refused_by_name(tmp_path: Path) -> None:
    written(tmp_path, "state.json", {"_data_files": [{"filename": "data-00000-of-00001.arrow"}]})
    (tmp_path / "data-00000-of-00001.arrow").write_bytes(b"nothing")
    with pytest.raises(SourceError, match=r"data-00000-of-00001\.arrow cannot be read"):
        declared_classes(tmp_path)


# ---------------------------------------------------------------- into a project


def test_an_image_in_the_text_itself_is_stored(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    uri = "data:image/png;base64," + base64.b64encode((tmp_path / "a.png").read_bytes()).decode()
    path = written(tmp_path, "a.jsonl", [{"image": uri, "label": "good", "answer": "accept"}])
    report = import_source(new_project(tmp_path / "p", "image"), path)
    assert (report.added, report.labels_added) == (1, 1)


def test_classes_that_the_project_lacks_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", PRODIGY)
    report = import_source(new_project(tmp_path / "p"), path)
    assert report.problems[0].reason == "the label 'B' is not among the classes 'good', 'bad', 'odd'"


def test_importing_again_adds_no_answer_and_undoing_takes_all_out(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", [{**line, "label": "good", "accept": ["good"]} for line in PRODIGY[:2]])
    project = new_project(tmp_path / "p")
    first = import_source(project, path)
    assert (first.labels_added, first.answers_by_people) == (2, 1)
    assert import_source(project, path).labels_added == 0
    assert undo_import(project, 1, "lea") == 2
    assert import_source(project, path).labels_added == 2
    with project.store() as store:
        latest = store.imports.all()[0]
    assert (latest.items, latest.answered) == (2, 0)
    assert undo_import(project, latest.id, "lea") == 2


def test_predictions_come_along(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", [{"text": "five", "label": "good", "score": 0.25, "_task_hash": 1}])
    project = new_project(tmp_path / "p")
    report = import_source(project, path)
    assert report.predictions == (("Prodigy", 1, 0),)
    with project.store() as store:
        assert [model.n for model in store.foreign.all()] == [1]
    assert [*(project.folder / "imports").iterdir()] == []


def test_nobody_stores_the_predictions_of_an_import_that_is_at_work(tmp_path: Path, monkeypatch) -> None:
    path = written(tmp_path, "a.jsonl", [{"text": "five", "label": "good", "score": 0.25, "_task_hash": 1}])
    project = new_project(tmp_path / "p")
    with_predictions, left = importer._with_predictions, []

    def meanwhile(project, report):
        importer.finish_left(project)  # as the worker does
        left.extend((project.folder / "imports").iterdir())
        return with_predictions(project, report)

    monkeypatch.setattr(importer, "_with_predictions", meanwhile)
    assert import_source(project, path).predictions == (("Prodigy", 1, 0),)
    assert len(left) == 1


def test_predictions_that_a_crash_left_are_stored_by_the_next_look(tmp_path: Path, monkeypatch) -> None:
    path = written(tmp_path, "a.jsonl", [{"text": "five", "label": "good", "score": 0.25, "_task_hash": 1}])
    project = new_project(tmp_path / "p")
    with monkeypatch.context() as broken:
        broken.setattr(importer, "_with_predictions", lambda project, report: report)
        import_source(project, path)
    with project.store() as store:
        assert importer.is_left(store)
    importer.finish_left(project)
    with project.store() as store:
        assert [model.n for model in store.foreign.all()] == [1]
    with project.store() as store:
        assert not importer.is_left(store)


@pytest.mark.parametrize("text", ['[{"data": {"text": "a"}}, {"data"', '[{"data": {"text": "a"}}, ' + "[" * 100_000])
def test_a_broken_array_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError, match="JSON"):
        list(read(written(tmp_path, "a.json", text)))


def test_the_ids_of_imports_are_nobody_elses(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    (item,) = add_texts(project, ["one"])
    with project.store() as store:
        (receipt,) = store.answers.add("ann", [Answer("import:1", item, "label", "good")])
    assert not receipt.ok


# ---------------------------------------------------------------- a format that somebody names


LINES = [{"text": "one", "label": ["A"]}, {"text": "two", "label": []}]  # of doccano's kind, without its numbers


def test_a_file_is_read_as_the_format_that_is_named_and_else_as_a_table(tmp_path: Path):
    path = written(tmp_path, "lines.jsonl", LINES)
    assert recognise(path) is None
    rows = [row for row in read(path, SourceColumns(format="doccano")) if isinstance(row, Row)]
    assert [(row.text, row.labels) for row in rows] == [("one", ("A",)), ("two", None)]
    prodigy = written(tmp_path, "tasks.jsonl", PRODIGY)
    assert recognise(prodigy, SourceColumns(format="table")) is None


def test_a_folder_with_files_of_two_formats_is_of_the_one_that_is_named(tmp_path: Path):
    written(tmp_path, "tasks.jsonl", PRODIGY)
    lines = written(tmp_path, "lines.jsonl", [{"id": 1, **line} for line in LINES])
    assert recognise(tmp_path) is None
    assert recognise(tmp_path, SourceColumns(format="doccano")).path == lines
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        for path in tmp_path.glob("*.jsonl"):
            archive.write(path, path.name)
    assert preview(tmp_path / "both.zip", SourceColumns(format="doccano")).title == "doccano"


@pytest.mark.parametrize(
    ("name", "columns", "words"),
    [
        ("tasks.jsonl", SourceColumns(format="argilla"), "tasks.jsonl is no file of Argilla, but a file of Prodigy."),
        (
            "lines.jsonl",
            SourceColumns(format="ris"),
            "lines.jsonl is no file of RIS, but a table with the columns text, label.",
        ),
        (".", SourceColumns(format="table"), " is no table, but a file of Prodigy."),
        ("lines.jsonl", SourceColumns(text="text", format="doccano"), "leave out the column 'text'"),
        (
            "lines.jsonl",
            SourceColumns(format="excel"),
            "There is no format 'excel' of files that are read: name one of",
        ),
    ],
)
def test_a_wrong_format_is_refused_with_what_was_found(tmp_path: Path, name: str, columns: SourceColumns, words: str):
    written(tmp_path, "tasks.jsonl", PRODIGY)
    written(tmp_path, "lines.jsonl", LINES)
    with pytest.raises(SourceError) as refused:
        recognise(tmp_path / name, columns)
    assert words in str(refused.value)
