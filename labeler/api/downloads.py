"""Files that leave as a stream: a project's labels, for the pages' links and for the public API.

GET /api/{project}/labels/{link}   → the file that a link of the page Project names, see `labeler.access.tokens`
"""

import json
import re
import shutil
import tempfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from labeler.access.home import home
from labeler.access.roles import check, is_member
from labeler.access.tokens import check_link
from labeler.api.problems import cannot_store, status_of
from labeler.core.actor import Actor
from labeler.core.errors import LabelerError
from labeler.formats.base import Name
from labeler.i18n.messages import dump, preferred, translate, use
from labeler.projects import predictions
from labeler.projects import project as projects
from labeler.projects.export_columns import Format, Rows
from labeler.projects.export_stream import stream_labels
from labeler.projects.exporter import Export
from labeler.projects.other_tools import export_for
from labeler.projects.project import Project
from labeler.store.driver import sqlite3

MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/jsonl; charset=utf-8",
}


def labels_of(
    project: Project, rows: Rows, kind: Format, with_predictions: bool, other_models: bool = False
) -> Response:
    """The project's labels as a download; the log has it once the first byte leaves.

    Args:   with_predictions: those that were made before are added, for one row an item. other_models: so are those of
            somebody else's models.
    Raises: LabelerError: the format cannot hold the rows.
    """
    kept = None
    if with_predictions and rows == "items":
        with project.store() as store:
            kept = predictions.kept(project, store)
    name = f"{project.slug}-{rows}-{date.today().isoformat()}.{kind}"
    export = Export(rows, kind, kept, other_models)
    return download(stream_labels(project, name, kind, export), name, MEDIA_TYPES[kind])


def file_for(project: Project, tool: Name, suffix: str) -> Response:
    """The project's labels as another tool's file, as a download.

    Raises: LabelerError: the format cannot hold the project's items, or such a file cannot hold them.
    """
    project.exports.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=project.exports))
    try:
        path = scratch / f"{project.slug}-{tool}-{date.today().isoformat()}{suffix}"
        written = export_for(project, path, tool)
        if not path.is_file():
            raise LabelerError("The file of {tool} cannot end in {suffix}: use .zip.", tool=tool, suffix=suffix)
    except BaseException:
        shutil.rmtree(scratch)
        raise
    facts = {"items": written.items, "left_out": [[dump(what), n] for what, n in written.left_out]}
    headers = {"Labeler-Export": json.dumps(facts)}
    remove = BackgroundTask(shutil.rmtree, scratch, ignore_errors=True)
    kind = "application/octet-stream"  # as the schema says, whatever the suffix
    return FileResponse(path, headers=headers, media_type=kind, filename=path.name, background=remove)


def download(parts: Iterable[bytes], name: str, media_type: str) -> StreamingResponse:
    """A response that a browser keeps as a file of this name, and curl as one of its plain letters."""
    plain = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)
    headers = {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"}
    return StreamingResponse(parts, media_type=media_type, headers=headers)


async def _follow(request: Request) -> Response:
    use(preferred(request.headers.get("accept-language")))
    try:
        return await run_in_threadpool(_labels_of_link, request)
    except LabelerError as error:
        return PlainTextResponse(translate(error), status_of(error, otherwise=422))
    except (sqlite3.OperationalError, OSError) as error:
        return PlainTextResponse(cannot_store(error), 503)


def _labels_of_link(request: Request) -> Response:
    uid = request.path_params["project"]
    user, wanted = check_link(request.path_params["link"], uid)
    actor = Actor(user.name, "page", request.client.host if request.client else "")
    project = projects.serve_project(home(), uid, actor)
    if not is_member(user, project):
        raise projects.gone()
    check(user, project, "take_out")
    if "tool" in wanted:
        return file_for(project, wanted["tool"], wanted["suffix"])
    return labels_of(project, wanted["rows"], wanted["format"], wanted["predictions"])


routes = [Route("/api/{project}/labels/{link}", _follow, methods=["GET"])]
