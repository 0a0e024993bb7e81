"""What a project knows at one moment, as arrays: its items with their embeddings, and the labels so far."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from labeler.embed import Encoder
from labeler.errors import LabelerError
from labeler.labelsets import labels_at
from labeler.project import Project
from labeler.store import Store
from labeler.types import Dataset, Item, Labels, Progress
from labeler.words import mark


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


def take(project: Project, store: Store, reporter: Callable[[str], Progress]) -> Snapshot:
    """Read the project at one moment, and embed what is not embedded yet.

    Args:   reporter: gives, for a step in words, what is told how far it is.
    Raises: LabelerError: there are no items, or the backbone cannot read them.
    """
    from labeler.backbones import load_encoder  # torch and its company load when there is work
    from labeler.embed import embed

    config = project.config
    with store.read():
        items, labels, flagged = store.items(), store.labels(), store.flagged()
    if not items:
        raise LabelerError("There are no items yet: import images or texts first.")
    inputs = [item.text if item.text is not None else project.folder / str(item.media) for item in items]
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
        holdout_unlabeled=np.flatnonzero(holdout & [i.id not in labels for i in items]),
    )
