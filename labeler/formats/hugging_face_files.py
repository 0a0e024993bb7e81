"""The files of a Hugging Face data set, by pyarrow alone: which ones it has, what their columns are, and their rows."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labeler.core.errors import SourceError
from labeler.core.settings import LimitsConfig
from labeler.files.limits import MEBIBYTE, check_size
from labeler.formats import json_files
from labeler.formats.base import list_of

# Imports of pyarrow are deferred: it takes longer to load than most files to read.

_AT_ONCE = 64  # rows that are read together


@dataclass(frozen=True)
class Part:
    """A file with rows, and the side of the split that its name tells; None: it tells none."""

    path: Path
    split: str | None


def recognises(path: Path) -> bool:
    if path.is_dir():
        return any((path / name).is_file() for name in ("dataset_dict.json", "state.json")) or bool(_parquet_in(path))
    if path.suffix.lower() != ".parquet":
        return False
    with suppress(Exception):  # the reader of tables says what is wrong with it
        return bool(_features(path))
    return False


def _parquet_in(folder: Path) -> list[Path]:
    """The Parquet files of a data set as the hub has it; none where the folder is something else."""
    files = sorted(folder.glob("data/*.parquet")) or sorted(folder.glob("*.parquet"))
    return files if files and recognises(files[0]) else []


def parts_of(path: Path) -> list[Part]:
    """The files with the rows of a data set, in their order."""
    if path.is_file():
        return [Part(path, None)]
    names = path / "dataset_dict.json"
    if names.is_file():
        splits = json_files.whole_object(names, LimitsConfig()).get("splits")
        chosen = [str(name) for name in splits] if isinstance(splits, list) else []
        return [Part(file, name) for name in chosen for file in _saved(path / Path(name).name)]
    if (path / "state.json").is_file():
        return [Part(file, None) for file in _saved(path)]
    return [Part(file, file.name.partition("-")[0].partition(".")[0]) for file in _parquet_in(path)]


def _saved(folder: Path) -> list[Path]:
    """The files that `save_to_disk` has written into a folder."""
    listed = list_of(json_files.whole_object(folder / "state.json", LimitsConfig()).get("_data_files"))
    return [folder / Path(str(entry.get("filename"))).name for entry in listed]


def columns_of(path: Path) -> tuple[list[str], dict[str, Any]]:
    """The columns of a file, and those of their features that it names.

    Raises: SourceError: it cannot be read.
    """
    try:
        return list(_schema(path).names), _features(path)
    except Exception as error:  # broken bytes make pyarrow raise anything
        raise _unreadable(path, error) from None


def _features(path: Path) -> dict[str, Any]:
    """The features that a file's schema, or the description beside it, names."""
    schema = _schema(path)
    raw = (schema.metadata or {}).get(b"huggingface")
    described = json.loads(raw) if raw else {}
    features = (described.get("info") or {}).get("features")
    beside = path.parent / "dataset_info.json"
    if not features and beside.is_file():
        features = json.loads(beside.read_text(encoding="utf-8")).get("features")
    return features if isinstance(features, dict) else {}


def _schema(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() == ".parquet":
        return pq.read_schema(path)
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_stream(file).schema


def records(path: Path, limits: LimitsConfig) -> Iterator[dict[str, Any]]:
    """The rows of a file, some at a time.

    Raises: SourceError: it cannot be read, or unpacks to more than the limit.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    most = limits.table_megabytes * MEBIBYTE
    try:
        if path.suffix.lower() == ".parquet":
            with pq.ParquetFile(path) as file:
                groups = range(file.metadata.num_row_groups)
                unpacked = sum(file.metadata.row_group(n).total_byte_size for n in groups)
                check_size(path.name, unpacked, most, "limits.table_megabytes")
                for batch in file.iter_batches(_AT_ONCE):
                    yield from batch.to_pylist()
            return
        with pa.memory_map(str(path)) as mapped, pa.ipc.open_stream(mapped) as stream:
            for batch in stream:
                for start in range(0, batch.num_rows, _AT_ONCE):
                    yield from batch.slice(start, _AT_ONCE).to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> SourceError:
    return SourceError("{name} cannot be read as a data set ({error}): save it anew.", name=path.name, error=error)
