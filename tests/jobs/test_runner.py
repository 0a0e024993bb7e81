"""The process for jobs beside the rounds: what the next one is told of how the last one ended, and what comes of it."""

import signal
from types import SimpleNamespace
from typing import Any

import pytest

from labeler.core.errors import DamagedError
from labeler.core.jobs import AdaptationRequest
from labeler.core.memory import at_a_time
from labeler.jobs import runner
from labeler.jobs.runner import JobProcess, JobProcesses, run_next
from labeler.store import Store


@pytest.mark.parametrize(
    ("code", "kills", "ended"),
    [
        (-signal.SIGKILL, 0, "outside"),
        (-signal.SIGKILL, 1, "memory"),
        (-signal.SIGSEGV, 0, "crashed"),
        (1, 0, "crashed"),
    ],
)
def test_the_next_process_is_told_how_the_last_one_ended(project, monkeypatch, code, kills, ended):
    told, counted = [], iter([7, 7 + kills, 7 + kills])
    monkeypatch.setattr(runner, "memory_kills", lambda: next(counted))

    def process(target, args):
        told.append(args[-1])
        return SimpleNamespace(start=lambda: None, is_alive=lambda: False, exitcode=code)

    monkeypatch.setattr(runner.multiprocessing, "get_context", lambda kind: SimpleNamespace(Process=process))
    jobs = JobProcess((), lambda store: True)
    jobs.start_if_asked(project)
    jobs.start_if_asked(project)
    assert told == ["outside", ended]  # whoever ended the process before the first is not known


def test_how_the_last_process_ended_counts_for_the_job_that_it_left(project, monkeypatch):
    with project.store() as store:
        store.adaptations.request(AdaptationRequest(), "kim")
        store.adaptations.claim()
    seen = []
    token = runner._ended.set("crashed")

    def work(project, store, job, tell):
        seen.append(job.crashes)
        return {}

    run_next(project, lambda store: store.adaptations, work)
    runner._ended.reset(token)
    assert seen == [1]


def test_work_that_is_short_of_memory_is_tried_again_with_smaller_batches(project):
    with project.store() as store:
        store.adaptations.request(AdaptationRequest(), "kim")
    sizes = []

    def work(project, store: Store, job, tell):
        sizes.append(at_a_time(16))
        if job.halvings < 2:
            raise MemoryError
        return {}

    while run_next(project, lambda store: store.adaptations, work):
        pass
    assert sizes == [16, 8, 4]


def test_trouble_with_the_disk_or_the_database_is_no_crash_of_the_job(project, monkeypatch):
    monkeypatch.setattr(runner, "FOR_DISK", 0)
    for quiet in ("end_with_parent", "yield_to_others", "set_up", "act_as"):
        monkeypatch.setattr(runner, quiet, lambda *_: None)
    monkeypatch.setattr(runner.signal, "signal", lambda *_: None)

    def run(project):
        raise DamagedError("{path} is damaged: {error}", path="labels.sqlite", error="malformed")

    runner._run_waiting_jobs(project.folder, (run,), "outside")


def test_a_job_that_hangs_holds_up_neither_the_others_of_its_project_nor_other_projects(project, monkeypatch):
    started = []

    def process(target, args):
        started.append(args[0])
        return SimpleNamespace(start=lambda: None, is_alive=lambda: True, exitcode=None)

    monkeypatch.setattr(runner.multiprocessing, "get_context", lambda kind: SimpleNamespace(Process=process))
    other: Any = SimpleNamespace(folder=project.folder.parent / "other", store=project.store)
    processes = JobProcesses(lambda project: True, lambda store: 2, most=4)
    for _ in range(3):
        for each in (project, other):
            processes.start_if_asked(each)
    assert started == [project.folder, other.folder] * 2  # each has two jobs, and no job has two processes
