"""Comparisons of query strategies as jobs: POST, GET and DELETE of /projects/{p}/comparisons."""

import tempfile
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, Field, field_validator

from labeler.api.requests import LARGEST_ID
from labeler.api.v1.frame import Body, ProjectCall, in_project, resource
from labeler.api.v1.sent import Sent, sent, taken
from labeler.core.errors import MissingError
from labeler.core.jobs import BackgroundState, Comparison, ComparisonRequest
from labeler.i18n.messages import translate
from labeler.jobs import comparisons
from labeler.report.sentences.comparison import rows_in_short, verdict
from labeler.store import Store

router = resource("Comparisons")


class Wanted(Body):
    """A comparison on the project's own labels, or on those of a file that comes with it."""

    strategies: list[str] = Field(
        min_length=1,
        description="Names; in a form with commas between them, or a field for each.",
        examples=[["margin"]],
    )
    runs: int = Field(5, ge=1, le=100, description="Of each strategy, each with its own first labels.", strict=False)
    rounds: int = Field(10, ge=1, le=1000, description="Queries after the first labels.", strict=False)
    label: str = Field("label", min_length=1, max_length=200, description="The column of the labels in a table.")

    @field_validator("strategies", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


class ComparisonState(BaseModel):
    """A comparison. words, table, report: once it is done."""

    id: int
    state: BackgroundState
    done: int
    total: int
    message: str
    error: str | None
    words: str | None = Field(description="What it shows, how certain that is, and what to do.")
    table: list[dict[str, Any]] | None = Field(description="A row a strategy.")
    report: dict[str, Any] | None = Field(description="Everything, as `labeler simulate --out` writes it.")


ComparisonId = Annotated[int, Path(ge=0, le=LARGEST_ID, description="Number of a comparison.")]


@router.post(
    "/projects/{p}/comparisons",
    status_code=202,
    summary="Compare query strategies",
    openapi_extra=taken(Wanted, upload=Wanted),
)
def compare(
    call: Annotated[ProjectCall, in_project("manage", "run_experiments")], body: Sent = sent
) -> ComparisonState:
    """With random sampling, on labels that are known; it takes minutes, and the worker runs it beside the rounds."""
    wanted, query = body.as_body(Wanted), call.project.config.query
    asked = (tuple(wanted.strategies), wanted.runs, wanted.rounds, query.batch, query.seed_size)
    with tempfile.TemporaryDirectory() as scratch:
        upload = body.stored(FilePath(scratch)) if body.files else None
        request = ComparisonRequest(*asked, upload.name if upload else None, label_column=wanted.label)
        number = comparisons.ask(call.project, request, call.user.name, upload)
    with call.project.store() as store:
        return _state(store, number)


@router.get("/projects/{p}/comparisons/{id}", summary="How far a comparison is, and what it shows")
def get_comparison(
    call: Annotated[ProjectCall, in_project("read", "see_strategies")], id: ComparisonId
) -> ComparisonState:
    with call.project.store() as store:
        return _state(store, id)


@router.delete("/projects/{p}/comparisons/{id}", summary="Cancel a comparison")
def cancel_comparison(
    call: Annotated[ProjectCall, in_project("manage", "run_experiments")], id: ComparisonId
) -> ComparisonState:
    """One that has ended stays as it is, as its `state` says."""
    with call.project.store() as store:
        _state(store, id)  # there is such a comparison
    comparisons.cancel(call.project, id)
    with call.project.store() as store:
        return _state(store, id)


def _state(store: Store, number: int) -> ComparisonState:
    job: Comparison | None = next((each for each in store.comparisons.all() if each.id == number), None)
    if job is None:
        raise MissingError("There is no comparison {number}.", number=number)
    report = store.comparisons.report_of(number) if job.state == "done" else None
    return ComparisonState(
        id=job.id,
        state=job.state,
        done=job.done,
        total=job.total,
        message=translate(job.message),
        error=job.error and translate(job.error),
        words=verdict(report, own_labels=job.request.source is None) if report else None,
        table=rows_in_short(report) if report else None,
        report=report,
    )
