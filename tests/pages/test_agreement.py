"""The Progress page's part on agreement, from what an audit found."""

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from labeler.core.jobs import AuditRequest
from labeler.core.settings import LabelingConfig, TeamConfig
from labeler.projects import project as projects
from labeler.quality.findings import people
from tests.support.pages import everything
from tests.support.samples import text_config


def script(folder: str) -> None:
    from pathlib import Path

    from labeler.projects.project import open_project
    from pages.progress.agreement import agreement

    agreement(open_project(Path(folder)))


def rows(overlap: bool) -> list[tuple[int, str, str, float | None]]:
    """Three people and 80 items; cy says the opposite of half of them, and answers one in no time."""
    rng, answers = np.random.default_rng(0), []
    for item in range(80):
        for name in ("ann", "bob", "cy") if overlap else (["ann", "bob", "cy"][item % 3],):
            right = name != "cy" or rng.random() < 0.5
            seconds = 0.05 if (name, item) == ("cy", 5) else float(rng.lognormal(1, 0.2))
            answers.append((item, name, ("good", "bad")[(item % 2) == right], seconds))
    return answers


def show(own_home, audit: dict | None, user: str = "lead", **changes) -> AppTest:
    project = projects.create(own_home / "reviews", text_config(team=TeamConfig(leads=("lead",)), **changes))
    if audit is not None:
        with project.store() as store:
            store.audits.request(AuditRequest(1), "test")
            job = store.audits.claim()
            store.audits.finish(job.id, json.loads(json.dumps(audit)))
    app = AppTest.from_function(script, default_timeout=30, args=(str(project.folder),))
    app.session_state["annotator"] = user
    app.run()
    assert not app.exception, app.exception
    return app


def audit_of(overlap: bool = True) -> dict:
    proba = np.where(np.eye(2)[np.arange(80) % 2] > 0, 0.8, 0.2)
    return {"consensus": people(rows(overlap), np.arange(80), proba, text_config())}


def test_before_the_first_audit_it_says_what_will_be_there(own_home):
    assert "after each round" in everything(show(own_home, None))


@pytest.mark.parametrize(("overlap", "advice"), [(1, "Project"), (2, "assigned to several people")])
def test_without_overlap_it_says_how_to_get_some(own_home, overlap, advice):
    app = show(own_home, audit_of(False), labeling=LabelingConfig(overlap=overlap))
    assert "Of the 80 items with answers, none has been answered by two people yet." in everything(app)
    assert advice in everything(app)


@pytest.mark.slow
def test_figures_have_intervals_and_a_word_on_what_they_mean(own_home):
    app = show(own_home, audit_of())
    text = everything(app)
    assert "Answered by several 80" in text
    assert text.count("95%:") == 3
    assert "People often disagree" in text
    assert "cy: 1 of 80 answers" in text
    assert len(app.get("vega_lite_chart")) == 1  # of two classes alpha says it all; by pair
    assert app.dataframe[0].value["annotator"].tolist()[0] == "cy"


def test_annotators_see_their_own_row_and_no_pairs(own_home):
    app = show(own_home, audit_of(), user="ann")
    assert app.dataframe[0].value["annotator"].tolist() == ["ann"]
    assert "cy" not in everything(app)
    assert not app.get("vega_lite_chart")


def test_what_the_team_does_not_show_is_not_shown(own_home):
    project = projects.create(own_home / "other", text_config(team=TeamConfig(show=("items",))))
    with project.store() as store:
        store.audits.request(AuditRequest(1), "test")
        store.audits.finish(store.audits.claim().id, audit_of())
    app = AppTest.from_function(script, default_timeout=30, args=(str(project.folder),)).run()
    assert not app.dataframe
    assert "much faster" not in everything(app)
