"""What takes a while to be made ready before it is taken out: predictions for the rest of the items, and the model.

Both are files in the project's folder `exports/`, each in place of the one before.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from labeler.core.jobs import TakeoutJob
from labeler.core.whole_files import whole_file
from labeler.i18n.messages import mark
from labeler.jobs.runner import Tell, run_next
from labeler.projects import predictions
from labeler.projects.project import Project
from labeler.store import Store

# Imports of labeler.models are deferred: the app asks for these jobs, and does without torch.

LOCK = "audit.lock"  # the process of the audits runs these too
MODEL = "model.zip"


def take_out_once(project: Project) -> bool:
    """Make the next file ready if one is asked for and no other process is at it; True if one ended."""
    return run_next(project, lambda store: store.takeouts, _take_out, lock=LOCK)


def _take_out(project: Project, store: Store, job: TakeoutJob, tell: Tell) -> dict[str, Any]:
    """The report of a job: the name of the model's file, and of how many items there are predictions."""
    project.exports.mkdir(exist_ok=True)
    if job.request.what == "model":
        tell(mark("writing the model"), 0, 1)
        return {"model": _publish(project), "items": 0}
    from labeler.models.pool_predictions import predict_unlabeled

    predicted = predict_unlabeled(project, lambda done, total: tell(mark("predicting"), done, total))
    predictions.keep(project, predicted)
    return {"model": predicted.model, "items": len(predicted.items)}


def _publish(project: Project) -> str:
    """The name of the best model's file, once the zip of the published folder is written."""
    from labeler.models.publish import publish

    with tempfile.TemporaryDirectory(dir=project.exports) as scratch:
        folder = Path(scratch) / project.slug
        weights = publish(project, folder)
        archive = shutil.make_archive(str(Path(scratch) / "model"), "zip", scratch, project.slug)
        with whole_file(project.exports / MODEL) as part:
            Path(archive).replace(part)
    return weights.name


def model_file(project: Project) -> Path:
    """The zip of the published model, which may be missing."""
    return project.exports / MODEL
