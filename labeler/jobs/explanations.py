"""The process that explains items to annotators who ask: beside app and worker, so that neither waits for it.

It loads torch with the first request, and keeps the model that was asked about last.
"""

import base64
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import Timeout

from labeler.core.class_changes import label_today
from labeler.core.errors import LabelerError
from labeler.core.jobs import Explanation
from labeler.core.processes import yield_to_others
from labeler.explain.evidence import Evidence
from labeler.i18n.messages import mark
from labeler.jobs.attendance import attend
from labeler.jobs.endings import PreviousProcess
from labeler.learner.own_heads import heads_limited, limits_of
from labeler.models import cards
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store import Store

if TYPE_CHECKING:
    from labeler.backbones.encoder import Encoder
    from labeler.explain.lime import Local
    from labeler.learner.model import Model

# Imports of labeler.explain and labeler.backbones are deferred: the app asks for explanations, and does without torch.

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
NICENESS = 5  # whoever labels goes first
DIGITS = 4  # of a weight, relative to the largest


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to be asked.

    classes: those that it was trained on, by their names of today. start: what is known of the classes without labels
    counts so much in it; labels: of how many labels it was trained.
    """

    path: Path
    classes: list[str]
    model: "Model"
    encoder: "Encoder"
    class_change: int  # number of the latest change of the classes when it was loaded
    start: float
    labels: int


class Explainer:
    """Explains one item after the other; the last model stays loaded."""

    def __init__(self) -> None:
        self._loaded: Loaded | None = None
        self._previous = PreviousProcess()

    def explain_next(self, project: Project) -> bool:
        """Explain the item that was asked about last, if there is one and no other explainer is at it; True if so."""
        with project.store() as store:
            try:
                with project.lock("explainer.lock"):
                    asked = store.explanations.claim(self._previous.ending(project.folder))
                    if asked is not None:
                        self._run(project, store, asked)
                    return asked is not None
            except Timeout:
                return False

    def _run(self, project: Project, store: Store, asked: Explanation) -> None:
        began = time.monotonic()
        try:
            with heads_limited(limits_of(project.config.limits)):
                store.explanations.finish(asked, self._explain(project, store, asked))
        except LabelerError as error:
            store.explanations.fail(asked, error)
        except Exception as error:
            log.exception("%s: explaining failed", project.slug)
            store.explanations.fail(
                asked,
                mark(
                    "Unexpected {kind}: {error}. The explainer's log has the details.",
                    kind=type(error).__name__,
                    error=error,
                ),
            )
        else:
            log.info("%s: %s explained in %.1f s", project.slug, asked.content_hash, time.monotonic() - began)

    def _explain(self, project: Project, store: Store, asked: Explanation) -> dict[str, Any]:
        from labeler.explain.attribution import explain
        from labeler.explain.lime import explain_locally

        item = store.items.get(store.items.id_of(asked.content_hash) or 0)
        if item is None:
            raise LabelerError("The item is not in the project any more.")
        loaded = self._load(project, store, project.folder / asked.model)
        content = project.input_of(item)
        if asked.kind == "saw":
            start = {"weight": loaded.start, "labels": loaded.labels} if loaded.start else None
            return _result(loaded.classes, explain(loaded.model, loaded.encoder, content)) | {"start": start}
        local = explain_locally(loaded.model, loaded.encoder, content)
        return _result(loaded.classes, local) | {"fit": [round(float(fit), 3) for fit in local.fit]}

    def _load(self, project: Project, store: Store, path: Path) -> Loaded:
        change = store.class_changes.latest()
        if self._loaded is None or (self._loaded.path, self._loaded.class_change) != (path, change):
            self._loaded = load(project, store, path)
            kept = [model for model, _ in store.rounds.models() if (project.folder / model).exists()]
            store.explanations.delete_except(kept)  # they go with their models
        return self._loaded


def load(project: Project, store: Store, path: Path) -> Loaded:
    """A round's model with the encoder whose features it reads.

    Raises: LabelerError: it is gone, or the settings name another encoder by now.
    """
    from labeler.backbones.choose import load_encoder
    from labeler.learner import saved_models as models

    if not path.exists():
        raise LabelerError("The model is not kept any more: open this again to ask the latest one.")
    config = project.config
    texts = project.texts(store.items.columns().ids)
    encoder = load_encoder(config.learner, config.modality, texts, project.embeddings)
    card = cards.load(path)
    if card.encoder != encoder.key:
        raise LabelerError("The settings name another backbone than the model was trained with: wait for a new round.")
    since = store.class_changes.since(store.rounds.class_change_of(card.round))
    names = [label_today(name, since, several=False) or name for name in card.config["classes"]]
    model = models.load(path, encoder)
    return Loaded(path, names, model, encoder, store.class_changes.latest(), card.start, card.labels)


def _result(names: list[str], explained: "Evidence | Local") -> dict[str, Any]:
    """What the panel draws: for each class a picture to be laid over the image, or a weight of −1 to 1 of each span."""
    from labeler.explain.heatmap import ATTENDED, FOR, overlay

    def drawn(weights: np.ndarray, colour: tuple[int, int, int], most: float) -> dict[str, Any]:
        if explained.spans is None:
            picture = overlay(weights, most, colour)
            return {"map": "data:image/png;base64," + base64.b64encode(picture).decode()}
        return {"weights": [round(float(weight), DIGITS) for weight in weights / most]}

    most = float(np.abs(explained.weights).max(initial=0.0)) or 1.0
    entries = [
        {"name": names[number], "probability": round(float(share), DIGITS)} | drawn(own, FOR, most)
        for number, share, own in zip(explained.classes, explained.proba, explained.weights, strict=True)
    ]
    result: dict[str, Any] = {"classes": entries, "spans": explained.spans, "slice": explained.slice}
    if isinstance(explained, Evidence) and explained.attention is not None:
        shares = explained.attention - explained.attention.min(initial=1.0)  # every part has some: the least is blank
        result["attention"] = drawn(shares, ATTENDED, float(shares.max(initial=0.0)) or 1.0)
    return result


# ---------------------------------------------------------------- the process


def work(home: Path, poll_seconds: float = POLL_SECONDS, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Explain what is asked for in the project in `home`, or in all projects below it, until `should_stop`."""
    yield_to_others(NICENESS)
    explainer, watched = Explainer(), Watched()
    attend(
        home,
        "explainer",
        lambda folder: watched.waiting(folder) and explainer.explain_next(projects.open_project(folder)),
        poll_seconds,
        should_stop,
    )


class Watched:
    """Connections that are kept open, so that asking each project several times a second costs next to nothing."""

    def __init__(self) -> None:
        self._open: dict[Path, tuple[int, Store]] = {}

    def waiting(self, folder: Path) -> bool:
        """Whether the project in this folder has explanations to compute.

        Raises: LabelerError: it is no project, or its settings are wrong.
        """
        database = folder / "labels.sqlite"
        inode = database.stat().st_ino if database.exists() else 0
        connection = self._open.get(folder)
        if connection is None or connection[0] != inode:  # new, or another project of the same name
            if connection is not None:
                connection[1].close()
            store = projects.open_project(folder).store()
            connection = self._open[folder] = (database.stat().st_ino, store)
        try:
            return connection[1].explanations.waiting()
        except Exception:  # a database that is mended in place is opened anew
            self._open.pop(folder)[1].close()
            raise
