"""A change of the classes, from what it would do to what follows from it: labels move at once, past rounds are measured
anew by today's classes, and a round is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from labeler.core.class_changes import ClassChange, StoredChange, check_change, config_after
from labeler.measure.forecasts import remeasured
from labeler.projects import guidelines
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store import Store


@dataclass(frozen=True)
class Effect:
    """What a change would do: how many answers and items read differently, and which items are asked again.

    pool, holdout: items whose label would be another one, or none. again_pool, again_holdout: those without a label.
    first: ids of those of the pool, the one first whose label the latest audit finds the least certain. regained:
    items of either that have no label now and would have one.
    """

    classes: tuple[str, ...]
    answers: int
    pool: int
    holdout: int
    again_pool: int
    again_holdout: int
    first: tuple[int, ...]
    regained: int
    unmeasurable: int  # past rounds whose models cannot tell the classes apart
    too_old: int  # past rounds of which only predictions are kept, so that they cannot be measured by the new classes


def effect(project: Project, store: Store, change: ClassChange) -> Effect:
    """What a change would do; nothing is stored.

    Raises: LabelerError: the change cannot be made; says why.
    """
    changes = store.class_changes
    check_change(change, project.config.classes, [*changes.outside()])
    moved = changes.effect(change)
    again = [text for text, label in moved.items() if label is None]
    answers, items = changes.count(moved)
    _answers, items_again = changes.count(again)
    split = change.kind == "split" and items.get("holdout", 0) + items.get("pool", 0) > 0
    return Effect(
        change.classes_after(project.config.classes),
        answers,
        items.get("pool", 0),
        items.get("holdout", 0),
        items_again.get("pool", 0),
        items_again.get("holdout", 0),
        tuple(_least_certain_first(store, changes.items_with(again))),
        len({r["item_id"] for rows in changes.regained(change).values() for r in rows if not r["is_labeled"]}),
        len(store.forecasts.rounds()) if split else 0,
        0 if change.kind == "split" else store.forecasts.lost_by(change),
    )


def change_classes(project: Project, change: ClassChange, by: str) -> tuple[Project, StoredChange]:
    """The project after a change of its classes, and the change as it is stored.

    Raises: LabelerError: the change cannot be made; nothing has changed.
    """
    with project.store() as store:
        with store.write():  # nobody else changes the classes meanwhile
            current = _settled(projects.open_project(project.folder, project.actor), store)
            store.config = current.config
            check_change(change, current.config.classes, [*store.class_changes.outside()])
            stored = store.class_changes.add(change, by)
        changed = _save(current, stored, store)
        store.config = changed.config
        _follow_up(store)
    return changed, stored


def settled(project: Project, store: Store) -> Project:
    """The project, with its settings brought up to the latest change of the classes if a crash came between them."""
    after = _settled(project, store)
    if after is not project:
        store.config = after.config
        _follow_up(store)
    return after


def _settled(project: Project, store: Store) -> Project:
    latest = store.class_changes.since(store.class_changes.latest() - 1)
    if not latest or latest[-1].after == project.config.classes or latest[-1].before != project.config.classes:
        return project
    return _save(project, latest[-1], store)


def _save(project: Project, stored: StoredChange, store: Store) -> Project:
    """The project with the settings after a change; examples in the guidelines follow the names."""
    changed = project.save(config_after(project.config, stored.change), store)
    guidelines.move_examples(changed, stored.change)
    return changed


def _follow_up(store: Store) -> None:
    """What may be repeated at any time: past rounds measured by today's classes, an audit and a round asked for."""
    store.rounds.update_metrics(remeasured(store))
    store.audits.request_for_latest()
    if store.rounds.latest():
        store.rounds.request("classes changed")


def _least_certain_first(store: Store, items: Sequence[int]) -> list[int]:
    report = store.audits.latest_report() or {}
    errors = report.get("errors") or {"items": [], "wrong": []}
    wrong = dict(zip(errors["items"], errors["wrong"], strict=True))
    return sorted(items, key=lambda item: (-wrong.get(item, 0.0), item))
