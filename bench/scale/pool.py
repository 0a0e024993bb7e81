"""What the map and predictions read of a pool: milliseconds and memory, beside reading all items at once.

python -m bench.scale.pool
python -m bench.scale.pool --items 100000 1000000
"""

import argparse
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.tables import table
from labeler.core.items import NewItem
from labeler.core.settings import Config
from labeler.models.pool_map import MOST as ON_MAP
from labeler.models.pool_predictions import MOST as PREDICTED
from labeler.projects import project as projects
from labeler.store import Store

AT_ONCE = 50_000  # items that are added in one transaction


def through_all(store: Store) -> int:
    """The number of items that the parts without a label have."""
    return sum(len(part) for part in store.pool.unlabeled())


READS: dict[str, Callable[[Store], object]] = {
    "all at once": lambda store: store.items.all(),
    "without a label, in parts": through_all,
    "sample for predictions": lambda store: store.pool.sample(PREDICTED),
    "sample for the map": lambda store: store.pool.sample(ON_MAP),
}


def measure(store: Store, read: Callable[[Store], object]) -> dict[str, int]:
    """Milliseconds of the processor, and megabytes of memory at most, of a reading."""
    began = time.process_time()
    read(store)
    took = 1000 * (time.process_time() - began)
    tracemalloc.start()
    read(store)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"ms": round(took), "MB": round(peak / 1e6)}


def fill(store: Store, n: int) -> None:
    """Add `n` texts of about 150 characters to the pool."""
    rng = np.random.default_rng(n)
    for start in range(0, n, AT_ONCE):
        names = [rng.bytes(16).hex() for _ in range(min(AT_ONCE, n - start))]
        store.items.add([NewItem(name, "texts.csv", text=f"{name} " * 5, split="pool") for name in names])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, nargs="+", default=[100_000, 400_000])
    rows: list[dict[str, Any]] = []
    for n in parser.parse_args().items:
        with tempfile.TemporaryDirectory() as folder:
            project = projects.create(Path(folder) / "texts", Config(name="texts", classes=("a", "b")))
            with project.store() as store:
                fill(store, n)
                for name, read in READS.items():
                    rows.append({"what is read": name, "items": n, **measure(store, read)})
    print(table(rows))


if __name__ == "__main__":
    main()
