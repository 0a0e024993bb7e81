"""`labeler.Project`, and the notebook of the documentation."""

from dataclasses import replace

import pandas as pd
import pytest

import labeler
from labeler import Project
from labeler.core.errors import ConfigError, LabelerError, ProjectError, SourceError
from labeler.core.settings import LearnerConfig
from tests.support.samples import reviews
from tests.support.warm_processes import simulate_in_this_process


@pytest.fixture
def films(tmp_path):
    """A project of sixty films whose pool waits for answers; the holdout's labels were imported."""
    project = Project.create(tmp_path / "films", ["good", "bad"], name="Films")
    query = replace(project.settings.query, seed_size=4, batch=4, strategy="margin")
    project.settings = replace(project.settings, query=query, learner=LearnerConfig(backbone="char_tfidf"))
    frame = pd.DataFrame(reviews(60), columns=["text", "kind"]).assign(year=2020)
    report = project.import_(frame, label="kind", keep_labels="holdout")
    assert (report.added, report.problems) == (60, ())
    return project


TRUE = dict(reviews(60))


def test_a_project_is_labeled_trained_measured_and_used_from_python(films, tmp_path):
    assert films.run_round().metrics is None  # no labels yet
    items = films.next_items("kim", n=12)
    assert len({item.id for item in items}) == 12
    for item in items:
        films.answer("kim", item, TRUE[item.text], seconds=1.5)
    latest = films.run_round()
    assert (latest.number, latest.labels) == (2, len([i for i in items if i.id in pool_ids(films)]))
    assert latest.metrics.n == 9
    curve = films.curve()
    assert curve["round"].tolist() == [1, 2]
    assert curve["accuracy"].iloc[-1] == latest.metrics.accuracy
    answers = films.export(tmp_path / "labels.csv")
    assert set(answers.loc[answers["annotator"] == "kim", "label"]) == {"good", "bad"}
    assert (tmp_path / "labels.csv").exists()


def pool_ids(project: Project) -> set[int]:
    answers = project.export()
    return set(answers.loc[answers["split"] == "pool", "item_id"])


def test_predictions_keep_the_columns_of_the_table(films):
    films.run_round()
    for item in films.next_items("kim", n=12):
        films.answer("kim", item, TRUE[item.text])
    films.run_round()
    texts = ["a warm and funny film", "a dull and cold film"]
    table = pd.DataFrame({"number": [7, 8], "text": texts, "label": ["bad", "good"]})
    predictions = films.predict(table)
    assert predictions["number"].tolist() == [7, 8]
    assert predictions["label"].tolist() == ["good", "bad"]
    assert predictions["metadata.label"].tolist() == ["bad", "good"]
    assert predictions["p(good)"].iloc[0] == pytest.approx(predictions["probability"].iloc[0])
    assert films.predict(["a superb and witty film"])["label"].tolist() == ["good"]


def test_an_item_is_skipped_and_answered_anew(films):
    films.run_round()
    (item,) = films.next_items("kim")
    films.answer("kim", item, None)
    films.answer("kim", item.id, "bad")
    answers = films.export()
    assert answers.loc[answers["annotator"] == "kim", ["action", "label"]].to_numpy().tolist() == [["label", "bad"]]


def test_several_classes_an_item_are_a_list(tmp_path):
    project = Project.create(tmp_path / "letters", ["late", "refund"], answers="several")
    project.import_(pd.DataFrame({"text": ["one", "two"]}))
    project.answer("kim", 1, ["refund", "late"])
    project.answer("kim", 2, [])
    assert project.export()["label"].tolist() == [["late", "refund"], []]


def test_classes_are_changed_and_the_status_says_what_there_is(films):
    films.answer("kim", 1, "good")
    assert films.change_classes("rename", ["good"], ["fine"]) == ("fine", "bad")
    assert films.classes == ("fine", "bad")
    status = films.status()
    assert (status["pool"], status["holdout"], status["labels_spent"]) == (51, 9, 1)
    assert status["sentences"][0].startswith(f"{status['labeled']} pool labels + 9 holdout labels")
    with pytest.raises(LabelerError, match="To rename takes one class"):
        films.change_classes("rename", ["fine"])


def test_items_are_written_with_their_labels(films, tmp_path):
    assert films.write(tmp_path / "items", "items", "jsonl") == 60
    assert pd.read_json(tmp_path / "items", lines=True)["label"].notna().sum() == 9


@pytest.mark.parametrize(
    ("item", "label", "says"),
    [
        (1, "nice", "'nice' is not a label of this project: its classes are good, bad."),
        (1, ["good", "bad"], "is not a label of this project"),
        (999, "good", "there is no item 999"),
    ],
)
def test_an_answer_that_cannot_be_stored_is_refused(films, item, label, says):
    before = len(films.export())
    with pytest.raises(LabelerError, match=says):
        films.answer("kim", item, label)
    assert len(films.export()) == before


@pytest.mark.parametrize("name", ["import", "System"])
def test_nobody_works_under_a_reserved_name(films, name):
    for act in (lambda: films.next_items(name), lambda: films.answer(name, 20, "good")):
        with pytest.raises(LabelerError, match="is reserved"):
            act()


def test_a_round_that_cannot_run_says_why(tmp_path):
    project = Project.create(tmp_path / "empty", ["good", "bad"])
    with pytest.raises(LabelerError, match="import images or texts"):
        project.run_round()


def test_a_folder_that_is_no_project_and_classes_that_cannot_be_used_are_refused(tmp_path):
    with pytest.raises(ProjectError, match="is not a project"):
        Project(tmp_path)
    with pytest.raises(ConfigError, match="at least two names"):
        Project.create(tmp_path / "x", ["good"])


def test_the_package_names_what_it_has():
    with pytest.raises(AttributeError, match="'labeler' has no attribute 'Projekt'"):
        labeler.Projekt  # noqa: B018


def test_strategies_are_compared_in_words(films, tmp_path, monkeypatch):
    simulate_in_this_process(monkeypatch)
    with pytest.raises(SourceError, match="own labels are too few"):
        films.compare(["margin"])
    pd.DataFrame(reviews(80), columns=["text", "kind"]).to_csv(tmp_path / "known.csv", index=False)
    compared = films.compare(["margin"], tmp_path / "known.csv", label="kind", runs=1, rounds=1)
    assert compared.words.startswith("One run of each strategy tells nothing about chance")
    assert set(compared.table["strategy"]) == {"margin", "random"}
    assert repr(compared).startswith(compared.words)
