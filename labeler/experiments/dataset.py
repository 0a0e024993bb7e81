"""Labeled data sets on which strategies are compared: a table or folder, or a project's own labels."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from labeler.backbones.auto import AUTO, strongest
from labeler.backbones.cache import embed
from labeler.backbones.choose import load_encoder
from labeler.backbones.encoder import Encoder
from labeler.backbones.weights import cache_folder
from labeler.core.errors import SourceError
from labeler.core.groups import codes, drawn_groups
from labeler.core.items import ClassesAnItem, Counts, Modality, Problem, Progress
from labeler.core.labels import join, labels_at, names_in
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import Config, LearnerConfig, QueryConfig
from labeler.cycle.snapshot import Snapshot
from labeler.files.sources import Row, SourceColumns, read
from labeler.files.tables import read_table
from labeler.i18n.messages import mark
from labeler.learner.task import LearningTask
from labeler.projects.new_items import content_hash, normalise
from labeler.projects.staging import check_groups

# Imports of labeler.backbones.onnx are deferred: it loads torch.

# With fewer, chance decides: one of 50 holdout items is 2 points of accuracy, and from fewer than 100 pool items every
# strategy queries most of them in the end.
FEWEST_POOL, FEWEST_HOLDOUT = 100, 50


@dataclass(frozen=True)
class Task:
    """A labeled data set to simulate on; positions index `dataset`."""

    dataset: Dataset
    targets: np.ndarray  # (n,) class indices, or (n, C) of 0 and 1
    pool: np.ndarray
    holdout: np.ndarray
    config: Config
    cache: Path  # folder of the embeddings
    folder: Path | None = None  # that holds the file of a head of one's own

    def learning(self, encoder: Encoder | None = None) -> LearningTask:
        """What is to be learned, without labels yet. The encoder is needed to fine-tune."""
        nothing = np.empty(0, dtype=np.intp)
        labels = Labels(nothing, self.targets[nothing])
        return LearningTask.of(self.dataset, labels, len(self.config.classes), encoder, self.folder)


LABELED = SourceColumns(label="label")


@dataclass(frozen=True)
class LabeledRows:
    """The labeled rows of a table or folder, without duplicates.

    rows: by content hash. labels: the names of each row's classes. problems: the rows that cannot be used.
    """

    source: Path
    rows: dict[str, Row]
    labels: list[tuple[str, ...]]
    classes: tuple[str, ...]
    modality: Modality
    answers: ClassesAnItem
    problems: list[Problem]


def read_labeled(
    source: Path,
    columns: SourceColumns = LABELED,
    modality: Modality | None = None,
    answers: ClassesAnItem = "one",
) -> LabeledRows:
    """The labeled rows of a table or folder, without duplicates, so that no item is both in the pool and the holdout.

    Args:   columns: of a table; a column named `split` is used by default. A folder's labels are the names of its
            sub-folders. answers: "several" splits a label into the classes that it names, see `labels.names_in`.
    Raises: SourceError: nothing can be read, or there are fewer than two classes.
    """
    rows: dict[str, Row] = {}
    problems: list[Problem] = []
    for row in _rows(source, columns, modality):
        if isinstance(row, Problem):
            problems.append(row)
        elif row.label:
            try:
                rows.setdefault(content_hash(_content(row)), row)
            except OSError as error:
                problems.append(Problem(row.source, mark("cannot be read: {strerror}", strerror=error.strerror)))
    labels = [names_in(str(r.label), ()) if answers == "several" else (str(r.label),) for r in rows.values()]
    classes = sorted(set().union(*labels))
    if len(classes) < 2:
        first = mark(" The first problem: {problem}.", problem=problems[0]) if problems else ""
        raise SourceError(
            "{source}: {rows} labeled rows of {classes} classes; a comparison needs two or more.{first}",
            source=source,
            rows=len(rows),
            classes=len(classes),
            first=first,
        )
    kind: Modality = "text" if next(iter(rows.values())).text is not None else "image"
    if modality not in (None, kind):
        raise SourceError(
            "{source} holds {kind}s, not {modality}s: name the column with --{modality}-column.",
            source=source,
            kind=kind,
            modality=modality,
        )
    return LabeledRows(source, rows, labels, tuple(classes), kind, answers, problems)


def load_task(
    labeled: LabeledRows,
    query: QueryConfig | None = None,
    learner: LearnerConfig | None = None,
    cache: Path | None = None,
    on_progress: Progress | None = None,
) -> Task:
    """The task of the labeled rows, embedded. The holdout is the rows whose split is `test`, else a seeded 20%: of
    the rows, or of whole groups where the rows have any.

    Args:   cache: folder of the embeddings; the user's cache by default. on_progress: of the embedding.
    Raises: SourceError: the pool has no more items than the seed set, or the split puts a group on both sides.
    """
    list(check_groups(labeled.rows.values(), {}))  # raises

    learner = replace(learner or LearnerConfig(), adapted=False)  # adapted weights belong to a project's own items
    texts = [row.text for row in labeled.rows.values() if row.text]
    if learner.backbone == AUTO:  # always what is strongest now: nothing is kept here as in a project
        learner = replace(learner, backbone=strongest(labeled.modality, texts).backbone)
    config = Config(
        name=labeled.source.stem or "simulation",
        classes=labeled.classes,
        modality=labeled.modality,
        answers=labeled.answers,
        query=query or QueryConfig(),
        learner=learner,
    )
    hashes, rows = list(labeled.rows), list(labeled.rows.values())
    # a folder for each data set, since an encoder may be fitted to its texts
    folder = (cache or cache_folder() / "simulate") / content_hash("".join(hashes).encode())
    inputs = [_input(row) for row in rows]
    encoder = load_encoder(config.learner, config.modality, texts, folder, None)
    embeddings = embed(inputs, hashes, encoder, folder, on_progress)
    targets = labels_at(range(len(rows)), [join(names, config) for names in labeled.labels], config).targets
    groups, held = codes([r.group for r in rows]), _held_out(rows)
    dataset = Dataset(inputs, embeddings, encoder.dims, groups)
    task = Task(dataset, targets, np.flatnonzero(~held), np.flatnonzero(held), config, folder)
    if len(task.pool) <= config.query.seed_size:
        raise SourceError(
            "{source}: the pool has {pool} items, fewer than the {seed_size} first labels.",
            source=labeled.source,
            pool=len(task.pool),
            seed_size=config.query.seed_size,
        )
    return task


def _held_out(rows: Sequence[Row]) -> np.ndarray:
    """(n,) bool: the rows of the holdout."""
    held = np.array([(r.split or "").strip().lower() == "test" for r in rows])
    if held.any():
        return held
    size, groups = round(0.2 * len(rows)), codes([r.group for r in rows])
    if groups is None:
        held[np.random.default_rng(0).choice(len(rows), size, replace=False)] = True
        return held
    names = [str(code) if row.group is None else row.group for code, row in zip(groups, rows, strict=True)]
    return np.isin(names, drawn_groups(Counter(names), seed=0, size=size))


def _rows(source: Path, columns: SourceColumns, modality: Modality | None) -> Iterator[Row | Problem]:
    if source.is_dir():
        return read(source, SourceColumns(group=columns.group))
    if columns.split is None and source.is_file() and "split" in read_table(source)[0]:
        columns = replace(columns, split="split")
    return read(source, columns, modality=modality)


def _content(row: Row) -> bytes:
    return normalise(row.text).encode() if row.text is not None else _file(row).read_bytes()


def _input(row: Row) -> str | Path:
    return row.text if row.text is not None else _file(row)


def _file(row: Row) -> Path:
    if not isinstance(row.image, Path):
        raise SourceError("{source} lies in a zip: unpack it, and compare strategies on the folder.", source=row.source)
    return row.image


def check_own_labels(counts: Counts, chosen: int = 0) -> None:
    """Refuse a project that has too few labels to compare strategies on.

    Args:   chosen: number of pool labels of items that people chose, which are not compared on.
    Raises: SourceError: says what is missing.
    """
    classes = counts.classes_labeled
    labeled = counts.labeled - chosen
    if labeled < FEWEST_POOL or classes < 2 or counts.holdout_labeled < FEWEST_HOLDOUT:
        raise SourceError(
            "The project's own labels are too few to compare strategies on: {labeled} of the pool in {classes}"
            " classes and {holdout_labeled} of the holdout; {fewest_pool} in two classes and {fewest_holdout}"
            " are needed. Label more, or compare on an imported table.",
            labeled=labeled,
            classes=classes,
            holdout_labeled=counts.holdout_labeled,
            fewest_pool=FEWEST_POOL,
            fewest_holdout=FEWEST_HOLDOUT,
        )


def own_task(snapshot: Snapshot, config: Config, cache: Path) -> Task:
    """A task of a project's labels so far: its labeled pool items and its labeled holdout items.

    Items that people chose are left out: they would make the pool one that no strategy has met.

    Raises: SourceError: the pool has no more items than the seed set.
    """
    labeled, holdout, everything = snapshot.asked, snapshot.holdout, snapshot.dataset
    positions = np.concatenate([labeled.positions, holdout.positions])
    inputs = everything.inputs_at(positions)
    groups = everything.groups_of(positions)
    dataset = Dataset(inputs, np.asarray(everything.embeddings[positions]), everything.dims, groups)
    n = len(labeled)
    if n <= config.query.seed_size:
        raise SourceError(
            "{n} pool items have a label, no more than the {seed_size} first labels: lower those.",
            n=n,
            seed_size=config.query.seed_size,
        )
    targets = np.concatenate([labeled.targets, holdout.targets])
    config = replace(config, name=f"{config.name}, own labels")
    return Task(dataset, targets, np.arange(n), np.arange(n, len(positions)), config, cache, snapshot.folder)
