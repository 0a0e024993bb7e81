"""Comparisons of strategies on known labels: the same cycle, with the label column as the oracle.

For each seed all strategies start from the same random seed set, and `random` always runs as the control, so that gains
are paired by seed. Strategies are measured on a holdout that they never query.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import Any

import numpy as np

import strategies
from labeler.backbones.choose import load_encoder
from labeler.core.errors import LabelerError
from labeler.core.items import Progress
from labeler.core.limited import Limits
from labeler.core.processes import cores, end_with_parent
from labeler.core.rounds import Labels
from labeler.core.settings import LimitsConfig
from labeler.cycle.neighbours import Neighbours
from labeler.cycle.round import run_round
from labeler.cycle.state import State
from labeler.experiments.dataset import Task
from labeler.experiments.summary import CONTROL, Run, summarise
from labeler.i18n.messages import sentences
from labeler.learner.task import LearningTask
from labeler.measure import clusters
from labeler.projects.own_strategies import limits_of, strategies_in

# Imports of sklearn and threadpoolctl are deferred: they are slow to load.


@dataclass(frozen=True)
class Design:
    """The runs of a comparison: each strategy, and `random`, once a seed.

    rounds: queries after the seed set, fewer if the pool is used up. seeding: the strategy that asks for the seed set
    of all but `random`.
    """

    strategies: Sequence[str]
    seeds: int
    rounds: int
    seeding: str = CONTROL


def run(
    task: Task,
    strategy: str,
    seed: int,
    rounds: int,
    on_round: Callable[[], None] = lambda: None,
    seeding: str = CONTROL,
) -> Run:
    """The learning curve of one strategy, with the true labels as the oracle.

    A strategy chooses all labels after the seed set, but for those that are watched: they have their control arm as in
    a project. Nothing measures it here, so that its share stays that of the settings.

    Args: rounds: queries after the seed set, fewer if the pool is used up. on_round: called after each round.
          seeding: the strategy that asks for the seed set.
    """
    share = task.config.query.random_share if strategies.get(strategy).watched else 0.0
    query = replace(task.config.query, strategy=strategy, seeding=seeding, random_share=share)
    config = replace(task.config, query=query)
    encoder = None
    if config.learner.kind != "frozen":
        texts = [i for i in task.dataset.inputs if isinstance(i, str)]
        encoder = load_encoder(config.learner, config.modality, texts, task.cache)
    labeled, pool, holdout = np.empty(0, dtype=np.intp), task.pool, Labels(task.holdout, task.targets[task.holdout])
    start = Labels(labeled, task.targets[labeled])
    learning = LearningTask.of(task.dataset, start, len(config.classes), encoder, task.folder)
    curve: list[tuple[Any, ...]] = []
    previous, neighbours = None, Neighbours(task.dataset)
    while len(curve) <= rounds:
        known = learning.relabeled(Labels(labeled, task.targets[labeled]))
        state = State(known, pool, holdout, previous, neighbours=neighbours)
        step = config.query.batch if len(labeled) else config.query.seed_size
        # The seed of a round follows from the run's seed and the number of labels, so that all strategies of a seed
        # share the seed set.
        turn = run_round(state, config, seed * 100_003 + len(labeled), min(step, len(pool)))
        previous, result = turn.model, turn.result
        if result.metrics:
            m = result.metrics
            seconds = result.query_seconds, result.train_seconds
            curve.append((result.labels, m.accuracy, m.macro_f1, *seconds, m.micro_f1))
        on_round()
        asked = np.array([r.position for r in result.ranking], dtype=np.intp)
        if not len(asked):
            break
        labeled, pool = np.concatenate([labeled, asked]), np.setdiff1d(pool, asked)
    labels, *columns = (list(column) for column in zip(*curve, strict=True))
    return Run(strategy, seed, labels, *columns)


def compare(
    task: Task,
    design: Design,
    processes: int | None = None,
    on_progress: Progress | None = None,
    plugins: Path | None = None,
) -> dict[str, Any]:
    """The report of all runs of the design, as plain values.

    Args:   processes: how many at once; by default one a core, or one in all when fine-tuning, which uses all cores.
            on_progress: called with (done, total) rounds; what it raises ends the comparison at once.
            plugins: a folder of strategies that are used besides the registered ones.
    Raises: UnknownStrategy: a strategy does not exist; names those that do. LabelerError: a simulating process died.
    """
    rounds, seeds = design.rounds, design.seeds
    names = [CONTROL, *(n for n in dict.fromkeys(design.strategies) if n != CONTROL)]
    plugins = plugins or Path("none")
    check_names([*names, design.seeding], plugins, limits_of(task.config.limits))
    jobs = [(name, seed) for seed in range(seeds) for name in names]
    finetuning = task.config.learner.kind != "frozen"
    processes = min(len(jobs), processes or (1 if finetuning else cores()))
    # spawned, never forked: torch and ONNX Runtime hold threads
    context = multiprocessing.get_context("spawn")
    ticks: Queue[int] = context.Queue()
    executor = ProcessPoolExecutor(
        processes, context, _set_up_process, (task, ticks, None if finetuning else 1, plugins)
    )
    total = len(jobs) * (rounds + 2)
    try:
        waiting = [executor.submit(_run, name, seed, design) for name, seed in jobs]
        runs = _collect_runs(waiting, ticks, total, on_progress)
    except BaseException:  # on cancellation, too, so that no process is left behind
        _kill_processes(executor)
        raise
    executor.shutdown()
    if on_progress:
        on_progress(total, total)
    return {
        "dataset": {
            "name": task.config.name,
            "items": len(task.dataset),
            "pool": len(task.pool),
            "holdout": len(task.holdout),
            "holdout_groups": clusters.count(task.dataset.groups_of(task.holdout)),
            "classes": list(task.config.classes),
        },
        "config": task.config.as_dict() | {"rounds": rounds, "seeds": seeds},
        "runs": [asdict(r) for r in runs],
        "summary": summarise(runs),
    }


def check_names(names: Iterable[str], plugins: Path, limits: Limits | None = None) -> None:
    """Check that strategies of these names exist.

    Args:   plugins: a folder of strategies that are used besides the registered ones. limits: of its files; by default
            those of a project whose settings name none.
    Raises: UnknownStrategy: one does not exist; names those that do, and the files that could not be used.
    """
    with strategies_in(plugins, limits or limits_of(LimitsConfig())) as broken:
        try:
            for name in names:
                strategies.get(name)
        except strategies.UnknownStrategy as error:
            text = sentences(error, *strategies.broken, *broken)
            raise strategies.UnknownStrategy(text.message, **text.fields) from error


def _collect_runs(
    waiting: "list[Future[Run]]", ticks: "Queue[int]", total: int, on_progress: Progress | None
) -> list[Run]:
    """The runs once all are done; the first failure is raised at once."""
    done = 0
    while not all(f.done() for f in waiting):
        failed = wait(waiting, timeout=0.3, return_when=FIRST_EXCEPTION).done
        if any(f.exception() for f in failed):
            break
        while True:
            try:
                ticks.get_nowait()
            except Empty:
                break
            done = min(done + 1, total)
        if on_progress:
            on_progress(done, total)
    try:
        for f in waiting:
            if f.done():
                f.result()  # raises the first failure before the other runs have ended
        return [f.result() for f in waiting]
    except BrokenProcessPool:
        raise LabelerError(
            "A simulating process was ended from outside, mostly for want of memory: use fewer processes."
        ) from None


def _kill_processes(executor: ProcessPoolExecutor) -> None:
    # shutdown() waits for running calls, and no public method ends them
    children = list((executor._processes or {}).values())
    for child in children:
        child.kill()
    executor.shutdown(cancel_futures=True)
    for child in children:
        child.join()


# The task of this process, sent once when it starts, since the embeddings are large.
_task: Task
_ticks: "Queue[int]"
_plugins = ExitStack()


def _set_up_process(task: Task, ticks: "Queue[int]", threads: int | None, plugins: Path) -> None:
    global _task, _ticks
    _task, _ticks = task, ticks
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the process that started this one
    end_with_parent()
    _plugins.enter_context(strategies_in(plugins, limits_of(task.config.limits)))
    if threads:  # each core has a process, so more threads would compete for the cores
        from threadpoolctl import threadpool_limits

        threadpool_limits(threads)


def _run(strategy: str, seed: int, design: Design) -> Run:
    seeding = CONTROL if strategy == CONTROL else design.seeding
    return run(_task, strategy, seed, design.rounds, lambda: _ticks.put(1), seeding)
