"""Data frames on their way to a model or a server and back, and the files of exports."""

import csv
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from labeler.core import column_names
from labeler.core.errors import LabelerError
from labeler.core.whole_files import whole_file
from labeler.files.csv_files import write_csv

ROW = "row of the data frame"


Source = str | Path | pd.DataFrame | Sequence[str] | Sequence[Path]


def paths_in(source: Source) -> list[Path]:
    """The files and folders that a source names; none if it is a data frame or texts."""
    if isinstance(source, str | Path):
        return [Path(source)]
    return [] if isinstance(source, pd.DataFrame) else [entry for entry in source if isinstance(entry, Path)]


def frame_of(source: Source) -> pd.DataFrame:
    """The data frame itself, or one of these texts."""
    return source if isinstance(source, pd.DataFrame) else pd.DataFrame({"text": list(map(str, source))})  # type: ignore[arg-type]


@contextmanager
def written(frame: pd.DataFrame) -> Iterator[Path]:
    """The path of a file with the table, which is there until the block ends."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "table.csv"
        write_csv(frame, path)
        yield path


@contextmanager
def numbered(frame: pd.DataFrame) -> Iterator[Path]:
    """As `written`, with a column that says which row is which."""
    with written(frame.assign(**{ROW: range(len(frame))})) as path:
        yield path


def beside(frame: pd.DataFrame, predictions: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """The rows of a `numbered` frame that could be predicted, with the predictions as further columns.

    Columns of the frame that have the name of one of those have `metadata.` before it.
    """
    own = column_names.of_predictions(classes)
    names = {name: column_names.free_name(str(name), own) for name in frame if name != "source"}
    predicted = frame.iloc[predictions[ROW].astype(int)].rename(columns=names)
    added = predictions.drop(columns=[ROW, "source", *(name for name in predicted if name in predictions)])
    return predicted.assign(**{str(name): added[name].to_numpy() for name in added})


# ---------------------------------------------------------------- what a server gives

Format = Literal["csv", "xlsx", "parquet", "jsonl"]
MEASURES = (
    *("accuracy", "low", "high", "holdout", "groups", "later", "agreement", "uncertainty", "reachable"),
    *("hours", "cost"),
)


def curve_of(points: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The rounds of a learning curve, one a row; missing measurements are NaN."""
    frame = pd.DataFrame(points)
    measures = [name for name in MEASURES if name in frame]
    frame[measures] = frame[measures].astype(float)
    return frame


def format_of(out: Path) -> Format:
    """The format that the suffix of a file's name tells. Raises: LabelerError: it tells none."""
    for name in get_args(Format):
        if out.suffix.lower() == f".{name}":
            return name
    raise LabelerError(
        "The suffix of {out} tells no format: end the name with one of {suffixes}, or name the format.",
        out=out,
        suffixes=", ".join(f".{name}" for name in get_args(Format)),
    )


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON Lines file."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def rows_in(path: Path, kind: Format) -> int:
    """The number of rows of a table's file, read to its end. Raises: ValueError: it breaks off."""
    match kind:
        case "jsonl":
            with path.open(encoding="utf-8") as file:
                return sum(isinstance(json.loads(line), dict) for line in file)
        case "csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                return sum(1 for _row in csv.reader(file, strict=True)) - 1
        case "parquet":
            return len(pd.read_parquet(path, columns=[]))
        case "xlsx":
            return len(pd.read_excel(path))


@contextmanager
def written_whole(out: Path) -> Iterator[Path]:
    """A path beside `out` that takes its place at the end of the block. Raises: LabelerError: it cannot be written."""
    try:
        with whole_file(out) as part:
            yield part
    except OSError as error:
        raise LabelerError("{out} cannot be written: {strerror}.", out=out, strerror=error.strerror or error) from error
    except ValueError as error:
        raise LabelerError("{out} did not come whole: {error}. Try again.", out=out, error=error) from error
