"""The other tools' own readers and writers, where they are installed: they read what is written here, and the reverse.

Prodigy is sold and cannot be installed here: the keys of its tasks are as remembered from its documentation
(prodi.gy/docs/api-interfaces, "Annotation interfaces": `choice`, and prodi.gy/docs/api-database, "Task format").
"""

import json
from pathlib import Path
from typing import Any

import pytest

from labeler.files.sources import Row
from labeler.formats.label_studio import CONFIGURATION
from labeler.formats.recognise import read, recognise
from labeler.projects.importer import import_source
from labeler.projects.other_tools import export_for
from tests.support.tools import CLASSES, everything, facts, new_project

pytestmark = pytest.mark.thorough


# ---------------------------------------------------------------- Hugging Face


@pytest.mark.parametrize("answers", ["one", "several"])
def test_datasets_loads_what_is_written(tmp_path: Path, answers: Any) -> None:
    datasets = pytest.importorskip("datasets")
    export_for(everything(tmp_path / "p", "text", answers), tmp_path / "out", "hugging-face")
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert (loaded["train"].num_rows, loaded["test"].num_rows) == (5, 3)
    label = loaded["train"].features["label"]
    assert tuple((label.feature if answers == "several" else label).names) == CLASSES
    assert sorted(answer["annotator"] for answer in loaded["test"][0]["answers"]) == ["ann", "bob"]


def test_datasets_loads_the_images(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    export_for(everything(tmp_path / "p", "image"), tmp_path / "out", "hugging-face")
    files = [str(path) for path in (tmp_path / "out" / "data").glob("*.parquet")]
    rows = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert rows[0]["image"].size == (8, 8)


def test_datasets_loads_the_folder_of_images(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    export_for(everything(tmp_path / "p", "image"), tmp_path / "out", "image-folder")
    loaded = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    labels = loaded["test"].features["label"]
    assert sorted(labels.int2str(loaded["test"]["label"])) == ["bad", "good"]
    assert loaded["train"].num_rows == 1


@pytest.mark.parametrize("several", [False, True])
def test_what_datasets_saves_is_imported(tmp_path: Path, several: bool) -> None:
    datasets = pytest.importorskip("datasets")
    label = datasets.ClassLabel(names=list(CLASSES))
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.Sequence(label) if several else label}
    )

    def part(*labels: int) -> Any:
        rows = {"text": [f"text {n} of {labels}" for n in labels], "label": [[n] if several else n for n in labels]}
        return datasets.Dataset.from_dict(rows, features=features)

    datasets.DatasetDict({"train": part(0, 1, 2), "test": part(1)}).save_to_disk(str(tmp_path / "saved"))
    part(0, 2).to_parquet(str(tmp_path / "one.parquet"))
    project = new_project(tmp_path / "p", answers="several" if several else "one")
    report = import_source(project, tmp_path / "saved")
    assert (report.added, report.labels_added, report.holdout) == (4, 4, 1)
    assert import_source(project, tmp_path / "one.parquet").labels_added == 2


# ---------------------------------------------------------------- Label Studio


@pytest.mark.parametrize(("modality", "answers"), [("text", "one"), ("text", "several"), ("image", "one")])
def test_label_studios_converter_reads_what_is_written(tmp_path: Path, modality: Any, answers: Any) -> None:
    converter = pytest.importorskip("label_studio_sdk.converter")
    utils = pytest.importorskip("label_studio_sdk.converter.utils")
    export_for(everything(tmp_path / "p", modality, answers), tmp_path / "out", "label-studio")
    configuration = (tmp_path / "out" / CONFIGURATION).read_text(encoding="utf-8")
    parsed = utils.parse_config(configuration)
    assert parsed["label"]["type"] == "Choices"
    assert parsed["label"]["labels"] == list(CLASSES)
    tool = converter.Converter(configuration, str(tmp_path), download_resources=False)
    tool.convert_to_json_min(str(tmp_path / "out" / "tasks.json"), str(tmp_path / "min"), is_dir=False)
    tool.convert_to_csv(str(tmp_path / "out" / "tasks.json"), str(tmp_path / "csv"), is_dir=False, sep=",")
    (minimal,) = (tmp_path / "min").glob("*.json")
    chosen = [str(row["label"]) for row in json.loads(minimal.read_text(encoding="utf-8")) if "label" in row]
    assert "bad" in " ".join(chosen)
    (table,) = (tmp_path / "csv").glob("*.csv")
    assert "label" in table.read_text(encoding="utf-8").splitlines()[0]


# ---------------------------------------------------------------- Argilla


def test_argilla_reads_what_is_written_and_writes_what_is_read(tmp_path: Path) -> None:
    argilla = pytest.importorskip("argilla")
    export_for(everything(tmp_path / "p"), tmp_path / "out", "argilla")
    written = json.loads((tmp_path / "out" / "records.json").read_text(encoding="utf-8"))
    records = [argilla.Record.from_dict(record) for record in written]
    assert [response.value for response in records[0].responses["label"]] == ["good", "good"]
    again = tmp_path / "again.json"
    again.write_text(json.dumps([record.to_dict() for record in records]), encoding="utf-8")
    assert recognise(again).format.name == "argilla"
    rows = [row for row in read(again) if isinstance(row, Row)]
    assert sorted(answer.annotator for answer in rows[0].answers) == ["ann", "bob"]


# ---------------------------------------------------------------- RIS


def test_rispy_reads_what_is_written_and_writes_what_is_read(tmp_path: Path) -> None:
    rispy = pytest.importorskip("rispy")
    export_for(everything(tmp_path / "p"), tmp_path / "out", "ris")
    entries = rispy.loads((tmp_path / "out" / "references.ris").read_text(encoding="utf-8"))
    assert len(entries) == 8
    assert "labeler_label: good" in entries[0]["notes"]
    path = tmp_path / "again.ris"
    entry = {"type_of_reference": "JOUR", "title": "Sleep", "abstract": "Nine.", "notes": ["ASReview_relevant"]}
    path.write_text(rispy.dumps([entry]), encoding="utf-8")
    (row,) = read(path)
    assert isinstance(row, Row)
    assert (row.text, row.labels) == ("Sleep\n\nNine.", ("relevant",))


# ---------------------------------------------------------------- Prodigy


TASK: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "options": list,
    "accept": list,
    "answer": str,
    "meta": dict,
    "_view_id": str,
    "_annotator_id": str,
    "_timestamp": int,
    "_input_hash": int,
    "_task_hash": int,
}


def test_tasks_have_the_keys_of_prodigy(tmp_path: Path) -> None:
    export_for(everything(tmp_path / "p"), tmp_path / "tasks.jsonl", "prodigy")
    lines = [json.loads(line) for line in (tmp_path / "tasks.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 9  # an answer each, and the items that nobody has answered
    for line in lines:
        for key, value in line.items():
            if key != "labeler":
                assert isinstance(value, TASK[key]), key
        assert line.get("answer", "accept") in ("accept", "reject", "ignore")
        assert {*line.get("accept", ())} <= {option["id"] for option in line["options"]}


# ---------------------------------------------------------------- COCO


def test_pycocotools_loads_what_is_written_and_what_it_loads_is_imported(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    before = everything(tmp_path / "p", "image")
    export_for(before, tmp_path / "out", "coco")
    loaded = coco.COCO(str(tmp_path / "out" / "annotations.json"))
    assert tuple(category["name"] for category in loaded.loadCats(loaded.getCatIds())) == CLASSES
    assert len(loaded.getImgIds()) == 8
    (tmp_path / "out" / "annotations.json").write_text(json.dumps(loaded.dataset), "utf-8")
    after = new_project(tmp_path / "after", "image")
    assert import_source(after, tmp_path / "out").added == 8
    assert facts(after)["images"] == facts(before)["images"]
