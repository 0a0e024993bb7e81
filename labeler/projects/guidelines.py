"""Guidelines for annotators: a project's `guidelines.md` and examples of its classes, as safe HTML.

The folder `guidelines/` holds the images in the text, and for each class a folder with its examples: images, and texts
as files `.txt`.
"""

import hashlib
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from labeler.core.class_changes import ClassChange
from labeler.core.errors import LabelerError, TextClashError
from labeler.core.whole_files import write_whole
from labeler.files.images import WEB_SUFFIXES
from labeler.projects.project import Project

FOLDER = "guidelines"
TEXT = "guidelines.md"


@dataclass(frozen=True)
class Guidelines:
    """html: of the Markdown, with HTML in it escaped. digest: of text, examples and descriptions; "" if there are none.

    examples: paths of images below `guidelines/`, by class. texts: example texts, by class.
    """

    html: str
    digest: str
    examples: dict[str, list[str]]
    texts: dict[str, list[str]] = field(default_factory=dict)


def read(project: Project) -> Guidelines:
    """A project's guidelines; empty if it has none."""
    text = text_of(project)
    examples = {name: paths for name in project.config.classes if (paths := _examples(project, name))}
    details = [(name, d.description) for name, d in project.config.class_details.items() if d.description]
    texts = {name: kept for name in project.config.classes if (kept := text_examples(project, name))}
    if not text.strip() and not examples and not texts and not details:
        return Guidelines("", "", {})
    parts = (text, sorted(examples.items()), details, *([sorted(texts.items())] if texts else []))
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    return Guidelines(_markdown().render(text), digest, examples, texts)


def text_of(project: Project) -> str:
    """The Markdown of the guidelines; "" if there are none."""
    path = project.folder / TEXT
    return path.read_text(encoding="utf-8-sig") if path.is_file() else ""


def write(project: Project, text: str, opened: str | None = None) -> None:
    """Store the guidelines, whole or not at all; the text before them is in the audit log.

    Args:   opened: the text that they take the place of; None: whatever is there.
    Raises: TextClashError: another text is there by now.
    """
    with project.store() as store, store.write():
        before = text_of(project)
        if opened is not None and before not in (opened, text):
            raise _text_clash(before)
        if text != before:
            store.audit.record(project.actor, "guidelines changed", {"file": TEXT}, before, text)
            write_whole(project.folder / TEXT, text)


def _text_clash(now: str) -> TextClashError:
    error = TextClashError("Somebody else has changed the text meanwhile. Nothing was saved.")
    error.now = now
    return error


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
    _make(folder)
    write_whole(_free(folder / plain, content), content)


def _free(path: Path, content: bytes) -> Path:
    """The path, or the same with a number where another picture has its name."""
    number, free = 1, path
    while free.exists() and free.read_bytes() != content:
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    return free


def text_examples(project: Project, name: str) -> list[str]:
    """The example texts of a class, in the order in which they were written."""
    folder = project.folder / FOLDER / folder_of(name)
    files = sorted(folder.glob("*.txt")) if folder.is_dir() else []
    return [text for file in files if (text := file.read_text(encoding="utf-8-sig").strip())]


def sentences(project: Project) -> list[list[str]]:
    """For each class its description and its example texts; empty unless every class has one of them."""
    details = project.config.class_details
    of_classes = []
    for name in project.config.classes:
        description = details[name].description if name in details else ""
        of_classes.append([*filter(None, [description]), *text_examples(project, name)])
    return of_classes if all(of_classes) else []


def write_text_examples(project: Project, name: str, texts: Sequence[str], opened: Sequence[str] | None = None) -> None:
    """Let these be the example texts of a class, in place of those that it has.

    Args:   opened: those that they take the place of; None: whatever is there.
    Raises: LabelerError: there is no such class. TextClashError: there are others by now.
    """
    if name not in project.config.classes:
        raise LabelerError("{name!r} is not a class of this project.", name=name)
    folder = project.folder / FOLDER / folder_of(name)
    with project.store() as store, store.write():  # nobody else writes them meanwhile
        present = text_examples(project, name)
        if opened is not None and present not in ([*opened], [*filter(None, map(str.strip, texts))]):
            raise _text_clash("\n\n".join(present))
        _replace_text_examples(folder, texts)


def _replace_text_examples(folder: Path, texts: Sequence[str]) -> None:
    before = set(folder.glob("*.txt")) if folder.is_dir() else set()
    written = {folder / f"{n:03d}.txt": text.strip() for n, text in enumerate(filter(str.strip, texts), 1)}
    if written:
        _make(folder)
    for path, text in written.items():
        write_whole(path, text)
    for path in before - set(written):
        path.unlink()


def move_examples(project: Project, change: ClassChange) -> None:
    """Let the examples of a class that was renamed or merged be those of the class that it became."""
    if change.kind not in ("rename", "merge"):
        return
    target = project.folder / FOLDER / folder_of(change.new[0])
    for source in (project.folder / FOLDER / folder_of(name) for name in change.old):
        if source == target or not source.is_dir():
            continue
        _make(target)
        for example in source.iterdir():
            name = example.name if not (target / example.name).exists() else f"{source.name}-{example.name}"
            example.rename(target / name)
        source.rmdir()


def _make(folder: Path) -> None:
    """Make the folder of a class and the one above it, but not the project's, which may have been moved away."""
    folder.parent.mkdir(exist_ok=True)
    folder.mkdir(exist_ok=True)


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
