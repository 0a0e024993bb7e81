"""Hugging Face data sets: Parquet and saved folders with `ClassLabel` and `Image` features, by pyarrow alone.

Source: huggingface.co/docs/datasets, `Features` and the layout of `save_to_disk`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from labeler.core.errors import LabelerError, SourceError
from labeler.core.items import Problem
from labeler.core.whole_files import write_whole
from labeler.files import column_guesses
from labeler.files.limits import check_columns, check_rows
from labeler.files.sources import LOOKED_AT, Embedded, Picture, Row
from labeler.files.tables import as_cell, check_names
from labeler.formats import json_files
from labeler.formats.base import (
    EVERYTHING,
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
from labeler.formats.hugging_face_card import card_of
from labeler.formats.hugging_face_files import columns_of, parts_of, recognises, records
from labeler.formats.pictures import picture_of
from labeler.i18n.messages import mark

# Imports of pyarrow are deferred: it takes longer to load than most files to read. So is that of `datasets`, an extra.

HUB = "hf:"  # before the name of a data set on the hub
_WRITTEN = 256  # rows that are written together
_SPLITS = {"pool": "train", "holdout": "test"}
_OWN = ("item_id", "answers", "decision")  # columns that this program writes beside the items


# ---------------------------------------------------------------- reading


def read(reading: Reading) -> Rows:
    parts = parts_of(reading.path)
    columns, features = columns_of(parts[0].path) if parts else ([], {})
    if not columns:
        raise SourceError("{source} has no rows: there is nothing to read.", source=reading.path.name)
    check_columns(reading.path.name, len(columns), reading.limits)
    roles = _roles(reading, parts[0].path, columns, features)
    sides = {part.split for part in parts}
    # a data set of `test` alone is not meant to measure what was trained on the rest of it
    has_holdout = "test" in sides and (len(sides) > 1 or {*_OWN} <= {*columns})
    number = 0
    for part in parts:
        for values in records(part.path, reading.limits):
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
    check_names(reading.path.name, columns, filter(None, (named.text, named.image, named.label)))
    label = named.label or next((name for name in columns if _names(features.get(name))), None)
    images = [name for name in columns if _kind(features.get(name)) == "Image"]
    if named.text or named.image:
        return _Roles(named.text or str(named.image), named.image is not None, label, features)
    if images and reading.modality != "text":
        return _Roles(images[0], True, label, features)
    texts = [name for name in columns if name not in (*images, label, *_OWN)]
    rows = [[as_cell(row.get(name)) for name in texts] for row in islice(records(first, reading.limits), LOOKED_AT)]
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
    parts = parts_of(path)
    _, features = columns_of(parts[0].path) if parts else ([], {})
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

    columns: dict[str, None] = {}  # the names of the other columns, which are known once all items were seen
    counts = dict.fromkeys(_SPLITS.values(), 0)
    folder = target.main.parent if target.folder is None else target.folder
    scratch = folder / ".rows"
    scratch.mkdir()
    rows_of = _by_split(items, columns, scratch, project.modality)
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
    write_whole(folder / "README.md", card_of(project, {name: n for name, n in counts.items() if n}))


def _by_split(items: Items, columns: dict[str, None], scratch: Path, taken: str) -> dict[str, Path]:
    """The items as lines of JSON, in a file for each side of the split; images are copied beside them.

    Args: columns: gets the names of the other columns.
    """
    files: dict[str, Any] = {}
    reserved = {taken, "label", *_OWN}
    try:
        for item in items:
            split = _SPLITS.get(item.split, "train")
            if split not in files:
                files[split] = (scratch / f"{split}.jsonl").open("w", encoding="utf-8")
            metadata = free(item.metadata, reserved)
            columns |= dict.fromkeys(metadata)
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


def _schema_of(project: Description, columns: Iterable[str]) -> tuple[Any, dict[str, Any]]:
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
            *(pa.field(name, pa.string()) for name in columns),
            pa.field("answers", pa.list_(struct)),
            pa.field("decision", struct),
        ]
    )
    features = {
        "item_id": value("int64"),
        project.modality: {"_type": "Image"} if is_image else value("string"),
        "label": {"feature": label, "_type": "Sequence"} if project.several else label,
        **{name: value("string") for name in columns},
        "answers": [answer | lists],
        "decision": answer | lists,
    }
    return schema, features


def _record(project: Description, columns: Iterable[str], line: dict[str, Any], scratch: Path) -> dict[str, Any]:
    places = {name: number for number, name in enumerate(project.classes)}
    labels = None if line["labels"] is None else [places[name] for name in line["labels"] if name in places]
    content = line["content"]
    if project.modality == "image":
        content = {"bytes": (scratch / content).read_bytes(), "path": content}
    return {
        "item_id": line["id"],
        project.modality: content,
        "label": labels if project.several else next(iter(labels or ()), None),
        **{name: line["metadata"].get(name) for name in columns},
        "answers": line["answers"],
        "decision": line["decision"],
    }


FORMAT = Format(
    name="hugging-face",
    title="Hugging Face",
    file="",
    keeps=EVERYTHING,
    write=write,
    recognises=recognises,
    read=read,
    classes=classes,
    by_columns=True,
)
