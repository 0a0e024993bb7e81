"""A project on a server is used as one in a folder: the same methods, the same results, the same notebook."""

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import labeler
from labeler.access import api_tokens
from labeler.client import AsyncProject, session
from labeler.client.project import Project as ServedProject
from labeler.client.records import round_of
from labeler.client.verbs import Verbs
from labeler.core.errors import LabelerError
from labeler.core.rounds import Metrics
from labeler.core.settings import LearnerConfig
from labeler.jobs import imports
from labeler.notebook.project import Project
from labeler.projects import project as projects
from tests.support.notebook import run_notebook
from tests.support.samples import reviews
from tests.support.server import serving
from tests.support.warm_processes import simulate_in_this_process

pytestmark = pytest.mark.slow
TRUE = dict(reviews(60))


def public(kind: type) -> dict[str, Any]:
    return {name: value for name, value in vars(kind).items() if not name.startswith("_")}


def taken_by(method: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    """The parameters of a method, but for itself: names, kinds and defaults."""
    method = inspect.unwrap(getattr(method, "__func__", method))
    return [(p.name, p.kind, p.default) for p in inspect.signature(method).parameters.values()][1:]


def test_both_kinds_of_projects_have_the_same_methods_which_take_and_give_the_same():
    ours, served = public(Project), public(ServedProject)
    assert served.keys() - ours.keys() == {"picture"}
    assert ours.keys() <= served.keys()
    for name, method in ours.items():
        if not isinstance(method, property):
            assert taken_by(method) == taken_by(served[name]), name
            mine, theirs = (inspect.signature(getattr(kind, name)) for kind in (Project, ServedProject))
            if name != "create":
                assert mine.return_annotation == theirs.return_annotation, name
    assert taken_by(Project.__init__) == taken_by(ServedProject.__init__)


def test_each_verb_can_be_waited_for_and_awaited():
    verbs = public(Verbs).keys()
    assert verbs - {"save"} <= public(ServedProject).keys()
    assert verbs <= public(AsyncProject).keys()


def films(place: str | Path) -> Project:
    """Sixty films whose pool waits for answers; the holdout's labels were imported."""
    project = Project.create(place, ["good", "bad"], name="Films")
    query = replace(project.settings.query, seed_size=4, batch=4, strategy="margin")
    project.settings = replace(project.settings, query=query, learner=LearnerConfig(backbone="char_tfidf"))
    frame = pd.DataFrame(reviews(60), columns=["text", "kind"]).assign(year=2020)
    report = project.import_(frame, label="kind", keep_labels="holdout")
    assert (report.added, report.problems, report.columns) == (60, (), ("year",))
    return project


def labeled(project: Project) -> Project:
    project.run_round()
    for item in project.next_items("kim", n=12):
        project.answer("kim", item, TRUE[item.text], seconds=1.5)
    project.run_round()
    return project


def test_a_project_gives_the_same_in_a_folder_and_on_a_server(server, tmp_path):
    here, there = labeled(films(tmp_path / "films")), labeled(films(f"{server}/films"))
    assert isinstance(there, ServedProject)
    assert repr(there) == f"labeler.Project('{server}/films')"
    assert there.settings == here.settings
    first, second = here.curve(), there.curve()
    same = ["round", "labels", "accuracy", "low", "high", "holdout", "strategy", "backbone"]
    pd.testing.assert_frame_equal(first[same], second[same])
    assert first.dtypes.to_dict() == second.dtypes.to_dict()
    chosen = ["item_id", "split", "text", "label", "annotator", "year"]
    pd.testing.assert_frame_equal(here.export()[chosen], there.export()[chosen])
    assert [*here.export()] == [*there.export()]
    table = pd.DataFrame({"number": [7, 8, 9], "text": ["a warm film", " ", "a dull film"], "label": ["bad", "x", "y"]})
    pd.testing.assert_frame_equal(here.predict(table), there.predict(table), check_exact=False)
    assert there.predict(table).attrs["problems"] == ["table.csv row 3: is empty"]
    assert here.status() == there.status()
    for project in (here, there):
        assert project.preview_classes("rename", ["good"], ["fine"])["classes"] == ["fine", "bad"]
        assert project.change_classes("rename", ["good"], ["fine"]) == ("fine", "bad")


def test_a_file_that_is_not_there_is_named_before_anything_is_sent(server, tmp_path):
    project = Project.create(f"{server}/films", ["good", "bad"])
    with pytest.raises(LabelerError, match="does not exist"):
        project.import_(tmp_path / "nothing.csv")


def test_a_round_of_a_server_of_another_version_is_read():
    metrics = {"n": 9, "accuracy": 0.5, "low": 0.2, "high": 0.8, "macro_f1": 0.4, "of a later version": 1}
    summary = round_of({"number": 3, "labels": 20, "strategy": "margin", "metrics": metrics})
    assert summary.metrics == Metrics(9, 0.5, 0.2, 0.8, 0.4)


def test_an_export_is_streamed_into_a_file_and_counted(server, tmp_path):
    project = films(f"{server}/films")
    for suffix in ("csv", "jsonl", "parquet", "xlsx"):
        assert project.write(tmp_path / f"items.{suffix}", "items") == 60
    with pytest.raises(LabelerError, match="tells no format"):
        project.write(tmp_path / "items")
    with pytest.raises(LabelerError, match="cannot be written"):
        project.write(tmp_path / "no" / "items.csv")


def test_files_for_another_tool_come_from_the_server_as_a_file_and_as_a_folder(server, own_home, tmp_path):
    project, here = films(f"{server}/films"), Project(own_home / "films")
    for name in ("tasks.zip", "tasks"):
        written = project.write_for("label-studio", tmp_path / name)
        assert written == here.write_for("label-studio", tmp_path / f"here-{name}")
        assert written.items == 60
    assert {path.name for path in (tmp_path / "tasks").iterdir()} == {
        path.name for path in (tmp_path / "here-tasks").iterdir()
    }
    with pytest.raises(LabelerError, match="is there already"):
        project.write_for("label-studio", tmp_path / "tasks")
    with pytest.raises(LabelerError, match=r"cannot end in \.csv"):
        project.write_for("label-studio", tmp_path / "tasks.csv")


def test_an_import_that_is_interrupted_is_cancelled(server, own_home, monkeypatch):
    project = films(f"{server}/films")

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(imports, "start", lambda project: None)
    monkeypatch.setattr(session.time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        project.import_(pd.DataFrame({"text": ["one more"]}))
    with projects.open_project(own_home / "films").store() as store:
        assert [job.state for job in store.import_jobs.all()] == ["cancelled", "done"]


def test_refusals_have_the_sentence_of_the_server(server):
    project = films(f"{server}/films")
    with pytest.raises(LabelerError, match="The answer was refused"):
        project.answer("kim", 999, "good")
    with pytest.raises(LabelerError, match="is already a project"):
        Project.create(f"{server}/films", ["good", "bad"])
    with pytest.raises(LabelerError, match="There is no project 'films2' here"):
        Project(f"{server}/films2")
    with pytest.raises(LabelerError, match="no column"):
        project.import_(pd.DataFrame(reviews(2), columns=["text", "kind"]), label="label")
    with pytest.raises(LabelerError, match="unknown or has ended"):
        Project(f"{server}/films", token="labeler_wrong")
    with pytest.raises(LabelerError, match="names no project"):
        Project(server)


def test_the_server_may_stand_in_the_environment(server, monkeypatch):
    Project.create(f"{server}/films", ["good", "bad"])
    monkeypatch.setenv("LABELER_SERVER", server)
    assert ServedProject("films").classes == ("good", "bad")


def test_strategies_are_compared_on_the_server(server, tmp_path, monkeypatch):
    simulate_in_this_process(monkeypatch)
    project = films(f"{server}/films")
    with pytest.raises(LabelerError, match="own labels are too few"):
        project.compare(["margin"])
    pd.DataFrame(reviews(80), columns=["text", "kind"]).to_csv(tmp_path / "known.csv", index=False)
    compared = project.compare(["margin"], tmp_path / "known.csv", label="kind", runs=1, rounds=1)
    assert compared.words.startswith("One run of each strategy tells nothing about chance")
    assert set(compared.table["strategy"]) == {"margin", "random"}


def test_a_project_is_used_by_code_that_awaits(server):
    films(f"{server}/films")

    async def use() -> tuple[int, int]:
        async with AsyncProject(f"{server}/films") as project:
            await project.run_round()
            items = await project.next_items("kim", n=3)
            await asyncio.gather(*(project.answer("kim", item, TRUE[item.text]) for item in items))
            return len(items), (await project.status())["labels_spent"]

    assert asyncio.run(use()) == (3, 3)


@pytest.mark.parametrize("where", ["folder", "server"])
def test_the_notebook_runs(server, tmp_path, monkeypatch, where):
    monkeypatch.chdir(tmp_path)
    check(run_notebook(f"{server}/digits" if where == "server" else None), where)


@pytest.mark.thorough
def test_the_notebook_runs_on_a_server_of_its_own(own_home, tmp_path, monkeypatch):
    """With its own worker, over the network's loopback."""
    monkeypatch.chdir(tmp_path)
    own_home.mkdir()
    with serving(own_home) as served:
        monkeypatch.setenv("LABELER_TOKEN", api_tokens.signed("kim", "a test", "administer", ["*"], 1))
        check(run_notebook(f"{served.url}/digits"), "server")


def check(names: dict[str, Any], where: str) -> None:
    """What the notebook has found out."""
    assert isinstance(names["project"], ServedProject if where == "server" else labeler.Project)
    assert len(names["curve"]) >= 4
    assert names["curve"]["accuracy"].iloc[-1] > 0.3
    assert len(names["answers"]) > 0
    assert len(names["predictions"]) > 0
    assert names["predictions"]["label"].isin([str(digit) for digit in range(10)]).all()
    assert names["margin"](names["candidates"], 2, np.random.default_rng(0)).tolist() == [1, 2]
