"""A project in which whatever a person can write tries to be more than a text."""

from pathlib import Path

from labeler.core.items import Answer, NewItem
from labeler.core.settings import ClassDetail, TeamConfig
from labeler.projects import project as projects
from labeler.projects.project import Project
from tests.support.fill import rank
from tests.support.samples import text_config

SIGNS = "![x]({url}) [y]({url}) <b>b</b> <img src={url}> :red[r] :smile: $x$ **f** 한국어"
PEOPLE = ("kim", "lee")


def written(name: str, url: str) -> str:
    """What a person wrote in the place `name`."""
    return f"{name} {SIGNS.format(url=url)}"


def fill(folder: Path, url: str) -> Project:
    """A new project with items, a round, answers, flags, decisions, a selection to be asked next, and an import.

    Args: url: of a picture that must never be asked for.
    """
    good, bad = written("good", url), written("bad", url)
    people = [written(name, url) for name in PEOPLE]
    details = {good: ClassDetail(description=written("described", url))}
    config = text_config(
        name=written("title", url), classes=(good, bad), class_details=details, team=TeamConfig(leads=("lead",))
    )
    project = projects.create(folder, config)
    with project.store() as store:
        columns = {written("column", url): written("value", url)}
        store.items.add(
            [
                NewItem(f"{n:06d}", f"{written('table', url)} row {n}", text=f"t{n}", split="pool", metadata=columns)
                for n in range(6)
            ]
        )
        rank(store, [3, 4, 2])
        for person, label in zip(people, (good, bad), strict=True):
            note = Answer(f"{person}-2", 2, "flag", note=written("note", url))
            store.answers.add(person, [Answer(f"{person}-1", 1, "label", label, unsure=True), note])
        store.decisions.add(people[0], "decided", 1, "label", bad, "by hand")
    return project
