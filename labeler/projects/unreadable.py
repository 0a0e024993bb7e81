"""Images that cannot be read any more: found, set aside, and taken up again once their files are mended."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from labeler.core.errors import LabelerError, StoreError
from labeler.core.items import Item
from labeler.core.processes import cores
from labeler.files import objects
from labeler.files.addresses import allowed
from labeler.files.images import open_image
from labeler.files.object_cache import changed, hash_of
from labeler.i18n.messages import Message, mark
from labeler.projects.project import Project
from labeler.store import Store

SIDE = 64  # pixels that a large JPEG is decoded to at least
ASKED_AT_ONCE = 16  # objects that a store is asked about


def set_aside(project: Project, store: Store) -> int:
    """The number of items that are set aside now, because their images cannot be read; each file is read once.

    Of an object, the store is asked whether it is what was imported; it is read only if it is another one.

    Raises: StoreError: the store gives most objects to nobody, for which they are not to blame; nothing is set aside.
    """
    items = [item for item in store.items.all() if item.media]
    return store.set_aside.put(_problems(project, items))


def bring_back(project: Project, store: Store) -> int:
    """The number of items that take part again, because their images can be read again.

    Raises: StoreError: as `set_aside`.
    """
    waiting = [store.items.get(entry.id) for entry in store.set_aside.all()]
    items = [item for item in waiting if item is not None]
    problems = _problems(project, items)
    mended = [item.id for item in items if item.id not in problems]
    store.set_aside.bring_back(mended)
    if mended:
        store.rounds.request("images mended")
    return len(mended)


def _problems(project: Project, items: Sequence[Item]) -> dict[int, Message]:
    """Why images cannot be read, by the ids of their items. Raises: StoreError."""
    files, remote = ([item for item in items if (item.object is None) == is_file] for is_file in (True, False))
    with ThreadPoolExecutor(min(4, cores())) as threads:
        of_files = threads.map(lambda item: _problem(project.folder / str(item.media)), files)
        problems = {item.id: reason for item, reason in zip(files, of_files, strict=True) if reason is not None}
    return problems | _problems_of_objects(remote)


def _problems_of_objects(items: Sequence[Item]) -> dict[int, Message]:
    with ThreadPoolExecutor(ASKED_AT_ONCE) as threads:
        errors = list(threads.map(_error_of_object, items))
    failures = [error for error in errors if isinstance(error, StoreError)]
    if len(failures) * 2 > len(items):
        raise StoreError(
            "{n:,} of {total:,} images cannot be read from their store, so that none is set aside: {reason}",
            n=len(failures),
            total=len(items),
            reason=failures[0],
        )
    return {item.id: Message.of(error) for item, error in zip(items, errors, strict=True) if error is not None}


def _error_of_object(item: Item) -> LabelerError | None:
    """Why an object is not the image of its item; None where it is."""
    try:
        address = allowed(str(item.media))
        if objects.facts(address) == item.object or hash_of(objects.read(address)) == item.content_hash:
            return None
    except LabelerError as error:
        return error
    return changed(str(item.media))


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
