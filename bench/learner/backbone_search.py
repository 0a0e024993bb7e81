"""How often another encoder is proposed, and rightly, where labels were chosen with the present one.

    python -m bench.learner.backbone_search DATA --seeds 20 --cache FOLDER

Labels are asked as in a project: a seed set, then batches of 20 by the strategy, a tenth at random. At each number of
labels the encoders are compared as `labeler.jobs.encoder_comparisons` does, and by the plain paired difference in
cross-validation. What is true is measured on the data set's own test split, with heads on the same labels.

equal: the present encoder and four others are random parts of the columns of the strongest one: none is better but by
chance, and every proposal of one that is not is false. weak: all that can read the data are compared, and the present
one is a weak one. strong: the same, where the present one is the strongest of them.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from labeler.core.rounds import Labels
from labeler.core.settings import LearnerConfig, QueryConfig
from labeler.cycle.round import run_round
from labeler.cycle.state import State
from labeler.experiments.dataset import Task, load_task, read_labeled
from labeler.experiments.encoder_comparison import Judged, predictions
from labeler.experiments.encoder_verdict import LEVEL, Predictions, gain_of, proposal
from labeler.learner.frozen import FrozenHead
from labeler.learner.task import LearningTask

WIDTH, EQUAL = 128, 5  # columns of each of the equal encoders, and how many there are
# The strongest encoder of each data set, a weaker one, and the others.
ENCODERS = {
    "reviews_en": (
        *("bge-small-en-v1.5", "all-MiniLM-L6-v2"),
        *("multilingual-e5-small", "char_tfidf", "multilingual-e5-small + char_tfidf"),
    ),
    "reviews_ko": ("multilingual-e5-small", "char_tfidf", "multilingual-e5-small + char_tfidf"),
    "cifar10": ("tf_efficientnet_lite2", "tf_efficientnet_lite0"),
}
POOL = 1000
BATCH = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with the data sets")
    parser.add_argument("--set", default="reviews_en", choices=ENCODERS, help="the data set")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--at", default="60,120,240", help="numbers of labels, with commas between them")
    parser.add_argument("--only", default="equal,weak,strong", help="situations, with commas between them")
    parser.add_argument("--strategy", default="auto")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "backbone_search")
    options = parser.parse_args()
    sizes = [int(n) for n in options.at.split(",")]
    print("| data | situation | strategy | labels | proposed | of these false | their true gain | plainly | false |")
    print("|---|---|---|---:|---:|---:|---:|---:|---:|")
    for situation in options.only.split(","):
        rows: dict[int, list[dict[str, float]]] = {n: [] for n in sizes}
        for seed in range(options.seeds):
            tasks = encoders(situation, options.set, options.data, options.cache, seed)
            order, queried = asked(next(iter(tasks.values())), options.strategy, seed, max(sizes))
            for n in sizes:
                rows[n].append(judged(tasks, order[:n], queried[:n], seed))
        for n in sizes:
            print(f"| {options.set} | {situation} | {options.strategy} | {n} | {line(rows[n])} |", flush=True)


def encoders(situation: str, name: str, data: Path, cache: Path, seed: int) -> Mapping[str, Task]:
    """The labeled data with the features of each encoder; the present one comes first."""
    source = data / "cifar10" / "labels.csv" if name == "cifar10" else data / f"{name}.csv"
    strong, weak, *others = ENCODERS[name]
    if situation != "equal":
        first = (weak, strong) if situation == "weak" else (strong, weak)
        return {encoder: features_of(encoder, source, cache) for encoder in (*first, *others)}
    whole, draw = features_of(strong, source, cache), np.random.default_rng(seed)
    parts = {}
    for number in range(EQUAL):
        columns = draw.permutation(whole.dataset.embeddings.shape[1])[:WIDTH]
        features = np.ascontiguousarray(whole.dataset.embeddings[:][:, columns])
        parts[f"part {number}"] = replace(whole, dataset=replace(whole.dataset, embeddings=features, dims=(WIDTH,)))
    return parts


@lru_cache
def features_of(name: str, source: Path, cache: Path) -> Task:
    """The labeled data with the features of an encoder."""
    learner = LearnerConfig(kind="frozen", backbone=name)
    return load_task(read_labeled(source), QueryConfig(), learner, cache)


def asked(task: Task, strategy: str, seed: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """(most,) positions in the order in which they are asked, and whether a model's predictions chose them."""
    query = QueryConfig(strategy=strategy, seed_size=BATCH, batch=BATCH)
    config = replace(task.config, query=query)
    order, queried, pool = np.empty(0, dtype=np.intp), list[bool](), task.pool
    holdout = Labels(task.holdout[:1], task.targets[task.holdout[:1]])  # nothing is measured here
    learning = LearningTask.of(task.dataset, Labels(order, task.targets[order]), len(config.classes))
    while len(order) < most:
        state = State(learning.relabeled(Labels(order, task.targets[order])), pool, holdout)
        ranking = run_round(state, config, seed * 100_003 + len(order), BATCH).result.ranking[:BATCH]
        queried += [row.strategy == strategy for row in ranking]
        order = np.concatenate([order, [row.position for row in ranking]]).astype(np.intp)
        pool = np.setdiff1d(pool, order)
    return order[:most], np.array(queried[:most])


def judged(tasks: Mapping[str, Task], order: np.ndarray, queried: np.ndarray, seed: int) -> dict[str, float]:
    """What is proposed, by the estimate over the pool and plainly, and what that is worth; NaN: nothing is."""
    first, present = next(iter(tasks)), next(iter(tasks.values()))
    rest = np.random.default_rng(seed).permutation(np.setdiff1d(present.pool, order))[:POOL]
    rows, targets = np.concatenate([order, rest]), present.targets[order]
    made = {name: of_encoder(task, rows, targets, queried) for name, task in tasks.items()}
    true = {name: accuracy(task, order) for name, task in tasks.items()}
    others = [name for name in tasks if name != first]
    gains = {name: gain_of(made[name], made[first], targets, queried, len(others)) for name in others}
    best = proposal([{"name": name, "low": gain.low} for name, gain in gains.items()])
    plain = proposal([{"name": name, "low": low} for name, low in plainly(made, first, targets)])
    gain, gain_plain = (np.nan if name is None else true[name] - true[first] for name in (best, plain))
    return {"gain": gain, "plain": gain_plain}


def of_encoder(task: Task, rows: np.ndarray, targets: np.ndarray, queried: np.ndarray) -> Predictions:
    inputs = [task.dataset.inputs[row] for row in rows]
    items = Judged(inputs, [], targets, queried, None, len(task.config.classes))
    learning = items.task(np.asarray(task.dataset.embeddings[rows]), task.dataset.dims)
    with tempfile.TemporaryDirectory() as folder:
        return predictions(learning, FrozenHead(task.config.learner), Path(folder) / "it.npz", lambda done, total: None)


def plainly(made: Mapping[str, Predictions], first: str, targets: np.ndarray) -> Iterator[tuple[str, float]]:
    """The lower bound of each other encoder's plain paired difference, which allows for the number of encoders too."""
    right = {name: (found.labeled.argmax(axis=2) == targets).mean(axis=0) for name, found in made.items()}
    level = LEVEL / (len(made) - 1)
    for name in made:
        if name != first:
            difference = right[name] - right[first]
            error = difference.std(ddof=1) / np.sqrt(len(targets))
            yield name, float(difference.mean() + ndtri(level) * error)


def accuracy(task: Task, order: np.ndarray) -> float:
    """Of heads on these labels, on the test split."""
    labels = Labels(order, task.targets[order])
    model = FrozenHead().fit(LearningTask.of(task.dataset, labels, len(task.config.classes)))
    proba = model.predict_proba(task.dataset, task.holdout)
    return float((proba.argmax(axis=1) == task.targets[task.holdout]).mean())


def line(rows: list[dict[str, float]]) -> str:
    """The cells of a row of the table."""
    cells = []
    for name in ("gain", "plain"):
        gains = np.array([row[name] for row in rows])
        gains = gains[np.isfinite(gains)]
        cells += [f"{len(gains)} of {len(rows)}", str(int((gains <= 0).sum()))]
        if name == "gain":
            cells.append(f"{gains.mean():+.3f} ({gains.min():+.3f} to {gains.max():+.3f})" if len(gains) else "")
    return " | ".join(cells)


if __name__ == "__main__":
    main()
