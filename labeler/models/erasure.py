"""A person or items leave a project: its database, its settings, its files of features, pictures and models' cards.

Copies elsewhere stay: backups, files that were taken out, and what models that are kept have learned.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labeler.backbones.features import erase_rows
from labeler.core.errors import LabelerError
from labeler.core.whole_files import write_whole
from labeler.cycle import neighbours
from labeler.projects import pool_map, predictions
from labeler.projects.project import Project
from labeler.projects.shelf import nobody_at_work
from labeler.store import IMPORT
from labeler.store.audit import replaced
from labeler.store.erasure import ErasedItem

UNERASABLE = (IMPORT, "system", "")


@dataclass(frozen=True)
class Erased:
    """An erasure. name: what stands in place of a person's name; items: how many lost their content.

    in_store: how many of them are objects of a store, where they still are. complete: whether older pages of the
    database are gone as well, see `Erasure.finish`.
    """

    name: str = ""
    items: int = 0
    in_store: int = 0
    complete: bool = True


def erase_person(project: Project, name: str, notes: bool) -> Erased:
    """A person's name is replaced by an opaque one in the whole project; answers and decisions stay.

    Args:   notes: whether the notes beside the person's answers are deleted.
    Raises: LabelerError: nobody has this name, nobody else leads the project, or a job is running.
    """
    with nobody_at_work(project), project.store() as store:
        if name in UNERASABLE or (store.erasure.about(name) is None and name not in project.config.team.leads):
            raise LabelerError("Nobody named {name!r} has worked in this project.", name=name)
        if project.config.team.leads == (name,):
            raise LabelerError("{name!r} is the project's only lead: name another one first.", name=name)
        store.db.execute("PRAGMA secure_delete = ON")
        leads = tuple(lead for lead in project.config.team.leads if lead != name)
        with store.write():
            if leads != project.config.team.leads:
                config = replace(project.config, team=replace(project.config.team, leads=leads))
                project = project.save(config, store)
            opaque = store.erasure.person(name, notes)
        _replace_in_cards(project, name, opaque)
        return Erased(opaque, complete=store.erasure.finish())


def erase_items(project: Project, item_ids: Sequence[int]) -> Erased:
    """Items lose what they hold, in the database and in files; their ids, labels and answers stay.

    Raises: LabelerError: a job is running.
    """
    with nobody_at_work(project), project.store() as store:
        store.db.execute("PRAGMA secure_delete = ON")
        erased = store.erasure.items(item_ids)
        for item in erased:
            _remove_files(project, item)
            _replace_in_cards(project, item.content_hash, item.erased_hash)
        if erased:
            _remove_what_can_be_made_again(project)
        erase_rows(project.embeddings, [item.content_hash for item in erased])
        erase_rows(project.tuning, [item.content_hash for item in erased])
        in_store = sum(item.in_store for item in erased)
        return Erased(items=len(erased), in_store=in_store, complete=store.erasure.finish())


def _remove_files(project: Project, item: ErasedItem) -> None:
    """Remove an item's image, and the pictures that were drawn of it."""
    project.objects.forget(item.content_hash)
    if item.media and not item.in_store:
        path = project.folder / item.media
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
    for picture in project.renditions.glob(f"{item.content_hash[:2]}/*{item.content_hash}*"):
        picture.unlink(missing_ok=True)


def _remove_what_can_be_made_again(project: Project) -> None:
    """Remove decoded images, the map, groups of similar items, and predictions with their files."""
    for keys in project.folder.glob("*/pixels-*/images.txt"):
        shutil.rmtree(keys.parent)
    (project.embeddings / pool_map.FILE).unlink(missing_ok=True)
    for groups in project.embeddings.glob(f"*/{neighbours.FILE}"):
        groups.unlink()
    for name in (predictions.FILE, predictions.POOL):
        (project.exports / name).unlink(missing_ok=True)


def _replace_in_cards(project: Project, old: str, new: str) -> None:
    """Replace a name or a hash in the cards of the models that are kept."""
    for path in project.models.glob("*.json"):
        card: Any = json.loads(path.read_text(encoding="utf-8"))
        if (changed := replaced(card, old, new)) != card:
            write_whole(Path(path), json.dumps(changed, ensure_ascii=False, indent=1))
