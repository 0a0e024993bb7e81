"""The best model on what is not in the project."""

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from labeler.cli import main
from labeler.core.errors import LabelerError, SourceError
from labeler.core.settings import Config, DicomConfig
from labeler.files.sources import SourceColumns
from labeler.jobs.rounds import work_once
from labeler.learner.model import LinearHeads
from labeler.learner.saved_models import load
from labeler.models import cards
from labeler.models.inference import predict_unseen
from labeler.projects import project as projects
from labeler.projects.importer import import_source
from tests.support.samples import reviews, text_config
from tests.support.scan_files import write_dicom


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A project of labeled sentences after a round."""
    folder = tmp_path_factory.mktemp("texts")
    project = projects.create(folder / "films", text_config())
    table = folder / "films.csv"
    pd.DataFrame(reviews(120), columns=["text", "label"]).to_csv(table, index=False)
    import_source(project, table, SourceColumns(text="text", label="label"))
    assert work_once(project)
    return project


def test_new_texts_of_a_table_and_of_lines(texts, tmp_path):
    (tmp_path / "new.csv").write_text("id,text\n1,a warm and lovely film\n2,\n3,a dull and ugly film\n")
    (tmp_path / "new.txt").write_text("a witty and superb film\n\na bland and awful film\n")
    found = predict_unseen(texts, [tmp_path / "new.csv", tmp_path / "new.txt"])
    assert [row["label"] for row in found.rows()] == ["good", "bad", "good", "bad"]
    assert found.sources == ["new.csv row 2", "new.csv row 4", "new.txt line 1", "new.txt line 3"]
    assert [str(p) for p in found.problems] == ["new.csv row 3: is empty"]
    np.testing.assert_allclose(found.proba.sum(axis=1), 1)
    first = found.rows()[0]
    assert first["probability"] == max(first["p(good)"], first["p(bad)"]) == first["p(good)"]
    with texts.store() as store:
        assert len(store.items.all()) == 120  # nothing was stored


def test_it_says_what_the_model_says_of_its_own_items(texts, tmp_path):
    """The same probabilities as in the round: the card names a model that reads the same features."""
    with texts.store() as store:
        items = [item for item in store.items.all() if item.split == "holdout"]
        [trained] = store.rounds.all()
    (tmp_path / "again.txt").write_text("\n".join(item.text for item in items))
    found = predict_unseen(texts, [tmp_path / "again.txt"])
    with texts.store() as store:
        truth = store.items.labels()
    right = [row["label"] == truth[item.id] for row, item in zip(found.rows(), items, strict=True)]
    assert np.mean(right) == pytest.approx(trained.metrics.accuracy)
    card = cards.load(texts.folder / trained.model)
    assert (card.round, card.labels, card.metrics["accuracy"]) == (1, trained.labels, trained.metrics.accuracy)
    assert card.config["classes"] == ["good", "bad"]
    model = load(texts.folder / trained.model)
    assert isinstance(model, LinearHeads)
    assert model.n_classes == 2


def test_the_command_writes_a_table_or_lines_of_json(texts, tmp_path):
    (tmp_path / "new.txt").write_text("a warm and lovely film\n")
    arguments = ["predict", str(texts.folder), str(tmp_path / "new.txt")]
    table = CliRunner().invoke(main, arguments)
    assert table.exit_code == 0, table.output
    [row] = pd.read_csv(io.StringIO(table.stdout)).to_dict("records")
    assert (row["source"], row["input"], row["label"]) == ("new.txt line 1", "a warm and lovely film", "good")
    lines = CliRunner().invoke(main, [*arguments, "--format", "jsonl"]).stdout
    assert json.loads(lines)["p(good)"] == row["p(good)"]


def test_without_a_model_it_says_so(project, tmp_path):
    (tmp_path / "new.txt").write_text("a film\n")
    with pytest.raises(LabelerError, match="There is no model yet"):
        predict_unseen(project, [tmp_path / "new.txt"])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.csv", None, "does not exist"),
        ("empty.txt", "\n", "nothing to predict"),
        ("korean.txt", "영화".encode("cp949"), "not UTF-8"),
        ("scan.png", "no picture", "this project is about texts"),
    ],
)
def test_bad_input_is_named(texts, tmp_path, name, content, says):
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SourceError, match=says):
        predict_unseen(texts, [tmp_path / name])


def test_a_model_of_another_backbone_is_not_asked(texts, tmp_path):
    (tmp_path / "new.txt").write_text("a film\n")
    with texts.store() as store:
        path = cards.card_path(texts.folder / store.rounds.all()[-1].model)
    before = path.read_text()
    try:
        path.write_text(json.dumps(json.loads(before) | {"encoder": "another"}))
        with pytest.raises(LabelerError, match="trained with another backbone"):
            predict_unseen(texts, [tmp_path / "new.txt"])
    finally:
        path.write_text(before)


def test_predictions_are_over_the_classes_of_today(texts, tmp_path):
    (tmp_path / "new.txt").write_text("a warm and lovely film\n")
    before = predict_unseen(texts, [tmp_path / "new.txt"])
    later = projects.Project(texts.folder, text_config(classes=("bad", "so-so", "good")))
    after = predict_unseen(later, [tmp_path / "new.txt"])
    assert after.classes == ("bad", "so-so", "good")
    assert after.rows()[0]["label"] == "good"
    good, bad = before.proba[0]
    np.testing.assert_array_equal(after.proba, [[bad, 0, good]])


def coloured(colour: str, seed: int) -> np.ndarray:
    """(32, 32, 3) bytes of one colour with noise."""
    noise = np.random.default_rng(seed).integers(0, 60, (32, 32, 3))
    return (np.array({"red": (190, 0, 0), "blue": (0, 0, 190)}[colour]) + noise).astype(np.uint8)


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    """A project of red and blue images after a round."""
    folder = tmp_path_factory.mktemp("images")
    for name in ("red", "blue"):
        (folder / "train" / name).mkdir(parents=True)
        for i in range(12):
            Image.fromarray(coloured(name, i)).save(folder / "train" / name / f"{i}.png")
    config = Config("Colours", ("red", "blue"), learner=text_config().learner.__class__(input_size=32))
    project = projects.create(folder / "colours", config)
    import_source(project, folder / "train")
    assert work_once(project)
    return project


def test_new_images_alone_in_a_folder_and_in_a_zip(colours, tmp_path):
    (tmp_path / "new").mkdir()
    Image.fromarray(coloured("red", 99)).save(tmp_path / "new" / "a.png")
    (tmp_path / "new" / "b.png").write_bytes(b"no picture")
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as archive:
        buffer = io.BytesIO()
        Image.fromarray(coloured("blue", 98)).save(buffer, "PNG")
        archive.writestr("deep/c.png", buffer.getvalue())
    found = predict_unseen(colours, [tmp_path / "new" / "a.png", tmp_path / "new", tmp_path / "new.zip"])
    assert [row["label"] for row in found.rows()] == ["red", "red", "blue"]
    assert len(found.problems) == 1
    assert "b.png" in str(found.problems[0])


def test_the_slices_of_a_series_are_one_row_from_a_folder_a_zip_and_single_files(colours, tmp_path):
    (tmp_path / "scan").mkdir()
    for number, colour in enumerate(("red", "blue", "red")):
        place: dict[str, Any] = {"ImagePositionPatient": [0, 0, number], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        values = coloured(colour, number)
        write_dicom(tmp_path / "scan" / f"{number}.dcm", values, SeriesInstanceUID="1.2", **place)
    files = sorted((tmp_path / "scan").iterdir())
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        for path in files:
            archive.write(path, path.name)
        archive.write(files[1], "alone/1.dcm")
    found = predict_unseen(colours, [tmp_path / "scan", tmp_path / "scan.zip", *files])
    assert not found.problems
    assert [row["label"] for row in found.rows()] == ["red", "red", "blue", "red"]
    np.testing.assert_array_equal(found.proba[[1, 3]], found.proba[[0, 0]])
    apart = replace(colours, config=replace(colours.config, dicom=DicomConfig(stacks=False)))
    assert len(predict_unseen(apart, files).proba) == 3
