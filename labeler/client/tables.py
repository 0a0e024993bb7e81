"""Data frames on their way to a model and back: as a table's file, and with the predictions beside their rows."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from labeler.core import column_names
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
