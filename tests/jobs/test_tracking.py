"""Each round is written to the project's trackers: in order, none twice, and what one missed later."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from labeler.events import trackers
from labeler.events.run_facts import RunFacts
from labeler.jobs import tracking
from labeler.jobs.rounds import work_once
from tests.support.fill import add_labeled


@pytest.fixture
def tracked(project):
    """A project with one round, whose rounds go to TensorBoard."""
    with project.store() as store:
        add_labeled(store, 50, holdout=20)
        store.rounds.request("import")
    assert work_once(project)
    return project.save(replace(project.config, tracking=replace(project.config.tracking, to=("tensorboard",))))


def rounds_again(project) -> None:
    with project.store() as store:
        store.rounds.request("again")
    assert work_once(project)


def test_a_tracker_gets_the_rounds_that_it_lacks_in_order_and_none_twice(tracked, monkeypatch):
    taken: list[RunFacts] = []
    monkeypatch.setattr(tracking, "track", lambda tracker, facts: taken.append(facts))
    rounds_again(tracked)
    assert tracking.track_once(tracked)
    assert [facts.round for facts in taken] == [1, 2]
    facts = taken[0]
    assert (facts.labels, facts.figures["holdout"]) == (30, 20)
    assert facts.figures["low"] <= facts.figures["accuracy"] <= facts.figures["high"]
    assert {path.suffix for path in facts.files} == {".safetensors", ".json"}
    with tracked.store() as store:
        assert not tracking.is_due(store)
    assert not tracking.track_once(tracked)


def test_a_tracker_that_fails_is_tried_again_after_a_pause_and_then_gets_all(tracked, monkeypatch):
    def refuse(tracker, facts):
        raise trackers.TrackerError("{tracker} took no round: {error}", tracker="TensorBoard", error="no disk")

    monkeypatch.setattr(tracking, "track", refuse)
    assert tracking.track_once(tracked)
    with tracked.store() as store:
        assert not tracking.is_due(store)
        assert "no disk" in str(store.tracked.problem("tensorboard"))
    clock = tracking.time.time() + tracking.PAUSE + 1
    monkeypatch.setattr(tracking.time, "time", lambda: clock)
    taken: list[int] = []
    monkeypatch.setattr(tracking, "track", lambda tracker, facts: taken.append(facts.round))
    assert tracking.track_once(tracked)
    assert taken == [1]
    with tracked.store() as store:
        assert store.tracked.problem("tensorboard") == ""


def test_a_tracker_that_is_not_installed_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(trackers.TrackerError, match=r"MLflow is not installed .*labeler\[tracking\]"):
        trackers.track("mlflow", facts(Path()))


def facts(folder: Path, number: int = 1, files: tuple[Path, ...] = ()) -> RunFacts:
    figures = {"accuracy": 0.8, "low": 0.7, "high": 0.9}
    return RunFacts("a1b2", "reviews", folder, number, 20 * number, figures, {"query.batch": 20}, files)


def test_mlflow_has_one_run_a_project_with_figures_by_labels_and_the_model(tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri(f"file://{tmp_path}/runs")
    model = tmp_path / "round-0001.safetensors"
    model.write_bytes(b"weights")
    for number in (1, 2):
        trackers.track("mlflow", facts(tmp_path, number, (model,)))
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("reviews")
    (run,) = client.search_runs([experiment.experiment_id])
    assert [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "low")] == [(20, 0.7), (40, 0.7)]
    kept = {artifact.path for artifact in client.list_artifacts(run.info.run_id, "round-0002")}
    assert kept == {"round-0002/round-0001.safetensors", "round-0002/settings.json"}


def test_tensorboard_has_the_figures_by_labels(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for number in (1, 2):
        trackers.track("tensorboard", facts(tmp_path, number))
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(e.step, round(e.value, 3)) for e in events.Scalars("high")] == [(20, 0.9), (40, 0.9)]


def test_weights_and_biases_keeps_a_run_offline(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    trackers.track("wandb", facts(tmp_path))
    (run,) = (tmp_path / "wandb").glob("offline-run-*")
    (log,) = run.glob("*.wandb")
    assert "a1b2" in log.name
    assert log.stat().st_size > 0
