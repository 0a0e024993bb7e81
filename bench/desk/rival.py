"""Label Studio beside `bench.desk.latency`, through the functions of a script that installs and runs it.

The script offers start(venv, images, data, port, email, password, token) → (process, seconds), call(base, token, path,
body), label(base, project, email, password, n) → (milliseconds from the submitting key, from the first key, minutes).
"""

import importlib.util
import itertools
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from bench.desk.annotators import Measurements
from bench.desk.clients import Client, answers_of
from bench.desk.server import cpu_seconds, free_port

WARM_UP = 3  # items before those that count


class RivalClient(Client):
    """An annotator who stores an annotation, asks for the next task, and gets its image.

    All are one account, to which Label Studio gives the same next task until it is answered; so each answers tasks of
    its own, in turn, and what it is given is not looked at.
    """

    def __init__(self, number: int, studio: "LabelStudio", tasks: list[Any], classes: list[str]) -> None:
        super().__init__(f"annotator{number}", studio.port, f"Token {studio.token}", number)
        self.project, self.tasks, self.classes = studio.project, itertools.cycle(tasks), classes

    def answer(self) -> bool:
        task = next(self.tasks)
        choice = {"from_name": "c", "to_name": "image", "type": "choices"}
        body = {"result": [choice | {"value": {"choices": [self.rng.choice(self.classes)]}}], "lead_time": 1.0}
        self.send("acknowledged", "POST", f"/api/tasks/{task['id']}/annotations/", body)
        self.answered.append(task["id"])
        self.send("reserved", "GET", f"/api/projects/{self.project}/next")
        self.send("media", "GET", task["data"]["image"])
        return True


def rival(
    script: Path, venv: Path, images: Path, classes: tuple[str, ...], items: int, numbers: Sequence[int], **how: float
) -> Iterator[tuple[str, int, Measurements]]:
    """What one annotator of Label Studio sees in a browser, then what HTTP clients see.

    Args:     venv: where Label Studio is installed; made when it is not there.
              items: how many are answered in the browser.
              numbers, how: of HTTP clients; seconds and pace.
    Returns:  for each: who, how many, what they saw.
    """
    with label_studio(script, venv, images, classes) as studio:
        yield "browser", 1, _in_browser(studio, items)
        tasks = studio.call(f"/api/tasks?project={studio.project}&page_size=10000")["tasks"]
        for n in numbers:
            clients = [RivalClient(i, studio, tasks[i::n], list(classes[:9])) for i in range(n)]
            yield "http", n, answers_of(clients, studio.app, how["seconds"], how["pace"])


@dataclass(frozen=True)
class LabelStudio:
    """A running Label Studio with a project of single choice. tool: the script that has started it."""

    tool: Any
    port: int
    email: str
    password: str
    token: str
    project: int
    app: psutil.Process

    def call(self, path: str, body: Any = None) -> Any:
        """What its API answers, as its owner."""
        return self.tool.call(f"http://127.0.0.1:{self.port}", self.token, path, body)


@contextmanager
def label_studio(script: Path, venv: Path, images: Path, classes: tuple[str, ...]) -> Iterator[LabelStudio]:
    """A Label Studio with the images of a folder as tasks, which runs until the block ends.

    Args: script: that starts it. venv: where it is installed; made when it is not there.
    """
    spec = importlib.util.spec_from_file_location("rival", script)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{script} is not a Python script.")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    port, email, password, token = free_port(), "bench@localhost.co", secrets.token_urlsafe(12), secrets.token_hex(20)
    with TemporaryDirectory(prefix="rival-bench-") as data:
        server, _ = tool.start(str(venv), str(images), data, port, email, password, token)
        try:
            project = _project(tool, f"http://127.0.0.1:{port}", token, images, classes)
            yield LabelStudio(tool, port, email, password, token, project, psutil.Process(server.pid))
        finally:
            server.terminate()
            server.wait(60)


def _in_browser(studio: LabelStudio, items: int) -> Measurements:
    spent, app, base = [], studio.app, f"http://127.0.0.1:{studio.port}"
    for n in (WARM_UP, WARM_UP, items):  # the very first pages cost the server more
        before = cpu_seconds(app)
        submit, _, minutes = studio.tool.label(base, studio.project, studio.email, studio.password, n)
        spent.append(cpu_seconds(app) - before)
    if len(submit) <= WARM_UP:
        raise SystemExit(f"Label Studio showed {len(submit)} of {items} next images in time.")
    # Each time somebody logged in and a page was loaded: the difference is what the answers cost.
    cpu = (spent[2] - spent[1]) / (len(submit) - WARM_UP)
    usage = {
        "seconds": round(60 * minutes, 2),
        "labels": len(submit),
        "labels_per_minute": round(len(submit) / minutes, 1),
        "server_cpu_ms_per_label": round(1000 * cpu, 2),
        "server_rss_mb": round(app.memory_info().rss / 2**20, 1),
    }
    return Measurements(usage, in_page=submit)


def _project(tool: Any, base: str, token: str, images: Path, classes: tuple[str, ...]) -> int:
    """A project of single choice with the images as tasks."""
    choices = "".join(f"<Choice value='{name}' hotkey='{i + 1}'/>" for i, name in enumerate(classes[:9]))
    view = "<View><Image name='image' value='$image'/><Choices name='c' toName='image' choice='single-radio'>"
    config = f"{view}{choices}</Choices></View>"
    project = int(tool.call(base, token, "/api/projects", {"title": "bench", "label_config": config})["id"])
    storage = {"project": project, "path": str(images.resolve()), "use_blob_urls": True, "title": "images"}
    tool.call(base, token, "/api/storages/localfiles", storage)
    tasks = [{"image": f"/data/local-files/?d={images.name}/{file.name}"} for file in sorted(images.iterdir())]
    tool.call(base, token, f"/api/projects/{project}/import", tasks)
    return project
