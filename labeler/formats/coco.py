"""COCO for classification: images, categories, and an annotation for each class of an image.

Source: cocodataset.org/#format-data.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

from PIL import Image

from labeler.core.errors import SourceError
from labeler.core.items import Problem
from labeler.files.limits import USUAL
from labeler.files.sources import Row
from labeler.formats import json_files
from labeler.formats.base import KEY, Description, Format, Items, Reading, Rows, Target, list_of, object_of, read_beside
from labeler.formats.pictures import picture_of
from labeler.i18n.messages import mark

_FIRST = 1 << 16  # bytes in which the keys of the file begin
_IMAGE = {"id", "file_name", "width", "height", "coco_url", "flickr_url", "columns", KEY}


def recognises(path: Path) -> bool:
    """Whether a file is COCO's: its sections may come in any order, and the first of them may be long."""
    if path.suffix.lower() != ".json":
        return False
    try:
        with path.open(encoding="utf-8-sig") as file:
            beginning = file.read(_FIRST).lstrip()
    except (OSError, UnicodeDecodeError):
        return False
    if not beginning.startswith("{") or not any(f'"{key}"' in beginning for key in ("images", "categories", "info")):
        return False
    try:
        whole = json_files.whole_object(path, USUAL)
    except SourceError:
        return path.stat().st_size > len(beginning) and '"file_name"' in beginning  # reading it says what is wrong
    return all(isinstance(whole.get(key), list) for key in ("images", "categories")) and "annotations" in whole


def read(reading: Reading) -> Rows:
    whole = json_files.whole_object(reading.path, reading.limits)
    names = {str(category.get("id")): str(category.get("name")) for category in list_of(whole.get("categories"))}
    classes_of: dict[str, dict[str, None]] = defaultdict(dict)
    for annotation in list_of(whole.get("annotations")):
        name = names.get(str(annotation.get("category_id")))
        if name is not None:
            classes_of[str(annotation.get("image_id"))][name] = None
        if annotation.get("bbox") or annotation.get("segmentation"):
            reading.leave(mark("boxes and outlines, of which the class counts for the whole image"))
    for number, image in enumerate(list_of(whole.get("images")), start=1):
        yield _row(reading, reading.row(number), image, classes_of.get(str(image.get("id"))))


def _row(reading: Reading, name: str, image: dict[str, Any], classes: dict[str, None] | None) -> Row | Problem:
    file = str(image.get("file_name") or "")
    picture = picture_of(reading.folder, file) if file else mark("has no image path")
    if isinstance(picture, str):
        return Problem(name, picture)
    columns = object_of(image.get("columns"))
    split, _ = read_beside(image.get(KEY))
    return Row(
        name,
        image=picture,
        split=split,
        metadata=json_files.cells(columns) | json_files.cells(image, [*_IMAGE, *columns]),
        labels=tuple(classes) if classes else None,
    )


def classes(path: Path) -> tuple[str, ...]:
    categories = list_of(json_files.whole_object(path, USUAL).get("categories"))
    return tuple(dict.fromkeys(str(category.get("name")) for category in categories))


def write(project: Description, items: Items, target: Target) -> None:
    numbers = {name: number for number, name in enumerate(project.classes, start=1)}
    annotations: list[dict[str, int]] = []
    with target.main.open("w", encoding="utf-8", newline="\n") as file:
        file.write('{"info": ' + json_files.text_of({"description": project.name}) + ', "licenses": [],\n"images": [')
        for place, item in enumerate(items):
            path = target.picture(item)
            image = {"id": item.id, "file_name": path, **_size(target.main.parent / path)}
            more = {"columns": dict(item.metadata)} if item.metadata else {}
            file.write((",\n" if place else "\n") + json_files.text_of(image | more | {KEY: {"split": item.split}}))
            annotations += [
                {"id": len(annotations) + n, "image_id": item.id, "category_id": numbers[label]}
                for n, label in enumerate(item.labels or (), start=1)
                if label in numbers
            ]
        file.write('\n],\n"annotations": ' + json_files.text_of(annotations))
        categories = [{"id": number, "name": name, "supercategory": ""} for name, number in numbers.items()]
        file.write(',\n"categories": ' + json_files.text_of(categories) + "}\n")


def _size(path: Path) -> dict[str, int]:
    """Width and height, which tools expect; none of an image that Pillow does not open, such as a scan."""
    try:
        with Image.open(path) as picture:
            return {"width": picture.width, "height": picture.height}
    except Exception:  # decoders raise nearly anything
        return {}


FORMAT = Format(
    name="coco",
    title="COCO",
    file="annotations.json",
    keeps={"images": "both", "several": "both", "unlabeled": "both", "columns": "both", "split": "both"},
    write=write,
    recognises=recognises,
    read=read,
    classes=classes,
)
