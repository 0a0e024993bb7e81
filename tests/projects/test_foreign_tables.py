"""Tables with predictions: which columns hold them, how an item is found, and what cannot be read."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from labeler.core.errors import SourceError
from labeler.core.settings import LearnerConfig
from labeler.files.sources import SourceColumns
from labeler.projects import project as projects
from labeler.projects.exporter import Export, export_labels
from labeler.projects.foreign_columns import PredictionColumns, proposed
from labeler.projects.foreign_tables import import_predictions, predictions_in
from labeler.projects.importer import import_source
from labeler.projects.project import Project
from tests.support.samples import reviews, text_config, topics_config

GPT = PredictionColumns("GPT-like", "4", "predicted", "probability")


@pytest.fixture
def texts(tmp_path, project: Project):
    """A table of eight texts, which are imported."""
    path = tmp_path / "films.csv"
    pd.DataFrame(reviews(8), columns=["text", "label"]).to_csv(path, index=False)
    import_source(project, path, SourceColumns(text="text"))
    return path


def said(project: Project) -> dict[str, tuple[str, float]]:
    """What the newest model says, by the text of the item."""
    with project.store() as store:
        texts = {item.id: item.text for item in store.items.all()}
        of = store.foreign.of(store.foreign.all()[0], list(texts))
    labels = zip(of.labels, of.confidence.tolist(), strict=True)
    return {texts[item]: (label, share) for item, (label, share) in zip(of.items.tolist(), labels, strict=True)}


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "jsonl", "parquet"])
def test_predictions_stand_in_a_table_beside_the_text(tmp_path, project: Project, texts, suffix):
    path = tmp_path / f"gpt.{suffix}"
    rows = [(f"  {text} ", "good", 0.75) for text, _ in reviews(3)] + [("another film", "bad", 0.5)]
    frame = pd.DataFrame(rows, columns=["text", "predicted", "probability"])
    match suffix:
        case "csv":
            frame.to_csv(path, index=False)
        case "xlsx":
            frame.to_excel(path, index=False)
        case "jsonl":
            frame.to_json(path, orient="records", lines=True)
        case _:
            frame.to_parquet(path)
    (added,) = import_predictions(project, path, GPT)
    assert said(project) == {text: ("good", 0.75) for text, _ in reviews(3)}
    assert (added.n, added.left_out) == (3, 1)
    (problem,) = added.problems
    assert problem.source.startswith(f"gpt.{suffix} row ")
    with project.store() as store:
        assert store.items.counts().pool + store.items.counts().holdout == 8  # no row became an item


def test_the_columns_of_an_own_export_are_read_back(tmp_path, project: Project, texts):
    out = tmp_path / "labels.csv"
    export_labels(project, out, Export("items"))
    frame = pd.read_csv(out)
    frame["p(good)"], frame["p(bad)"], frame["text"] = 0.3, 0.7, "edited"
    frame.to_csv(out, index=False)
    columns = proposed(list(frame.columns), project.config, "GPT-like")
    assert columns is not None
    assert (columns.predicted, columns.key, columns.proba) == ("", "item_id", {"good": "p(good)", "bad": "p(bad)"})
    import_predictions(project, out, columns)
    assert [*said(project).values()] == [("bad", pytest.approx(0.7))] * 8


def test_an_export_has_columns_for_each_model_where_that_is_asked_for(tmp_path, project: Project, texts):
    path = tmp_path / "gpt.csv"
    pd.DataFrame({"item_id": [1, 3], "predicted": ["good", "bad"], "probability": [0.75, None]}).to_csv(path)
    for version in ("4", "5"):
        columns = replace(GPT, version=version, key="item_id", found_by="item_id")
        import_predictions(project, path, columns)
    out = tmp_path / "items.jsonl"
    export_labels(project, out, Export("items", other_models=True))
    frame = pd.read_json(out, lines=True).set_index("item_id")
    assert frame.loc[[1, 3], "predicted by GPT-like 5"].tolist() == ["good", "bad"]
    assert frame.loc[1, "probability by GPT-like 4"] == 0.75
    assert frame["predicted by GPT-like 4"].notna().sum() == 2
    export_labels(project, out, Export("items"))
    assert not [name for name in pd.read_json(out, lines=True).columns if "GPT-like" in name]


def test_items_are_found_by_where_they_came_from(tmp_path, project: Project, texts):
    path = tmp_path / "gpt.csv"
    pd.DataFrame({"source": ["films.csv row 2", "films.csv row 99"], "pred": ["good", "bad"]}).to_csv(path, index=False)
    columns = proposed(["source", "pred"], project.config, "GPT-like")
    assert columns == PredictionColumns("GPT-like", "", "pred", key="source", found_by="source")
    (added,) = import_predictions(project, path, columns)
    assert [*said(project)] == [reviews(1)[0][0]]
    assert [problem.source for problem in added.problems] == ["gpt.csv row 3"]


def test_images_are_found_by_their_content(tmp_path):
    project = projects.create(tmp_path / "pictures", text_config(modality="image", learner=LearnerConfig()))
    folder = tmp_path / "scans"
    folder.mkdir()
    for n in range(3):
        Image.new("L", (8, 8), 40 * n).save(folder / f"{n}.png")
    import_source(project, folder)
    frame = pd.DataFrame({"image": ["0.png", "2.png", "9.png"], "predicted": "good"})
    frame.to_csv(folder / "gpt.csv", index=False)
    columns = PredictionColumns("GPT-like", predicted="predicted", key="image", found_by="image")
    (added,) = import_predictions(project, folder / "gpt.csv", columns)
    assert (added.n, [problem.source for problem in added.problems]) == (2, ["gpt.csv row 4"])


def read(project: Project, tmp_path: Path, cells: dict[str, object], columns: PredictionColumns) -> Any:
    """The prediction in the only row of a table, or why there is none."""
    path = tmp_path / "one.jsonl"
    pd.DataFrame([{"item_id": 1} | cells]).to_json(path, orient="records", lines=True)
    (row,) = predictions_in(project, path, columns)
    return row


def test_cells_hold_names_probabilities_or_nothing(tmp_path, project: Project):
    by_id = PredictionColumns("m", "", "says", "sure", {"good": "p(good)", "bad": "p(bad)"}, "item_id", "item_id")

    def cells(says: str, sure: object = "", good: object = "", bad: object = "", item: object = 1) -> Any:
        row = {"item_id": item, "says": says, "sure": sure, "p(good)": good, "p(bad)": bad}
        return read(project, tmp_path, row, by_id)

    assert cells("good", "75%").confidence == 0.75
    most_probable = cells("", "", 0.4, 0.6)
    assert (most_probable.labels, most_probable.probabilities) == (("bad",), {"good": 0.4, "bad": 0.6})
    assert (cells("bad: 0.8; good: 0.2").labels, cells('{"bad": 0.8}').probabilities) == (("bad",), {"bad": 0.8})
    assert cells("good", "", 0.4, 0.6).labels == ("good",)  # what it says counts
    assert cells("").reason == "has no prediction"
    assert "where a probability belongs" in cells("good", "very").reason
    assert "number of an item" in cells("good", item="first").reason
    assert "number of an item" in cells("good", item="9" * 5000).reason


def test_cells_of_several_classes(tmp_path):
    project = projects.create(tmp_path / "several", topics_config())
    by_id = PredictionColumns("m", "", "says", key="item_id", found_by="item_id")
    assert read(project, tmp_path, {"says": "배송; 환불"}, by_id).labels == ("배송", "환불")
    assert read(project, tmp_path, {"says": "[]"}, by_id).labels == ()
    assert read(project, tmp_path, {"says": "배송: 0.9; 환불: 0.3"}, by_id).labels == ("배송",)


def test_a_column_that_is_not_there_is_named(tmp_path, project: Project, texts):
    with pytest.raises(SourceError, match="no column 'probability'; its columns are 'text', 'label'"):
        import_predictions(project, texts, PredictionColumns("m", predicted="label", probability="probability"))


def test_nothing_is_proposed_where_no_column_is_named_so():
    assert proposed(["text", "label", "p(good)"], text_config()) is None


def test_a_process_of_its_own_reads_hostile_tables(project: Project, texts):
    columns = PredictionColumns("m", predicted="label", key="text", found_by="text")
    (added,) = import_predictions(project, texts, columns, apart=True)
    assert added.n == 8
