"""Hooks of other packages are called after each round, and cannot harm it."""

import re
import sys
import types
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labeler.jobs import hooks
from labeler.jobs.rounds import work_once
from tests.support.fill import add_labeled
from tests.support.machine import ROOT


@pytest.fixture
def filled(project):
    with project.store() as store:
        add_labeled(store, 50, holdout=20)
        store.rounds.request("import")
    return project


def install(monkeypatch, **functions: Any) -> None:
    module = types.ModuleType("our_hooks")
    for name, function in functions.items():
        setattr(module, name, function)
    monkeypatch.setitem(sys.modules, "our_hooks", module)
    points = [EntryPoint(name, f"our_hooks:{name}", hooks.GROUP) for name in functions]
    monkeypatch.setattr(hooks, "entry_points", lambda group: [p for p in points if p.group == group])


def test_every_hook_is_told_of_a_finished_round(filled, monkeypatch):
    calls: list[tuple[str, Any, Any]] = []
    install(
        monkeypatch,
        second=lambda project, finished: calls.append(("second", project, finished)),
        first=lambda project, finished: calls.append(("first", project, finished)),
    )
    assert work_once(filled)
    assert [name for name, *_ in calls] == ["first", "second"]
    (_, project, finished), _ = calls
    assert project.folder == filled.folder
    assert (finished.number, finished.labels, finished.metrics.n) == (1, 30, 20)


def test_a_hook_that_fails_is_logged_and_the_round_and_the_other_hooks_go_on(filled, monkeypatch, caplog):
    calls: list[int] = []

    def broken(project: object, finished: object) -> None:
        raise RuntimeError("the tracker is down")

    install(monkeypatch, a_broken=broken, b_sound=lambda project, finished: calls.append(finished.number))
    assert work_once(filled)
    assert calls == [1]
    assert "the hook our_hooks:a_broken failed after round 1" in caplog.text
    assert "the tracker is down" in caplog.text
    with filled.store() as store:
        assert store.rounds.latest_job().state == "done"


def test_the_example_for_mlflow_logs_a_round(filled, monkeypatch):
    """The example of the documentation, with a tracker that notes what it is told."""
    logged: dict[str, Any] = {}

    class Run:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    tracker = SimpleNamespace(
        set_experiment=lambda name: logged.update(experiment=name),
        start_run=lambda run_name: logged.update(run=run_name) or Run(),
        log_params=lambda values: logged.update(params=values),
        log_metrics=lambda values, step: logged.update(metrics=values, step=step),
        log_artifact=lambda path: logged.update(artifact=Path(path).exists()),
    )
    monkeypatch.setitem(sys.modules, "mlflow", tracker)
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    exec(re.search(r"```python\n(# our_tracking\.py\n.*?)```", page, re.DOTALL)[1], names)
    install(monkeypatch, mlflow=names["log_round"])
    assert work_once(filled)
    assert (logged["experiment"], logged["run"], logged["step"], logged["artifact"]) == ("Reviews", "round 1", 30, True)
    assert logged["metrics"].keys() == {"accuracy", "low", "high"}
