"""Images that cannot be read any more: found, set aside, and taken up again once their files are mended."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from labeler.core.errors import LabelerError
from labeler.core.items import Item
from labeler.core.processes import cores
from labeler.files.images import open_image
from labeler.i18n.messages import Message, mark
from labeler.projects.project import Project
from labeler.store import Store

SIDE = 64  # pixels that a large JPEG is decoded to at least


def set_aside(project: Project, store: Store) -> int:
    """The number of items that are set aside now, because their images cannot be read; each file is read once."""
    items = [item for item in store.items.all() if item.media]
    return store.set_aside.put({item.id: reason for item, reason in _unreadable(project, items)})


def bring_back(project: Project, store: Store) -> int:
    """The number of items that take part again, because their images can be read again."""
    waiting = store.set_aside.all()
    mended = [entry.id for entry in waiting if _problem(project.folder / entry.media) is None]
    store.set_aside.bring_back(mended)
    if mended:
        store.rounds.request("images mended")
    return len(mended)


def _unreadable(project: Project, items: Sequence[Item]) -> list[tuple[Item, Message]]:
    with ThreadPoolExecutor(min(4, cores())) as threads:
        problems = threads.map(lambda item: _problem(project.folder / str(item.media)), items)
        return [(item, problem) for item, problem in zip(items, problems, strict=True) if problem is not None]


def _problem(path: Path) -> Message | None:
    """Why the image cannot be read; None where it can."""
    try:
        if path.stat().st_size == 0:
            return mark("the file is empty")
        open_image(path, near=SIDE)
    except FileNotFoundError:
        return mark("the file is gone")
    except LabelerError as error:  # the page names the file below the project's folder
        fields = {name: str(value).replace(str(path), path.name) for name, value in error.fields.items()}
        return Message(error.message, **fields)
    except (OSError, ValueError, MemoryError) as error:  # a disk that cannot be read, a zip that is cut off
        return mark("the image cannot be read: {error}", error=str(error) or type(error).__name__)
    return None
