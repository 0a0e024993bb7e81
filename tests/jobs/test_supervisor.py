"""`labeler serve`: says what is wrong, restarts what dies, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
from functools import partial
from types import SimpleNamespace

import psutil
import pytest

from bench.desk.server import free_port
from labeler.access.serving import ON_THIS_MACHINE, Serving, behind_desk
from labeler.core.errors import LabelerError
from labeler.core.processes import STARTER
from labeler.core.running import running
from labeler.jobs import supervisor
from labeler.jobs.supervisor import serve
from tests.support.machine import environment
from tests.support.server import serving, wait_for

pytestmark = pytest.mark.slow


def test_a_taken_port_is_said(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(LabelerError, match="taken by another program"):
            serve(tmp_path, other.getsockname()[1])


@pytest.mark.parametrize(("address", "said"), [("0.0.0.0", "127.0.0.1"), ("::", "::1")])
def test_streamlit_is_told_an_address_so_that_it_asks_no_host_outside_for_one(tmp_path, address, said):
    command = supervisor._app_command(Serving(address=address), 8501, tmp_path)
    assert f"--browser.serverAddress={said}" in command


def test_several_processes_on_a_port_need_a_system_that_shares_its_connections_out(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor.sys, "platform", "darwin")
    with pytest.raises(LabelerError, match="needs Linux"):
        serve(tmp_path, free_port(), processes=2)


def test_the_app_listens_behind_several_processes_which_alone_know_its_secret(tmp_path):
    with supervisor._front(tmp_path, 8501, ON_THIS_MACHINE, 2) as front:
        assert [*front.commands] == ["app", "desk-1", "desk-2"]
        behind = behind_desk(front.variables)
        assert f"--server.port={behind.port}" in front.commands["app"]
        assert not any(behind.secret in word for command in front.commands.values() for word in command)
    with supervisor._front(tmp_path, 8501, ON_THIS_MACHINE, 1) as front:
        assert [*front.commands] == ["app"]
        assert "--server.port=8501" in front.commands["app"]
        assert front.variables == {}


def children(pid: int) -> dict[str, int]:
    process_ids = {}
    for child in psutil.Process(pid).children():
        if child.status() == psutil.STATUS_ZOMBIE:
            continue
        names = ("worker", "explainer", "keep")  # the last one checks and backs up from time to time
        process_ids[next((name for name in names if name in child.cmdline()), "app")] = child.pid
    return process_ids


def test_what_dies_is_started_again_and_all_end_together(project, own_home):
    with serving(own_home) as server:
        wait_for(lambda: {"app", "worker", "explainer"} <= set(children(server.process.pid)))
        before = children(server.process.pid)

        def is_new(name: str) -> bool:
            return children(server.process.pid).get(name) not in (None, before[name])

        for name in ("worker", "explainer"):
            os.kill(before[name], signal.SIGKILL)
            wait_for(partial(is_said_to_have_died, own_home, name))
            wait_for(partial(is_new, name))
        with project.store() as store:
            store.rounds.request("retrain now")
        # the new worker takes the job: with nothing imported it fails, and says why
        with project.store() as store:
            wait_for(lambda: store.rounds.latest_job().state == "failed")
        before |= children(server.process.pid)
        assert children(server.process.pid)["app"] == before["app"]

        os.kill(server.process.pid, signal.SIGKILL)  # nothing is left, and the port is free for the next one
        wait_for(lambda: not any(is_running(number) for number in before.values()), 30)
        with socket.socket() as next_one:
            next_one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            next_one.bind(("127.0.0.1", int(server.url.rpartition(":")[2])))


def is_running(number: int) -> bool:
    return psutil.pid_exists(number) and psutil.Process(number).status() != psutil.STATUS_ZOMBIE


class EndsSoon(threading.Event):
    """A wish to end that comes at the fourth look."""

    looks = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.looks += 1
        return self.looks > 3


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_worker_that_runs_elsewhere_is_not_started_and_is_waited_for(tmp_path, monkeypatch, elsewhere):
    started, shown = [], []

    def launched(command: list[str], **_: object) -> Mortal:
        started.append(command)
        return Mortal()

    monkeypatch.setattr(supervisor, "HEAD_START_SECONDS", -1.0)
    monkeypatch.setattr(supervisor.subprocess, "Popen", launched)
    monkeypatch.setattr(supervisor, "threading", SimpleNamespace(Event=EndsSoon))
    monkeypatch.setattr(supervisor.signal, "signal", lambda *_: None)
    monkeypatch.setattr(Mortal, "terminate", lambda self: None, raising=False)
    monkeypatch.setattr(Mortal, "wait", lambda self, *_: 0, raising=False)
    monkeypatch.setattr(supervisor.Board, "show", lambda self, states: shown.extend(states))
    serve(tmp_path, free_port(), worker_elsewhere=elsewhere)
    assert any("worker" in command for command in started) is not elsewhere
    assert {state.is_elsewhere for state in shown if state.name == "worker"} == {elsewhere}


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class Mortal:
    """As much of a process as a supervisor looks at; it runs until it is killed."""

    last: "Mortal"
    pid = 1
    returncode: int | None = None

    def __init__(self, *_: object, **__: object) -> None:
        Mortal.last = self

    def poll(self) -> int | None:
        return self.returncode


def waits(clock: Clock, child: supervisor.Child, lives: list[float]) -> list[float]:
    """How long the child waits before each restart, if it lives so many seconds each time."""
    waited = []
    for seconds in lives:
        clock.now += seconds
        Mortal.last.returncode = -signal.SIGKILL
        before, died = Mortal.last, clock.now
        while Mortal.last is before:
            child.keep_running()
            clock.now += 0.125
        waited.append(clock.now - 0.125 - died)
    return waited


def test_who_ran_well_is_back_at_once_however_often_it_is_killed(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(supervisor, "time", clock)
    monkeypatch.setattr(supervisor.subprocess, "Popen", Mortal)
    child = supervisor.Child("app", [], {})
    assert waits(clock, child, [17.0] * 10) == [0.5] * 10
    # one that cannot run is tried ever more rarely
    assert waits(clock, child, [0.125] * 7) == [1, 2, 4, 8, 16, 30, 30]
    assert waits(clock, child, [17.0, 0.125]) == [0.5, 1]


def is_said_to_have_died(home, name: str) -> bool:
    """Whether the page of the server reads that a process was killed."""
    return any(p.name == name and (p.ends, p.ended_how) == (1, "SIGKILL") for p in running(home).processes)


WATCHER = """
import time
from labeler.core.processes import parent_is_gone
gone = parent_is_gone()
print("gone already" if gone() else "watching", flush=True)
while not gone():
    time.sleep(0.01)
print("gone", flush=True)
"""

# Starts a watcher, passes on its first line, and dies.
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=sys.stdout)
sys.stdin.readline()
"""


def test_a_worker_notices_that_its_parent_is_gone(tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, WATCHER],
        env=environment(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout.readline() == "watching\n"
        parent.stdin.write("die\n")
        parent.stdin.close()
        assert parent.stdout.readline() == "gone\n"


def test_a_worker_whose_parent_ended_while_it_was_loading_notices_that(tmp_path):
    variables = environment(tmp_path) | {STARTER: "4194304"}  # above the highest number of a process
    watcher = subprocess.run([sys.executable, "-c", WATCHER], env=variables, capture_output=True, text=True, timeout=60)
    assert watcher.stdout.splitlines() == ["gone already", "gone"]
