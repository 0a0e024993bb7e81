"""Rounds: ask for one, see whether one is waiting or running, read what the finished ones measured."""

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, Field

from labeler.api.v1 import frame
from labeler.api.v1.frame import Cursor, Limit, Page, ProjectCall, in_project, page, place_of
from labeler.core.blinding import in_steps
from labeler.core.errors import MissingError, ProjectError
from labeler.core.jobs import JobState
from labeler.core.rounds import Round, Training
from labeler.cycle.retraining import obstacle
from labeler.i18n.messages import translate
from labeler.store import Store

router = frame.resource("Rounds")


class Measured(BaseModel):
    """On the holdout, whose items are never queried."""

    n: int = Field(description="Labeled items of the holdout.")
    groups: int | None = Field(description="That they are of, such as patients.")
    later: int | None = Field(description="Of these items, those that came with later imports; null: none.")
    accuracy: float = Field(description="Where items have several classes, that of whole sets.")
    low: float = Field(description="Lower end of the accuracy's 95% interval.")
    high: float
    macro_f1: float
    micro_f1: float | None
    calibration_error: float | None


class RoundFacts(BaseModel):
    number: int
    labels: int = Field(description="Pool labels that it learned from.")
    strategy: str
    metrics: Measured | None = Field(description="null: nothing could be trained or measured.")
    agreement: float | None = Field(description="Cohen's kappa with the predictions of the round before.")
    uncertainty: float | None = Field(description="Mean of 1 − the highest probability.")
    train_seconds: float
    query_seconds: float
    finished_at: str


class RoundDetails(RoundFacts):
    seed: int
    backbone: str
    model: str | None = Field(description="File of the model below the project's folder.")
    class_change: int = Field(description="Number of the latest change of the classes when it read its labels.")
    left_out: int = Field(description="Items that were not embedded yet.")
    training: dict[str, Any] | None = Field(description="How the model was trained: levers, epochs, device, a note.")


class JobFacts(BaseModel):
    state: JobState
    reason: str
    doing: str = Field(description="The step of a running one.")
    done: int
    total: int
    error: str | None
    attempts: int


class RoundsState(BaseModel):
    latest: int = Field(description="Number of the latest finished round; 0: none.")
    job: JobFacts | None = Field(description="The round that was asked for last.")
    labels_missing: int | None = Field(
        description="Pool labels until the next round; null: no further label can be had."
    )
    obstacle: str | None = Field(
        description="Why no round can run now, or would change nothing; for leads and auditors."
    )
    nothing_new: bool = Field(description="Whether all that there is was in the latest round.")


@router.get("/projects/{p}/rounds", summary="Finished rounds")
def list_rounds(
    call: Annotated[ProjectCall, in_project("read", "see_progress")], limit: Limit = frame.PAGE, cursor: Cursor = None
) -> Page[RoundFacts]:
    """The oldest first."""
    after = place_of(cursor) or 0
    with call.project.store() as store:
        rounds = [each for each in store.rounds.all() if each.number > after]
    return page([RoundFacts(**_values(each)) for each in rounds[: limit + 1]], limit, lambda facts: facts.number)


@router.post("/projects/{p}/rounds", status_code=202, summary="Ask for a round")
def ask_for_round(
    call: Annotated[ProjectCall, in_project("manage", "run_round")],
    again: Annotated[bool, Query(description="Also where nothing is new, or an obstacle is known.")] = False,
) -> RoundsState:
    """The worker runs it: train on all labels, measure on the holdout, rank what is asked next. Where one is waiting or
    running, that is the one.
    """
    with call.project.store() as store:
        if not store.rounds.waiting():
            if not again and (reason := obstacle(store)):
                raise ProjectError("{problem}", problem=reason)
            store.rounds.request("retrain now")
        return _state(call, store)


@router.get("/projects/{p}/rounds/state", summary="Whether a round is waiting or running")
def get_rounds_state(call: Annotated[ProjectCall, in_project("read", "see_progress")]) -> RoundsState:
    """And how many labels the next one waits for."""
    with call.project.store() as store:
        return _state(call, store)


@router.get("/projects/{p}/rounds/{number}", summary="A finished round")
def get_round(
    call: Annotated[ProjectCall, in_project("read", "see_progress")],
    number: Annotated[int, Path(ge=1, le=frame.LARGEST_NUMBER)],
) -> RoundDetails:
    """With its measurements and their interval, and how its model was trained."""
    with call.project.store() as store:
        found = next((each for each in store.rounds.all() if each.number == number), None)
        if found is None:
            raise MissingError("There is no round {number}.", number=number)
        training, backbone = store.rounds.training_of(number), store.rounds.backbones()[number]
    return RoundDetails(**_values(found), backbone=backbone, training=_trained(training) if training else None)


def _values(found: Round) -> dict[str, Any]:
    return vars(found) | {"metrics": vars(found.metrics) if found.metrics else None}


def _trained(training: Training) -> dict[str, Any]:
    return vars(training) | {"note": translate(training.note), "epochs": [vars(epoch) for epoch in training.epochs]}


def _state(call: ProjectCall, store: Store) -> RoundsState:
    job, reason, missing = store.rounds.latest_job(), obstacle(store), store.rounds.labels_until_next()
    if not call.may("see_holdout"):
        missing, reason = None if missing is None else min(in_steps(missing), store.rounds.batch()), None
    return RoundsState(
        latest=store.rounds.next_number() - 1,
        job=job
        and JobFacts(
            state=job.state,  # type: ignore[arg-type]  # of the table's CHECK
            reason=job.reason,
            doing=translate(job.message),
            done=job.done,
            total=job.total,
            error=job.error and translate(job.error),
            attempts=job.attempts,
        ),
        labels_missing=missing,
        obstacle=reason and translate(reason),
        nothing_new=job is not None and job.state == "done" and not store.rounds.anything_new(),
    )
