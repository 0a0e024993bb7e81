"""Labels and predictions, written to files."""

import json
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pandas as pd

from labeler.client import tables
from labeler.client.calls import POLL_SECONDS, Call, Pause, Steps
from labeler.client.tables import Format
from labeler.client.verbs.base import ProjectVerbs
from labeler.core.errors import LabelerError
from labeler.core.items import Progress
from labeler.formats.base import Name
from labeler.i18n.messages import Message, load
from labeler.projects.other_tools import ToolExport

Rows = Literal["items", "answers"]


class ExportVerbs(ProjectVerbs):
    """Labels and predictions, written to files."""

    def export(self, out: str | Path | None = None) -> Steps[pd.DataFrame]:
        """All current answers, one a row, with the columns of docs/export.md; also written to `out` (CSV, JSON Lines,
        Parquet or Excel, by its suffix).
        """
        if out is not None:
            yield from self.write(out)
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "answers.jsonl"
            yield Call("GET", f"{self.path}/export", query={"rows": "answers", "format": "jsonl"}, into=file)
            return pd.DataFrame(tables.read_json_lines(file))

    def write(  # wide: each is a choice of its own
        self,
        out: str | Path,
        rows: Rows = "answers",
        format: Format | None = None,
        predictions: bool = False,
        on_progress: Progress | None = None,
        other_models: bool = False,
    ) -> Steps[int]:
        """The number of rows written to a file, which is there whole or not at all.

        Args:   rows: one an item, or one an answer. format: of the file; None: that of its suffix. predictions: add
                the best model's for items without a label. on_progress: called with (done, total) of what takes long.
                other_models: add what other models predicted, see `import_predictions`.
        Raises: LabelerError: the file cannot be written, or its suffix tells no format.
        """
        out = Path(out)
        kind = format or tables.format_of(out)
        if predictions:
            yield from self._predicted_all(on_progress)
        query = {"rows": rows, "format": kind, "predictions": predictions, "other_models": other_models}
        with tables.written_whole(out) as part:
            yield Call("GET", f"{self.path}/export", query=query, into=part, on_progress=on_progress)
            return tables.rows_in(part, kind)

    def write_for(self, tool: Name, out: str | Path) -> Steps[ToolExport]:
        """What was written for another tool: the number of items, and what its format cannot hold.

        Args:   tool: such as `label-studio`, see docs/formats.md. out: a new folder, a `.zip`, or without images the
                tool's file.
        Raises: LabelerError: the format cannot hold the project's items, or `out` cannot be written.
        """
        out = Path(out)
        if not out.suffix and out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise LabelerError("{out} is there already: name a folder that is new or empty.", out=out)
        call = Call("GET", f"{self.path}/export/{tool}", query={"suffix": out.suffix.lower() or ".zip"})
        if out.suffix:
            with tables.written_whole(out) as part:
                headers = yield replace(call, into=part)
        else:
            headers = yield from self._unpacked(call, out)
        facts = json.loads(headers["labeler-export"])
        return ToolExport(facts["items"], tuple((Message.of(load(what)), n) for what, n in facts["left_out"]))

    def _unpacked(self, call: Call, out: Path) -> Steps[Mapping[str, str]]:
        """The headers of a reply whose zip was unpacked into a folder."""
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".") as scratch:
            archive = Path(scratch) / "export.zip"
            headers: Mapping[str, str] = yield replace(call, into=archive)
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(Path(scratch) / "unpacked")
            (folder,) = (Path(scratch) / "unpacked").iterdir()
            if out.exists():
                out.rmdir()
            folder.replace(out)
        return headers

    def _predicted_all(self, on_progress: Progress | None) -> Steps[None]:
        """Have the items without a label predicted."""
        job = yield Call("POST", f"{self.path}/predictions")
        while job["state"] in ("queued", "running"):
            if on_progress:
                on_progress(job["done"], job["total"])
            yield Pause(POLL_SECONDS)
            job = (yield Call("GET", f"{self.path}/predictions", query={"limit": 1}))["job"]
        if job["state"] != "done":
            raise LabelerError("{error}", error=job["error"] or "The predictions were cancelled.")
