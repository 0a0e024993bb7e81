"""How long a project waits from the import of its items until people are asked by a ranking, beside other revisions.

    python -m bench.speed.first_ranking [--items 10000] [--beside CHECKOUT ...] [--folder FOLDER]

Images are noise of 128 × 128 pixels in PNG files, texts are sentences of 5 to 60 words; none has a label. `--beside`
names checkouts of other revisions, which the same Python runs, one after the other. Each step is a process of its own:
*import* makes the project and reads the items, *ranking* is the first round. Seconds of the processor count all cores,
and mean more than the clock's where the machine has other work.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from bench import tables

ROOT = Path(__file__).resolve().parents[2]
BACKBONES = {"image": "tf_efficientnet_lite0", "text": "all-MiniLM-L6-v2"}
# Each revision runs these lines: what they call has kept its name.
STEPS = {
    "import": """
import sys
from pathlib import Path
from labeler.core.settings import Config, LearnerConfig
from labeler.files.sources import SourceColumns
from labeler.projects import project
from labeler.projects.importer import import_source
folder, table, kind, backbone = sys.argv[1:]
learner = LearnerConfig(kind="frozen", backbone=backbone)
made = project.create(Path(folder), Config(name="bench", classes=("a", "b"), modality=kind, learner=learner))
import_source(made, Path(table), SourceColumns(**{kind: kind}))
""",
    "ranking": """
import sys, time
from pathlib import Path
from labeler.jobs.rounds import work_once
from labeler.projects import project
opened = project.open_project(Path(sys.argv[1]))
with opened.store() as store:
    store.rounds.request("bench")
while not work_once(opened):
    time.sleep(0.01)
""",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--beside", type=Path, nargs="*", default=[], help="folders of checkouts")
    parser.add_argument("--folder", type=Path, help="where the data and the projects are for the time being")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        scratch = Path(name)
        sources = {"image": written_images(scratch, options.items), "text": written_texts(scratch, options.items)}
        for kind, table in sources.items():
            for checkout in (*options.beside, ROOT):
                folder = scratch / f"{kind}-{checkout.name}"
                arguments = {"import": [str(folder), str(table), kind, BACKBONES[kind]], "ranking": [str(folder)]}
                row: dict[str, object] = {"items": f"{options.items:,} {kind}s", "revision": revision(checkout)}
                total = np.zeros(2)
                for step, script in STEPS.items():
                    taken = in_process(script, arguments[step], checkout, scratch / f"cache-{checkout.name}")
                    row[f"{step}: s (of the processor)"] = "{:.1f} ({:.1f})".format(*taken)
                    total += taken
                row["together"] = "{:.1f} ({:.1f})".format(*total)
                rows.append(row)
                print(row, flush=True)
    print(tables.table(rows))


def in_process(script: str, arguments: list[str], checkout: Path, cache: Path) -> tuple[float, float]:
    """The seconds that the script takes with a checkout's code: of the clock, and of the processor."""
    environment = os.environ | {"PYTHONPATH": str(checkout), "LABELER_CACHE": str(cache), "LABELER_NICENESS": "0"}
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", script, *arguments], cwd=checkout, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"A step failed in {checkout}.")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime


def revision(checkout: Path) -> str:
    command = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def written_images(folder: Path, n: int) -> Path:
    """A table of images, and the files beside it."""
    rng = np.random.default_rng(0)
    table = folder / "images.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["image"])
        for i in range(n):
            Image.fromarray(rng.integers(0, 256, (128, 128, 3), dtype=np.uint8)).save(folder / f"{i}.png")
            rows.writerow([f"{i}.png"])
    return table


def written_texts(folder: Path, n: int) -> Path:
    """A table of texts."""
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(500)]
    table = folder / "texts.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["text"])
        rows.writerows([" ".join(rng.choice(words, rng.integers(5, 60)))] for _ in range(n))
    return table


if __name__ == "__main__":
    main()
