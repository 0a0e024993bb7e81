"""The best model's predictions for the project's own items: those without a label, or all of the pool."""

from collections.abc import Sequence

import numpy as np

from labeler.core.errors import LabelerError
from labeler.core.items import Item, Progress
from labeler.core.rounds import Dataset
from labeler.models.inference import Best, best_model
from labeler.projects.predictions import Predictions
from labeler.projects.project import Project

# Imports of labeler.cycle, labeler.learner and labeler.backbones are deferred: they load torch.


def predict_unlabeled(project: Project, on_progress: Progress | None = None) -> Predictions:
    """The predictions of the project's best model, see `best_model`, for all items without a label.

    Raises: LabelerError: there is no model yet, or none that fits the settings; or every item has a label.
    """
    best = best_model(project)
    with project.store() as store, store.read():
        labeled, class_change = store.items.labels(), store.class_changes.latest()
        items = [item for item in store.items.all() if item.id not in labeled]
    if not items:
        raise LabelerError("Every item has a label: there is nothing to predict.")
    return _predict(project, best, items, class_change, on_progress)


def predict_pool(project: Project, on_progress: Progress | None = None) -> Predictions:
    """The predictions of the project's best model for the items of the pool, labeled or not.

    Where the model needs more than `learner.round_seconds` for all, a practically random sample is predicted, which
    begins with the items of the map. The model has learned from the labeled ones: what it says of them is no test of
    it.

    Raises: LabelerError: there is no model yet, or none that fits the settings.
    """
    best = best_model(project)
    with project.store() as store, store.read():
        class_change = store.class_changes.latest()
        items = [item for item in store.items.all() if item.split == "pool"]
    return _predict(project, best, items, class_change, on_progress, project.config.learner.round_seconds)


def _predict(
    project: Project,
    best: Best,
    items: Sequence[Item],
    class_change: int,
    on_progress: Progress | None,
    seconds: float | None = None,
) -> Predictions:
    from labeler.backbones.cache import embed
    from labeler.cycle.round import affordable
    from labeler.learner.predict import class_proba

    inputs = [project.input_of(item) for item in items]
    hashes = [item.content_hash for item in items]
    features = embed(inputs, hashes, best.encoder, project.embeddings, on_progress)
    dataset = Dataset(inputs, features, best.encoder.dims)
    positions = np.arange(len(items))
    if seconds is not None:
        most = affordable(best.model, dataset, positions, seconds)
        positions = np.sort(sorted(range(len(items)), key=lambda p: hashes[p][::-1])[:most])
    proba = best.today(class_proba(best.model, dataset, positions, on_progress), project.config)
    ids = np.array([item.id for item in items], dtype=np.int64)[positions]
    return Predictions(best.weights.name, ids, proba, project.config.classes, class_change)
