"""Guidelines for annotators: a project's `guidelines.md` and example images of its classes, as safe HTML.

The folder `guidelines/` holds the images in the text, and for each class a folder with its examples.
"""

import hashlib
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from labeler.core.class_changes import ClassChange
from labeler.core.errors import LabelerError
from labeler.core.whole_files import write_whole
from labeler.files.images import WEB_SUFFIXES
from labeler.projects.project import Project

FOLDER = "guidelines"
TEXT = "guidelines.md"


@dataclass(frozen=True)
class Guidelines:
    """html: of the Markdown, with HTML in it escaped. digest: of text, examples and descriptions; "" if there are none.

    examples: paths below `guidelines/`, by class.
    """

    html: str
    digest: str
    examples: dict[str, list[str]]


def read(project: Project) -> Guidelines:
    """A project's guidelines; empty if it has none."""
    text = text_of(project)
    examples = {name: paths for name in project.config.classes if (paths := _examples(project, name))}
    details = [(name, d.description) for name, d in project.config.class_details.items() if d.description]
    if not text.strip() and not examples and not details:
        return Guidelines("", "", {})
    digest = hashlib.sha256(repr((text, sorted(examples.items()), details)).encode()).hexdigest()[:16]
    return Guidelines(_markdown().render(text), digest, examples)


def text_of(project: Project) -> str:
    """The Markdown of the guidelines; "" if there are none."""
    path = project.folder / TEXT
    return path.read_text(encoding="utf-8-sig") if path.is_file() else ""


def write(project: Project, text: str) -> None:
    """Store the guidelines, whole or not at all."""
    write_whole(project.folder / TEXT, text)


def add_example(project: Project, name: str, file_name: str, content: bytes) -> None:
    """Store an image as an example of a class.

    Raises: LabelerError: there is no such class, or browsers do not show files of this kind.
    """
    if name not in project.config.classes:
        raise LabelerError("{name!r} is not a class of this project.", name=name)
    plain = Path(file_name).name
    if Path(plain).suffix.lower() not in WEB_SUFFIXES:
        raise LabelerError("{plain} cannot be an example: choose a PNG, JPEG, GIF or WebP file.", plain=plain)
    folder = project.folder / FOLDER / folder_of(name)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / plain, content)


def move_examples(project: Project, change: ClassChange) -> None:
    """Let the examples of a class that was renamed or merged be those of the class that it became."""
    if change.kind not in ("rename", "merge"):
        return
    target = project.folder / FOLDER / folder_of(change.new[0])
    for source in (project.folder / FOLDER / folder_of(name) for name in change.old):
        if source == target or not source.is_dir():
            continue
        target.mkdir(parents=True, exist_ok=True)
        for example in source.iterdir():
            name = example.name if not (target / example.name).exists() else f"{source.name}-{example.name}"
            example.rename(target / name)
        source.rmdir()


def image(project: Project, path: str) -> Path:
    """The path of an image in the guidelines.

    Raises: LabelerError: the file does not exist, lies outside of `guidelines/`, or is no image.
    """
    root = (project.folder / FOLDER).resolve()
    file = (root / path).resolve()
    if not file.is_relative_to(root) or not file.is_file() or file.suffix.lower() not in WEB_SUFFIXES:
        raise LabelerError(
            "The guidelines' image {path!r} is not in the project's folder {folder}.", path=path, folder=FOLDER
        )
    return file


def folder_of(name: str) -> str:
    """The name of the folder with the examples of a class."""
    return name.replace("/", "_").replace("\\", "_").lstrip(".") or "_"


def _examples(project: Project, name: str) -> list[str]:
    folder = project.folder / FOLDER / folder_of(name)
    if not folder.is_dir():
        return []
    return [f"{folder.name}/{p.name}" for p in sorted(folder.iterdir()) if p.suffix.lower() in WEB_SUFFIXES]


class _Lazily(RendererHTML):
    """Writes `data-src` in place of `src`, because the desk fetches images with its token."""

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        tokens[idx].attrs["data-src"] = tokens[idx].attrs.pop("src")
        return super().image(tokens, idx, options, env)


def _markdown() -> MarkdownIt:
    """A Markdown parser that escapes HTML."""
    return MarkdownIt("commonmark", {"html": False}, renderer_cls=_Lazily).enable("table")
