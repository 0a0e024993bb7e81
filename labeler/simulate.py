"""Strategies compared on labels that are already known: the same cycle, with the label column as the oracle.

For each seed all strategies start from the same randomly drawn first labels, and `random` always runs as the
control, so that gains are paired by seed. What a strategy is measured on is a holdout that it never queries.
"""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import Any

import numpy as np

import strategies
from labeler.config import Config, LearnerConfig, QueryConfig
from labeler.errors import SourceError
from labeler.evaluate import area_under_curve, labels_to_reach, paired_gain
from labeler.importer import content_hash, normalise
from labeler.sources import Row, read
from labeler.tables import read_table
from labeler.types import Dataset, Labels, Modality, Problem, Progress

CONTROL = "random"


@dataclass(frozen=True)
class Task:
    """A labeled data set, ready to be simulated on; positions index `dataset`."""

    dataset: Dataset
    targets: np.ndarray  # (n,) class indices
    pool: np.ndarray
    holdout: np.ndarray
    config: Config
    cache: Path  # where the embeddings are


@dataclass(frozen=True)
class Run:
    """One strategy's learning curve for one seed; all lists have the length of `labels`."""

    strategy: str
    seed: int
    labels: list[int]
    accuracy: list[float]
    macro_f1: list[float]
    query_seconds: list[float]
    train_seconds: list[float]


def load_task(
    source: Path,
    *,
    modality: Modality | None = None,
    text_column: str | None = None,
    image_column: str | None = None,
    label_column: str = "label",
    split_column: str | None = None,
    query: QueryConfig | None = None,
    learner: LearnerConfig | None = None,
    cache: Path | None = None,
    on_progress: Progress | None = None,
) -> tuple[Task, list[Problem]]:
    """Read and embed a labeled table or folder. Rows whose split is `test` are the holdout, else a seeded 20 %.

    Duplicates are dropped, so that none is both in the pool and in the holdout; rows without a label are left out.

    Args:    split_column: `split` by default, if the table has it. A folder's labels are its sub-folders.
    Returns: the task, and the rows that could not be used.
    Raises:  SourceError: nothing can be read, or fewer than two classes or no holdout are left.
    """
    from labeler.backbones import load_encoder
    from labeler.embed import embed
    from labeler.onnx import cache_folder

    found: dict[str, Row] = {}
    problems: list[Problem] = []
    if source.is_dir():
        rows_read = read(source)
    else:
        if split_column is None and source.is_file() and "split" in read_table(source)[0]:
            split_column = "split"
        rows_read = read(
            source,
            text_column=text_column,
            image_column=image_column,
            label_column=label_column,
            split_column=split_column,
            modality=modality,
        )
    for row in rows_read:
        if isinstance(row, Problem):
            problems.append(row)
        elif row.label:
            try:
                found.setdefault(content_hash(_content(row)), row)
            except OSError as error:
                problems.append(Problem(row.source, f"cannot be read: {error.strerror}"))
    rows = list(found.values())
    classes = sorted({str(r.label) for r in rows})
    if len(classes) < 2:
        first = f" The first problem: {problems[0]}." if problems else ""
        raise SourceError(
            f"{source}: {len(rows)} labeled rows of {len(classes)} classes; a comparison needs two or more.{first}"
        )
    kind: Modality = "text" if rows[0].text is not None else "image"
    if modality not in (None, kind):
        raise SourceError(f"{source} holds {kind}s, not {modality}s: name the column with --{modality}-column.")

    config = Config(
        name=source.stem or "simulation",
        classes=tuple(classes),
        modality=kind,
        query=query or QueryConfig(),
        learner=learner or LearnerConfig(),
    )
    # a folder for each data set, since an encoder may be fitted to its texts
    folder = (cache or cache_folder() / "simulate") / content_hash("".join(found).encode())
    inputs = [_input(row) for row in rows]
    encoder = load_encoder(config.learner, kind, [r.text for r in rows if r.text], folder, None)
    embeddings = embed(inputs, list(found), encoder, folder, on_progress)
    targets = np.array([classes.index(str(r.label)) for r in rows])
    held = np.array([(r.split or "").strip().lower() == "test" for r in rows])
    if not held.any():
        held[np.random.default_rng(0).choice(len(rows), round(0.2 * len(rows)), replace=False)] = True
    task = Task(
        Dataset(inputs, embeddings, encoder.dims), targets, np.flatnonzero(~held), np.flatnonzero(held), config, folder
    )
    if len(task.pool) <= config.query.seed_size:
        raise SourceError(
            f"{source}: the pool has {len(task.pool)} items, fewer than the {config.query.seed_size} first labels."
        )
    return task, problems


def _content(row: Row) -> bytes:
    return normalise(row.text).encode() if row.text is not None else _file(row).read_bytes()


def _input(row: Row) -> str | Path:
    return row.text if row.text is not None else _file(row)


def _file(row: Row) -> Path:
    if not isinstance(row.image, Path):
        raise SourceError(f"{row.source} lies in a zip: unpack it, and compare strategies on the folder.")
    return row.image


def run(task: Task, strategy: str, seed: int, rounds: int, on_round: Callable[[], None] = lambda: None) -> Run:
    """Simulate the cycle with the true labels as the oracle.

    Args: rounds: queries after the first labels, fewer if the pool runs out.
    """
    from labeler.backbones import load_encoder
    from labeler.model import Normalizer
    from labeler.rounds import State, run_round

    config = replace(
        task.config, query=replace(task.config.query, strategy=strategy, seeding=CONTROL, random_share=0.0)
    )
    encoder = None
    if config.learner.kind == "finetune":
        texts = [i for i in task.dataset.inputs if isinstance(i, str)]
        encoder = load_encoder(config.learner, config.modality, texts, task.cache)
    normalizer = Normalizer.fit(task.dataset.embeddings, task.dataset.dims)
    labeled, pool = np.empty(0, dtype=np.intp), task.pool
    curve: list[tuple[int, float, float, float, float]] = []
    while len(curve) <= rounds:
        state = State(
            task.dataset,
            normalizer,
            Labels(labeled, task.targets[labeled]),
            pool,
            Labels(task.holdout, task.targets[task.holdout]),
        )
        step = config.query.batch if len(labeled) else config.query.seed_size
        # A seed of its own for each (seed, step): round numbers start again for every strategy, so that all
        # strategies share the first labels.
        result = run_round(state, config, seed * 100_003 + len(labeled), min(step, len(pool)), encoder)
        if result.metrics:
            m = result.metrics
            curve.append((result.labels, m.accuracy, m.macro_f1, result.query_seconds, result.train_seconds))
        on_round()
        asked = np.array([r.position for r in result.ranking], dtype=np.intp)
        if not len(asked):
            break
        labeled, pool = np.concatenate([labeled, asked]), np.setdiff1d(pool, asked)
    labels, *columns = (list(column) for column in zip(*curve, strict=True))
    return Run(strategy, seed, labels, *columns)


def summarise(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """One row a strategy: area under the curve, the gain over `random` paired by seed, and labels saved.

    `labels_saved_percent`: how many fewer labels the mean curve needs to reach the accuracy with which random's
    mean curve ends; None if it never does. `random`'s own value is the noise floor.
    """
    by_name: dict[str, dict[int, Run]] = {}
    for r in runs:
        by_name.setdefault(r.strategy, {})[r.seed] = r
    seeds = sorted(by_name[CONTROL])
    area = {n: [area_under_curve(rs[s].labels, rs[s].accuracy) for s in seeds] for n, rs in by_name.items()}
    grid, control = _mean_curve([by_name[CONTROL][s] for s in seeds])
    rows = []
    for name, of_seed in by_name.items():
        gain, low, high = paired_gain(area[name], area[CONTROL])
        needed = labels_to_reach(*_mean_curve([of_seed[s] for s in seeds]), control[-1])
        rows.append(
            {
                "strategy": name,
                "aulc_mean": float(np.mean(area[name])),
                "aulc_std": float(np.std(area[name], ddof=1)) if len(seeds) > 1 else 0.0,
                "gain_over_random": gain,
                "gain_low": low,
                "gain_high": high,
                "labels_saved_percent": None if needed is None else 100 * (1 - needed / grid[-1]),
            }
        )
    return sorted(rows, key=lambda row: -row["aulc_mean"])


def _mean_curve(runs: Sequence[Run]) -> tuple[list[int], list[float]]:
    grid = sorted(set.intersection(*(set(r.labels) for r in runs)))
    return grid, [float(np.mean([r.accuracy[r.labels.index(n)] for r in runs])) for n in grid]


def compare(
    task: Task,
    names: Sequence[str],
    seeds: int,
    rounds: int,
    processes: int | None = None,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Run each strategy, and `random`, once a seed; the report as plain values.

    Args:   processes: how many at once, by default one a core (one in all when fine-tuning, which uses all cores).
    Raises: UnknownStrategy: names those there are.
    """
    names = [CONTROL, *(n for n in dict.fromkeys(names) if n != CONTROL)]
    for name in names:
        strategies.get(name)
    jobs = [(name, seed) for seed in range(seeds) for name in names]
    total, done = len(jobs) * (rounds + 2), 0
    finetuning = task.config.learner.kind == "finetune"
    processes = min(len(jobs), processes or (1 if finetuning else os.cpu_count() or 1))
    # spawned, never forked: torch and ONNX Runtime hold threads
    context = multiprocessing.get_context("spawn")
    ticks: Queue[int] = context.Queue()
    with ProcessPoolExecutor(processes, context, _start, (task, ticks, None if finetuning else 1)) as executor:
        waiting = [executor.submit(_run, name, seed, rounds) for name, seed in jobs]
        while not all(f.done() for f in waiting):
            wait(waiting, timeout=0.3)
            while True:
                try:
                    ticks.get_nowait()
                except Empty:
                    break
                done = min(done + 1, total)
            if on_progress:
                on_progress(done, total)
        runs = [f.result() for f in waiting]
    if on_progress:
        on_progress(total, total)
    return {
        "dataset": {
            "name": task.config.name,
            "items": len(task.dataset),
            "pool": len(task.pool),
            "holdout": len(task.holdout),
            "classes": list(task.config.classes),
        },
        "config": task.config.as_dict() | {"rounds": rounds, "seeds": seeds},
        "runs": [asdict(r) for r in runs],
        "summary": summarise(runs),
    }


# What a simulating process works on; set once when it starts, since the embeddings are large.
_task: Task
_ticks: "Queue[int]"


def _start(task: Task, ticks: "Queue[int]", threads: int | None) -> None:
    global _task, _ticks
    _task, _ticks = task, ticks
    if threads:  # one process a core: more threads than that only get in each other's way
        from threadpoolctl import threadpool_limits

        threadpool_limits(threads)


def _run(strategy: str, seed: int, rounds: int) -> Run:
    return run(_task, strategy, seed, rounds, lambda: _ticks.put(1))
