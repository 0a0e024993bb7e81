"""The best model's predictions for the project's own items: those without a label, or a sample of the pool."""

from collections.abc import Sequence

import numpy as np

from labeler.core.errors import LabelerError
from labeler.core.items import Item, Progress
from labeler.core.rounds import Dataset
from labeler.models.inference import Best, best_model
from labeler.projects.predictions import Predictions
from labeler.projects.project import Project

# Imports of labeler.cycle, labeler.learner and labeler.backbones are deferred: they load torch.

MOST = 100_000  # items of the pool that are predicted for its page


def predict_unlabeled(project: Project, on_progress: Progress | None = None) -> Predictions:
    """The predictions of the project's best model, see `best_model`, for all items without a label.

    Items are read and predicted in parts, so that only their ids and probabilities are in memory together.

    Raises: LabelerError: there is no model yet, or none that fits the settings; or every item has a label.
    """
    from labeler.learner.predict import class_proba

    best, ids, parts, done = best_model(project), [np.empty(0, dtype=np.int64)], list[np.ndarray](), 0

    def tell(now: int, _of: int) -> None:
        if on_progress:
            on_progress(done + now, max(total, done + now))

    with project.store() as store:
        class_change, total = store.class_changes.latest(), store.pool.count_unlabeled()
        for items in store.pool.unlabeled():
            positions = np.arange(len(items))
            proba = class_proba(best.model, _dataset(project, best, items), positions, tell)
            parts.append(best.today(proba, project.config).astype(np.float32))
            ids.append(_ids(items))
            done += len(items)
    if not parts:
        raise LabelerError("Every item has a label: there is nothing to predict.")
    classes = project.config.classes
    return Predictions(best.weights.name, np.concatenate(ids), np.concatenate(parts), classes, class_change)


def predict_pool(project: Project, on_progress: Progress | None = None) -> Predictions:
    """The predictions of the project's best model for `MOST` items of the pool, labeled or not, by ascending id.

    They are practically random ones, which begin with the items of the map; fewer where the model needs more than
    `learner.round_seconds` for so many. The model has learned from the labeled ones: what it says of them is no test of
    it.

    Raises: LabelerError: there is no model yet, or none that fits the settings.
    """
    from labeler.cycle.round import affordable
    from labeler.learner.predict import class_proba

    best, config = best_model(project), project.config
    with project.store() as store, store.read():
        class_change, items = store.class_changes.latest(), store.pool.sample(MOST)
    dataset, positions = _dataset(project, best, items, on_progress), np.arange(len(items))
    most = affordable(best.model, dataset, positions, config.learner.round_seconds)
    ids = _ids(items)[:most]
    order = np.argsort(ids)
    proba = best.today(class_proba(best.model, dataset, positions[:most][order], on_progress), config)
    return Predictions(best.weights.name, ids[order], proba, config.classes, class_change)


def _dataset(project: Project, best: Best, items: Sequence[Item], on_progress: Progress | None = None) -> Dataset:
    from labeler.backbones.cache import embed

    inputs, hashes = [project.input_of(item) for item in items], [item.content_hash for item in items]
    features = embed(inputs, hashes, best.encoder, project.embeddings, on_progress)
    return Dataset(inputs, features, best.encoder.dims)


def _ids(items: Sequence[Item]) -> np.ndarray:
    return np.array([item.id for item in items], dtype=np.int64)
