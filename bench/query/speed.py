"""How long a query takes and what memory it needs: every registered strategy, and other libraries' for the same.

    python -m bench.query.speed                                   all of it, in about a quarter of an hour
    python -m bench.query.speed --sizes 10000 --only margin,badge --limit 10

The pool is that of `bench.query.pool`, in batches of 100, in files that each process maps and reads once before the
clock starts. Each (pool, strategy) has a process of its own, with a limit of time and of memory; a peer that hits one
is not run on a larger pool.

seconds   the best of up to three queries, as long as they take less than `AGAIN` seconds together; after one on 60
          items, which imports what is needed. The check of the arrays (`Candidates`) is in none but "margin from
          embeddings", which computes the probabilities as well: a linear head and softmax.
extra MB  by how much the process's peak of resident memory (VmHWM; Linux) grew in the first query.
reads ×   the seconds as a multiple of what reading the embeddings once takes: two threads that add them up.
peer ×    the peer's seconds as a multiple of ours.
float16   the embeddings are in half precision.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from bench.query.peers import PEERS, Arrays
from bench.query.pool import CLASSES, LABELED, ROWS, D, make

BATCH = 100
THEIRS = {name: needs for group in PEERS.values() for name, needs in group.items()}
AGAIN = 3.0  # a query is repeated until it has taken so many seconds in all
READ, FROM_EMBEDDINGS, HALF = "(reading once)", "margin from embeddings", " float16"
IN_HALF = ["information_density", "k_center", "badge", "typiclust", "max_herding", "ranked_batch"]


# ---------------------------------------------------------------- in a process of its own


def measure(name: str, folder: Path) -> dict[str, float]:
    """Seconds and extra megabytes of one query, its files mapped and read before."""
    if name == READ:
        parts = np.array_split(np.load(folder / "X.npy", mmap_mode="r"), 64)
        with ThreadPoolExecutor(2) as threads:
            return timed(lambda: list(threads.map(np.add.reduce, parts)))
    query, needs = prepare(name)
    a = {need: np.load(folder / f"{need}.npy", mmap_mode="r") for need in needs}
    for array in a.values():
        for start in range(0, len(array), ROWS):
            array[start : start + ROWS].max()
    small = {"X": slice(-60 - LABELED, None), "half": slice(-60 - LABELED, None), "proba": slice(60)}
    query({k: array[small[k]] if k in small else array[:, :60] for k, array in a.items()}, 5)()
    return timed(query(a, BATCH))


def timed(query: Callable[[], Any]) -> dict[str, float]:
    """Seconds of the best query, and by how many megabytes the first one made the process's memory peak."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, extra, seconds = peak(), 0.0, list[float]()
    while not seconds or (len(seconds) < 3 and sum(seconds) < AGAIN):
        start = time.perf_counter()
        query()
        seconds.append(time.perf_counter() - start)
        extra = extra or peak() - before
    return {"seconds": min(seconds), "extra": extra}


def peak() -> float:
    """The most memory that this process has had so far, in MB."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1000


def prepare(name: str) -> tuple[Callable[[Arrays, int], Callable[[], Any]], list[str]]:
    """What makes a query of arrays and a batch size, and the arrays that it needs."""
    if name in THEIRS:
        from bench.query.peers import peer

        ask = peer(name)
        return lambda a, n: lambda: ask(a, n), ["X", *THEIRS[name]]
    if name == FROM_EMBEDDINGS:
        return lambda a, n: lambda: from_embeddings(a["X"][:-LABELED], n), ["X"]
    import strategies

    strategy, file = strategies.get(name.removesuffix(HALF)), "half" if name.endswith(HALF) else "X"

    def ours(a: Arrays, n: int) -> Callable[[], Any]:
        X = a[file]
        c = strategies.Candidates(
            np.arange(len(X) - LABELED),
            a.get("proba"),
            a.get("member_proba"),
            X[:-LABELED] if "embeddings" in strategy.needs else None,
            X[-LABELED:],
            np.arange(LABELED) % CLASSES,
        )
        return lambda: strategy.query(c, n, np.random.default_rng(0))

    return ours, [file, *(strategy.needs & {"proba", "member_proba"})]


def from_embeddings(X: np.ndarray, n: int) -> None:
    """Margin sampling with all that goes before it: a linear head, softmax, the check of the candidates."""
    import strategies

    weight = np.random.default_rng(0).normal(size=(D, CLASSES)).astype(np.float32)
    proba = np.empty((len(X), CLASSES), dtype=np.float32)
    for start in range(0, len(X), ROWS):
        logits = X[start : start + ROWS] @ weight
        np.exp(logits - logits.max(axis=1, keepdims=True), out=logits)
        np.divide(logits, logits.sum(axis=1, keepdims=True), out=proba[start : start + ROWS])
    c = strategies.Candidates(np.arange(len(X)), proba)
    strategies.get("margin").query(c, n, np.random.default_rng(0))


# ---------------------------------------------------------------- all of them, in turn


def run(name: str, folder: Path, limit: float, memory: float) -> dict[str, float] | str:
    """The figures of one process, or why there are none."""
    command = [sys.executable, "-m", "bench.query.speed", "--measure", name, str(folder), "--memory", str(memory)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return f"> {limit:g} s"
    if done.returncode == 0:
        return dict(json.loads(done.stdout))
    last = (done.stderr.strip().splitlines() or ["killed"])[-1]
    return f"> {memory:g} GB" if last == "killed" or "MemoryError" in last else last


def compare(wanted: list[str], sizes: list[int], limit: float, memory: float, home: Path) -> Iterator[list[str]]:
    """The rows of the table; a peer that failed, or hit a limit, is not run on a larger pool."""
    failed: dict[str, str] = {}
    for n in sorted(sizes):
        folder = home / str(n)
        folder.mkdir()
        make(folder, n)
        reading = run(READ, folder, limit, memory)
        assert isinstance(reading, dict), reading
        yield [str(n), READ, f"{reading['seconds']:.4f}", "", "1.0", "", "", ""]
        for name in wanted:
            ours = run(name, folder, limit, memory)
            if isinstance(ours, dict):
                reads = ours["seconds"] / reading["seconds"]
                start = [str(n), name, f"{ours['seconds']:.4f}", f"{ours['extra']:.0f}", f"{reads:.1f}"]
            else:
                start = [str(n), name, ours, "", ""]
            for other in PEERS.get(name, [""]):
                theirs = (failed.get(other) or run(other, folder, limit, memory)) if other else ""
                if isinstance(theirs, dict):
                    ratio = f"{theirs['seconds'] / ours['seconds']:.1f}" if isinstance(ours, dict) else ""
                    yield [*start, other, f"{theirs['seconds']:.4f}", ratio]
                else:
                    failed[other] = theirs
                    yield [*start, other, theirs, ""]
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000,1000000", help="pool sizes, with commas between them")
    parser.add_argument("--only", default="", help="names of strategies, with commas between them")
    parser.add_argument("--limit", type=float, default=60, help="seconds that a process may take")
    parser.add_argument("--memory", type=float, default=12, help="GB that a process may take, its files included")
    parser.add_argument("--measure", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        resource.setrlimit(resource.RLIMIT_AS, (int(options.memory * 1e9),) * 2)
        name, folder = options.measure
        print(json.dumps(measure(name, Path(folder))))
        return
    import strategies

    everything = [FROM_EMBEDDINGS, *strategies.registered(), *(name + HALF for name in IN_HALF)]
    wanted = options.only.split(",") if options.only else everything
    line = "{:>8} {:<25} {:>9} {:>9} {:>8}  {:<47} {:>9} {:>7}".format
    print(line("pool", "strategy", "seconds", "extra MB", "reads ×", "peer", "seconds", "peer ×"))
    with tempfile.TemporaryDirectory(prefix="query_speed") as home:
        sizes = [int(size) for size in options.sizes.split(",")]
        for row in compare(wanted, sizes, options.limit, options.memory, Path(home)):
            print(line(*row).rstrip(), flush=True)


if __name__ == "__main__":
    main()
