"""GET /projects/{p}/export: the labels of a project as a file, which leaves as a stream."""

from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from labeler.api.downloads import MEDIA_TYPES, file_for, labels_of
from labeler.api.v1.frame import ProjectCall, in_project, resource
from labeler.formats.base import Name
from labeler.projects.export_columns import Format, Rows

router = resource("Exports")

_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, all of one moment.",
        "content": {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in MEDIA_TYPES.values()},
    }
}


@router.get(
    "/projects/{p}/export",
    summary="The labels as a file",
    responses=_FILE,
    response_class=Response,
)
def export_labels(
    call: Annotated[ProjectCall, in_project("read", "take_out")],
    rows: Annotated[Rows, Query(description="What a row is: an item with its label, or an answer.")] = "answers",
    format: Annotated[Format, Query(description="`xlsx` holds 1,048,575 rows.")] = "csv",
    predictions: Annotated[
        bool, Query(description="With the predictions that were made before, for items without a label.")
    ] = False,
    other_models: Annotated[
        bool, Query(description="With what other models predicted, for rows of items: two columns for each model.")
    ] = False,
) -> Response:
    """The bytes come while the rows are being read, of any number, and say what is so at one moment. A reply that
    breaks off is no whole file. The page "What each column means" explains the columns; the audit log has each export.
    """
    return labels_of(call.project, rows, format, predictions, other_models)


@router.get(
    "/projects/{p}/export/{tool}",
    summary="The labels as another tool's file",
    responses={200: {"description": "The file.", "content": {"application/octet-stream": {}}}},
    response_class=Response,
)
def export_for_a_tool(
    call: Annotated[ProjectCall, in_project("read", "take_out")],
    tool: Name,
    suffix: Annotated[
        str, Query(pattern=r"^\.[a-z]{1,10}$", description="`.zip`, or that of the tool's one file, without images.")
    ] = ".zip",
) -> Response:
    """Made whole before its first byte leaves. The header `Labeler-Export` has the number of items, and what the tool's
    format cannot hold with how often, as JSON; docs/formats.md says what each format keeps.
    """
    return file_for(call.project, tool, suffix)
