"""GET /projects/{p}/items/{id}/explanation: why an item is asked, and what the model saw."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field

from labeler.api.v1.frame import ItemId, ProjectCall, in_project, resource
from labeler.core.jobs import ExplanationKind
from labeler.explain import panel

router = resource("Explanations")


class Explanation(BaseModel):
    """What the desk's panel tells, and no more: nothing that could bias who still answers."""

    strategy: dict[str, Any] | None = Field(None, description="Why it was chosen, for leads; null: it is not told.")
    neighbours: dict[str, Any] | None = Field(None, description="The nearest labeled items, or why they are hidden.")
    saw: dict[str, Any] | None = Field(None, description="`state`: hidden, queued, running, failed or done.")
    local: dict[str, Any] | None = Field(None, description="As `saw`, where `part` asks for it.")


@router.get("/projects/{p}/items/{id}/explanation", summary="Why an item is asked, and what the model saw")
def explain(
    call: Annotated[ProjectCall, in_project("read", "label")],
    id: ItemId,
    part: Annotated[
        ExplanationKind | None,
        Query(description="`saw` looks into the model, `local` varies the item: that alone, once more."),
    ] = None,
) -> Explanation:
    """The first request asks for what has to be computed; `state` says when it is done. Of the holdout's items and, as
    the project's settings say, of items that the person has not answered, predictions are hidden.
    """
    with call.project.store() as store:
        return Explanation(**panel.why(call.project, store, call.user, id, part))
