"""Label Studio beside `bench.desk_latency`, through the functions of a script that installs and runs it.

The script offers start(venv, images, data, port, email, password, token) → (process, seconds), call(base, token, path,
body), label(base, project, email, password, n) → (milliseconds from the submitting key, from the first key, minutes).
"""

import importlib.util
import secrets
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from bench.desk_server import cpu_seconds, free_port

WARM_UP = 3  # items before those that count


def rival(script: Path, venv: Path, images: Path, classes: tuple[str, ...], items: int) -> dict[str, Any]:
    """What one annotator of Label Studio sees, in a browser, on the images of a folder.

    Args: venv: where Label Studio is installed; made when it is not there.
          items: how many are answered.
    """
    spec = importlib.util.spec_from_file_location("rival", script)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{script} is not a Python script.")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    port, email, password, token = free_port(), "bench@localhost.co", secrets.token_urlsafe(12), secrets.token_hex(20)
    base = f"http://127.0.0.1:{port}"
    with TemporaryDirectory(prefix="rival-bench-") as data:
        server, started = tool.start(str(venv), str(images), data, port, email, password, token)
        try:
            project = _project(tool, base, token, images, classes)
            app = psutil.Process(server.pid)
            spent = []
            for n in (WARM_UP, items):
                before = cpu_seconds(app)
                submit, first, minutes = tool.label(base, project, email, password, n)
                spent.append(cpu_seconds(app) - before)
            # Both times a page was loaded and somebody logged in; the difference is what the answers cost.
            cpu = 1000 * (spent[1] - spent[0]) / (len(submit) - WARM_UP)
            rss = app.memory_info().rss / 2**20
            stored = tool.call(base, token, f"/api/projects/{project}")["num_tasks_with_annotations"]
        finally:
            server.terminate()
            server.wait(60)
    return {
        "answers_in": started,
        "submit_to_next": submit,
        "first_key_to_next": first,
        "answered": WARM_UP + items,
        "stored": stored,
        "usage": {
            "labels": len(submit),
            "seconds": round(60 * minutes, 2),
            "labels_per_minute": round(len(submit) / minutes, 1),
            "server_cpu_ms_per_label": round(cpu, 2),
            "server_rss_mb": round(rss, 1),
        },
    }


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
