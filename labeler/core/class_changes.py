"""Changes of a project's classes, and what each does to labels and to probabilities that were there before.

A label is stored as it was given, with the number of the latest change at that time. What it says in today's classes
follows from the changes since, in their order.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from labeler.core.errors import LabelerError
from labeler.core.labels import as_list, as_text
from labeler.core.setting_rules import check_classes
from labeler.core.settings import ClassDetail, Config
from labeler.i18n.messages import mark

ClassChangeKind = Literal["rename", "merge", "split", "add", "retire"]
KINDS: dict[ClassChangeKind, str] = {
    "rename": mark("Rename"),
    "merge": mark("Merge"),
    "split": mark("Split"),
    "add": mark("Add"),
    "retire": mark("Retire"),
}


@dataclass(frozen=True)
class ClassChange:
    """One change of the classes.

    rename: `old` has one name, `new` the one that takes its place.
    merge:  `old` has the names that go into the one in `new`, which may be one of the project's classes.
    split:  `old` has one name, `new` two or more; items with its label are asked again.
    add:    `new` has the names of further classes.
    retire: `old` has the names that are no classes any more. Where items have one class, those are asked again; where
            they have several, they keep their other classes.
    """

    kind: ClassChangeKind
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()

    def classes_after(self, classes: Sequence[str]) -> tuple[str, ...]:
        """The project's classes after this change, in their order."""
        if self.kind == "add":
            return (*classes, *self.new)
        if self.kind == "retire":
            return tuple(name for name in classes if name not in self.old)
        placed = self.new[0] in classes and self.new[0] not in self.old  # merged into a class that stays in its place
        after: list[str] = []
        for name in classes:
            if name not in self.old:
                after.append(name)
            elif not placed:
                after += self.new
                placed = True
        return tuple(after)

    def names_after(self, name: str | None) -> frozenset[str | None]:
        """What an item with this class may be after this change: one class, one of several after a split, or None for
        a class that was retired.
        """
        if name not in self.old:
            return frozenset([name])
        return frozenset(self.new) if self.new else frozenset([None])

    def as_json(self) -> tuple[str, str]:
        """`old` and `new`, as they are stored."""
        return json.dumps(self.old, ensure_ascii=False), json.dumps(self.new, ensure_ascii=False)


@dataclass(frozen=True)
class StoredChange:
    """A change that was made. `number` counts from 1. `before` and `after`: the project's classes. `labels`: how many
    answers read differently since; `asked_again`: how many of those say nothing any more.
    """

    number: int
    change: ClassChange
    before: tuple[str, ...]
    after: tuple[str, ...]
    by: str
    at: str
    labels: int
    asked_again: int


# Said where figures of the holdout would stand, below the error about these labels.
NOT_MEASURED = mark(
    "The holdout is not measured while items have labels of classes that the project does not have: a part of it alone"
    " would say something else."
)


def labels_outside(items: Mapping[str, int]) -> LabelerError:
    """The error about labels of classes that the project does not have.

    Args: items: how many items have each such label.
    """
    return LabelerError(
        "Items have labels of classes that the project does not have: {labels}. No round runs until that is mended:"
        " rename such a class to one of the project's, merge it into one, or retire it, on the Project page or with"
        " `labeler classes`; or add it to the classes again.",
        labels=", ".join(f"{name} ({n:,})" for name, n in items.items()),
    )


def check_change(change: ClassChange, classes: Sequence[str], labeled: Sequence[str] = ()) -> None:
    """Refuse a change that cannot be made.

    Args:   classes: the project's. labeled: names in labels that are none of the project's classes; they can be
            renamed to one of the classes, merged into one, or retired.
    Raises: LabelerError, ConfigError: says why.
    """
    _check_form(change)
    for name in change.old:
        if name not in classes and (name not in labeled or change.kind == "split"):
            raise LabelerError(
                "There is no class {name!r}: the classes are {classes}.", name=name, classes=", ".join(classes)
            )
    after = change.classes_after(classes)
    kept = [name for name in classes if name not in change.old]
    outside = not set(change.old) & set(classes)  # of labels alone
    if change.kind in ("rename", "merge") and outside and change.new[0] not in classes:
        raise LabelerError(
            "{name!r} is no class of the project: add it first, or name one of {classes}.",
            name=change.new[0],
            classes=", ".join(classes),
        )
    if change.kind != "merge" and not (change.kind == "rename" and outside):
        for name in set(change.new) & set(kept):
            raise LabelerError("There is a class {name!r} already: to put classes together, merge them.", name=name)
    check_classes(after)


def _check_form(change: ClassChange) -> None:
    old, new = change.old, change.new
    match change.kind:
        case "rename" if not (len(old) == len(new) == 1 and old != new):
            raise LabelerError("To rename takes one class and its new name.")
        case "merge" if not (len(new) == 1 and {*old} - {*new}):
            raise LabelerError(
                "To merge takes the classes that go together, and the name of the class that they become."
            )
        case "split" if not (len(old) == 1 and len(new) > 1):
            raise LabelerError("To split takes one class and the names of two or more that take its place.")
        case "add" if old or not new:
            raise LabelerError("To add takes the name of a class.")
        case "retire" if new or not old:
            raise LabelerError("To retire takes a class.")


def config_after(config: Config, change: ClassChange) -> Config:
    """The settings with the classes after a change. A class that is renamed keeps its key, colour and description; the
    parts of a class that is split stay in its group.
    """
    classes = change.classes_after(config.classes)
    details = {name: detail for name, detail in config.class_details.items() if name in classes}
    for old in (config.class_details[name] for name in change.old if name in config.class_details):
        if change.kind in ("rename", "merge"):
            details.setdefault(change.new[0], old)
        elif change.kind == "split" and old.group:
            details |= {name: ClassDetail(group=old.group) for name in change.new if name not in details}
    return replace(config, classes=classes, class_details=details)


def label_today(label: str, changes: Sequence[StoredChange], several: bool) -> str | None:
    """A label as it reads after these changes; None if it says nothing any more."""
    return label_after(label, [stored.change for stored in changes], changes[-1].after, several) if changes else label


def label_after(label: str, changes: Sequence[ClassChange], classes: Sequence[str], several: bool) -> str | None:
    """A stored label as it reads after these changes; None if it says nothing, and the item is asked again.

    The label of a class that was split says nothing while the item may be of either part. It says something again when
    the parts have been merged.

    Args: classes: the project's after the changes, whose order a list of names has.
    """
    listed = as_list(label) if several else None
    names = [label] if listed is None else listed
    possible = [_possible(name, changes) for name in names]
    if possible == [{name} for name in names]:
        return label
    if any(len(these) > 1 for these in possible):
        return None
    kept = {name for these in possible for name in these if name is not None}
    if several and (listed is not None or not kept):
        places = {name: place for place, name in enumerate(classes)}
        return as_text(sorted(kept, key=lambda name: (places.get(name, len(places)), name)))
    return kept.pop() if kept else None


def _possible(name: str, changes: Sequence[ClassChange]) -> frozenset[str | None]:
    """What an item that had this class may be after these changes; see `ClassChange.names_after`."""
    possible: frozenset[str | None] = frozenset([name])
    for change in changes:
        possible = frozenset[str | None]().union(*map(change.names_after, possible))
    return possible


def are_told_apart(classes: Sequence[str], changes: Sequence[ClassChange]) -> bool:
    """Whether a model of these classes can tell the classes apart after the changes: none was split."""
    return all(len(_possible(name, changes)) == 1 for name in classes)


def stay_apart(classes: Sequence[str], changes: Sequence[ClassChange]) -> bool:
    """Whether each of these classes is one class after the changes, and no other of them is the same one."""
    after = [_possible(name, changes) for name in classes]
    return are_told_apart(classes, changes) and len({*after} - {frozenset([None])}) == len(classes)


def proba_today(
    proba: np.ndarray, classes: Sequence[str], changes: Sequence[StoredChange], today: Sequence[str], several: bool
) -> np.ndarray | None:
    """Probabilities that a model gave for its own classes, in today's.

    The probability of a merged class is the sum of its parts', or where an item has several classes the highest, so
    that the class is predicted where a part was. A class that the model did not know has 0. What remains of the
    probabilities is scaled to 1 where an item has one class.

    Args:    proba: (n, C) over `classes`. changes: those since, oldest first. today: the project's classes.
    Returns: (n, len(today)), or None where a class was split since, and its parts not merged: the model cannot tell
             them apart.
    """
    made = [stored.change for stored in changes]
    columns: dict[str | None, list[np.ndarray]] = {}
    for name, column in zip(classes, proba.T, strict=True):
        possible = _possible(name, made)
        if len(possible) > 1:
            return None
        columns.setdefault(next(iter(possible)), []).append(column)
    none = np.zeros(len(proba), dtype=proba.dtype)
    together = np.max if several else np.sum
    stacked = np.stack([together(columns.get(name, [none]), axis=0) for name in today], axis=1)
    if several or set(columns) <= set(today):
        return stacked
    total = stacked.sum(axis=1, keepdims=True)
    return np.where(total > 0, stacked / np.where(total > 0, total, 1), 1 / len(today)).astype(proba.dtype)
