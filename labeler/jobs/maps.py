"""Maps of the pool: what the best model says of each of its items, and a sample of them in two dimensions.

The page Items asks for one when the latest is of an earlier round, and shows the latest meanwhile.
"""

from typing import Any

from labeler.core.jobs import MapJob, MapRequest
from labeler.i18n.messages import mark
from labeler.jobs.runner import Tell, run_next
from labeler.projects import pool_map, predictions
from labeler.projects.project import Project
from labeler.store import Store

# Imports of labeler.models are deferred: the app asks for these jobs, and does without torch.

LOCK = "audit.lock"  # the process of the audits runs these too


def map_once(project: Project) -> bool:
    """Draw the project's next map if one is asked for and no other process is at it; True if one ended."""
    return run_next(project, lambda store: store.maps, _draw, lock=LOCK)


def _draw(project: Project, store: Store, job: MapJob, tell: Tell) -> dict[str, Any]:
    """The report of a job: how many items have a prediction, and how many are on the map."""
    from labeler.models.pool_map import map_of
    from labeler.models.pool_predictions import predict_pool

    predicted = 0
    if any((project.folder / model).exists() for model, _accuracy in store.rounds.models()):
        says = predict_pool(project, lambda done, total: tell(mark("predicting"), done, total))
        predictions.keep(project, says, predictions.POOL)
        predicted = len(says.items)
    drawn = map_of(project, lambda message: lambda done, total: tell(message, done, total))
    pool_map.keep(project, drawn)
    return {"predicted": predicted, "items": len(drawn.items)}


def state_of(store: Store) -> MapRequest:
    """The request for a map of the project as it is now."""
    latest = store.rounds.latest()
    return MapRequest(latest.number if latest else 0, store.catalogue.newest(), store.class_changes.latest())
