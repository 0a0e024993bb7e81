"""What was found before faults were mended, attacked again: each on the version whose checkout is first on the path.

    python -m bench.hostile.attacks
    cd OLDER_CHECKOUT && PYTHONPATH=$PWD python NEWER_CHECKOUT/bench/hostile/attacks.py

Prints a line of JSON for each attack: what it is, and what came of it.
"""

import argparse
import inspect
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from labeler.access.tokens import issue_token
from labeler.access.users import User
from labeler.core import settings
from labeler.core.errors import LabelerError
from labeler.core.items import Answer, NewItem
from labeler.core.jobs import ComparisonRequest
from labeler.core.settings import Config, LabelingConfig, LearnerConfig, QueryConfig
from labeler.jobs import comparisons
from labeler.projects import guidelines
from labeler.projects import project as projects
from labeler.projects.project import Project

HOUR = 3600
PATIENCE = 180.0  # seconds
HOLD = """
import sys, time
from sqlite_utils.utils import sqlite3
connection = sqlite3.connect(sys.argv[1])
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(40)
"""
WORDS = ("warm", "dull")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=[attack.__name__ for attack in ATTACKS])
    options = parser.parse_args()
    for attack in ATTACKS:
        if options.only and attack.__name__ not in options.only:
            continue
        with TemporaryDirectory(prefix="labeler-attack-") as scratch:
            os.environ["LABELER_HOME"] = scratch
            try:
                came_of_it = attack(Path(scratch))
            except Exception as error:  # of a version that does not know what is asked
                came_of_it = f"{type(error).__name__}: {error}"
            print(json.dumps({"about": attack.__doc__, "came of it": came_of_it}), flush=True)


def a_looping_strategy(home: Path) -> str:
    """Row 3: a project's own strategy loops; another project of the home waits for a round."""
    looping = _project(home / "a", code="    while True:\n        pass\n")
    fine = _project(home / "b")
    began = time.monotonic()
    worker = _worker(home)
    while time.monotonic() - began < PATIENCE and not _rounds(fine):
        time.sleep(0.5)
    seconds = time.monotonic() - began
    worker.kill()
    return f"the other project has {_rounds(fine)} rounds after {seconds:.0f} s; the looping one: {_job(looping)}"


def a_worker_that_is_killed_from_outside(home: Path) -> str:
    """Row 10: the worker is killed four times in the middle of one round, and then left alone."""
    project = _project(home / "a", code="    import time\n    time.sleep(4)\n")
    for _ in range(4):
        worker = _worker(home)
        before = _attempts(project)
        until = time.monotonic() + PATIENCE
        while _attempts(project) == before and _state(project) != "failed" and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(1)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    worker, until = _worker(home), time.monotonic() + PATIENCE
    while _state(project) in ("queued", "running") and time.monotonic() < until:
        time.sleep(0.5)
    worker.kill()
    return _job(project)


def a_zip_with_a_password(home: Path) -> str:
    """Row 12: a zip whose entries are encrypted is chosen for a comparison of strategies."""
    project = _project(home / "a")
    path = home / "films.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("films.csv", "text,label\na warm film,good\n")
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flag of an encrypted entry, in both of its headers
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    takes_paths = "Path" in str(inspect.signature(comparisons.ask).parameters["upload"])
    request = ComparisonRequest(("margin",), seeds=1, rounds=1, batch=5, seed_size=5, source=path.name)
    try:
        comparisons.ask(project, request, "kim", path if takes_paths else bytes(content))  # type: ignore[arg-type]
    except LabelerError as error:
        return f"one sentence: {error}"
    return "it is taken"


def a_jpeg_example(home: Path) -> str:
    """Row 12: the upload of examples offers `.jpeg`, and such a file is chosen."""
    project = _project(home / "a")
    guidelines.add_example(project, "good", "leaf.jpeg", _picture("JPEG"))
    return "it is stored as an example"


def a_lock_that_is_held(home: Path) -> str:
    """Row 12: another program holds the database's write lock for 40 s while an answer is sent."""
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from labeler.api.routes import routes

    project = _project(home / "reviews")
    name = getattr(project, "uid", project.slug)
    headers = {"Authorization": f"Bearer {issue_token(User('kim'), name)}"}
    body = {"request_id": "r", "item_id": 70, "action": "label", "label": "good", "seconds": 1.0}
    with TestClient(Starlette(routes=[*routes])) as client:
        client.post(f"/api/{name}/reserve", json={"tab": "t", "n": 4, "release": []}, headers=headers)
        command = [sys.executable, "-c", HOLD, str(project.database)]  # of a process: libraries do not see each other's
        holder = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert holder.stdout is not None
        holder.stdout.readline()
        began = time.monotonic()
        reply = client.post(f"/api/{name}/answers", json={"tab": "t", "answers": [body]}, headers=headers)
        holder.kill()
        return f"answered with {reply.status_code} after {time.monotonic() - began:.0f} s"


def a_clock_that_goes_back(home: Path) -> str:
    """Row 12: somebody holds all items for 60 s and goes; the clock goes back an hour; another asks 65 s later."""
    project = _project(home / "a", labeled=0)
    with project.store() as store:
        store.desk.reserve("kim", "tab-1", 100)
    real = time.time
    time.time = lambda: real() - HOUR
    try:
        time.sleep(65)
        with project.store() as store:
            return f"the other gets {len(store.desk.reserve('lee', 'tab-2', 100))} items"
    finally:
        time.time = real


def a_browser_that_clears_up(home: Path) -> str:
    """Row 12: whether the desk asks the browser to keep what waits to be sent."""
    folder = Path(projects.__file__).parents[2] / "pages" / "desk"
    asks = any("storage.persist" in script.read_text(encoding="utf-8") for script in folder.rglob("*.js"))
    return "it asks" if asks else "it does not ask"


ATTACKS: tuple[Callable[[Path], str], ...] = (
    a_looping_strategy,
    a_worker_that_is_killed_from_outside,
    a_zip_with_a_password,
    a_jpeg_example,
    a_lock_that_is_held,
    a_clock_that_goes_back,
    a_browser_that_clears_up,
)


def _project(folder: Path, code: str = "", modality: str = "text", labeled: int = 60) -> Project:
    """A project of 100 texts that asks for a round once 60 are labeled; `code` is that of its own strategy, `mine`."""
    config: Config = Config(
        folder.name,
        ("good", "bad"),
        modality=modality,  # type: ignore[arg-type]
        query=QueryConfig(strategy="margin", seed_size=50, batch=10),
        labeling=LabelingConfig(reservation_seconds=60),
        learner=LearnerConfig(backbone="char_tfidf") if modality == "text" else LearnerConfig(),
    )
    if hasattr(settings, "LimitsConfig"):
        config = replace(config, limits=settings.LimitsConfig(strategy_seconds=10))
    project = projects.create(folder, config)
    if code:
        project.strategies.mkdir(exist_ok=True)
        head = "from strategies.base import scores\n\n\n@scores(needs='proba')\ndef mine(c, rng):\n"
        (project.strategies / "mine.py").write_text(f"{head}{code}    return c.proba[:, 0]\n")
        project = project.save(replace(project.config, query=replace(project.config.query, strategy="mine")))
    if modality == "text":
        texts = [f"a {WORDS[n % 2]} film, number {n}" for n in range(100)]
        with project.store() as store:
            store.items.add([NewItem(f"{n:032x}", f"row {n}", text=t, split="pool") for n, t in enumerate(texts)])
            answers = [Answer(f"r{n}", n, "label", ("bad", "good")[n % 2]) for n in range(1, labeled + 1)]
            store.answers.add("kim", answers)
    return project


def _picture(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "green").save(stream, kind)
    return stream.getvalue()


def _worker(home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "labeler", "worker", str(home)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _latest(project: Project) -> Any:
    with project.store() as store:
        return store.rounds.latest_job()


def _rounds(project: Project) -> int:
    with project.store() as store:
        return len(store.rounds.all())


def _attempts(project: Project) -> int:
    job = _latest(project)
    return job.attempts if job else 0


def _state(project: Project) -> str:
    job = _latest(project)
    return job.state if job else "queued"


def _job(project: Project) -> str:
    job = _latest(project)
    return f"{job.state} after {job.attempts} attempts" + (f" ({job.error})" if job.error else "")


if __name__ == "__main__":
    main()
