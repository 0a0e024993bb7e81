"""How long importing a table of texts takes, next to pandas only reading the file. Prints JSON.

Run: .venv/bin/python -m bench.speed.importing [rows]
"""

import argparse
import csv
import json
import random
import tempfile
import time
from pathlib import Path

import pandas as pd

from labeler.core.settings import Config
from labeler.files.sources import SourceColumns
from labeler.projects import project
from labeler.projects.importer import import_source


def write_table(path: Path, rows: int) -> None:
    """A CSV of distinct sentences of 5 to 30 words, with quotes, commas, Korean, and labels."""
    rng = random.Random(0)
    words = ["film", "plot", "actor,", "slow", '"great"', "scene", "music", "배우", "연기", "정말", "지루한", "영화"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "label"])
        for i in range(rows):
            text = " ".join(rng.choices(words, k=rng.randint(5, 30)))
            writer.writerow([i, f"{text} {i}", rng.choice(["pos", "neg"])])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int, nargs="?", default=10_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "reviews.csv"
        write_table(table, rows)
        config = Config(name="bench", classes=("pos", "neg"), modality="text")
        target = project.create(Path(folder) / "project", config)

        start = time.perf_counter()
        report = import_source(target, table, SourceColumns(text="text", label="label"))
        seconds = time.perf_counter() - start
        if report.added != rows or report.labels_added != rows:
            raise SystemExit(f"{rows} rows were written, but {report} came in")

        start = time.perf_counter()
        again = import_source(target, table, SourceColumns(text="text", label="label"))
        seconds_again = time.perf_counter() - start
        if again.added or again.duplicates != rows:
            raise SystemExit(f"a second import changed something: {again}")

        start = time.perf_counter()
        pd.read_csv(table, dtype=str, keep_default_na=False)
        pandas_seconds = time.perf_counter() - start
    figures = {
        "rows": rows,
        "seconds": round(seconds, 3),
        "rows_per_second": round(rows / seconds),
        "seconds_again": round(seconds_again, 3),
        "pandas_read_csv_seconds": round(pandas_seconds, 4),
        "ratio_to_pandas_read_csv": round(seconds / pandas_seconds, 1),
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
