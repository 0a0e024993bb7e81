"""The pool in two dimensions: a sample of its items, near each other where their features are alike."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from labeler.core.errors import LabelerError
from labeler.core.items import Progress
from labeler.i18n.messages import mark
from labeler.projects import pool_map
from labeler.projects.pool_map import PoolMap
from labeler.projects.project import Project

# Imports of labeler.learner and labeler.backbones are deferred: they load torch.
# Imports of sklearn are deferred: it is slow to load.

MOST = 2000  # items on the map: t-SNE takes some seconds for them on one core, and the browser draws them at once
COMPONENTS = 50  # principal components that t-SNE reads
NEIGHBOURS = 30.0  # perplexity
STEPS = 500  # of t-SNE: from principal components, groups hardly move afterwards


def map_of(project: Project, reporter: Callable[[str], Progress], most: int = MOST) -> PoolMap:
    """The map of the project's pool. The same pool and backbone give the same map, which is drawn once.

    The items are a sample of the pool, practically random and always the same; only these are read.

    Args:   reporter: takes a step in words; returns the function that is called with its progress.
    Raises: LabelerError: there are no items in the pool.
    Source: van der Maaten and Hinton 2008, "Visualizing data using t-SNE".
    """
    from labeler.backbones.cache import embed
    from labeler.backbones.choose import load_encoder
    from labeler.learner.model import Normalizer

    with project.store() as store:
        sample, in_pool = store.pool.sample(most), store.pool.count()
        if not sample:
            raise LabelerError("There are no items in the pool: import images or texts first.")
        texts = project.texts(store.items.columns().ids)
    learner, modality = project.config.learner, project.config.modality
    encoder = load_encoder(learner, modality, texts, project.embeddings, reporter(mark("preparing the backbone")))
    ids, before = np.array([item.id for item in sample], dtype=np.int64), pool_map.kept(project)
    if before is not None and before.encoder == encoder.key and np.array_equal(before.items, ids):
        return replace(before, pool=in_pool)
    inputs, hashes = [project.input_of(item) for item in sample], [item.content_hash for item in sample]
    features = np.asarray(embed(inputs, hashes, encoder, project.embeddings, reporter(mark("embedding items"))))
    reporter(mark("drawing the map"))(0, 0)
    places = in_two_dimensions(Normalizer.fit(features, encoder.dims).apply(features))
    return PoolMap(ids, places, in_pool, encoder.key)


def in_two_dimensions(features: np.ndarray) -> np.ndarray:
    """(n, 2) float32 places between 0 and 1, near each other where features are alike.

    Args: features: (n, d) float.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    n = len(features)
    if n < 5 or not np.ptp(features, axis=0).any():  # too few to tell, or all alike
        return np.stack([np.linspace(0, 1, n), np.zeros(n)], axis=1).astype(np.float32)
    components = min(COMPONENTS, n, features.shape[1])
    reduced = PCA(components, random_state=0).fit_transform(features)
    if components > 2:
        perplexity = min(NEIGHBOURS, (n - 1) / 3)
        reduced = TSNE(perplexity=perplexity, init="pca", max_iter=STEPS, random_state=0).fit_transform(reduced)
    low, high = reduced[:, :2].min(axis=0), reduced[:, :2].max(axis=0)
    places = np.zeros((n, 2), dtype=np.float32)
    places[:, : min(2, components)] = (reduced[:, :2] - low) / np.maximum(high - low, 1e-9)
    return places
