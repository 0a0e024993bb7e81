"""What an image must do: refuse strangers, become healthy, store an answer, run a round, end, know the answer again."""

import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.deploy import container, podman

Container = container.Container | podman.Container
Host = container.Host | podman.Host

PATIENCE = 180.0  # seconds until a container is healthy; importing torch takes most of them on a busy machine
BELOW, PORT = "/labels", 8501
HOST_NAME = "labels.example.org"
APP = {
    "LABELER_HOST_NAME": HOST_NAME,
    "LABELER_TRUST_PROXY": "10.0.0.2",
    "LABELER_BASE_PATH": BELOW,
    "LABELER_WORKER_ELSEWHERE": "1",
}
TABLE = "\n".join(["text,label", *(f"letter {n} about {'trains' if n % 2 else 'boats'}," for n in range(40))])
KNOWN = "\n".join(["text,label", *(f"note {n} of {'rails' if n % 2 else 'sails'},{'ab'[n % 2]}" for n in range(60))])


@dataclass(frozen=True)
class Step:
    """A thing that was seen to be so, and how long it took."""

    what: str
    seconds: float


class TrialError(Exception):
    """The image does not do what it must."""


class Trial:
    """The steps of a trial on a host; where one is not so, it raises `TrialError`."""

    def __init__(self, host: Host, work: Path) -> None:
        self.host, self.work, self.steps = host, work, list[Step]()
        self.token = self.project = ""

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.steps.append(Step(what, time.monotonic() - began))
        print(f"{self.steps[-1].seconds:7.1f} s  {what}", flush=True)

    def labeler(self, *command: str, **variables: str) -> str:
        """What a command of labeler's prints, run in a container. Raises: TrialError: it fails."""
        done = self.host.run(["labeler", *command], variables)
        if done.returncode:
            raise TrialError(f"labeler {' '.join(command)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def run(self) -> list[Step]:
        """The steps, in order."""
        with self.step("without accounts, serve refuses to listen for others"):
            refusal = self.host.run(self.host.image.stage.command(), APP)
            if refusal.returncode == 0 or "asks nobody to log in" not in refusal.stderr:
                raise TrialError(f"serve was not refused: {refusal.stderr}")
        with self.step("the first administrator, two projects, items; nothing but the volume is written"):
            self.set_up()
        app = self.started()
        worker = self.host.start(["tini", "--", "labeler", "worker"], {}, self.work / "worker.log")
        try:
            with self.step("an item is asked and answered through the API, below the path and under the server's name"):
                answered = self.answer()
            with self.step("the worker of another container runs a round"):
                self.wait(lambda: json.loads(self.labeler("status", "projects/known", "--json"))["rounds"], "a round")
            self.stopped(app)
            app = self.started()
            with self.step("after the restart the answer is there"):
                history = self.asked("reserve", {"tab": "t", "n": 1, "history": True})["history"]
                if answered not in [entry["request_id"] for entry in history]:
                    raise TrialError("the answer is gone")
        finally:
            for name, container in (("app", app), ("worker", worker)):
                if container.process.poll() is None:
                    self.stopped(container, name)
        return self.steps

    def set_up(self) -> None:
        self.labeler("init", "projects/letters", "--classes", "a,b", "--modality", "text")
        self.labeler("init", "projects/known", "--classes", "a,b", "--modality", "text")
        for name, table in (("letters", TABLE), ("known", KNOWN)):
            (self.host.volume / f"{name}.csv").write_text(table, encoding="utf-8")
            self.labeler("import", f"projects/{name}", f"{name}.csv")
        self.labeler("users", "add", "projects", "root", "--admin", LABELER_PASSWORD="maple river seven")
        made = ["--for", "trial", "--project", "letters", "--scope", "label"]
        self.token = self.labeler("users", "token", "projects", "root", *made).splitlines()[-1]
        uid = "from labeler.projects.project import open_project as o; from pathlib import Path; "
        done = self.host.run(["python3", "-c", uid + "print(o(Path('projects/letters')).uid)"], {})
        self.project = done.stdout.strip()

    def started(self) -> Container:
        """The app's container, once its health check succeeds."""
        with self.step("the image's command runs until its health check is green"):
            app = self.host.start(self.host.image.stage.command(), APP, self.work / "app.log")
            check = self.host.image.stage.health_check()
            self.wait(lambda: self.host.run(check, APP).returncode == 0, "the health check", app)
        return app

    def stopped(self, container: Container, name: str = "app") -> None:
        with self.step(f"SIGTERM ends the {name}"):
            container.stop()
        # tini says how its child ended: in order, or by the signal itself
        if container.process.returncode not in (0, 143):
            raise TrialError(f"the {name} ended with {container.process.returncode}")

    def answer(self) -> str:
        """Answer an item as the desk does; the request's id."""
        item = self.asked("reserve", {"tab": "t", "n": 1})["items"][0]
        answer = {"request_id": "trial-1", "item_id": item["id"], "action": "label", "label": "a", "seconds": 2.0}
        receipts = self.asked("answers", {"tab": "t", "answers": [answer]})["receipts"]
        if [receipt["request_id"] for receipt in receipts] != ["trial-1"]:
            raise TrialError(f"the answer was not acknowledged: {receipts}")
        return "trial-1"

    def asked(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        """The reply of a route of the desk, asked for under the server's public name."""
        headers = {"Host": HOST_NAME, "Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        address = f"http://127.0.0.1:{PORT}{BELOW}/api/{self.project}/{what}"
        request = urllib.request.Request(address, json.dumps(body).encode(), headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as reply:
            return dict(json.load(reply))

    def wait(self, condition: Any, what: str, container: Container | None = None) -> None:
        """Wait until a condition holds. Raises: TrialError: it never does, or the container has ended."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end or (container and container.process.poll() is not None):
                raise TrialError(f"waited in vain for {what}; see the logs in {self.work}")
            time.sleep(0.5)


def seen(trial: Trial) -> int:
    """Run a trial; the exit status."""
    try:
        trial.run()
    except TrialError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
