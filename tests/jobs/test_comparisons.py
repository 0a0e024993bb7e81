"""Comparisons in the background: run beside the rounds, cancelled within seconds, ended with their worker."""

import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import psutil
import pytest
from click.testing import CliRunner

import strategies
from labeler.cli import main
from labeler.core.errors import LabelerError, SourceError
from labeler.core.items import NewItem
from labeler.core.jobs import ComparisonRequest
from labeler.files.sources import SourceColumns
from labeler.jobs import comparisons, imports, runner
from labeler.jobs.comparisons import ask, cancel, compare_once
from labeler.jobs.maps import state_of
from tests.support.gone_engine import GoneEngine
from tests.support.machine import ROOT, environment
from tests.support.samples import reviews
from tests.support.warm_processes import simulate_in_this_process

pytestmark = pytest.mark.slow

SHORT = ComparisonRequest(("margin",), seeds=2, rounds=2, batch=5, seed_size=6)
LONG = replace(SHORT, seeds=40, rounds=90, batch=2)  # minutes, if nobody ends it


def write_table(path, n: int = 240):
    pd.DataFrame(reviews(n), columns=["text", "label"]).to_csv(path, index=False)
    return str(path)


@pytest.fixture
def table(tmp_path):
    return write_table(tmp_path / "films.csv")


@pytest.fixture
def labeled(project):
    """A project with 120 labeled texts in the pool and 60 in the holdout."""
    with project.store() as store:
        store.items.add(
            [
                NewItem(f"{i:032x}", f"row {i}", text=text, split="holdout" if i % 3 == 0 else "pool", label=label)
                for i, (text, label) in enumerate(reviews(180))
            ]
        )
    return project


@pytest.fixture(autouse=True)
def no_processes(monkeypatch):
    """Simulations run in this process; those of real workers, below, in processes of their own."""
    simulate_in_this_process(monkeypatch)


def latest(project):
    with project.store() as store:
        return store.comparisons.all()[0]


def report_of(project):
    with project.store() as store:
        return store.comparisons.report_of(store.comparisons.all()[0].id)


def test_the_projects_own_labels_are_compared_on(labeled):
    ask(labeled, SHORT, "kim")
    assert compare_once(labeled)
    assert not compare_once(labeled)
    report = report_of(labeled)
    assert (report["dataset"]["pool"], report["dataset"]["holdout"]) == (120, 60)
    assert {(r["strategy"], r["seed"]) for r in report["runs"]} == {
        (s, i) for s in ("random", "margin") for i in (0, 1)
    }
    assert report["runs"][0]["labels"] == [6, 11, 16]
    assert report["config"]["learner"]["backbone"] == "char_tfidf"  # the project's


def test_a_comparison_waits_for_a_cluster_as_long_as_it_is_gone(labeled, monkeypatch):
    ask(labeled, SHORT, "kim")
    with monkeypatch.context() as patched:
        patched.setattr(runner, "engine_of", lambda _: GoneEngine())
        patched.setattr(runner, "FOR_ENGINE", 0.0)
        for _ in range(4):
            assert compare_once(labeled)
    assert (latest(labeled).state, latest(labeled).attempts) == ("queued", 0)
    assert compare_once(labeled)
    assert latest(labeled).state == "done"


def test_too_few_labels_of_its_own_are_refused_with_what_is_missing(project):
    with pytest.raises(SourceError, match=r"0 of the pool in 0 classes and 0 of the holdout; 100 in two"):
        ask(project, SHORT, "kim")
    assert not compare_once(project)


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (replace(SHORT, strategies=()), "No strategy is chosen"),
        (replace(SHORT, strategies=("marginn",), source="x.csv"), "marginn"),
        (replace(SHORT, source="/no/such/table.csv"), "does not exist on the server"),
    ],
)
def test_what_cannot_be_run_is_not_asked_for(project, request_, says):
    with pytest.raises((LabelerError, strategies.StrategyError), match=says):
        ask(project, request_, "kim")
    with project.store() as store:
        assert store.comparisons.all() == []


def test_a_table_on_the_server_is_compared_on_with_the_projects_own_strategy(project, table):
    project.strategies.mkdir()
    (project.strategies / "mine.py").write_text(
        "from strategies.base import scores\n@scores(needs='proba')\ndef mine(c, rng):\n    return c.proba[:, 0]\n"
    )
    ask(project, replace(SHORT, strategies=("mine",), source=table), "kim")
    compare_once(project)
    assert {row["strategy"] for row in report_of(project)["summary"]} == {"mine", "random"}


def test_an_upload_is_kept_until_the_comparison_has_ended(project, table):
    ask(project, replace(SHORT, source="films.csv"), "kim", Path(table))
    (kept,) = project.comparisons.rglob("films.csv")
    assert kept.read_bytes() == Path(table).read_bytes()
    compare_once(project)
    assert report_of(project)["dataset"]["name"] == "films"
    assert list(project.comparisons.iterdir()) == []


def test_a_zip_is_unpacked_and_the_table_in_it_found(project, table, tmp_path):
    with zipfile.ZipFile(tmp_path / "films.zip", "w") as archive:
        archive.write(table, "inner/films.csv")
    ask(project, replace(SHORT, source="films.zip"), "kim", tmp_path / "films.zip")
    compare_once(project)
    assert report_of(project)["dataset"]["items"] == 240


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [("films.doc", b"x", "unknown kind"), ("films.zip", b"x", "not a zip"), ("f.csv", b"", "empty")],
)
def test_an_upload_that_cannot_be_read_is_refused_and_not_kept(project, tmp_path, name, content, says):
    (tmp_path / "upload").write_bytes(content)
    with pytest.raises(SourceError, match=says):
        ask(project, replace(SHORT, source=name), "kim", tmp_path / "upload")
    assert list(project.comparisons.iterdir()) == []


def test_an_upload_of_a_cancelled_comparison_is_removed(project, tmp_path):
    (tmp_path / "upload").write_bytes(b"text,label\na,b\n")
    number = ask(project, replace(SHORT, source="films.csv"), "kim", tmp_path / "upload")
    assert cancel(project, number)
    assert list(project.comparisons.iterdir()) == []
    assert not compare_once(project)


def test_what_goes_wrong_is_said_and_the_next_one_runs(project, table):
    ask(project, replace(SHORT, source=table, label_column="kind"), "kim")
    compare_once(project)
    assert latest(project).state == "failed"
    assert "has no column 'kind'" in latest(project).error
    ask(project, replace(SHORT, source=table), "kim")
    compare_once(project)
    assert latest(project).state == "done"


def test_a_strategy_that_fails_midway_is_reported_by_file_and_line(project, table):
    project.strategies.mkdir()
    (project.strategies / "mine.py").write_text(
        "from strategies.base import scores\n@scores(needs='proba')\ndef mine(c, rng):\n    return c.probability\n"
    )
    ask(project, replace(SHORT, strategies=("mine",), source=table), "kim")
    compare_once(project)
    assert "mine.py, line 4" in latest(project).error


def test_one_that_is_cancelled_while_it_is_prepared_ends_before_it_compares(project, table, monkeypatch):
    from labeler.experiments import dataset, simulate

    number = ask(project, replace(SHORT, source=table), "kim")

    def cancelled_meanwhile(labeled, query, learner, cache, on_progress):
        with project.store() as store:
            store.comparisons.cancel(number)
        on_progress(1, 2)
        raise AssertionError("went on")

    monkeypatch.setattr(dataset, "load_task", cancelled_meanwhile)
    monkeypatch.setattr(simulate, "compare", lambda *_: pytest.fail("compared"))
    compare_once(project)
    assert latest(project).state == "cancelled"


def test_worker_once_runs_what_is_asked_for(labeled, own_home, tmp_path):
    ask(labeled, SHORT, "kim")
    table = tmp_path / "more.csv"
    table.write_text("text\na film that came later\n")
    imports.ask(labeled, table, SourceColumns())
    with labeled.store() as store:
        store.rounds.request("retrain now")
        store.maps.request(state_of(store), "kim")
    result = CliRunner().invoke(main, ["worker", str(own_home), "--once"])
    assert result.exit_code == 0, result.output
    assert latest(labeled).state == "done"
    assert not _has_work(labeled)
    with labeled.store() as store:
        assert [item.text for item in store.items.all()][-1] == "a film that came later"
        assert not store.maps.waiting()
        assert store.audits.latest_done() is not None


@pytest.mark.parametrize(
    ("seconds", "done", "total", "says"),
    [
        (5, 1, 100, "comparing"),
        (10, 10, 20, "less than a minute left"),
        (60, 10, 40, "about 3 min left"),
        (3600, 10, 40, "about 3.0 h left"),
    ],
)
def test_the_time_left_is_said_in_words(seconds, done, total, says):
    assert comparisons._time_left(seconds, done, total) == says


# ---------------------------------------------------------------- beside a real worker


def wait_for(what, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


@contextmanager
def worker(home):
    process = subprocess.Popen(
        [sys.executable, "-m", "labeler", "worker", str(home)],
        env=environment(home),
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def alive(processes) -> list[psutil.Process]:
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def family(process) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def simulating(process) -> list[psutil.Process]:
    """The spawned processes below the worker: what compares, and what it has simulate."""
    return [p for p in family(process) if "spawn_main" in " ".join(p.cmdline())]


@pytest.mark.thorough
def test_it_runs_beside_the_rounds_and_ends_when_it_is_cancelled_or_its_worker_is_killed(labeled, own_home, table):
    cancelled = ask(labeled, replace(LONG, source=table), "kim")
    with worker(own_home) as process:
        wait_for(lambda: latest(labeled).done > 0)
        assert not compare_once(labeled)  # the lock is held: nobody else runs the same comparison
        started = simulating(process)
        assert len(started) >= 2
        with labeled.store() as store:
            store.rounds.request("retrain now")
        wait_for(lambda: not _has_work(labeled))  # the round does not wait for the comparison
        assert latest(labeled).state == "running"
        with labeled.store() as store:
            assert len(store.rounds.all()) == 1
        assert cancel(labeled, cancelled)
        wait_for(lambda: not alive(started), 20)

        killed = ask(labeled, replace(LONG, source=table), "kim")  # the next one has its turn
        wait_for(lambda: latest(labeled).done > 0)
        started = family(process)
        process.kill()
        process.wait(30)
        wait_for(lambda: not alive(started), 20)
    assert latest(labeled).state == "running"
    with labeled.store() as store:
        assert [(c.id, c.state) for c in store.comparisons.all()] == [(killed, "running"), (cancelled, "cancelled")]
        again = store.comparisons.claim()  # the next worker takes it up
    assert (again.id, again.attempts) == (killed, 2)


def _has_work(project) -> bool:
    with project.store() as store:
        return store.rounds.waiting()


@pytest.mark.thorough
def test_it_ends_with_a_worker_that_is_asked_to_end(labeled, own_home, table):
    ask(labeled, replace(LONG, source=table), "kim")
    with worker(own_home) as process:
        wait_for(lambda: latest(labeled).done > 0)
        started = family(process)
        process.terminate()
        process.wait(30)
        wait_for(lambda: not alive(started), 20)
    assert latest(labeled).state == "running"
