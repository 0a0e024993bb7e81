"""The items of a project that are most similar to one of them, by the latest model's features; without torch."""

from collections.abc import Mapping

from labeler.core.errors import LabelerError
from labeler.core.items import Item
from labeler.explain.panel import latest_model
from labeler.models import cards
from labeler.projects.project import Project
from labeler.store import Store

MOST = 1000  # items that are listed as similar


def similar(project: Project, store: Store, item: Item, among: Mapping[str, int]) -> list[int] | None:
    """The ids of the items most similar to an item, the nearest first; None where there is no model yet.

    Args: among: ids by content hash.
    """
    # both load scipy, which is needed only here
    from labeler.explain.neighbours import nearest
    from labeler.learner.saved_models import normalizer_of

    path = latest_model(project, store)
    if path is None:
        return None
    weights = project.folder / path
    try:
        encoder, normalizer = cards.load(weights).encoder, normalizer_of(weights)
    except LabelerError:  # a newer model has just replaced it
        return None
    near = nearest(item.content_hash, among, MOST, encoder, normalizer, project.embeddings)
    return [among[neighbour.content_hash] for neighbour in near]
