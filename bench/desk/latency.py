"""What annotators wait for at the desk: key press → next item drawn, key press → answer acknowledged, first screen.

    python -m bench.desk.latency DATA --annotators 1,10,25 --out desk.json
    python -m bench.desk.latency DATA --rival RIVAL.py --rival-venv FOLDER

DATA as in `bench.label_efficiency.strategies`: its cifar10/ is labeled, in a fresh project and under a fresh
`labeler serve` for each line of the table. Annotators are pages of one headless Chromium, each in a context of its own,
and once more HTTP clients that ask and answer as the desk does, so that the server is seen without the pages' own work
on the same cores. The last line has no pauses at all: what the server can take. No round is trained meanwhile. After
each line, the database must hold every answer that was acknowledged, and no other.

*Shown*: from the keydown event to the animation frame after the next item is in the page, its image decoded; *in the
page*: without the wait for that frame, as the rival's script measures. *Acknowledged*: from the keydown event until no
answer is unsent; for a client, until the reply is read. *First screen*: from the start of the server's process until
a browser that runs already, and has cached nothing, shows an item. CPU and memory are the app's, without the worker.
"""

import argparse
import csv
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.desk.annotators import VISIBLE_MS, Measurements, in_browser
from bench.desk.clients import AHEAD, over_http
from bench.desk.rival import rival
from bench.desk.server import serving
from bench.tables import table

WANTED = "wanted: shown in 10/50 ms, acknowledged in 25/100 ms, first screen in 3 s, server of at most 250 MB"
NO_PAUSE_MS = 4  # for how many answers to have items: no server was seen to acknowledge them faster
TABLE = {  # heading → key of a line
    "who": "who",
    "annotators": "annotators",
    "pace s": "pace",
    "shown p50 / p95 ms": "shown_ms",
    "in the page": "in_page_ms",
    "acknowledged p50 / p95 ms": "acknowledged_ms",
    "labels a minute": "labels_per_minute",
    "server CPU ms a label": "server_cpu_ms_per_label",
    "server MB": "server_rss_mb",
    "first screen s": "first_screen_s",
    "cores busy": "machine_busy",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--annotators", default="1,10,25", help="numbers, with commas between them")
    parser.add_argument("--images", type=int, default=400, help="in a project, at least; as many for the rival")
    parser.add_argument("--seconds", type=float, default=30, help="of labeling for each line")
    parser.add_argument("--pace", type=float, default=1.0, help="seconds between two keys of a person; 0: none")
    parser.add_argument("--only", choices=("browser", "http"), help="one kind of annotator")
    parser.add_argument("--rival", type=Path, help="script that runs Label Studio, see bench/desk/rival.py")
    parser.add_argument("--rival-venv", type=Path, default=Path(".rival-venv"), help="where it is or gets installed")
    parser.add_argument("--rival-items", type=int, default=50, help="that are answered there")
    parser.add_argument("--out", type=Path, help="JSON, with every measured value")
    options = parser.parse_args()
    if not (options.data / "cifar10" / "labels.csv").exists():
        raise SystemExit(f"{options.data} has no cifar10/labels.csv: DATA is the folder that cifar10/ lies in.")

    lines = []
    for line in measured(options):
        lines.append(line)
        print(f"{line['who']}, {line['annotators']}: {summary(line)}", flush=True)
        if options.out:
            options.out.write_text(json.dumps({"cores": os.cpu_count(), "lines": lines}, indent=1))
    print(f"\n{os.cpu_count()} cores; {WANTED}\n")
    print(markdown(lines))


def measured(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A line of the table for each kind and number of annotators, then the rival."""
    numbers = [int(n) for n in options.annotators.split(",")]
    runs = [("browser", n, options.pace) for n in numbers] + [("http", n, options.pace) for n in numbers]
    if options.pace > 0:
        runs.append(("http", max(numbers), 0.0))
    for who, annotators, pace in runs:
        if options.only in (None, who):
            yield measured_once(options, who, annotators, pace)
    if options.rival:
        with TemporaryDirectory(prefix="labeler-bench-") as folder:
            images, classes = photographs(options.data, Path(folder), options.images)
            clients = numbers if options.only != "browser" else []
            how = {"seconds": options.seconds, "pace": options.pace}
            place = (options.rival, options.rival_venv)
            for who, annotators, measurements in rival(*place, images, classes, options.rival_items, clients, **how):
                pace = options.pace if who == "http" else 0.0
                yield line_of(f"Label Studio, {who}", annotators, pace, measurements)


def measured_once(options: argparse.Namespace, who: str, annotators: int, pace: float) -> dict[str, Any]:
    """A line of the table.

    Raises: SystemExit: an acknowledged answer is not in the database, or one is that nobody gave.
    """
    fastest = max(pace, (VISIBLE_MS if who == "browser" else NO_PAUSE_MS * annotators) / 1000)
    needed = int(annotators * (AHEAD + 1.2 * options.seconds / fastest))
    with TemporaryDirectory(prefix="labeler-bench-") as folder:
        images, classes = photographs(options.data, Path(folder), max(options.images, needed))
        with serving(images, classes) as served:
            label = in_browser if who == "browser" else over_http
            measurements: Measurements = label(served, annotators, options.seconds, pace)
            stored = served.stored()
    if lost := measurements.answered - stored:
        raise SystemExit(f"{len(lost)} acknowledged answers are not in the database, e.g. {min(lost)}.")
    if more := len(stored - measurements.answered) - measurements.unanswered:
        raise SystemExit(f"The database holds {more} answers that nobody gave.")
    return line_of(who, annotators, pace, measurements)


def line_of(who: str, annotators: int, pace: float, run: Measurements) -> dict[str, Any]:
    """What a run measured, as a line of the table."""
    line = {
        "who": who,
        "annotators": annotators,
        "pace": pace,
        **run.usage,
        "keys_without_effect": run.unanswered,
    }
    if run.first_screen:
        line["first_screen_s"] = round(run.first_screen, 2)
    names = ("shown", "in_page", "acknowledged", "reserved", "media")
    return line | distributions({name: getattr(run, name) for name in names})


def photographs(data: Path, folder: Path, n: int) -> tuple[Path, tuple[str, ...]]:
    """A folder of copies of the first `n` images, and the names of all classes."""
    with (data / "cifar10" / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    images = folder / "images"
    images.mkdir()
    for row in rows[:n]:
        shutil.copy(data / "cifar10" / row["file"], images)
    return images, tuple(sorted({row["label"] for row in rows}))


def distributions(milliseconds: dict[str, list[float]]) -> dict[str, Any]:
    """Median and 95th percentile of each, and the values themselves; what was not measured is left out."""
    quantiles: dict[str, Any] = {}
    for name, values in milliseconds.items():
        if values:
            quantiles[f"{name}_ms"] = [round(float(q), 1) for q in np.percentile(values, [50, 95])]
            quantiles[f"{name}_ms_all"] = [round(value, 2) for value in values]
    return quantiles


def summary(line: dict[str, Any]) -> str:
    return json.dumps({k: v for k, v in line.items() if k not in ("who", "annotators") and not k.endswith("_all")})


def markdown(lines: list[dict[str, Any]]) -> str:
    return table([{head: line.get(key) for head, key in TABLE.items()} for line in lines])


if __name__ == "__main__":
    main()
