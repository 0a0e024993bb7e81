"""GET /projects/{p}/status: where a project stands, as `labeler status` says it."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from labeler.api.v1.frame import ProjectCall, in_project, resource
from labeler.report.status import status as status_of

router = resource("Status")


class Job(BaseModel):
    state: str
    reason: str
    message: str
    error: str | None


class Status(BaseModel):
    """Counts, the latest metrics, the latest round that was asked for."""

    name: str
    pool: int
    labeled: int = Field(
        description="Pool labels. For annotators and reviewers as of the latest round, as are the next."
    )
    holdout: int
    holdout_labeled: int
    labels_spent: int = Field(description="Answers that the budget has paid.")
    answers_left: int
    pool_open: int = Field(description="Pool items that can still get a label.")
    holdout_open: int
    budget: int
    rounds: int
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    micro_f1: float | None
    measured_on: int | None
    measured_on_groups: int | None
    measured_on_later: int | None = Field(description="Of these items, those that came with later imports; null: none.")
    new_items_differ: bool | None = Field(description="Surely, from earlier ones; null: there is too little to tell.")
    later_items: int = Field(description="Items of later imports of which a share joined the holdout.")
    later_items_without_share: int = Field(description="Items of later imports that the accuracy does not speak of.")
    measure: str = Field(description="What `accuracy` is called in this project.")
    groups: dict[str, Any] | None
    target_accuracy: float
    labels_outside_the_classes: dict[str, int]
    encoder: str
    job: Job | None
    error: str | None
    sentences: list[str]
    about_encoder: list[str]
    models: list[dict[str, Any]] = Field(
        description="Models of somebody else, as measured on the holdout; for leads and auditors."
    )


@router.get("/projects/{p}/status", summary="Where a project stands")
def read_status(call: Annotated[ProjectCall, in_project("read", "see_progress")]) -> Status:
    """What is labeled, how good the model is, what the budget still pays for. What is counted of pool and holdout apart
    is as of the latest round for those who must not know which items are in the holdout.
    """
    return Status(**status_of(call.project, call.user))
