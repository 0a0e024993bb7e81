"""A table's further columns beside the item: which are shown, and which must not be, because they tell the answer."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from labeler.core.items import Item
from labeler.core.labels import names_of
from labeler.core.settings import Config
from labeler.i18n.messages import Message, mark
from labeler.store import Store

FEW = 20  # labeled items that are needed to see that a column goes with the labels
RIGHT = 0.95  # share of items whose label the column's value gives, from which on it tells the label
SIDE = 5  # labeled items that are needed of a class, and of the others, to see that a number tells them apart
APART = 0.95  # share of such pairs that the number puts in one order (AUC), from which on it tells the class
LEFT = 0.25  # share of the errors of always naming the most frequent label that may remain then


def shown(item: Item, config: Config) -> dict[str, str]:
    """The columns of an item that annotators see, in the order of the settings."""
    return {name: item.metadata[name] for name in config.labeling.show_columns if item.metadata.get(name)}


def choices(store: Store) -> dict[str, Message | None]:
    """The imported columns by name, each with the reason why it must not be shown, or None if it may be."""
    facts = store.slices.facts()
    names = dict.fromkeys(name for metadata, _, _ in facts for name in metadata)
    return {name: _problem(name, facts, store.db.config) for name in names}


def telling(store: Store) -> set[str]:
    """The imported columns that tell the label, and so must not stand beside an item that has none yet."""
    return {name for name, problem in choices(store).items() if problem} - {store.db.config.evaluation.group_column}


def _problem(column: str, facts: Sequence[tuple[dict[str, str], str | None, str]], config: Config) -> Message | None:
    if column == config.evaluation.group_column:
        return mark("The column {column!r} tells which items measure the model, so it cannot be shown.", column=column)
    rows = [(text.strip().casefold(), label, split) for row, label, split in facts if (text := row.get(column))]
    labeled = [(value, label) for value, label, _ in rows if label is not None]
    right = _right(labeled, config)
    if right:
        return mark(
            "The column {column!r} tells the label of {right} of {all} labeled items, so it cannot be shown.",
            column=column,
            right=right,
            all=len(labeled),
        )
    told = _told_by_number(labeled, config)
    if told:
        return mark(
            "The numbers in the column {column!r} tell items of the class {name!r} from others, so it cannot be shown.",
            column=column,
            name=told,
        )
    if len(labeled) < FEW and {value for value, _, _ in rows} <= {name.casefold() for name in config.classes}:
        return mark("The column {column!r} holds names of the classes, so it cannot be shown.", column=column)
    if len({split for _, _, split in rows}) > 1 and _determined([(value, split) for value, _, split in rows]):
        return mark("The column {column!r} tells which items measure the model, so it cannot be shown.", column=column)
    return None


def _right(labeled: Sequence[tuple[str, str]], config: Config) -> int:
    """How many labels the values tell, if they tell nearly all of them; 0 otherwise."""
    names = [(value, {name.casefold() for name in names_of(label, config)}) for value, label in labeled]
    same = sum({value} == label for value, label in names)
    if len(names) >= 3 and same >= RIGHT * len(names):
        return same
    if len(names) < FEW:
        return 0
    inside = sum(bool(label) and all(name in value for name in label) for value, label in names)
    others = {name.casefold() for name in config.classes}
    also = sum(any(name in value for name in others - label) for value, label in names)
    if inside >= RIGHT * len(names) and also <= LEFT * len(names):  # such as a path through a folder of the class
        return inside
    return _determined(labeled)


def _told_by_number(labeled: Sequence[tuple[str, str]], config: Config) -> str | None:
    """The class whose items have larger numbers than others, or smaller ones, in nearly all pairs; None if none has.

    Source: Hanley and McNeil 1982 (the area under the ROC curve as that share of the pairs).
    """
    numbers = [(number, label) for value, label in labeled if (number := _number(value)) is not None]
    if len(numbers) < max(FEW, RIGHT * len(labeled)):
        return None
    _values, places, counts = np.unique([number for number, _ in numbers], return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]  # equal numbers share the mean of their ranks
    for name in config.classes:
        inside = np.array([name in names_of(label, config) for _, label in numbers])
        n, others = int(inside.sum()), int((~inside).sum())
        if min(n, others) < SIDE:
            continue
        area = (ranks[inside].sum() - n * (n + 1) / 2) / (n * others)
        if max(area, 1 - area) >= APART:
            return name
    return None


def _number(text: str) -> float | None:
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _determined(pairs: Sequence[tuple[str, str]]) -> int:
    """How many targets the other items with the same value give, if these are nearly all; 0 otherwise."""
    of_value: dict[str, Counter[str]] = defaultdict(Counter)
    for value, target in pairs:
        of_value[value][target] += 1
    judged = right = 0
    for value, target in pairs:
        others = of_value[value] - Counter([target])
        if others:
            judged += 1
            right += others.most_common(1)[0][0] == target
    if judged < max(FEW, len(pairs) / 2):
        return 0
    usual = 1 - Counter(target for _, target in pairs).most_common(1)[0][1] / len(pairs)
    wrong = 1 - right / judged
    return right if wrong <= 1 - RIGHT and wrong <= LEFT * usual else 0
