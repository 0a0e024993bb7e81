"""Items and other models' predictions, sent to the server."""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from labeler.client import records, tables
from labeler.client.calls import POLL_SECONDS, Call, Pause, Steps
from labeler.client.verbs.base import ProjectVerbs
from labeler.core.errors import LabelerError, SourceError
from labeler.core.foreign import AddedPredictions
from labeler.core.items import ImportReport, Progress
from labeler.formats.base import ReadAs
from labeler.projects.foreign_columns import PredictionColumns


class ImportVerbs(ProjectVerbs):
    """Items and other models' predictions, sent to the server."""

    def import_(  # wide: the columns of a table are keywords of their own
        self,
        source: str | Path | pd.DataFrame,
        *,
        text: str | None = None,
        image: str | None = None,
        label: str | None = None,
        split: str | None = None,
        group: str | None = None,
        format: ReadAs | None = None,
        keep_labels: Literal["all", "holdout"] = "all",
        apart: bool = False,
        on_progress: Progress | None = None,
    ) -> Steps[ImportReport]:
        """The report on importing a folder or zip of images, a table's file, a data frame, or images of a store.

        Files are sent to the server; it reads an object store itself.

        Args:   text, image, label, split, group: names of the table's columns; text and image are recognised by usual
                names. Items of a group, such as a patient, are all in the pool or all in the holdout.
                format: what the file is, such as "doccano" or "table", where that is not recognised.
                keep_labels: "holdout" drops the pool's labels, so that they are asked for. apart: changes nothing here:
                a server always reads in a process of its own. on_progress: called with (done, total, as far as that is
                known): bytes that were sent, then rows that were read.
        Raises: LabelerError: nothing can be read, or a column is missing.
        """
        columns = {"text": text, "image": image, "label": label, "split": split, "group": group, "format": format}
        job = yield from self._sent(source, columns | {"keep_labels": keep_labels}, on_progress)
        return records.report_of((yield from self._ended(job, on_progress))["brought"])

    def start_import(  # wide: as `import_`
        self,
        source: str | Path,
        *,
        text: str | None = None,
        image: str | None = None,
        label: str | None = None,
        split: str | None = None,
        group: str | None = None,
        format: ReadAs | None = None,
        keep_labels: Literal["all", "holdout"] = "all",
        predictions: PredictionColumns | None = None,
    ) -> Steps[int]:
        """The number of a new import job, which the server runs.

        Args: as of `import_`. predictions: columns of the table with a model's predictions.
        """
        columns = {"text": text, "image": image, "label": label, "split": split, "group": group, "format": format}
        fields = columns | {"keep_labels": keep_labels, "predictions": records.as_field(predictions)}
        return (yield from self._sent(source, fields, None))

    def import_predictions(
        self,
        source: str | Path | pd.DataFrame,
        columns: PredictionColumns,
        *,
        apart: bool = False,
        on_progress: Progress | None = None,
    ) -> Steps[list[AddedPredictions]]:
        """What came of another model's predictions for items of the project, in a table's file or a data frame.

        Args:   columns: what its columns hold. apart, on_progress: as of `import_`.
        Raises: LabelerError: nothing fits an item; nothing has changed.
        """
        fields = {"predictions": records.as_field(replace(columns, only=True))}
        job = yield from self._sent(source, fields, on_progress)
        return [AddedPredictions.from_dict(row) for row in (yield from self._ended(job, on_progress))["predictions"]]

    def _sent(
        self, source: str | Path | pd.DataFrame, fields: dict[str, str | None], on_progress: Progress | None
    ) -> Steps[int]:
        """The number of the job, once the source is at the server."""
        path = f"{self.path}/imports"
        if isinstance(source, str) and "://" in source:
            given = {name: value for name, value in fields.items() if value is not None}
            return int((yield Call("POST", path, body={"address": source, **given}))["id"])
        with tables.written(source) if isinstance(source, pd.DataFrame) else one_file(Path(source)) as file:
            return int((yield Call("POST", path, form=fields, upload=file, on_progress=on_progress))["id"])

    def _ended(self, job: int, on_progress: Progress | None) -> Steps[dict[str, Any]]:
        """The state of an import, once it has ended. Raises: LabelerError: it has failed, or was cancelled."""
        path = f"{self.path}/imports/{job}"
        try:
            while (state := (yield Call("GET", path)))["state"] in ("queued", "running"):
                if on_progress and state["rows"]:
                    on_progress(state["rows"], state["of"] or 0)
                yield Pause(POLL_SECONDS)
        except KeyboardInterrupt:
            yield Call("DELETE", path)  # nothing of it is left
            raise
        if state["state"] != "done":
            raise LabelerError("{error}", error=state["error"] or "The import was cancelled.")
        return dict(state)


@contextmanager
def one_file(source: Path) -> Iterator[Path]:
    """The path of a source as one file: of a folder a zip, which is there until the block ends."""
    if not source.exists():
        raise SourceError("{source} does not exist: check the path.", source=source)
    if not source.is_dir():
        yield source
        return
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / f"{source.resolve().name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # images are packed already
            for file in sorted(source.rglob("*")):
                if file.is_file():
                    archive.write(file, file.relative_to(source).as_posix())
        yield path
