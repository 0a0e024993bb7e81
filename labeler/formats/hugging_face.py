"""Hugging Face data sets: Parquet and saved folders with `ClassLabel` and `Image` features, by pyarrow alone.

Source: huggingface.co/docs/datasets, `Features` and the layout of `save_to_disk`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from labeler.core.errors import LabelerError, SourceError
from labeler.core.items import Problem
from labeler.core.settings import LimitsConfig
from labeler.core.whole_files import write_whole
from labeler.files import column_guesses
from labeler.files.limits import MEBIBYTE, check_columns, check_rows, check_size
from labeler.files.sources import LOOKED_AT, Embedded, Picture, Row
from labeler.files.tables import as_cell
from labeler.formats import json_files
from labeler.formats.base import (
    Description,
    Format,
    Items,
    LabeledItem,
    Reading,
    Rows,
    Target,
    answer_in,
    free,
    list_of,
    with_labels,
)
from labeler.formats.pictures import picture_of
from labeler.i18n.messages import mark

# Imports of pyarrow are deferred: it takes longer to load than most files to read. So is that of `datasets`, an extra.

HUB = "hf:"  # before the name of a data set on the hub
_AT_ONCE = 64  # rows that are read together
_WRITTEN = 256  # rows that are written together
_SPLITS = {"pool": "train", "holdout": "test"}
_OWN = ("item_id", "answers", "decision")  # columns that this program writes beside the items


# ---------------------------------------------------------------- where the rows are


@dataclass(frozen=True)
class _Part:
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


def _parts(path: Path) -> list[_Part]:
    if path.is_file():
        return [_Part(path, None)]
    names = path / "dataset_dict.json"
    if names.is_file():
        splits = json_files.whole_object(names, LimitsConfig()).get("splits")
        chosen = [str(name) for name in splits] if isinstance(splits, list) else []
        return [_Part(file, name) for name in chosen for file in _saved(path / Path(name).name)]
    if (path / "state.json").is_file():
        return [_Part(file, None) for file in _saved(path)]
    return [_Part(file, file.name.partition("-")[0].partition(".")[0]) for file in _parquet_in(path)]


def _saved(folder: Path) -> list[Path]:
    """The files that `save_to_disk` has written into a folder."""
    listed = list_of(json_files.whole_object(folder / "state.json", LimitsConfig()).get("_data_files"))
    return [folder / Path(str(entry.get("filename"))).name for entry in listed]


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


# ---------------------------------------------------------------- reading


def read(reading: Reading) -> Rows:
    parts = _parts(reading.path)
    try:
        features = _features(parts[0].path) if parts else {}
        columns = list(_schema(parts[0].path).names) if parts else []
    except Exception as error:  # broken bytes make pyarrow raise anything
        raise _unreadable(reading.path, error) from None
    if not columns:
        raise SourceError("{source} has no rows: there is nothing to read.", source=reading.path.name)
    check_columns(reading.path.name, len(columns), reading.limits)
    roles = _roles(reading, parts[0].path, columns, features)
    sides = {part.split for part in parts}
    # a data set of `test` alone is not meant to measure what was trained on the rest of it
    has_holdout = "test" in sides and (len(sides) > 1 or {*_OWN} <= {*columns})
    number = 0
    for part in parts:
        for values in _records(part.path, reading.limits):
            number += 1
            check_rows(reading.path.name, number, reading.limits)
            yield _row(reading, reading.row(number), values, roles, part.split if has_holdout else None)


@dataclass(frozen=True)
class _Roles:
    """The columns that hold the items and their labels; names: of the classes, where labels are numbers."""

    content: str
    is_image: bool
    label: str | None
    features: Mapping[str, Any]


def _roles(reading: Reading, first: Path, columns: Sequence[str], features: Mapping[str, Any]) -> _Roles:
    named = reading.columns
    for column in (named.text, named.image, named.label):
        if column is not None and column not in columns:
            raise SourceError(
                "{source} has no column {name!r}; its columns are {columns}.",
                source=reading.path.name,
                name=column,
                columns=", ".join(map(repr, columns)),
            )
    label = named.label or next((name for name in columns if _names(features.get(name))), None)
    images = [name for name in columns if _kind(features.get(name)) == "Image"]
    if named.text or named.image:
        return _Roles(named.text or str(named.image), named.image is not None, label, features)
    if images and reading.modality != "text":
        return _Roles(images[0], True, label, features)
    texts = [name for name in columns if name not in (*images, label, *_OWN)]
    rows = [[as_cell(row.get(name)) for name in texts] for row in islice(_records(first, reading.limits), LOOKED_AT)]
    guess = column_guesses.content(texts, rows, reading.modality)
    if guess is None:
        raise SourceError(
            "Name the text or image column of {source}; its columns are {columns}.",
            source=reading.path.name,
            columns=", ".join(map(repr, columns)),
        )
    return _Roles(guess[1], guess[0] == "image", label, features)


def _kind(feature: object) -> str:
    return str(feature.get("_type", "")) if isinstance(feature, dict) else ""


def _names(feature: object) -> tuple[str, ...]:
    """The names of the classes of a `ClassLabel`, or of a list of them; none of another feature."""
    if isinstance(feature, list) and feature:
        return _names(feature[0])
    if not isinstance(feature, dict):
        return ()
    if isinstance(feature.get("feature"), dict | list):
        return _names(feature["feature"])
    names = feature.get("names")
    return tuple(map(str, names)) if feature.get("_type") == "ClassLabel" and isinstance(names, list) else ()


def _records(path: Path, limits: LimitsConfig) -> Iterator[dict[str, Any]]:
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


def _row(reading: Reading, name: str, values: Mapping[str, Any], roles: _Roles, split: str | None) -> Row | Problem:
    content = values.get(roles.content)
    picture = _picture(reading, content) if roles.is_image else None
    if isinstance(picture, str):
        return Problem(name, picture)
    own = _OWN if "answers" in values else ()
    answers = [answer_in(entry) for entry in list_of(values.get("answers"))]
    decision = values.get("decision")
    if isinstance(decision, dict):
        answers.append(answer_in(decision))
    labels = _labels(values.get(roles.label), _names(roles.features.get(roles.label))) if roles.label else None
    return Row(
        name,
        text=None if roles.is_image else as_cell(content),
        image=picture,
        split=split,
        metadata={
            column: cell
            for column, value in values.items()
            if column not in (roles.content, roles.label, *own) and (cell := _cell(value, roles.features.get(column)))
        },
        labels=None if answers else labels,
        answers=tuple(answers),
    )


def _picture(reading: Reading, value: object) -> Picture | str:
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
        return Embedded(Path(str(value.get("path") or "image")).name, value["bytes"])
    if isinstance(value, bytes):
        return Embedded("image", value)
    path = value.get("path") if isinstance(value, dict) else value
    return picture_of(reading.folder, str(path)) if path else mark("has no image path")


def _labels(value: object, names: Sequence[str]) -> tuple[str, ...] | None:
    """The classes in a value; None where it has no label, such as -1 in a test set."""
    if value is None:
        return None
    values = value if isinstance(value, list) else [value]
    if names:
        labels = tuple(names[n] for n in values if isinstance(n, int) and 0 <= n < len(names))
        return labels if labels or isinstance(value, list) else None
    labels = tuple(text for entry in values if (text := as_cell(entry).strip()))
    return labels if labels or isinstance(value, list) else None


def _cell(value: Any, feature: object) -> str:
    """A value of another column as text: of a class its name, of bytes nothing."""
    if isinstance(value, bytes) or _kind(feature) in ("Image", "Audio", "Video"):
        return ""
    names = _names(feature)
    return names[value] if names and isinstance(value, int) and 0 <= value < len(names) else as_cell(value)


def classes(path: Path) -> tuple[str, ...]:
    """The classes of the first column of classes."""
    parts = _parts(path)
    features = _features(parts[0].path) if parts else {}
    return next((names for feature in features.values() if (names := _names(feature))), ())


def download(name: str, folder: Path) -> Path:
    """The folder with a data set of the hub, once it is downloaded.

    Args:   name: such as `stanfordnlp/imdb`, with `#CONFIGURATION` behind it where it has several.
    Raises: LabelerError: the library `datasets` is not installed, or the data set cannot be fetched.
    """
    try:
        from datasets import load_dataset
    except ImportError:
        raise LabelerError(
            "{library} is not installed: install it with `pip install {library}`, or give a folder or file of the data"
            " set.",
            library="datasets",
        ) from None
    dataset, _, configuration = name.partition("#")
    try:
        load_dataset(dataset, configuration or None).save_to_disk(str(folder))
    except Exception as error:  # the library raises its own errors and those of the network
        raise LabelerError(
            "The data set {name} cannot be fetched: {error}.", name=name, error=str(error).split("\n")[0]
        ) from error
    return folder


# ---------------------------------------------------------------- writing


def write(project: Description, items: Items, target: Target) -> None:
    """Parquet files of both sides of the split, and a card."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns, counts = _Columns(), dict.fromkeys(_SPLITS.values(), 0)
    rows_of: dict[str, Path] = {}
    folder = target.main.parent if target.folder is None else target.folder
    scratch = folder / ".rows"
    scratch.mkdir()
    for split, lines in _by_split(items, columns, scratch, project.modality).items():
        rows_of[split] = lines
    schema, features = _schema_of(project, columns)
    about = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    (folder / "data").mkdir(exist_ok=True)
    for split, lines in rows_of.items():
        path = folder / "data" / f"{split}-00000-of-00001.parquet"
        with pq.ParquetWriter(path, schema.with_metadata(about)) as writer, lines.open(encoding="utf-8") as file:
            while batch := [json.loads(line) for line in islice(file, _WRITTEN)]:
                rows = [_record(project, columns, row, scratch) for row in batch]
                writer.write_table(pa.Table.from_pylist(rows, schema=schema.with_metadata(about)))
                counts[split] += len(rows)
        lines.unlink()
    for picture in scratch.iterdir():
        picture.unlink()
    scratch.rmdir()
    write_whole(folder / "README.md", _card(project, {name: n for name, n in counts.items() if n}, features))


class _Columns:
    """The names of the other columns, which are known once all items were seen."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}


def _by_split(items: Items, columns: _Columns, scratch: Path, taken: str) -> dict[str, Path]:
    """The items as lines of JSON, in a file for each side of the split; images are copied beside them."""
    files: dict[str, Any] = {}
    reserved = {taken, "label", *_OWN}
    try:
        for item in items:
            split = _SPLITS.get(item.split, "train")
            if split not in files:
                files[split] = (scratch / f"{split}.jsonl").open("w", encoding="utf-8")
            metadata = free(item.metadata, reserved)
            columns.names |= dict.fromkeys(metadata)
            picture = Target(scratch, scratch).picture(item, ".") if item.picture else None
            files[split].write(json_files.text_of(_line(item, metadata, picture)) + "\n")
    finally:
        for file in files.values():
            file.close()
    return {split: Path(file.name) for split, file in files.items()}


def _line(item: LabeledItem, metadata: Mapping[str, str], picture: str | None) -> dict[str, Any]:
    return {
        "id": item.id,
        "content": item.text if picture is None else picture,
        "labels": None if item.labels is None else list(item.labels),
        "metadata": metadata,
        "answers": [with_labels(answer.given, answer.reasons) for answer in item.answers],
        "decision": with_labels(item.decision) if item.decision else None,
    }


_ANSWER = {
    "annotator": "string",
    "action": "string",
    "at": "string",
    "seconds": "float64",
    "unsure": "bool",
    "note": "string",
    "round": "int64",
    "strategy": "string",
    "score": "float64",
    "model": "string",
    "confidence": "float64",
}


def _schema_of(project: Description, columns: _Columns) -> tuple[Any, dict[str, Any]]:
    """The schema of the rows, and its features as the library `datasets` names them."""
    import pyarrow as pa

    def value(dtype: str) -> dict[str, str]:
        return {"dtype": dtype, "_type": "Value"}

    label = {"names": list(project.classes), "_type": "ClassLabel"}
    answer = {name: value(dtype) for name, dtype in _ANSWER.items()}
    lists: dict[str, Any] = {
        name: {"feature": value("string"), "_type": "Sequence"} for name in ("labels", "predicted")
    }
    of_lists = [pa.field(name, pa.list_(pa.string())) for name in lists]
    struct = pa.struct([*(pa.field(n, pa.type_for_alias(t)) for n, t in _ANSWER.items()), *of_lists])
    image = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
    is_image = project.modality == "image"
    schema = pa.schema(
        [
            pa.field("item_id", pa.int64()),
            pa.field(project.modality, image if is_image else pa.string()),
            pa.field("label", pa.list_(pa.int64()) if project.several else pa.int64()),
            *(pa.field(name, pa.string()) for name in columns.names),
            pa.field("answers", pa.list_(struct)),
            pa.field("decision", struct),
        ]
    )
    features = {
        "item_id": value("int64"),
        project.modality: {"_type": "Image"} if is_image else value("string"),
        "label": {"feature": label, "_type": "Sequence"} if project.several else label,
        **{name: value("string") for name in columns.names},
        "answers": [answer | lists],
        "decision": answer | lists,
    }
    return schema, features


def _record(project: Description, columns: _Columns, line: dict[str, Any], scratch: Path) -> dict[str, Any]:
    places = {name: number for number, name in enumerate(project.classes)}
    labels = None if line["labels"] is None else [places[name] for name in line["labels"] if name in places]
    content = line["content"]
    if project.modality == "image":
        content = {"bytes": (scratch / content).read_bytes(), "path": content}
    return {
        "item_id": line["id"],
        project.modality: content,
        "label": labels if project.several or not labels else labels[0],
        **{name: line["metadata"].get(name) for name in columns.names},
        "answers": line["answers"],
        "decision": line["decision"],
    }


def _card(project: Description, counts: Mapping[str, int], features: Mapping[str, Any]) -> str:
    """The card of the data set, with the facts that the hub reads before it."""
    total = sum(counts.values())
    largest = next((n for n in (1_000, 10_000, 100_000, 1_000_000, 10_000_000) if total < n), 100_000_000)
    size = "n<1K" if largest == 1_000 else f"{_short(largest // 10)}<n<{_short(largest)}"
    facts = {
        "pretty_name": project.name,
        "task_categories": [f"{project.modality}-classification"],
        "size_categories": [size],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"data/{split}-*.parquet"} for split in counts],
            }
        ],
    }
    # JSON is YAML, too
    head = "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in facts.items())
    named = ", ".join(f"`{name}`" for name in project.classes)
    sides = ", ".join(f"{n:,} in `{split}`" for split, n in counts.items())
    return f"""---
{head}---

# {project.name}

{total:,} items, {sides}. `test` is the holdout: drawn at random once and never chosen by a query strategy, so that it
measures a model without bias. The items of `train` were chosen by a model or at random, as the answers say.

| column | holds |
|---|---|
| `{project.modality}` | the item |
| `label` | its class{"es" if project.several else ""}, of {named}; empty without a label |
| `answers` | who answered what and when, and why the item was asked |
| `decision` | what a lead decided |
| the others | as they were imported |
"""


def _short(n: int) -> str:
    return f"{n // 1_000_000}M" if n >= 1_000_000 else f"{n // 1_000}K"


FORMAT = Format(
    name="hugging-face",
    title="Hugging Face",
    file="",
    keeps={
        "texts": "both",
        "images": "both",
        "several": "both",
        "none": "both",
        "unlabeled": "both",
        "columns": "both",
        "split": "both",
        "annotators": "both",
        "times": "both",
        "seconds": "both",
        "skips": "both",
        "unsure": "both",
        "notes": "both",
        "decisions": "both",
        "reasons": "written",
    },
    write=write,
    recognises=recognises,
    read=read,
    classes=classes,
    by_columns=True,
)
