"""How a worker ended: what `labeler serve` makes of its exit code, and the next worker of what it is told."""

import signal
from pathlib import Path

import pytest

from labeler.jobs.endings import VARIABLE, PreviousProcess, ending_of, memory_kills


@pytest.mark.parametrize(
    ("code", "kills", "ending"),
    [
        (-signal.SIGKILL, 0, "outside"),
        (-signal.SIGKILL, 1, "memory"),
        (-signal.SIGTERM, 0, "outside"),
        (0, 0, "outside"),
        (-signal.SIGSEGV, 0, "crashed"),
        (-signal.SIGABRT, 0, "crashed"),
        (1, 0, "crashed"),
        (3, 1, "crashed"),  # what the system ended was another process
    ],
)
def test_an_exit_code_says_who_ended_a_process(code, kills, ending):
    assert ending_of(code, kills) == ending


def test_the_system_counts_what_it_ends_for_want_of_memory(tmp_path, monkeypatch):
    counter = tmp_path / "memory.events"
    counter.write_text("low 0\noom 4\noom_kill 3\noom_group_kill 0\n")
    monkeypatch.setattr("labeler.jobs.endings._COUNTERS", (tmp_path / "none", counter))
    assert memory_kills() == 3


@pytest.mark.parametrize(("told", "ending"), [("crashed", "crashed"), ("memory", "memory"), ("", "outside")])
def test_the_next_worker_is_told_once_for_each_project(told, ending):
    previous = PreviousProcess({VARIABLE: told})
    assert [previous.ending(Path(name)) for name in "aba"] == [ending, ending, None]
