"""What the best model says: GET, POST /projects/{p}/predictions · POST /projects/{p}/predict."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field

from labeler.api.v1.frame import Body, Cursor, Limit, Page, ProjectCall, cursor_of, in_project, place_of, resource
from labeler.api.v1.imports import LeftOut
from labeler.api.v1.labels import Label, label_of
from labeler.api.v1.sent import Sent, sent, taken
from labeler.core import decisions
from labeler.core.jobs import BackgroundState, TakeoutJob, TakeoutRequest
from labeler.core.labels import texts_of
from labeler.core.settings import Config
from labeler.files.sources import origin
from labeler.i18n.messages import translate
from labeler.projects import predictions
from labeler.store import Store

router = resource("Predictions")

MOST_TEXTS = 1_000  # of a request


class Predicted(BaseModel):
    """What a model says."""

    label: Label
    probability: float = Field(description="Of the label; of several classes, of all together.")
    probabilities: dict[str, float] = Field(description="Of each class.")


class PredictedItem(Predicted):
    item_id: int


class PredictionJob(BaseModel):
    """The predictions that were asked for last."""

    id: int
    state: BackgroundState
    done: int
    total: int
    error: str | None


class PredictionsPage(Page[PredictedItem]):
    """Predictions for the items that had no label when they were made."""

    model: str | None = Field(description="That has predicted: the best on the holdout; null: none has yet.")
    job: PredictionJob | None


class Texts(Body):
    texts: list[Annotated[str, Field(min_length=1)]] = Field(min_length=1, max_length=MOST_TEXTS)


class Table(Body):
    """The fields beside the uploaded files."""

    column: str | None = Field(None, description="Of the texts or image paths; an obvious one is found without.")


class PredictedInput(Predicted):
    source: str
    input: str


class PredictedInputs(BaseModel):
    model: str
    items: list[PredictedInput]
    left_out: list[LeftOut]


@router.get("/projects/{p}/predictions", summary="The predictions for the items without a label")
def all_predictions(
    call: Annotated[ProjectCall, in_project("read", "take_out")], limit: Limit = 50, cursor: Cursor = None
) -> PredictionsPage:
    """In the order of the items' numbers. They are made when somebody asks for them, see `POST`."""
    after = place_of(cursor)
    with call.project.store() as store:
        kept, job = predictions.kept(call.project, store), _latest(store)
    if kept is None:
        return PredictionsPage(items=[], next=None, model=None, job=job)
    order = np.argsort(kept.items, kind="stable")
    start = 0 if after is None else int(kept.items[order].searchsorted(after, "right"))
    rows = order[start : start + limit]
    said = _said(kept.proba[rows], call.project.config)
    items = [
        PredictedItem(item_id=item, **values) for item, values in zip(kept.items[rows].tolist(), said, strict=True)
    ]
    following = cursor_of(items[-1].item_id) if start + limit < len(order) else None
    return PredictionsPage(items=items, next=following, model=Path(kept.model).stem, job=job)


@router.post("/projects/{p}/predictions", status_code=202, summary="Predict the items without a label")
def ask_for_predictions(call: Annotated[ProjectCall, in_project("manage", "take_out")]) -> PredictionJob:
    """A job, whose end `GET` tells; its predictions take the place of those before."""
    with call.project.store() as store:
        number = store.takeouts.request(TakeoutRequest("predictions"), call.user.name)
        return _job(store.takeouts.get(number))


@router.post("/projects/{p}/predict", summary="Predict texts or files", openapi_extra=taken(Texts, upload=Table))
def predict(call: Annotated[ProjectCall, in_project("label", "take_out")], body: Sent = sent) -> PredictedInputs:
    """The best model's predictions for 1,000 texts at most, or for the files of a form. Nothing is stored. One request
    at a time in a project, within two minutes.
    """
    from labeler.models.apart import predict_apart  # loads what a process that only labels does without

    with tempfile.TemporaryDirectory() as scratch:
        if body.files:
            source, column = body.stored(Path(scratch)), body.as_body(Table).column
        else:
            source, column = _texts(Path(scratch), body.as_body(Texts).texts), "text"
        predicted = predict_apart(call.project, [source], column)
    said = _said(predicted.proba, call.project.config)
    places = zip(predicted.sources, predicted.inputs, said, strict=True)
    return PredictedInputs(
        model=predicted.model.stem,
        items=[PredictedInput(source=where, input=content, **values) for where, content, values in places],
        left_out=[
            LeftOut(source=translate(origin(problem.source)), reason=translate(problem.reason))
            for problem in predicted.problems
        ],
    )


def _texts(folder: Path, texts: list[str]) -> Path:
    path = folder / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


def _said(proba: np.ndarray, config: Config) -> Iterator[dict[str, Any]]:
    """What probabilities (n, C) say of each input."""
    answers = decisions.predicted(proba, config.several).astype(np.intp)
    confidence = decisions.proba_of_items(proba, answers)
    for label, sure, each in zip(texts_of(answers, config), confidence.tolist(), proba.tolist(), strict=True):
        yield {
            "label": label_of(label, config),
            "probability": round(sure, 6),
            "probabilities": {name: round(p, 6) for name, p in zip(config.classes, each, strict=True)},
        }


def _latest(store: Store) -> PredictionJob | None:
    return next((_job(job) for job in store.takeouts.all() if job.request.what == "predictions"), None)


def _job(job: TakeoutJob) -> PredictionJob:
    error = job.error and translate(job.error)
    return PredictionJob(id=job.id, state=job.state, done=job.done, total=job.total, error=error)
