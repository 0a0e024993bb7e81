"""Imports as jobs: POST, GET /projects/{p}/imports · GET, DELETE /projects/{p}/imports/{job}."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Path as PathParameter
from fastapi import Response
from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from labeler.api.problems import address
from labeler.api.requests import LARGEST_ID, RequestError
from labeler.api.v1.frame import (
    Body,
    Cursor,
    Limit,
    Page,
    ProjectCall,
    in_project,
    page,
    place_of,
    resource,
)
from labeler.api.v1.sent import Sent, sent, taken
from labeler.core.foreign import AddedPredictions
from labeler.core.items import ImportReport
from labeler.core.jobs import BackgroundState, ImportJob
from labeler.files.addresses import Source, allowed
from labeler.files.sources import SourceColumns, origin
from labeler.files.uploads import safe_name
from labeler.formats.base import ReadAs
from labeler.i18n.messages import translate
from labeler.jobs import imports
from labeler.projects.foreign_columns import Key, PredictionColumns
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
    format: ReadAs | None = Field(None, description="What the file is, where that is not recognised.")


class PredictionColumnsOfTable(Body):
    """Columns of a table with the predictions of somebody else's model."""

    model: str = Field(min_length=1, max_length=200, description="Its name; no column.")
    version: str = Field("", max_length=200, description="Its version; no column.")
    predicted: str = Field("", description="Column of the classes; empty: the most probable one.")
    probability: str = Field("", description="Column of the probability of what was predicted; empty: there is none.")
    proba: dict[str, str] = Field({}, description="The column of the probabilities of each class.")
    key: Key = Field("text", description="What the column `found_by` holds.")
    found_by: str = Field("", description="Column by which the item is found; empty: its content.")
    only: bool = Field(False, description="The rows are about items that are there, and no new ones.")


def _read(fields: Any) -> Any:
    """Fields that came in a form, where they are text."""
    try:
        return json.loads(fields) if isinstance(fields, str) else fields
    except (ValueError, RecursionError):
        raise RequestError("'predictions' must be a JSON object.") from None


# Its schema stands where it is used: a form's has no place for definitions.
PREDICTIONS = WithJsonSchema({"anyOf": [PredictionColumnsOfTable.model_json_schema(), {"type": "null"}]})


class Upload(Columns):
    """The fields beside the uploaded files."""

    keep_labels: Literal["all", "holdout"] = Field("all", description="`holdout`: the pool's labels are asked for.")
    predictions: Annotated[PredictionColumnsOfTable | None, BeforeValidator(_read), PREDICTIONS] = Field(
        None, description="Columns with the predictions of somebody else's model; in a form as JSON."
    )

    @property
    def columns(self) -> SourceColumns:
        return SourceColumns(**self.model_dump(include={*Columns.model_fields}))

    @property
    def how(self) -> dict[str, Any]:
        """What else the job is asked for."""
        predictions = self.predictions and PredictionColumns(**self.predictions.model_dump())
        return {"keep_labels": self.keep_labels, "predictions": predictions}


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
    groups: dict[str, Any] | None = Field(description="How groups lie in pool and holdout; null: there are none.")
    in_two_groups: int = Field(description="Rows whose content came before, in another group, which keeps it.")
    across: int = Field(description="Of those, the ones whose two groups are on both sides of the split.")
    dicom: dict[str, Any] | None = Field(description="What was done with DICOM files; null: there were none.")


class BroughtPredictions(BaseModel):
    """What came of the predictions of somebody else's model."""

    model: str
    version: str
    n: int = Field(description="Items that have one now.")
    repeated: int = Field(description="Rows about an item that an earlier row was about.")
    problems: list[LeftOut] = Field(description="The first rows that were left out, and why.")
    more_problems: int
    replaced: bool = Field(description="Whether the model had predictions under this version before.")


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
    predictions: list[BroughtPredictions] = Field(description="What came of the predictions in the table.")


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
        number = imports.ask(project, allowed(wanted.address), wanted.columns, **wanted.how)
    elif isinstance(body.fields, dict) and "rows" in body.fields:
        rows = body.as_body(RowsToImport)
        number = _ask(project, rows, lambda folder: _table(folder, rows))
    else:
        raise RequestError("The request has nothing to import: send files as a form, `rows`, or an `address`.")
    imports.start(project)
    response.headers["Location"] = address(f"/projects/{project.uid}/imports/{number}")
    with project.store() as store:
        return _state(store, store.import_jobs.get(number))


def _ask(project: ServedProject, wanted: Upload, write: Any) -> int:
    """The number of a job that imports what `write` puts into a folder."""
    folder = imports.upload_folder(project)
    try:
        source: Source = write(folder)
        return imports.ask(project, source, wanted.columns, **wanted.how)
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
        part = page(jobs, limit, lambda job: job.id)
        return Page(items=[_state(store, job) for job in part.items], next=part.next)


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
        predictions=[_predictions(added) for added in imports.predictions_of(report or {})],
    )


def _predictions(added: AddedPredictions) -> BroughtPredictions:
    problems = [LeftOut(source=translate(p.source), reason=translate(p.reason)) for p in added.problems]
    return BroughtPredictions(**asdict(added) | {"problems": problems})


def _brought(report: ImportReport) -> Brought:
    left_out = [
        LeftOut(source=translate(origin(problem.source)), reason=translate(problem.reason))
        for problem in report.problems
    ]
    counts = {name: value for name, value in asdict(report).items() if name in Brought.model_fields}
    return Brought(**counts | {"not_imported": report.not_imported, "left_out": left_out})
