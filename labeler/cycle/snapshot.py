"""What a project knows at one moment, as arrays: its items with their embeddings, and the labels so far."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from labeler.backbones.encoder import Encoder
from labeler.core.errors import LabelerError
from labeler.core.items import Item, Progress
from labeler.core.labels import labels_at
from labeler.core.rounds import Dataset, Labels
from labeler.i18n.messages import mark
from labeler.measure.slices import wanted
from labeler.projects.project import Project
from labeler.store import Store

# Items that successive models are compared on. Bloodgood and Vijay-Shanker 2009, section 3.1, have 2000; with 500 a
# kappa of 0.99 is known to within 0.01, and a fine-tuned network is not kept busy.
COMPARED = 500


@dataclass(frozen=True)
class Snapshot:
    """All items of a project and what is known of them; positions index `items` and `dataset` alike."""

    items: list[Item]
    dataset: Dataset
    encoder: Encoder
    labeled: Labels  # of the pool
    holdout: Labels
    unlabeled: np.ndarray  # positions of the pool that may be asked about
    holdout_unlabeled: np.ndarray
    all_holdout: np.ndarray
    compared: np.ndarray  # of the pool, labeled or not: where successive models are compared
    preferred: np.ndarray | None = None  # of the pool: what the settings want more of; None: nothing special


def take(project: Project, store: Store, reporter: Callable[[str], Progress]) -> Snapshot:
    """Read the project at one moment, and embed what is not embedded yet.

    Args:   reporter: gives, for a step in words, what is told how far it is.
    Raises: LabelerError: there are no items, or the backbone cannot read them.
    """
    from labeler.backbones.cache import embed
    from labeler.backbones.choose import load_encoder  # torch and its company load when there is work

    config = project.config
    with store.read():
        items, labels, flagged = store.items.all(), store.items.labels(), store.items.flagged()
        more = wanted(config.query.more_of, store.slices.pool_column) if config.query.more_of else None
    if not items:
        raise LabelerError("There are no items yet: import images or texts first.")
    inputs = [project.input_of(item) for item in items]
    texts = [item.text for item in items if item.text is not None]
    reporter(mark("loading the backbone"))(0, 0)
    encoder = load_encoder(
        config.learner, config.modality, texts, project.embeddings, reporter(mark("preparing the backbone"))
    )
    hashes = [item.content_hash for item in items]
    embeddings = embed(inputs, hashes, encoder, project.embeddings, reporter(mark("embedding items")))

    def known(where: np.ndarray) -> Labels:
        positions = [p for p in np.flatnonzero(where).tolist() if items[p].id in labels]
        return labels_at(positions, [labels[items[p].id] for p in positions], config)

    pool, holdout = (np.array([i.split == split for i in items]) for split in ("pool", "holdout"))
    return Snapshot(
        items,
        Dataset(inputs, embeddings, encoder.dims),
        encoder,
        labeled=known(pool),
        holdout=known(holdout),
        unlabeled=np.flatnonzero(pool & [i.id not in labels and i.id not in flagged for i in items]),
        holdout_unlabeled=np.flatnonzero(holdout & [i.id not in labels and i.id not in flagged for i in items]),
        all_holdout=np.flatnonzero(holdout),
        compared=_compared(items, pool),
        preferred=None if more is None else np.flatnonzero(np.isin([item.id for item in items], more)),
    )


def _compared(items: list[Item], pool: np.ndarray) -> np.ndarray:
    """The same `COMPARED` items of the pool each time, as good as drawn at random: by the end of their content hash.

    Its beginning says what is overlapped, and what is asked about when the ranking is used up.
    """
    return np.array(sorted(np.flatnonzero(pool), key=lambda p: items[p].content_hash[::-1])[:COMPARED], dtype=np.intp)
