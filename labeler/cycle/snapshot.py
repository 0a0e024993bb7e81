"""A project at one moment as arrays: its items with their embeddings, and the labels so far."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from labeler.backbones.cache import embed
from labeler.backbones.choose import load_encoder
from labeler.backbones.encoder import Encoder
from labeler.backbones.meaning import meaning
from labeler.core.class_changes import labels_outside
from labeler.core.errors import LabelerError
from labeler.core.items import ItemColumns, Progress
from labeler.core.labels import labels_at
from labeler.core.rounds import Dataset, Labels
from labeler.cycle.embedding import Missing
from labeler.cycle.guesses import NO_MODEL, guesses_of, prior_model
from labeler.i18n.messages import mark
from labeler.learner.prior import Known, looked_at
from labeler.learner.task import LearningTask
from labeler.measure.slices import matching_items
from labeler.projects import guidelines
from labeler.projects.project import Project
from labeler.store import Store

# Items that successive models are compared on. Bloodgood and Vijay-Shanker 2009, section 3.1, have 2000; with 500 the
# standard error of a kappa of 0.99 is below 0.01, and scoring them with a fine-tuned network takes little time.
COMPARED = 500
# From the beginning of a snapshot, in which items are read, the encoder is prepared and items without a label are
# embedded: people wait for the ranking. A third of it is for embedding, however long the rest took.
EMBEDDING_SECONDS = 12.0


@dataclass(frozen=True)
class Snapshot:
    """All items of a project with their labels; positions index `items` and `dataset` alike.

    labeled: of the pool. unlabeled, holdout_unlabeled: positions that may be asked about. all_holdout: positions of
    the holdout, labeled or not. compared: positions of the pool, labeled or not, on which successive models are
    compared. preferred: positions that the settings want more of, and those that a change of the classes has to be
    asked again; None: no preference. class_change: number of the latest change of the classes. chosen: positions of
    `labeled` that people chose, by hand or to be asked next. folder: of the project. known: of the classes
    without labels. left_out: how many items of the project are not here, since they are not embedded yet.
    prior_model: the other model whose predictions are in `known`, by name and version. is_whole: whether all items of
    the pool were read; else those with a label, and others.
    """

    items: ItemColumns
    dataset: Dataset
    encoder: Encoder
    labeled: Labels
    holdout: Labels
    unlabeled: np.ndarray
    holdout_unlabeled: np.ndarray
    all_holdout: np.ndarray
    compared: np.ndarray
    preferred: np.ndarray | None = None
    class_change: int = 0
    chosen: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    folder: Path | None = None
    known: Known = field(default_factory=Known)
    left_out: int = 0
    prior_model: str = NO_MODEL
    is_whole: bool = True

    def task(self, n_classes: int) -> LearningTask:
        """The labels of the pool, to be learned from; the normalizer is fitted to all items."""
        task = LearningTask.of(self.dataset, self.labeled, n_classes, self.encoder, self.folder)
        return task.knowing(self.known)

    @property
    def asked(self) -> Labels:
        """The labels of the pool without those of items that people chose."""
        kept = ~np.isin(self.labeled.positions, self.chosen)
        return Labels(self.labeled.positions[kept], self.labeled.targets[kept])

    def ids(self, positions: np.ndarray) -> np.ndarray:
        """(k,) int ids of the items at `positions`."""
        return self.items.ids[positions]

    def hashes(self, positions: np.ndarray) -> list[str]:
        """The content hashes of the items at `positions`."""
        return [name.decode() for name in self.items.hashes[positions].tolist()]


def take(project: Project, store: Store, reporter: Callable[[str], Progress], most: int | None = None) -> Snapshot:
    """The project's items and labels, read in one transaction; items without an embedding are embedded.

    Where that takes longer than `EMBEDDING_SECONDS`, items without a label are left out, see `labeler.cycle.embedding`.

    Args:   reporter: takes a step in words; returns the function that is called with its progress.
            most: items of the pool; of a larger one, those with a label and so many others that are practically random.
    Raises: LabelerError: there are no items, or the backbone cannot read them.
    """
    began, config = time.monotonic(), project.config
    with store.read():
        check_classes(store)
        class_change, again = store.class_changes.latest(), store.class_changes.asked_again()
        is_whole = most is None or store.pool.count() <= most
        items = store.items.columns() if is_whole else store.pool.columns(most or 0)
        labels, flagged = store.items.labels(), store.items.flagged()
        chosen = store.items.chosen_by_hand()
        preferred = matching_items(config.query.more_of, store.slices.pool_column) if config.query.more_of else None
    if again:
        preferred = np.union1d(again, [] if preferred is None else preferred)
    if not len(items):
        raise LabelerError("There are no items yet: import images or texts first.")
    reporter(mark("loading the backbone"))(0, 0)
    encoder = encoder_of(project, items, reporter(mark("preparing the backbone")))
    missing = Missing.of(project, encoder, items, items.is_among(labels))
    missing.embed_until(_deadline(began), reporter(mark("embedding items")))
    items, rows = missing.others()
    model = prior_model(store, config)
    guesses = guesses_of(store, config, items.ids[looked_at(len(items))])
    inputs = project.inputs(items.ids)
    embeddings = embed(inputs, items.hashes, encoder, project.embeddings, rows=rows)
    is_labeled = items.is_among(labels)

    def labels_of(mask: np.ndarray) -> Labels:
        positions = np.flatnonzero(mask & is_labeled)
        return labels_at(positions.tolist(), [labels[item] for item in items.ids[positions].tolist()], config)

    pool, holdout = np.flatnonzero(~items.holdout), items.holdout
    is_open = ~is_labeled & ~items.is_among(flagged)
    return Snapshot(
        items,
        Dataset(inputs, embeddings, encoder.dims, items.groups),
        encoder,
        labeled=labels_of(~holdout),
        holdout=labels_of(holdout),
        unlabeled=np.flatnonzero(~holdout & is_open),
        holdout_unlabeled=np.flatnonzero(holdout & is_open),
        all_holdout=np.flatnonzero(holdout),
        compared=items.spread(COMPARED, pool),
        preferred=None if preferred is None else np.flatnonzero(np.isin(items.ids, preferred)),
        class_change=class_change,
        chosen=np.flatnonzero(items.is_among(chosen)),
        folder=project.folder,
        known=known_of(project, encoder, guidelines.sentences(project), guesses),
        left_out=len(missing),
        prior_model=model.title if model else NO_MODEL,
        is_whole=is_whole,
    )


def _deadline(began: float) -> float:
    """Until when items without a label are embedded. Args: began: when the snapshot did."""
    return max(began + EMBEDDING_SECONDS, time.monotonic() + EMBEDDING_SECONDS / 3)


def encoder_of(project: Project, items: ItemColumns, on_progress: Progress | None = None) -> Encoder:
    """The encoder that the project's settings name for these items.

    Raises: BackboneError: as `load_encoder`.
    """
    config = project.config
    return load_encoder(config.learner, config.modality, project.texts(items.ids), project.embeddings, on_progress)


def known_of(
    project: Project, encoder: Encoder, sentences: Sequence[Sequence[str]], guesses: np.ndarray | None
) -> Known:
    """What a project knows of its classes before any label.

    Args: sentences: about each class; empty: none. guesses: of the items that are `looked_at`, see
          `guesses_of`.
    """
    config = project.config
    if config.learner.prior == "off":
        return Known()
    columns = meaning(encoder) if sentences else None
    features = [] if columns is None else [_features(project, encoder, texts) for texts in sentences]
    return Known(features, columns, guesses, config.several)


def _features(project: Project, encoder: Encoder, texts: Sequence[str]) -> np.ndarray:
    """(s, d) of sentences, which are kept apart from the items, so that the items' rows stay together."""
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    return np.asarray(embed(texts, hashes, encoder, project.embeddings / "sentences"))


def check_classes(store: Store) -> None:
    """Refuse labels of classes that the project does not have: a round would learn and measure without them.

    Raises: LabelerError: says which, how many, and what to do.
    """
    if outside := store.class_changes.outside():
        raise labels_outside(outside)
