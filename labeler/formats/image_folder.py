"""A folder a class, as torchvision's `ImageFolder` has it; `files.sources` reads it."""

from pathlib import PurePosixPath

from labeler.core.errors import LabelerError
from labeler.formats.base import Description, Format, Items, Target

_SPLITS = {"pool": "train", "holdout": "test"}


def write(project: Description, items: Items, target: Target) -> None:
    """Raises: LabelerError: the name of a class cannot be that of a folder."""
    for name in project.classes:
        if PurePosixPath(name).name != name or name in (".", "..") or "\\" in name or "\0" in name:
            raise LabelerError("The class {name!r} cannot be the name of a folder: choose another format.", name=name)
    for item in items:
        if item.labels:
            target.picture(item, f"{_SPLITS.get(item.split, 'train')}/{item.labels[0]}")


FORMAT = Format(
    name="image-folder",
    title="ImageFolder",
    file="",
    keeps={"images": "both", "split": "written"},
    write=write,
)
