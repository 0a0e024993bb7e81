"""What a model on a server is to predict, in requests that it takes, and the predictions beside their rows."""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from labeler.core import column_names
from labeler.core.errors import SourceError
from labeler.core.items import Modality, Problem
from labeler.core.labels import cell_of
from labeler.files.sources import Row

MOST_TEXTS, MOST_IMAGES = 1000, 250  # of a request, which the server answers within two minutes
MOST_BYTES = 8_000_000  # of a request, but for a single input


@dataclass
class Predicted:
    """Rows of predictions so far, as `labeler.models.inference.Predictions.rows` has them, and what was left out."""

    classes: Sequence[str]
    several: bool
    rows: list[dict[str, str | float]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def take(self, batch: Sequence[Row], reply: Mapping[str, Any]) -> None:
        """Add what the server says of a batch."""
        if batch[0].text is not None:
            said = dict(enumerate(reply["items"]))  # no text is left out that is not empty
        else:
            said = {_position(item["source"]): item for item in reply["items"]}
        reasons = {_position(item["source"]): item["reason"] for item in reply["left_out"]}
        for position, row in enumerate(batch):
            if position in said:
                self.rows.append(self._row(row, said[position]))
            else:
                self.problems.append(Problem(row.source, reasons.get(position, "")))

    def _row(self, row: Row, said: Mapping[str, Any]) -> dict[str, str | float]:
        taken = column_names.of_predictions(self.classes)
        own = {column_names.free_name(name, taken): value for name, value in row.metadata.items()}
        label = cell_of(said["label"]) if self.several else said["label"]
        content = row.text if row.text is not None else str(row.image)
        values = {"source": row.source, "input": content, "label": label, "probability": said["probability"]}
        return own | values | {f"p({name})": said["probabilities"][name] for name in self.classes}


def usable(rows: Iterator[Row | Problem], modality: Modality, problems: list[Problem]) -> Iterator[Row]:
    """The rows that can be sent; the others become problems. Raises: SourceError: a row is of the other modality."""
    for row in rows:
        if isinstance(row, Problem):
            problems.append(row)
        elif (row.text is not None) != (modality == "text"):
            raise SourceError(
                "{source} is no {modality}: this project is about {modality}s.", source=row.source, modality=modality
            )
        elif row.text is not None and not row.text.strip():
            problems.append(Problem(row.source, "is empty"))
        else:
            yield row


def batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Rows that go into one request each time."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        if row.text is not None:
            most, bytes_of_row = MOST_TEXTS, len(row.text.encode())
        else:
            most, bytes_of_row = MOST_IMAGES, len(content_of(row))
        if batch and (len(batch) == most or size + bytes_of_row > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += bytes_of_row
    if batch:
        yield batch


def content_of(row: Row) -> bytes:
    """The bytes of a row's image."""
    assert row.image is not None
    return row.image.read_bytes()


def write_zip(path: Path, batch: Sequence[Row]) -> None:
    """Write a zip of the images of a batch, whose names are their positions."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for position, row in enumerate(batch):
            assert row.image is not None
            archive.writestr(f"{position:06d}{PurePosixPath(row.image.name).suffix}", content_of(row))


def _position(source: str) -> int:
    """The position in its batch of the image that a server names."""
    return int(PurePosixPath(source).stem)
