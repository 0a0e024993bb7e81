"""How long calls of the public API take under many clients, beside those of Label Studio's in the same run.

    python -m bench.api.load --rival RIVAL.py --rival-venv FOLDER
    python -m bench.api.load --clients 5 --seconds 5 --images 500

Each client has one connection and does the same again and again, `--pace` seconds between two turns on average: it asks
for the next item, stores an answer to it, reads a page of 100 items, and reads the learning curve, which Label Studio
does not have. An error of ours ends the measurement; those of Label Studio are counted. Both servers have the same
images, one account and one token, no model and no training. Each is alone on the machine while it is measured, but for
what else runs there. *Busy*: the share of all cores that was used meanwhile, by whomever.
"""

import argparse
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
from PIL import Image

from bench.desk.annotators import pause
from bench.desk.clients import Client
from bench.desk.rival import LabelStudio, label_studio
from bench.desk.server import Served, cpu_seconds, serving
from bench.tables import table
from labeler.access.api_tokens import ALL_PROJECTS, signed

CALLS = {"next": "next item", "answer": "answer", "items": "100 items", "curve": "curve"}
CLASSES = ("good", "bad")
PAGE = 100
QUANTILES = (50, 95)
WARM_UP = 2  # turns of each client before those that count


class Program(Client):
    """A client of an API. `turn` is one call of each kind."""

    def __init__(self, number: int, port: int, authorization: str) -> None:
        super().__init__(f"client{number}", port, authorization, number)
        self.times = defaultdict(list)
        self.failed = 0  # calls that the server answered with an error

    def turn(self) -> None:
        """Make one call of each kind."""
        raise NotImplementedError

    def work(self, end: float, pace: float) -> None:
        while True:
            time.sleep(pause(pace, self.rng))
            if time.perf_counter() > end:
                return
            self.turn()


class OfLabeler(Program):
    """A client of ours."""

    def __init__(self, number: int, served: Served) -> None:
        token = signed(f"client{number}", "a benchmark", "label", [ALL_PROJECTS], 1)
        super().__init__(number, served.port, f"Bearer {token}")
        self.project = f"/api/v1/projects/{served.project.slug}"
        self.page = ""

    def turn(self) -> None:
        asked = json.loads(self.send("next", "POST", f"{self.project}/next", {"n": 1, "tab": self.name}))
        for item in asked["items"]:
            answer = {"request_id": f"{self.name}-{item['id']}", "item_id": item["id"], "action": "label"}
            answer |= {"label": self.rng.choice(CLASSES), "seconds": 1.0}
            reply = json.loads(
                self.send("answer", "POST", f"{self.project}/answers", {"tab": self.name, "answers": [answer]})
            )
            if not reply["receipts"][0]["ok"]:
                raise SystemExit(f"An answer was refused: {reply}")
            self.answered.append(item["id"])
        page = json.loads(self.send("items", "GET", f"{self.project}/items?limit={PAGE}{self.page}"))
        self.page = f"&cursor={page['next']}" if page["next"] else ""
        self.send("curve", "GET", f"{self.project}/curve")


class OfLabelStudio(Program):
    """A client of Label Studio. All are one account, which is given the same next task until that is answered, so each
    answers tasks of its own.
    """

    def __init__(self, number: int, studio: LabelStudio, tasks: Sequence[int]) -> None:
        super().__init__(number, studio.port, f"Token {studio.token}")
        self.project, self.left, self.pages, self.page = studio.project, list(tasks), max(len(tasks) // PAGE, 1), 0

    def send(self, into: str, method: str, path: str, body: object = None) -> bytes:
        """As of other clients; an error of the server is counted, and the client goes on."""
        try:
            return super().send(into, method, path, body)
        except SystemExit:
            self.failed += 1
            return b""

    def turn(self) -> None:
        self.send("next", "GET", f"/api/projects/{self.project}/next")
        task = self.left.pop()
        choice = {"from_name": "c", "to_name": "image", "type": "choices"}
        body = {"result": [choice | {"value": {"choices": [self.rng.choice(CLASSES)]}}], "lead_time": 1.0}
        self.send("answer", "POST", f"/api/tasks/{task}/annotations/", body)
        self.answered.append(task)
        self.page = self.page % self.pages + 1
        self.send("items", "GET", f"/api/tasks?project={self.project}&page_size={PAGE}&page={self.page}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--pace", type=float, default=1.0, help="seconds between two turns of a client")
    parser.add_argument("--images", type=int, default=5000, help="items of the project")
    parser.add_argument("--rival", type=Path, help="script that runs Label Studio, see bench/desk/rival.py")
    parser.add_argument("--rival-venv", type=Path, default=Path(".rival-venv"), help="where it is or gets installed")
    parser.add_argument("--out", type=Path, help="JSON, with every measured value")
    options = parser.parse_args()
    lines = []
    with TemporaryDirectory(prefix="labeler-api-") as folder:
        images = pictures(Path(folder) / "images", options.images)
        with serving(images, CLASSES) as served:
            served.wait()
            lines.append(measured("labeler", lambda n: OfLabeler(n, served), served.app(), options))
        if options.rival:
            with label_studio(options.rival, options.rival_venv, images, CLASSES) as studio:
                tasks = [
                    t["id"] for t in studio.call(f"/api/tasks?project={studio.project}&page_size=1000000")["tasks"]
                ]
                own = [tasks[n :: options.clients] for n in range(options.clients)]
                lines.append(measured("Label Studio", lambda n: OfLabelStudio(n, studio, own[n]), studio.app, options))
    if options.out:
        options.out.write_text(json.dumps({"cores": os.cpu_count(), "lines": lines}, indent=1))
    print(f"{os.cpu_count()} cores, {options.clients} clients, {options.seconds:g} s\n\n{markdown(lines)}")


def pictures(folder: Path, n: int) -> Path:
    """A folder of small images, all different."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(n):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(folder / f"{number:06d}.png")
    return folder


def measured(
    who: str, client: Callable[[int], Program], server: psutil.Process, options: argparse.Namespace
) -> dict[str, Any]:
    """A line of the table: milliseconds of each kind of call, calls a second, and what the server used."""
    clients = [client(n) for n in range(options.clients)]
    with ThreadPoolExecutor(len(clients)) as pool:
        for _ in range(WARM_UP):  # the server may still be starting, and opens its databases at a first call
            list(pool.map(lambda each: each.turn(), clients))
        for each in clients:
            each.times.clear()
            each.failed = 0
        psutil.cpu_percent()
        began, used = time.perf_counter(), cpu_seconds(server)
        list(pool.map(lambda each: each.work(began + options.seconds, options.pace), clients))
        seconds, used, busy = time.perf_counter() - began, cpu_seconds(server) - used, psutil.cpu_percent() / 100
    times = {name: [ms for each in clients for ms in each.times[name]] for name in CALLS}
    calls = sum(map(len, times.values()))
    line: dict[str, Any] = {"who": who, "ms": times, "calls": calls, "calls_per_second": round(calls / seconds, 1)}
    line["failed"] = sum(each.failed for each in clients)
    line |= {"server_cpu_ms_per_call": round(1000 * used / calls, 2), "busy": round(busy, 2)}
    print(f"{markdown([line])}\n", flush=True)  # the other server may fail to start
    return line


def markdown(lines: Sequence[dict[str, Any]]) -> str:
    """The table, and how often the time of the other a call takes here."""
    rows = []
    for line in lines:
        row = {"p50 / p95 ms of": line["who"]}
        for name, head in CALLS.items():
            ms = line["ms"][name]
            row[head] = [round(float(q), 1) for q in np.percentile(ms, QUANTILES)] if ms else None
        row |= {"calls/s": line["calls_per_second"], "server's CPU ms/call": line["server_cpu_ms_per_call"]}
        rows.append(row | {"failed calls": line["failed"], "busy": line["busy"]})
    if len(lines) == 2:
        ours, theirs = (line["ms"] for line in lines)
        ratios = {
            head: [f"{np.percentile(theirs[name], q) / np.percentile(ours[name], q):.1f}×" for q in QUANTILES]
            if theirs[name]
            else None
            for name, head in CALLS.items()
        }
        rows.append({"p50 / p95 ms of": "ratio"} | ratios | dict.fromkeys(["calls/s", "server's CPU ms/call", "busy"]))
    return table(rows)


if __name__ == "__main__":
    main()
