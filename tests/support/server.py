"""A real `labeler serve`, which can be killed."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.machine import ROOT, environment


def wait_for(what: Callable[[], object], seconds: float = 60) -> None:
    """Wait until `what` is true; fail if it never is."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@dataclass
class Server:
    """A running `labeler serve`."""

    url: str
    process: subprocess.Popen

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as reply:
                return reply.status == 200
        except OSError:
            return False

    def kill_app(self, if_there: bool = False) -> None:
        """SIGKILL the process that serves pages and API; `serve` starts it again."""
        self.kill("streamlit", if_there)

    def kill(self, word: str, if_there: bool = False) -> None:
        """SIGKILL the process with this word in its command; `serve` starts it again."""
        for child in psutil.Process(self.process.pid).children():
            if word in child.cmdline():
                os.kill(child.pid, signal.SIGKILL)
                child.wait()
                return
        assert if_there, f"there is no {word} to kill"


@contextmanager
def serving(home: Path, *options: str, below: str = "", variables: dict[str, str] | None = None) -> Iterator[Server]:
    """A server for the time of a block.

    Args: options: of `labeler serve`. below: the path that --base-path gives. variables: of its environment.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "labeler", "serve", str(home), "--port", str(port), *options]
    with (home.parent / "serve.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(home) | (variables or {}), stdout=log, stderr=log)
    server = Server(f"http://127.0.0.1:{port}{below}", process)
    try:
        wait_for(server.answers)
        yield server
    finally:
        children = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        process.wait(30)
        assert not [c for c in children if c.is_running() and c.status() != psutil.STATUS_ZOMBIE]
