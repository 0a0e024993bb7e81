"""What the best model says of new inputs."""

import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd

from labeler.client import tables
from labeler.client.calls import Call, Steps
from labeler.client.unseen import Predicted, batches, usable, write_zip
from labeler.client.verbs.base import ProjectVerbs
from labeler.core.errors import LabelerError
from labeler.core.items import Progress
from labeler.files.sources import Row
from labeler.files.unseen import unseen_rows


class PredictionVerbs(ProjectVerbs):
    """What the best model says of new inputs."""

    def predict(
        self,
        source: str | Path | pd.DataFrame | Sequence[str] | Sequence[Path],
        column: str | None = None,
        on_progress: Progress | None = None,
    ) -> Steps[pd.DataFrame]:
        """The best model's predictions, one a row: label, its probability, that of each class, and the columns of the
        source, with `metadata.` before a name that the predictions have. What could not be read is told by its
        `attrs["problems"]`.

        Args:   source: files or folders as `labeler predict` takes them, a data frame, or texts. column: of the texts
                or image paths, recognised by its name if not given. on_progress: called with (inputs done, in all).
        Raises: LabelerError: there is no model yet, or nothing can be read.
        """
        facts = yield Call("GET", self.path)
        predicted = Predicted(facts["classes"], facts["answers"] == "several")
        paths = tables.paths_in(source)
        frame = None if paths else tables.frame_of(source)
        with nullcontext() if frame is None else tables.numbered(frame) as table:
            read = unseen_rows(paths or [table], facts["modality"], column, as_stacks=False)  # type: ignore[list-item]
            rows = [*usable(read, facts["modality"], predicted.problems)]
            for batch in batches(iter(rows)):
                predicted.take(batch, (yield from self._predicted(batch)))
                if on_progress:
                    on_progress(len(predicted.rows) + len(predicted.problems), len(rows))
        if not predicted.rows:
            first = f" The first problem: {predicted.problems[0]}." if predicted.problems else ""
            raise LabelerError("There is nothing to predict in what was given.{first}", first=first)
        found = pd.DataFrame(predicted.rows)
        result = found if frame is None else tables.beside(frame, found, facts["classes"])
        result.attrs["problems"] = [str(problem) for problem in predicted.problems]
        return result

    def _predicted(self, batch: Sequence[Row]) -> Steps[dict[str, Any]]:
        """What the server says of a batch."""
        path = f"{self.path}/predict"
        if batch[0].text is not None:
            return (yield Call("POST", path, body={"texts": [row.text for row in batch]}))
        with tempfile.TemporaryDirectory() as scratch:
            write_zip(Path(scratch) / "images.zip", batch)
            return (yield Call("POST", path, form={}, upload=Path(scratch) / "images.zip"))
