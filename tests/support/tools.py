"""Projects that have every fact that a format may hold, and what of it is there after a way through a file."""

import uuid
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from labeler.core.items import Answer, ClassesAnItem, Modality, NewItem
from labeler.core.labels import join
from labeler.core.settings import Config
from labeler.formats.base import FACTS, Fact, Name
from labeler.projects import project as projects
from labeler.projects.importer import content_hash, import_source, normalise
from labeler.projects.other_tools import export_for
from labeler.projects.project import Project

CLASSES = ("good", "bad", "odd")


def new_project(folder: Path, modality: Modality = "text", answers: ClassesAnItem = "one") -> Project:
    """An empty project with three classes."""
    config = Config("Reviews", CLASSES, modality, answers)
    return projects.create(folder, config)


def add_texts(project: Project, texts: list[str], columns: Mapping[str, str] | None = None) -> list[int]:
    """The ids of new texts; the first three are in the holdout."""
    with project.store() as store:
        store.items.add(
            [
                NewItem(
                    content_hash(normalise(text).encode()),
                    f"row {n}",
                    text=text,
                    split="holdout" if n < 3 else "pool",
                    metadata=columns or {},
                )
                for n, text in enumerate(texts)
            ]
        )
        return [row["item_id"] for row in store.items.stream()]


def add_images(project: Project, n: int) -> list[int]:
    """The ids of new images of one colour each; the first three are in the holdout."""
    items = []
    for place in range(n):
        path = project.media / f"{place}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), (place * 20, 0, 0)).save(path)
        name = content_hash(path.read_bytes())
        path = path.rename(path.with_name(f"{name}.png"))
        split = "holdout" if place < 3 else "pool"
        items.append(
            NewItem(name, f"{place}.png", media=f"media/{path.name}", split=split, metadata={"site": f"s{place}"})  # type: ignore[arg-type]
        )
    with project.store() as store:
        store.items.add(items)
        return [row["item_id"] for row in store.items.stream()]


def say(project: Project, annotator: str, item: int, *classes: str, **more: Any) -> None:
    """Store an answer of these classes, or another action."""
    action = more.pop("action", "label")
    label = join(classes, project.config) if action == "label" else None
    with project.store() as store:
        (receipt,) = store.answers.add(annotator, [Answer(uuid.uuid4().hex, item, action, label, **more)])
    assert receipt.ok, receipt.reason


def everything(folder: Path, modality: Modality = "text", answers: ClassesAnItem = "one") -> Project:
    """A project that has every fact but the reasons of a round; see `facts`."""
    project = new_project(folder, modality, answers)
    if modality == "image":
        ids = add_images(project, 8)
    else:
        ids = add_texts(project, [f"the {n}th text of eight, and no other" for n in range(8)], {"site": "Seoul"})
    say(project, "ann", ids[0], "good", seconds=2.5)
    say(project, "bob", ids[0], "good", unsure=True)
    say(project, "ann", ids[1], "bad", note="not sure about this one")
    say(project, "ann", ids[2], action="skip")
    say(project, "bob", ids[3], action="flag")
    say(project, "ann", ids[4], "good")
    with project.store() as store:
        store.decisions.add("lea", uuid.uuid4().hex, ids[4], "label", join(["odd"], project.config))
    if answers == "several":
        say(project, "ann", ids[5], "good", "odd")
        say(project, "ann", ids[6])
    return project


def facts(project: Project) -> dict[Fact, Counter[Any]]:
    """What a project says of each fact, by the content of its items: two projects with the same are alike in it."""
    with project.store() as store:
        items, answers = store.items.export(), store.answers.export()
    several = project.config.several
    of_people = [row for row in answers if row["annotator"] != "import"]
    who = [(row["content_hash"], row["annotator"]) for row in of_people]

    def noted(column: str) -> Counter[Any]:
        return Counter((*key, row[column]) for key, row in zip(who, of_people, strict=True) if row[column])

    labels = {row["content_hash"]: row["label"] for row in items if row["label"] not in (None, "[]")}
    return {
        "texts": Counter((row["content_hash"]) for row in items if row["text"]),
        "images": Counter((row["content_hash"]) for row in items if row["media"]),
        "several": Counter((name, label) for name, label in labels.items() if several),
        "none": Counter(row["content_hash"] for row in items if row["label"] == "[]"),
        "unlabeled": Counter(row["content_hash"] for row in items if row["label"] is None),
        "columns": Counter((row["content_hash"], *pair) for row in items for pair in row["metadata"].items()),
        "split": Counter(row["content_hash"] for row in items if row["split"] == "holdout"),
        "annotators": Counter((*key, row["label"]) for key, row in zip(who, of_people, strict=True) if row["label"]),
        "times": noted("answered_at"),
        "seconds": noted("seconds"),
        "skips": Counter(
            (*key, row["action"]) for key, row in zip(who, of_people, strict=True) if row["label"] is None
        ),
        "unsure": noted("unsure"),
        "notes": noted("note"),
        "decisions": Counter(
            (row["content_hash"], row["decided_by"], row["label"]) for row in items if row["decided_by"]
        ),
        "reasons": Counter(),
    }


def through(project: Project, folder: Path, name: Name, suffix: str = "") -> Project:
    """A new project with what the folder of another tool, or a zip of it, has kept of one."""
    folder.mkdir()
    export_for(project, folder / f"out{suffix}", name)
    config = project.config
    other = new_project(folder / "other", config.modality, config.answers)
    import_source(other, folder / f"out{suffix}")
    return other


def kept(before: Project, after: Project) -> dict[Fact, bool]:
    """Which facts of a project are the same in another, of those that it has.

    Where labels of no class are lost, more items are unlabeled, and still those that were.
    """
    old, new = facts(before), facts(after)
    same = {fact: old[fact] == new[fact] for fact in FACTS if old[fact]}
    return same | ({"unlabeled": not old["unlabeled"] - new["unlabeled"]} if "unlabeled" in same else {})
