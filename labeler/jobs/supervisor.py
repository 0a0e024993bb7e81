"""App, worker and explainer as processes of their own: each is restarted if it dies, and all end together.

With several processes on the port, those of the desk stand before the app: see `labeler.api.desk_process`.
"""

import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from labeler.access.serving import LOOPBACK, ON_THIS_MACHINE, BehindDesk, Serving, checked
from labeler.access.settings import OIDC_FILE
from labeler.core import lease
from labeler.core.errors import LabelerError
from labeler.core.jobs import Ending
from labeler.core.logs import keep_problems
from labeler.core.processes import STARTER
from labeler.core.running import METRICS_VARIABLE, Board, ProcessState, moment
from labeler.jobs.endings import VARIABLE, ending_of, memory_kills
from labeler.jobs.following import following
from labeler.jobs.keeper import Keeper, end_logs
from labeler.projects.backup_settings import home_settings
from labeler.projects.private_files import close_to_others
from labeler.projects.standby import StandbyError

log = logging.getLogger(__name__)

SCRIPT = "streamlit_app.py"
DESK = "labeler.api.desk_process"
PACKAGE = Path(__file__).resolve().parents[1]
# The app lies inside an installed package, and beside the package in a checkout.
APP_FOLDER = next(folder for folder in (PACKAGE / "app", PACKAGE.parent) if (folder / SCRIPT).is_file())

# The app has the cores to itself for so long, since a person may be waiting for the first page.
HEAD_START_SECONDS = 4.0
# A process that keeps dying is restarted ever more slowly, up to this; one that has run well begins anew.
FIRST_RESTART_SECONDS, SLOWEST_RESTART_SECONDS = 0.5, 30.0
WELL_AFTER_SECONDS = 5.0
# A port is free a moment after the one who had it was killed.
PORT_SECONDS = 2.0
LOOK_EVERY = 2.0  # seconds between two looks at the settings of the home
SHARED_MEMORY = Path("/dev/shm")  # a full disk of the home must not end who counts in files


class Child:
    """A process that is kept running."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.name, self.command, self.environment = name, command, environment
        self.delay = FIRST_RESTART_SECONDS
        self.ending: Ending = "outside"  # how it ended last, which the next one is told
        self.ends, self.ended_at, self.ended_how = 0, "", ""
        self.start()

    def start(self) -> None:
        self.started, self.memory_kills = time.monotonic(), memory_kills()
        self.process = subprocess.Popen(
            self.command,
            env=self.environment | {VARIABLE: self.ending, STARTER: str(os.getpid())},
            cwd=APP_FOLDER,  # Streamlit reads .streamlit/config.toml of its working directory
            stdout=subprocess.DEVNULL,  # Streamlit's own greeting; errors go to stderr
            start_new_session=True,  # Ctrl+C reaches this process alone, which then ends its children in order
        )
        self.since = moment()
        self.restart_at: float | None = None

    def state(self) -> ProcessState:
        """What the page of the server says of it."""
        is_there = self.process.poll() is None
        ended = (self.ends, self.ended_at, self.ended_how)
        return ProcessState(self.name, self.process.pid, self.since, is_there, *ended)

    def keep_running(self) -> None:
        if self.process.poll() is None:
            return
        if self.restart_at is None:
            if time.monotonic() - self.started > WELL_AFTER_SECONDS:
                self.delay = FIRST_RESTART_SECONDS
            self.ends, self.ended_at, self.ended_how = self.ends + 1, moment(), _how(self.process.returncode)
            log.warning(
                "The %s ended (exit code %s); it starts again in %.1f s.",
                self.name,
                self.process.returncode,
                self.delay,
                extra={"ids": {"process": self.name}},
            )
            self.ending = ending_of(self.process.returncode, memory_kills() - self.memory_kills)
            self.restart_at = time.monotonic() + self.delay
            self.delay = min(2 * self.delay, SLOWEST_RESTART_SECONDS)
        elif time.monotonic() >= self.restart_at:
            self.start()

    def pause(self) -> None:
        """End it until it is to be kept running again."""
        if self.restart_at != 0.0:
            self.stop()
            self.ending, self.restart_at = "outside", 0.0

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Guard:
    """Keeps the process running that copies the home to its standby, and says whether the home may be served."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home, self._environment = home, dict(environment)
        self.children: list[Child] = []  # that process, where the settings name a standby
        self._next_look, self._served = 0.0, True
        settings = self._settings = home_settings(home).standby
        (lease.require if settings.to and settings.lease else lease.lift)(home)

    def look(self) -> None:
        """Start the process, end it or start it again, as the settings say.

        Raises: StandbyError: somebody has taken over, and serves the home elsewhere.
        """
        if time.monotonic() > self._next_look:
            self._next_look = time.monotonic() + LOOK_EVERY
            self._follow_settings()
        for child in self.children:
            child.keep_running()
            state = following(self.home)
            if state and state.to == self._settings.to and state.taken_over:
                raise StandbyError(
                    "The standby in {folder} was taken over by {by} at {at}, and answers are stored there: this home is"
                    " not served any more.",
                    folder=state.to,
                    by=state.taken_over,
                    at=state.since,
                )

    def may_serve(self) -> bool:
        """Whether answers may be stored; a change is said once."""
        served = lease.holds(self.home)
        if served != self._served:
            self._served = served
            said = "is reached" if served else "is not reached: nothing is stored until it is"
            print(f"The standby in {self._settings.to} {said}.", flush=True)
        return served

    def _follow_settings(self) -> None:
        try:
            self._settings = home_settings(self.home).standby
        except LabelerError as error:
            log.error("%s", error)
            return
        if self._settings.to and not self.children:
            command = [sys.executable, "-m", "labeler", "follow", str(self.home), "--with-parent"]
            self.children.append(Child("standby", command, self._environment))
        elif not self._settings.to:
            for child in self.children:
                child.stop()
            self.children.clear()
            lease.lift(self.home)


def _how(code: int) -> str:
    """How a process ended, by its exit code: the name of the signal that ended it, or the code."""
    try:
        return signal.Signals(-code).name if code < 0 else str(code)
    except ValueError:  # a signal without a name
        return str(code)


@dataclass(frozen=True)
class Front:
    """The processes that answer requests, as names and commands, and what they find in their environment.

    ports: on which somebody listens once a browser is answered, with their addresses.
    """

    commands: dict[str, list[str]]
    variables: dict[str, str]
    ports: tuple[tuple[str, int], ...]

    def listens(self) -> bool:
        return all(_listens(address, port) for address, port in self.ports)


def serve(
    home: Path, port: int, wished: Serving = ON_THIS_MACHINE, processes: int = 1, worker_elsewhere: bool = False
) -> None:
    """Serve the app on `port` and run rounds for the projects in `home`, until a signal ends it.

    Args: wished: how the app is to be reached: on this machine alone if not given. processes: that answer the desk's
          requests; more than one stand before the app. worker_elsewhere: whether something else runs the worker.
    Raises: LabelerError: the port is taken, or the app cannot be reached so.
    """
    home = home.resolve()
    reached = checked(wished, home)
    _check_port(reached.address, port)
    home.mkdir(parents=True, exist_ok=True)
    _close_to_others(home)
    keep_problems(home, "serve")
    # The pages import each other as `pages.…`. uvicorn takes X-Forwarded-* from nobody: the perimeter does that.
    environment = os.environ | {"LABELER_HOME": str(home), "PYTHONPATH": _python_path(), "FORWARDED_ALLOW_IPS": ""}
    environment |= reached.as_environment()
    waiting = {
        name: [sys.executable, "-m", "labeler", name, str(home), "--with-parent"]
        for name in ("explainer", *(() if worker_elsewhere else ("worker",)))
    }
    elsewhere = [ProcessState("worker", 0, moment(), is_elsewhere=True)] if worker_elsewhere else []

    ending, began = threading.Event(), time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM):  # a flag, since make and the terminal may each send one
        signal.signal(number, lambda *_: ending.set())
    children: list[Child] = []
    greeted, board, keeper, guard = False, Board(home), Keeper(home, environment), Guard(home, environment)
    with _front(home, port, reached, processes) as front:
        try:
            while not ending.wait(0.2):
                guard.look()
                if guard.may_serve():
                    if not children:
                        children += [
                            Child(name, c, environment | front.variables) for name, c in front.commands.items()
                        ]
                        began = time.monotonic()
                    for child in children:
                        child.keep_running()
                    if waiting and time.monotonic() - began > HEAD_START_SECONDS:
                        name, command = waiting.popitem()
                        children.append(Child(name, command, environment))
                else:
                    for child in children:
                        child.pause()
                board.show([*(child.state() for child in (*children, *guard.children)), *elsewhere])
                keeper.look()
                if not greeted and front.listens():
                    print(f"labeler is at {reached.url(port)} (projects in {home}); Ctrl+C ends it.", flush=True)
                    greeted = True
            print("Ending.", flush=True)
        finally:
            keeper.stop()
            for child in (*children, *guard.children):  # the last one copies what the others stored last
                child.stop()
            end_logs(home)
            board.take_down()


@contextmanager
def _front(home: Path, port: int, reached: Serving, processes: int) -> Iterator[Front]:
    """The processes that answer requests: the app alone, or processes of the desk with the app behind them.

    Raises: LabelerError: several cannot share a port on this system.
    """
    public = (reached.reachable, port)
    if processes == 1:
        yield Front({"app": _app_command(reached, port, home)}, {}, (public,))
        return
    if sys.platform != "linux":  # others let several listen on a port, and hand all connections to one of them
        raise LabelerError("--processes needs Linux: other systems do not share a port's connections out.")
    behind = BehindDesk(_free_port(), secrets.token_urlsafe(32))
    commands = {"app": _app_command(replace(reached, address=LOOPBACK), behind.port, home)}
    for number in range(1, processes + 1):
        name = f"desk-{number}"
        commands[name] = [sys.executable, "-m", "labeler.jobs.with_parent", DESK, name, str(port)]
    shared = str(SHARED_MEMORY) if os.access(SHARED_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="labeler-metrics-", dir=shared) as counts:
        yield Front(commands, behind.as_environment() | {METRICS_VARIABLE: counts}, (public, (LOOPBACK, behind.port)))


def _close_to_others(home: Path) -> None:
    """Mend the rights of a home that an older version wrote, and say so."""
    closed, still_open = close_to_others(home)
    if closed:
        print(f"{closed} files and folders of {home} were open to others on this machine; now none is.", flush=True)
    if still_open:
        print(
            f"{still_open} files and folders of {home} belong to another user or lie on a read-only disk, and can be"
            " read by others still.",
            flush=True,
        )


def _app_command(reached: Serving, port: int, home: Path) -> list[str]:
    """The command that runs Streamlit with the app."""
    options = {
        "server.address": reached.address,
        "server.port": port,
        "server.baseUrlPath": reached.base_path.strip("/"),
        "server.headless": "true",
        # without it Streamlit asks a host outside for this machine's address, where it listens for all
        "browser.serverAddress": reached.reachable,
        "browser.gatherUsageStats": "false",
        "server.fileWatcherType": "none",
        "secrets.files": home / OIDC_FILE,  # the provider that `st.login` asks; the file may be missing
    }
    script = str(APP_FOLDER / SCRIPT)
    streamlit = [sys.executable, "-m", "labeler.jobs.with_parent", "streamlit", "run", script]
    return [*streamlit, *(f"--{name}={value}" for name, value in options.items())]


def _check_port(address: str, port: int) -> None:
    """Raises: LabelerError: the port is taken, and stays so."""
    end = time.monotonic() + PORT_SECONDS
    while not _is_free(address, port):
        if time.monotonic() > end:
            raise LabelerError(
                "Port {port} is taken by another program: choose another one with --port (make: PORT=…).", port=port
            )
        time.sleep(0.1)


def _is_free(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _listens(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True


def _python_path() -> str:
    """PYTHONPATH of the children: the app's folder, then the folders in this process's own, as absolute paths."""
    inherited = [str(Path(folder).resolve()) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    return os.pathsep.join([str(APP_FOLDER), *inherited])
