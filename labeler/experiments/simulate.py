"""Comparisons of strategies on known labels: the same cycle, with the label column as the oracle.

For each seed all strategies start from the same random seed set, and `random` always runs as the control, so that gains
are paired by seed. Strategies are measured on a holdout that they never query.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

import strategies
from labeler.backbones.choose import load_encoder
from labeler.core.items import Progress
from labeler.core.limited import Limits
from labeler.core.processes import cores
from labeler.core.rounds import Labels
from labeler.core.settings import LimitsConfig
from labeler.cycle.neighbours import Neighbours
from labeler.cycle.round import run_round
from labeler.cycle.state import State
from labeler.engine import engines
from labeler.engine.protocol import Report
from labeler.experiments.dataset import Task
from labeler.experiments.summary import CONTROL, Run, summarise
from labeler.i18n.messages import sentences
from labeler.measure import clusters
from labeler.projects.own_strategies import limits_of, strategies_in


@dataclass(frozen=True)
class Design:
    """The runs of a comparison: each strategy, and `random`, once a seed.

    rounds: queries after the seed set, fewer if the pool is used up. seeding: the strategy that asks for the seed set
    of all but `random`. first: the first of the seeds.
    """

    strategies: Sequence[str]
    seeds: int
    rounds: int
    seeding: str = CONTROL
    first: int = 0


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
    learning = task.learning(encoder)
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

    Args:   processes: of this machine; by default one a core, or one in all when fine-tuning, which uses all cores. A
            cluster has its own number.
            on_progress: called with (done, total) rounds; what it raises ends the comparison at once.
            plugins: a folder of strategies that are used besides the registered ones.
    Raises: UnknownStrategy: a strategy does not exist; names those that do. LabelerError: a simulating process died.
    """
    rounds, seeds = design.rounds, design.seeds
    names = [CONTROL, *(n for n in dict.fromkeys(design.strategies) if n != CONTROL)]
    plugins = plugins or Path("none")
    check_names([*names, design.seeding], plugins, limits_of(task.config.limits))
    jobs = [(name, seed) for seed in range(design.first, design.first + seeds) for name in names]
    finetuning = task.config.learner.kind != "frozen"
    processes = min(len(jobs), processes or (1 if finetuning else cores()))
    total, done = len(jobs) * (rounds + 2), 0

    def report(parts: int) -> None:
        nonlocal done
        done = min(done + parts, total)
        if on_progress:
            on_progress(done, total)

    simulated = partial(_run, task, design, plugins)
    runs = list(engines.current().map(simulated, jobs, report, processes=processes, gpu=finetuning))
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


_plugins = ExitStack()  # the strategies of a folder, for as long as this process simulates


@cache
def _use_plugins(folder: Path, limits: Limits) -> None:
    _plugins.enter_context(strategies_in(folder, limits))


def _run(task: Task, design: Design, plugins: Path, job: tuple[str, int], report: Report) -> Run:
    """One run, in a process that simulates."""
    strategy, seed = job
    _use_plugins(plugins, limits_of(task.config.limits))
    seeding = CONTROL if strategy == CONTROL else design.seeding
    return run(task, strategy, seed, design.rounds, lambda: report(1), seeding)
