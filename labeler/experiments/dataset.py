"""Labeled data sets, ready for strategies to be compared on: a table or folder, or a project's own labels."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from labeler.core.errors import SourceError
from labeler.core.items import ClassesAnItem, Counts, Modality, Problem, Progress
from labeler.core.labels import join, labels_at, names_in
from labeler.core.rounds import Dataset
from labeler.core.settings import Config, LearnerConfig, QueryConfig
from labeler.cycle.snapshot import Snapshot
from labeler.files.sources import Row, SourceColumns, read
from labeler.files.tables import read_table
from labeler.projects.importer import content_hash, normalise

# With fewer, chance decides: one holdout item of 50 is 2 points of accuracy, and of fewer pool items than 100
# a strategy can hardly choose, since most of them are asked in the end.
FEWEST_POOL, FEWEST_HOLDOUT = 100, 50


@dataclass(frozen=True)
class Task:
    """A labeled data set, ready to be simulated on; positions index `dataset`."""

    dataset: Dataset
    targets: np.ndarray  # (n,) class indices, or (n, C) of 0 and 1
    pool: np.ndarray
    holdout: np.ndarray
    config: Config
    cache: Path  # where the embeddings are


def load_task(
    source: Path,
    *,
    modality: Modality | None = None,
    text_column: str | None = None,
    image_column: str | None = None,
    label_column: str = "label",
    split_column: str | None = None,
    answers: ClassesAnItem = "one",
    query: QueryConfig | None = None,
    learner: LearnerConfig | None = None,
    cache: Path | None = None,
    on_progress: Progress | None = None,
) -> tuple[Task, list[Problem]]:
    """Read and embed a labeled table or folder. Rows whose split is `test` are the holdout, else a seeded 20 %.

    Duplicates are dropped, so that none is both in the pool and in the holdout; rows without a label are left out.

    Args:    split_column: `split` by default, if the table has it. A folder's labels are its sub-folders.
             answers: "several" takes a label apart into the classes that it names, see `labelsets.names_in`.
    Returns: the task, and the rows that could not be used.
    Raises:  SourceError: nothing can be read, or fewer than two classes or no holdout are left.
    """
    from labeler.backbones.cache import embed
    from labeler.backbones.choose import load_encoder
    from labeler.backbones.onnx import cache_folder

    found: dict[str, Row] = {}
    problems: list[Problem] = []
    if source.is_dir():
        rows_read = read(source)
    else:
        if split_column is None and source.is_file() and "split" in read_table(source)[0]:
            split_column = "split"
        rows_read = read(
            source, SourceColumns(text_column, image_column, label_column, split_column), modality=modality
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
    labels = [names_in(str(r.label), ()) if answers == "several" else (str(r.label),) for r in rows]
    classes = sorted(set().union(*labels))
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
        answers=answers,
        query=query or QueryConfig(),
        # adapted weights belong to a project's own items
        learner=replace(learner or LearnerConfig(), adapted=False),
    )
    # a folder for each data set, since an encoder may be fitted to its texts
    folder = (cache or cache_folder() / "simulate") / content_hash("".join(found).encode())
    inputs = [_input(row) for row in rows]
    encoder = load_encoder(config.learner, kind, [r.text for r in rows if r.text], folder, None)
    embeddings = embed(inputs, list(found), encoder, folder, on_progress)
    targets = labels_at(range(len(rows)), [join(names, config) for names in labels], config).targets
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


def check_own_labels(counts: Counts) -> None:
    """Refuse a project whose labels are too few to compare strategies on.

    Raises: SourceError: says what is missing.
    """
    classes = sum(n > 0 for n in counts.per_class.values())
    if counts.labeled < FEWEST_POOL or classes < 2 or counts.holdout_labeled < FEWEST_HOLDOUT:
        raise SourceError(
            f"The project's own labels are too few to compare strategies on: {counts.labeled} of the pool in {classes}"
            f" classes and {counts.holdout_labeled} of the holdout; {FEWEST_POOL} in two classes and {FEWEST_HOLDOUT}"
            " are needed. Label more, or compare on an imported table."
        )


def own_task(known: Snapshot, config: Config, cache: Path) -> Task:
    """A project's own labels so far as a task: its labeled pool items are the pool, its labeled holdout the holdout.

    Raises: SourceError: fewer pool items than first labels.
    """
    positions = np.concatenate([known.labeled.positions, known.holdout.positions])
    some = known.dataset
    dataset = Dataset([some.inputs[i] for i in positions], np.asarray(some.embeddings[positions]), some.dims)
    n = len(known.labeled)
    if n <= config.query.seed_size:
        raise SourceError(
            f"{n} pool items have a label, no more than the {config.query.seed_size} first labels: lower those."
        )
    targets = np.concatenate([known.labeled.targets, known.holdout.targets])
    config = replace(config, name=f"{config.name}, own labels")
    return Task(dataset, targets, np.arange(n), np.arange(n, len(positions)), config, cache)
