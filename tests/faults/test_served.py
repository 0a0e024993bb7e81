"""Annotators answer while a real `labeler serve` is hurt: what was acknowledged is stored once, and nothing else is.

`python -m bench.soak` does the same for minutes, with every fault (docs/benchmarks/faults.md).
"""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.soak.annotators import Annotator, flush, run
from bench.soak.check import recovers, settle, verdict
from bench.soak.faults import FAULTS
from bench.soak.home import PROCESSES, Home, home
from tests.support.server import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("faults")
    (folder / "home").mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LABELER_HOME", str(folder / "home"))
        with home(folder / "home", folder, items=400, batch=20) as served:
            served.wait()
            wait_for(lambda: all(served.process(name) for name in PROCESSES))
            yield served


@pytest.fixture(scope="module")
def people(served: Home) -> list[Annotator]:
    return [Annotator(f"annotator{n}", served, served.ports[0], random.Random(n)) for n in range(3)]


@contextmanager
def hurt_by(fault: str, served: Home, people: list[Annotator]) -> Iterator[None]:
    stop = threading.Event()
    attacker = threading.Thread(target=FAULTS[fault], args=(served, people, random.Random(1), stop))
    attacker.start()
    yield
    stop.set()
    attacker.join()


def assert_all_is_well(served: Home, people: list[Annotator]) -> None:
    flush(people, 60)
    assert settle(served, 90)
    result = verdict(served, people)
    assert result.is_good, result


@pytest.mark.parametrize("fault", ["locked database", "failing fsync", "clock forward and back"])
def test_what_was_acknowledged_is_stored_once_whatever_requests_meet(fault, served, people):
    before = verdict(served, people)
    with hurt_by(fault, served, people), hurt_by(next(n for n in FAULTS if n.startswith("requests")), served, people):
        run(people, 1.0, 0.05)
    assert_all_is_well(served, people)
    assert verdict(served, people).acknowledged > before.acknowledged


def test_processes_that_are_killed_lose_no_answer_and_no_round(served, people):
    before = verdict(served, people)
    with served.project.store() as store:
        store.rounds.request("a round to be cut off")
    killed = [served.process(name) for name in PROCESSES]
    worker = threading.Thread(target=run, args=(people, 2.0, 0.05))
    worker.start()
    for process in killed:
        process.kill()
    worker.join()
    assert_all_is_well(served, people)
    after = verdict(served, people)
    assert after.acknowledged > before.acknowledged
    assert after.rounds > before.rounds
    assert {served.process(name) for name in PROCESSES}.isdisjoint(killed)


def test_broken_features_and_models_are_made_again(served, people):
    project = served.project
    for path in [p for f in (project.embeddings, project.models) if f.is_dir() for p in f.rglob("*") if p.is_file()]:
        half = path.stat().st_size // 2
        path.write_bytes(path.read_bytes()[:half] + b"\xff\xff\xff\xff\n" * (half // 5))
    assert recovers(served, 90)
    assert_all_is_well(served, people)
