"""A project with another head than the linear ones: its rounds, predictions and reproduction, and what it cannot do."""

from dataclasses import replace

import pandas as pd
import pytest

from labeler import Project
from labeler.core.errors import LabelerError
from labeler.core.settings import LearnerConfig
from labeler.explain.attribution import explain
from labeler.explain.lime import explain_locally
from labeler.jobs.explanations import load
from labeler.jobs.searches import TuningRequest, ask
from labeler.models.publish import publish
from labeler.models.reproduce import reproduce
from labeler.projects import project as projects
from tests.learner.test_estimators import NEAREST
from tests.support.samples import reviews

TRUE = dict(reviews(60))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a project whose learner is a file of its own, after a round that trained it."""
    project = Project.create(tmp_path_factory.mktemp("heads") / "films", ["good", "bad"])
    (project.folder / "mine.py").write_text(NEAREST)
    learner = LearnerConfig(backbone="char_tfidf", head="mine.py:Nearest", head_parameters={"sharpness": 9.0})
    query = replace(project.settings.query, strategy="bald", seed_size=4, batch=4)
    project.settings = replace(project.settings, learner=learner, query=query)
    project.import_(pd.DataFrame(reviews(60), columns=["text", "kind"]), label="kind", keep_labels="holdout")
    project.run_round()
    for item in project.next_items("kim", n=12):
        project.answer("kim", item, TRUE[item.text])
    project.run_round()
    return project.folder


def test_its_rounds_are_measured_and_it_predicts_new_texts(folder):
    project = Project(folder)
    assert project.curve()["accuracy"].iloc[-1] > 0.5
    predicted = project.predict(["a warm and funny film"])
    assert predicted["p(good)"].iloc[0] + predicted["p(bad)"].iloc[0] == pytest.approx(1)


def test_it_is_trained_again_from_its_card_with_the_same_probabilities(folder):
    assert reproduce(projects.open_project(folder), 2).difference == 0


def test_what_needs_a_linear_head_says_so_in_one_sentence(folder, tmp_path):
    project = projects.open_project(folder)
    with pytest.raises(LabelerError, match="cannot be published, since it is no network"):
        publish(project, tmp_path / "out")
    with project.store() as store:
        loaded = load(project, store, folder / "models" / "round-0002.safetensors")
    with pytest.raises(LabelerError, match="cannot be looked into, since it is not linear; a local explanation"):
        explain(loaded.model, loaded.encoder, "a warm film")
    assert len(explain_locally(loaded.model, loaded.encoder, "a warm film").weights)
    with pytest.raises(LabelerError, match="A search varies the fine-tuning beside linear heads"):
        ask(project, TuningRequest(), "kim")
