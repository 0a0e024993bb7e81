"""How many acknowledged answers are lost when a host is lost and its standby takes over, and how long that takes.

    python -m bench.desk.standby --runs 5
    python -m bench.desk.standby --every 1 --lease 10 --annotators 20 --items 100000

Two folders stand for two hosts. Annotators are HTTP clients that send an answer again until it is acknowledged. In the
middle every process of the first server gets SIGKILL and its home is moved away; `labeler take-over` and `labeler
serve` then go on with the standby, on the same port. Once before that, a take-over is tried while the first server is
alive, which must be refused.

*Lost*: acknowledged before the kill and not in the standby. *Oldest*: seconds between the acknowledgement of the first
answer that was lost and the kill. *Before its moment*: lost, and acknowledged before the moment up to which the standby
says that it holds everything. *Doubled*: stored twice, or stored without having been sent.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from bench.desk.processes import NEVER, Person, wait_for_pages
from bench.desk.server import Served, free_port
from bench.soak.check import verdict
from bench.soak.home import make
from bench.tables import table
from labeler.projects import project as projects
from labeler.projects import standby

FIRST_COPY = 120.0  # seconds


class Watched(Person):
    """An annotator who notes when each answer was acknowledged."""

    def __init__(self, served: Served, number: int) -> None:
        super().__init__(served, number)
        self.at: dict[str, float] = {}

    def answer(self) -> bool:
        before = len(self.record.acknowledged)
        goes_on = super().answer()
        if len(self.record.acknowledged) > before:
            self.at[next(reversed(self.record.acknowledged))] = time.time()
        return goes_on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--annotators", type=int, default=20)
    parser.add_argument("--pace", type=float, default=1.0, help="seconds between two answers of a person")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two copies")
    parser.add_argument("--lease", type=float, default=5.0, help="seconds for which the first server may go on alone")
    parser.add_argument("--seconds", type=float, default=15.0, help="before the kill, and after the take-over")
    parser.add_argument("--out", type=Path, help="JSON, with every measured value")
    options = parser.parse_args()
    lines = []
    for number in range(options.runs):
        with TemporaryDirectory(prefix="labeler-standby-") as folder:
            lines.append(measured(Path(folder), options, random.Random(number)))
            print(json.dumps(lines[-1]), flush=True)
    if options.out:
        options.out.write_text(json.dumps({"cores": os.cpu_count(), "lines": lines}, indent=1))
    print(f"\n{os.cpu_count()} cores, {options.annotators} annotators, a copy every {options.every:g} s\n")
    print(table([{name.replace("_", " "): value for name, value in line.items()} for line in lines]))


def measured(top: Path, options: argparse.Namespace, rng: random.Random) -> dict[str, Any]:
    """A line of the table."""
    first, second, port = top / "first" / "home", top / "second" / "standby", free_port()
    first.mkdir(parents=True)
    project = make(first / "labeled", options.items, NEVER)
    standby.set_up(first, second, options.every, options.lease)
    os.environ["LABELER_HOME"] = str(first)
    served = Served(project, port, serve(first, port), time.perf_counter())
    try:
        wait_for_pages(served)
        wait_for_copy(second)
        people = [Watched(served, number) for number in range(options.annotators)]
        with ThreadPoolExecutor(len(people)) as pool:
            list(pool.map(lambda person: person.prepare(), people))
            ends = threading.Event()
            work = [pool.submit(go_on, person, options.pace, ends) for person in people]
            time.sleep(options.seconds + rng.uniform(0, options.every))
            refused = try_take_over(second) != 0
            kill_all(served.process)
            killed_at = time.time()
            first.parent.rename(top / "gone")
            taken_over = try_take_over(second)
            took = time.time() - killed_at
            served.process = serve(second / standby.HOME, port)
            served.started = time.perf_counter()
            served.wait()
            back = time.time() - killed_at
            time.sleep(options.seconds)
            ends.set()
            for future in work:
                future.result()
        moment = datetime.fromisoformat(standby.read(second).holds).timestamp()
        taken = Served(projects.open_project(second / standby.HOME / "labeled"), port, served.process, 0.0)
        result = verdict(taken, [person.record for person in people])
        lost_at = lost(taken, people)
    finally:
        served.process.send_signal(signal.SIGINT)
        served.process.wait(60)
    return {
        "acknowledged": result.acknowledged,
        "lost": result.lost,
        "oldest_s": round(killed_at - min(lost_at, default=killed_at), 2),
        "before_its_moment": sum(at < moment for at in lost_at),
        "doubled": result.doubled,
        "unsent": result.unsent,
        "refused": result.refused,
        "refused_while_alive": refused,
        "taken_over": taken_over == 0,
        "taken_over_s": round(took, 1),
        "answers_again_s": round(back, 1),
    }


def serve(home: Path, port: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "labeler", "serve", str(home), "--port", str(port)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for_copy(folder: Path) -> None:
    until = time.monotonic() + FIRST_COPY
    while not standby.read(folder).holds:
        if time.monotonic() > until:
            raise SystemExit("The first copy was not complete in time.")
        time.sleep(0.1)


def try_take_over(folder: Path) -> int:
    """The exit code of the command."""
    command = [sys.executable, "-m", "labeler", "take-over", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode


def go_on(person: Watched, pace: float, ends: threading.Event) -> None:
    """Answer until the end; each answer that was begun is sent until it is acknowledged."""
    while not ends.is_set():
        time.sleep(pace * person.rng.uniform(0.5, 1.5))
        person.answer()


def kill_all(process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL a server and all that it started."""
    root = psutil.Process(process.pid)
    for each in [root, *root.children(recursive=True)]:
        each.kill()
    process.wait()


def lost(taken: Served, people: Sequence[Watched]) -> list[float]:
    """When each answer that is not in the standby had been acknowledged."""
    with taken.project.store() as store:
        stored = {row["request_id"] for row in store.db.rows("SELECT request_id FROM annotations")}
    return [at for person in people for number, at in person.at.items() if number not in stored]


if __name__ == "__main__":
    main()
