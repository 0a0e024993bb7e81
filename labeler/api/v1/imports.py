"""Imports as jobs: POST, GET /projects/{p}/imports · GET, DELETE /projects/{p}/imports/{job}."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Path as PathParameter
from fastapi import Response
from pydantic import BaseModel, Field

from labeler.api.requests import LARGEST_ID, RequestError
from labeler.api.v1.frame import (
    Body,
    Cursor,
    Limit,
    Page,
    ProjectCall,
    cursor_of,
    in_project,
    place_of,
    resource,
)
from labeler.api.v1.sent import Sent, sent, taken
from labeler.core.items import ImportReport
from labeler.core.jobs import BackgroundState, ImportJob
from labeler.files.addresses import Source, allowed
from labeler.files.sources import SourceColumns, origin
from labeler.files.uploads import safe_name
from labeler.i18n.messages import translate
from labeler.jobs import imports
from labeler.projects.project import ServedProject
from labeler.store import Store

router = resource("Imports")

MOST_ROWS = 10_000  # of a request; more are a table
Cell = str | int | float | bool | None


class Columns(Body):
    """Names of the columns, by what they hold; an obvious one of the items is found without."""

    text: str | None = None
    image: str | None = None
    label: str | None = None
    split: str | None = Field(None, description="Marks the holdout.")
    group: str | None = Field(None, description="What items belong to, such as a patient.")


class Upload(Columns):
    """The fields beside the uploaded files."""

    keep_labels: Literal["all", "holdout"] = Field("all", description="`holdout`: the pool's labels are asked for.")

    @property
    def columns(self) -> SourceColumns:
        return SourceColumns(**self.model_dump(include={*Columns.model_fields}))


class RowsToImport(Upload):
    """Rows of a table, by the names of its columns."""

    rows: list[dict[str, Cell]] = Field(min_length=1, max_length=MOST_ROWS)
    name: str = Field("rows", min_length=1, max_length=200, description="The items' sources begin with it.")


class AddressToImport(Upload):
    """An address of an object store that whoever runs the server has named."""

    address: str = Field(min_length=1, max_length=2000, examples=["s3://bucket/scans"])


class LeftOut(BaseModel):
    source: str
    reason: str


class Brought(BaseModel):
    """What an import brought."""

    added: int
    duplicates: int = Field(description="Rows whose items were there already.")
    labels_added: int
    pool: int = Field(description="Items in the pool after the import.")
    holdout: int
    not_imported: int
    left_out: list[LeftOut] = Field(description="The first rows that could not be imported, and why.")
    columns: list[str] = Field(description="Stored with the items.")


class ImportState(BaseModel):
    """An import. rows: read so far."""

    id: int
    name: str
    state: BackgroundState
    rows: int
    of: int | None = Field(description="About how many rows there are; null: nobody knows yet.")
    message: str
    error: str | None
    requested_by: str
    requested_at: str
    finished_at: str | None
    brought: Brought | None = Field(description="null: the import has not ended, or has failed.")


ImportId = Annotated[int, PathParameter(ge=0, le=LARGEST_ID, description="Number of an import.")]


@router.post(
    "/projects/{p}/imports",
    status_code=202,
    summary="Import items",
    openapi_extra=taken(RowsToImport, AddressToImport, upload=Upload),
)
def import_items(
    call: Annotated[ProjectCall, in_project("manage", "import_items")], response: Response, body: Sent = sent
) -> ImportState:
    """A form with files, or JSON with `rows` or an `address`. The import runs by itself, as from the page Project, in a
    process of its own under the limits of the settings. Its address is in `Location`.
    """
    project = call.project
    if body.files:
        number = _ask(project, body.as_body(Upload), body.stored)
    elif isinstance(body.fields, dict) and "address" in body.fields:
        wanted = body.as_body(AddressToImport)
        number = imports.ask(project, allowed(wanted.address), wanted.columns, keep_labels=wanted.keep_labels)
    elif isinstance(body.fields, dict) and "rows" in body.fields:
        rows = body.as_body(RowsToImport)
        number = _ask(project, rows, lambda folder: _table(folder, rows))
    else:
        raise RequestError("The request has nothing to import: send files as a form, `rows`, or an `address`.")
    imports.start(project)
    response.headers["Location"] = f"imports/{number}"
    with project.store() as store:
        return _state(store, store.import_jobs.get(number))


def _ask(project: ServedProject, wanted: Upload, write: Any) -> int:
    """The number of a job that imports what `write` puts into a folder."""
    folder = imports.upload_folder(project)
    try:
        source: Source = write(folder)
        return imports.ask(project, source, wanted.columns, keep_labels=wanted.keep_labels)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _table(folder: Path, wanted: RowsToImport) -> Path:
    path = folder / f"{safe_name(wanted.name).name}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in wanted.rows)
    return path


@router.get("/projects/{p}/imports", summary="The imports")
def all_imports(
    call: Annotated[ProjectCall, in_project("read", "import_items")], limit: Limit = 50, cursor: Cursor = None
) -> Page[ImportState]:
    """Those that were asked for as jobs, the latest first."""
    before = place_of(cursor)
    with call.project.store() as store:
        jobs = [job for job in store.import_jobs.all() if before is None or job.id < before]
        shown = [_state(store, job) for job in jobs[:limit]]
    return Page(items=shown, next=cursor_of(shown[-1].id) if len(jobs) > limit else None)


@router.get("/projects/{p}/imports/{job}", summary="How far an import is, and what it brought")
def one_import(call: Annotated[ProjectCall, in_project("read", "import_items")], job: ImportId) -> ImportState:
    with call.project.store() as store:
        return _state(store, store.import_jobs.get(job))


@router.delete("/projects/{p}/imports/{job}", summary="Cancel an import")
def cancel_import(call: Annotated[ProjectCall, in_project("manage", "import_items")], job: ImportId) -> ImportState:
    """Nothing of it is left. An import that has ended stays as it is, as its `state` says."""
    with call.project.store() as store:
        store.import_jobs.get(job)  # there is such a job
        store.import_jobs.cancel(job)
        return _state(store, store.import_jobs.get(job))


def _state(store: Store, job: ImportJob) -> ImportState:
    report = store.import_jobs.report_of(job.id) if job.state == "done" else None
    return ImportState(
        id=job.id,
        name=job.request.name,
        state=job.state,
        rows=job.done,
        of=job.total or None,
        message=translate(job.message),
        error=job.error and translate(job.error),
        requested_by=job.requested_by,
        requested_at=job.requested_at,
        finished_at=job.finished_at,
        brought=_brought(imports.report_of(report)) if report else None,
    )


def _brought(report: ImportReport) -> Brought:
    left_out = [
        LeftOut(source=translate(origin(problem.source)), reason=translate(problem.reason))
        for problem in report.problems
    ]
    counts = {name: value for name, value in asdict(report).items() if name in Brought.model_fields}
    return Brought(**counts | {"not_imported": report.not_imported, "left_out": left_out})
