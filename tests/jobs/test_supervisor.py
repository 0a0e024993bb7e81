"""`labeler serve`: says what is wrong, restarts what dies, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
from functools import partial

import psutil
import pytest

from labeler.core.errors import LabelerError
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


def children(pid: int) -> dict[str, int]:
    process_ids = {}
    for child in psutil.Process(pid).children():
        if child.status() == psutil.STATUS_ZOMBIE:
            continue
        process_ids[next((name for name in ("worker", "explainer") if name in child.cmdline()), "app")] = child.pid
    return process_ids


def test_what_dies_is_started_again_and_all_end_together(project, own_home):
    with serving(own_home) as server:
        wait_for(lambda: {"app", "worker", "explainer"} <= set(children(server.process.pid)))
        before = children(server.process.pid)

        def is_new(name: str) -> bool:
            return children(server.process.pid).get(name) not in (None, before[name])

        for name in ("worker", "explainer"):
            os.kill(before[name], signal.SIGKILL)
            wait_for(partial(is_new, name))
        with project.store() as store:
            store.rounds.request("retrain now")
        # the new worker takes the job: with nothing imported it fails, and says why
        with project.store() as store:
            wait_for(lambda: store.rounds.latest_job().state == "failed")
        assert children(server.process.pid)["app"] == before["app"]


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
