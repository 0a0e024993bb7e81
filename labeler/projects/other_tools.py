"""Labels → the files of other tools: a file, or a folder with its images, or a zip of one."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import cast

from labeler.core.errors import LabelerError, SourceError
from labeler.core.items import ClassesAnItem, Modality
from labeler.core.settings import ClassDetail, Config
from labeler.core.whole_files import whole_file
from labeler.formats.base import Format, Items, LabeledItem, Name, Target, left_out_of
from labeler.formats.label_studio import CONFIGURATION, read_configuration
from labeler.formats.preview import preview
from labeler.formats.recognise import FORMATS, check_fits, declared_classes, several_classes
from labeler.formats.zips import unpacked
from labeler.i18n.messages import Message
from labeler.projects.class_keys import CLASS_KEYS
from labeler.projects.labeled_items import description, labeled_items
from labeler.projects.project import Project


def config_like(source: Path, name: str) -> Config:
    """The settings of a project with the classes and the kind of items of another tool's file.

    Args:   source: a labeling configuration of Label Studio (XML), or any file that can be imported.
    Raises: LabelerError: it cannot be read, or names fewer than two classes.
    """
    with unpacked(source, images=False) as place:
        return _config_like(cast("Path", place), name)


def _config_like(source: Path, name: str) -> Config:
    if (source / CONFIGURATION).is_file():
        source = source / CONFIGURATION
    if source.suffix.lower() == ".xml":
        known = read_configuration(source)
        details = {
            label: ClassDetail(key if key in CLASS_KEYS else "", known.colours.get(label, ""))
            for label in known.classes
            if (key := known.keys.get(label, "")) or label in known.colours
        }
        answers: ClassesAnItem = "several" if known.several else "one"
        return Config(name, known.classes, known.modality or "text", answers, class_details=details)
    classes = declared_classes(source)
    if classes is None:
        raise SourceError("{name} is no file of another tool that names its classes: use --classes.", name=source.name)
    modality: Modality = "text" if preview(source).columns[0] == "text" else "image"
    return Config(name, classes, modality, "several" if several_classes(source) else "one")


@dataclass(frozen=True)
class ToolExport:
    """What was written for another tool. left_out: what the format cannot hold, with how often."""

    items: int
    left_out: tuple[tuple[Message, int], ...]


def export_for(project: Project, out: Path, name: Name) -> ToolExport:
    """What was written into a file, a folder or a zip of one, as the name of `out` says; whole or not at all.

    A file is written where the name ends as that of the format's file. A zip holds the folder that is written
    otherwise, with the images and what describes the project.

    Raises: LabelerError: the format cannot hold the project's items, a file alone cannot hold images, or `out` cannot
            be written.
    """
    format_, project_facts = FORMATS[name], description(project)
    check_fits(format_, project_facts)
    left_out: Counter[Message] = Counter()
    try:
        with _target(project, out, format_) as target, project.store() as store, store.read():
            items = _Counted(left_out_of(format_, labeled_items(project, store), left_out))
            format_.write(project_facts, items, target)
    except OSError as error:
        raise LabelerError("{out} cannot be written: {strerror}.", out=out, strerror=error.strerror or error) from error
    with project.store() as store:  # no file leaves that the log does not know
        what = {"rows": "items", "format": name, "file": out.name}
        store.audit.record(project.actor, "exported", what, None, {"rows": items.n})
    return ToolExport(items.n, tuple(left_out.items()))


def file_name(project: Project, format_: Format) -> str:
    """The name of the one file in which a project's export comes: of a zip, where it is more than one."""
    suffix = Path(format_.file).suffix
    is_alone = project.config.modality == "text" or format_.name == "provenance"
    single = suffix and is_alone and format_.name != "label-studio"  # whose tasks come with their configuration
    return f"{project.slug}-{format_.name}-{date.today().isoformat()}{suffix if single else '.zip'}"


class _Counted:
    """Items that are counted as they pass."""

    def __init__(self, items: Items) -> None:
        self.items, self.n = items, 0

    def __iter__(self) -> Iterator[LabeledItem]:
        for item in self.items:
            self.n += 1
            yield item


@contextmanager
def _target(project: Project, out: Path, format_: Format) -> Iterator[Target]:
    """The place that a format is written to; what is there is put in place of `out` at the end of the block."""
    suffix = Path(format_.file).suffix
    if suffix and out.suffix.lower() == suffix:
        if project.config.modality == "image" and format_.name != "provenance":
            raise LabelerError(
                "{out} is one file and cannot hold the images: name a folder, or a file that ends in .zip.", out=out
            )
        with whole_file(out) as part:
            yield Target(None, part)
        return
    is_zip = out.suffix.lower() == ".zip"
    if not is_zip and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise LabelerError("{out} is there already: name a folder that is new or empty.", out=out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".") as scratch:
        folder = Path(scratch) / (out.stem if is_zip else out.name)
        folder.mkdir()
        yield Target(folder, folder / format_.file)
        if is_zip:
            with whole_file(out) as part:
                archive = shutil.make_archive(str(Path(scratch) / "archive"), "zip", scratch, folder.name)
                Path(archive).replace(part)
        else:
            if out.exists():
                out.rmdir()
            folder.replace(out)
