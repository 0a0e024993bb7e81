"""How many answers one port acknowledges with 1, 2 and 4 processes behind it, one of which is killed in the middle.

    python -m bench.desk.processes --seconds 60
    python -m bench.desk.processes --processes 1 2 --annotators 16 --seconds 10 --items 20000

Annotators are HTTP clients that ask and answer as the desk does, and hardly think: together they ask for more than the
server can give. As the desk does, they send an answer again until it is acknowledged. They run on the same machine,
`--clients` processes of them, and take their part of its cores.

*Acknowledged*: from the first time that an answer is sent until its acknowledgement is read, the times that it was sent
again included. An error is a request without an answer, which the kill causes. No reservation ends, so an item that
was offered to two people was given out twice. With one process, the app is killed; with several, one of the desk's.
"""

import argparse
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil

from bench.desk.clients import AHEAD, REFILL_BELOW, DeskClient
from bench.desk.server import Served, free_port
from bench.soak.check import verdict
from bench.soak.home import make
from bench.tables import table
from labeler.projects import project as projects

NEVER = 100_000  # labels until a round is due: the worker would take one of the cores
AGAIN_SECONDS = 0.3  # after which an answer is sent again
PATIENCE = 60.0  # seconds after the end in which each answer must be acknowledged
QUANTILES = (50, 95, 99)


@dataclass
class Record:
    """What an annotator was told. milliseconds: of each acknowledgement. errors: requests without an answer."""

    acknowledged: dict[str, tuple[int, str]] = field(default_factory=dict)
    outbox: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    errors: int = 0


class Person(DeskClient):
    """An annotator who sends each answer until it is acknowledged."""

    def __init__(self, served: Served, number: int) -> None:
        super().__init__(served, number)
        self.record = Record()

    def prepare(self) -> None:
        while not self.queue and self._try("reserve", {"n": AHEAD, "release": []}) is None:
            time.sleep(AGAIN_SECONDS)

    def answer(self) -> bool:
        if len(self.queue) < REFILL_BELOW:
            self._try("reserve", {"n": AHEAD, "release": []})
        if not self.queue:
            time.sleep(AGAIN_SECONDS)
            return True
        item, label = self.queue.pop(0), self.rng.choice(self.classes)
        number, began = uuid.uuid4().hex, time.perf_counter()
        answer = {"request_id": number, "item_id": item, "action": "label", "label": label, "seconds": 1.0}
        self.record.outbox = [answer]
        while (reply := self._try("answers", {"answers": [answer]})) is None:
            if time.perf_counter() > began + PATIENCE:
                return False
            time.sleep(AGAIN_SECONDS)
        self.record.outbox = []
        receipt = reply["receipts"][0]
        if receipt["ok"]:
            self.record.acknowledged[number] = (item, label)
            self.record.milliseconds.append(1000 * (time.perf_counter() - began))
        else:
            self.record.refused.append(str(receipt["reason"]))
        return True

    def send(self, into: str, method: str, path: str, body: object = None) -> bytes:
        """What the server replies. A request whose connection breaks is not sent again unseen, as it is elsewhere."""
        self.connection.request(method, path, json.dumps(body).encode(), self.headers)
        reply = self.connection.getresponse()
        content = reply.read()
        if reply.status != 200:
            raise HTTPException(content.decode(errors="replace"))
        return content

    def _try(self, verb: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """The server's reply; None where there is none."""
        try:
            reply = self._post("reserved", verb, body)
        except (OSError, HTTPException, ValueError):
            self.record.errors += 1
            self.connection.close()
            return None
        if verb == "reserve":
            known = {*self.queue, *self.answered}
            new = [item["id"] for item in reply["items"] if item["id"] not in known]
            self.queue += new
            self.answered += new
        return reply


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--annotators", type=int, default=48)
    parser.add_argument("--clients", type=int, default=2, help="processes that the annotators share")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pace", type=float, default=0.05, help="seconds between two answers of a person")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--no-kill", action="store_true", help="kill no process in the middle")
    parser.add_argument("--out", type=Path, help="JSON, with every measured value")
    options = parser.parse_args()
    lines = []
    for processes in options.processes:
        with TemporaryDirectory(prefix="labeler-processes-") as folder:
            lines.append(measured(Path(folder) / "home", processes, options))
            print(json.dumps({k: v for k, v in lines[-1].items() if not k.endswith("_all")}), flush=True)
    if options.out:
        options.out.write_text(json.dumps({"cores": os.cpu_count(), "lines": lines}, indent=1))
    print(f"\n{os.cpu_count()} cores, {options.annotators} annotators\n\n{markdown(lines)}")


def measured(home: Path, processes: int, options: argparse.Namespace) -> dict[str, Any]:
    """A line of the table."""
    home.mkdir()
    project = make(home / "labeled", options.items, NEVER)
    os.environ["LABELER_HOME"] = str(home)
    command = [sys.executable, "-m", "labeler", "serve", str(home), "--port", str(port := free_port())]
    with (home.parent / "serve.log").open("wb") as log:
        process = subprocess.Popen([*command, "--processes", str(processes)], stdout=log, stderr=log)
    served = Served(project, port, process, time.perf_counter())
    try:
        wait_for_pages(served)
        context = multiprocessing.get_context("spawn")
        all_ready = context.Barrier(options.clients + 1)  # all begin together, once all have items
        with ProcessPoolExecutor(options.clients, context, _set_up, (all_ready,)) as pool:
            parts = [range(options.annotators)[n :: options.clients] for n in range(options.clients)]
            futures = [pool.submit(work, home, port, part, options.seconds, options.pace) for part in parts]
            all_ready.wait(PATIENCE)
            psutil.cpu_percent()
            killed = kill_in(options.seconds / 2, served, processes) if not options.no_kill else None
            records = [record for future in futures for record in future.result()]
            busy = psutil.cpu_percent()
        result = verdict(served, records)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(120)
    times = [value for record in records for value in record.milliseconds]
    return {
        "processes": processes,
        "a_minute": round(60 * len(times) / options.seconds),
        "acknowledged_ms": [round(float(q), 1) for q in np.percentile(times, QUANTILES)],
        "longest_ms": round(max(times)),
        "killed": killed,
        "errors": sum(record.errors for record in records),
        "lost": result.lost,
        "doubled": result.doubled,
        "shown_to_two": result.shown_to_two,
        "refused": result.refused,
        "unsent": result.unsent,
        "machine_busy": round(busy / 100, 2),
        "load": round(os.getloadavg()[0], 1),
        "acknowledged_ms_all": times,
    }


def wait_for_pages(served: Served) -> None:
    """Wait until the app answers, which the desk's processes do before it."""
    served.wait()
    for _ in range(20):
        with suppress(OSError), urllib.request.urlopen(f"{served.url}/_stcore/health", timeout=30):
            return
    raise SystemExit("The app did not answer.")


_all_ready: Barrier


def _set_up(all_ready: Barrier) -> None:
    global _all_ready
    _all_ready = all_ready


def work(home: Path, port: int, numbers: Sequence[int], seconds: float, pace: float) -> list[Record]:
    """What these annotators were told, a thread each."""
    os.environ["LABELER_HOME"] = str(home)
    served = Served(projects.open_project(home / "labeled"), port, None, 0.0)  # type: ignore[arg-type]
    people = [Person(served, number) for number in numbers]
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(lambda person: person.prepare(), people))
        for person in people:
            person.connection.close()  # the server would, while all wait
            person.record.errors = 0
        _all_ready.wait(PATIENCE)
        end = time.perf_counter() + seconds
        list(pool.map(lambda person: person.work(end, pace), people))
    return [person.record for person in people]


def kill_in(seconds: float, served: Served, processes: int) -> str:
    """SIGKILL a process that answers, after so long; its name."""
    name, word = ("app", "streamlit") if processes == 1 else ("desk-1", "desk-1")

    def kill() -> None:
        for child in psutil.Process(served.process.pid).children():
            if word in child.cmdline():
                child.kill()

    threading.Timer(seconds, kill).start()
    return name


def markdown(lines: Sequence[dict[str, Any]]) -> str:
    first = lines[0]["a_minute"]
    return table(
        [
            {
                "processes": line["processes"],
                "acknowledged a minute": line["a_minute"],
                "× of the first row": f"{line['a_minute'] / first:.2f}",
                "p50 / p95 / p99 ms": line["acknowledged_ms"],
                "longest ms": line["longest_ms"],
                "killed": line["killed"],
                "errors": line["errors"],
                "lost": line["lost"],
                "doubled": line["doubled"],
                "shown to two": line["shown_to_two"],
                "machine busy": line["machine_busy"],
                "load": line["load"],
            }
            for line in lines
        ]
    )


if __name__ == "__main__":
    main()
