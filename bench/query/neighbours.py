"""What it takes to find the items most similar to some: our groups, a pass over all, and libraries where they are.

`usearch` (HNSW, int8) and `faiss-cpu` (inverted file, int8) are no requirements; install them to see them here. Seconds
are of a core, of all threads together, so that other work on the machine does not count. Features are made up: 1,000
clusters in 64 of the columns' directions, and noise in all. Recall is the share of the 100 nearest that is found.

    python -m bench.query.neighbours --rows 200000
"""

import argparse
import importlib
import importlib.util
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.tables import table
from labeler.core.processes import cores
from labeler.core.rounds import Dataset
from labeler.cycle import neighbours
from labeler.cycle.neighbours import FILE, Neighbours

K, ASKED, AT_ONCE = 100, 25, 16_384

Find = Callable[[np.ndarray], np.ndarray]  # positions (m,) → their neighbours (m, K)


def features(rows: int, width: int) -> np.ndarray:
    """(rows, width) float32 of length 1."""
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((64, width), dtype=np.float32)
    centres = rng.standard_normal((1000, 64), dtype=np.float32)
    result = np.empty((rows, width), dtype=np.float32)
    for start in range(0, rows, AT_ONCE):
        n = min(AT_ONCE, rows - start)
        hidden = centres[rng.integers(1000, size=n)] + 0.7 * rng.standard_normal((n, 64), dtype=np.float32)
        result[start : start + n] = hidden @ directions + 2 * rng.standard_normal((n, width), dtype=np.float32)
    return result / np.linalg.norm(result, axis=1, keepdims=True)


def ours(X: np.ndarray, folder: Path, whole: bool) -> tuple[Find, int]:
    """Our search, and the bytes of its file."""
    of = Neighbours(Dataset([""] * len(X), X, (X.shape[1],)), folder)
    neighbours.SEARCHED_WHOLE = len(X) + 1 if whole else 1
    among = np.ones(len(X), dtype=bool)
    assert len(of.groups.of)
    return lambda asked: of.nearest(asked, K, among).positions, 0 if whole else (folder / FILE).stat().st_size


def of_usearch(X: np.ndarray) -> tuple[Find, int]:
    """usearch's HNSW in int8, as it is by default, but for a search that is as wide as its list is long."""
    index = importlib.import_module("usearch.index").Index(
        ndim=X.shape[1], metric="cos", dtype="i8", expansion_search=2 * K
    )
    for start in range(0, len(X), AT_ONCE):
        part = X[start : start + AT_ONCE]
        index.add(np.arange(start, start + len(part)), part, threads=cores())
    return lambda asked: index.search(X[asked], K, threads=cores()).keys, int(index.serialized_length)


def of_faiss(X: np.ndarray) -> tuple[Find, int]:
    """faiss' inverted file in int8, with as many groups as ours."""
    faiss = importlib.import_module("faiss")
    faiss.omp_set_num_threads(cores())
    groups = min(neighbours.MOST_GROUPS, len(X) // neighbours.A_GROUP)
    index = faiss.index_factory(X.shape[1], f"IVF{groups},SQ8", faiss.METRIC_INNER_PRODUCT)
    index.cp.niter = neighbours.PASSES
    index.nprobe = neighbours.PROBED
    taught_by = np.random.default_rng(0).choice(len(X), min(len(X), 40 * groups), replace=False)
    index.train(X[taught_by])
    for start in range(0, len(X), AT_ONCE):
        index.add(X[start : start + AT_ONCE])
    return lambda asked: index.search(X[asked], K)[1], faiss.serialize_index(index).nbytes


def lines(X: np.ndarray) -> Iterator[dict[str, Any]]:
    """A line of the table for each way."""
    asked = np.random.default_rng(1).choice(len(X), ASKED, replace=False)
    peers = {"usearch": of_usearch, "faiss": of_faiss}
    with tempfile.TemporaryDirectory() as folder:
        ways: dict[str, Callable[[], tuple[Find, int]]] = {
            "a pass over all": lambda: ours(X, Path(folder, "whole"), whole=True),
            "our groups": lambda: ours(X, Path(folder, "groups"), whole=False),
        }
        ways |= {name: partial(of, X) for name, of in peers.items() if importlib.util.find_spec(name)}
        right: list[set[int]] = []
        for name, build in ways.items():
            began = time.process_time()
            find, size = build()
            built = time.process_time() - began
            began = time.process_time()
            found = [set(row) for row in find(asked).tolist()]
            searched = time.process_time() - began
            right = right or found
            recall = np.mean([len(a & b) / K for a, b in zip(found, right, strict=True)])
            yield {
                "way": name,
                "made in s": f"{built:.1f}",
                "bytes an item": f"{size / len(X):.1f}",
                f"{ASKED} searched in s": f"{searched:.2f}",
                "recall": f"{recall:.3f}",
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--width", type=int, default=384)
    options = parser.parse_args()
    print(table(list(lines(features(options.rows, options.width)))))


if __name__ == "__main__":
    main()
