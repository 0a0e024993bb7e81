"""Answers that people gave in another tool → answers as the store takes them, in the project's classes."""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from labeler.access.users import is_reserved
from labeler.core.items import GivenAnswer, Problem, StoredAnswer
from labeler.core.labels import join
from labeler.core.settings import Config
from labeler.files.sources import Row
from labeler.i18n.messages import Message, mark
from labeler.store import IMPORT

LONGEST_NAME, LONGEST_NOTE = 200, 10_000  # letters


def fitting(row: Row | Problem, several: bool, left_out: Counter[Message]) -> Row | Problem:
    """The row with the answers that a project can hold: where items have one class, answers of exactly one.

    Args: left_out: counts the others.
    """
    if isinstance(row, Problem) or (row.labels is None and not row.answers):
        return row
    kept = []
    for answer in row.answers:
        has_label = answer.action in ("label", "decide")
        if has_label and not several and len(answer.labels) != 1:
            left_out[mark("answers of no class, or of several")] += 1
        else:
            kept.append(answer)
    labels = row.labels
    if labels is not None and not several and len(labels) != 1:
        left_out[mark("labels of no class, or of several")] += 1
        labels = None
    return replace(row, answers=tuple(kept), labels=labels)


def answers_of(row: Row, classes: Mapping[str, str], config: Config) -> tuple[StoredAnswer, ...] | Message:
    """The answers of a row with their labels as they are stored, or why they cannot be.

    Args: classes: of the project, by their composed names.
    """
    answers = []
    for answer in row.answers:
        label = None
        if answer.action in ("label", "decide"):
            label = stored_label(answer.labels, classes, config)
            if isinstance(label, Message):
                return label
        answers.append(StoredAnswer(_named(answer), label))
    return tuple(answers)


def stored_label(names: Sequence[str], classes: Mapping[str, str], config: Config) -> str | Message:
    """The label with these classes as it is stored, or that one of them is none of the project."""
    composed = [unicodedata.normalize("NFC", name) for name in names]
    unknown = next((name for name in composed if name not in classes), None)
    if unknown is not None:
        choices = ", ".join(map(repr, classes.values()))
        return mark("the label {unknown!r} is not among the classes {choices}", unknown=unknown, choices=choices)
    return join([classes[name] for name in composed], config)


def _named(answer: GivenAnswer) -> GivenAnswer:
    """The answer under a name that a person can have; of nobody it is the import's."""
    name = unicodedata.normalize("NFC", answer.annotator).strip()[:LONGEST_NAME]
    if not name or is_reserved(name):
        name = IMPORT
    return replace(answer, annotator=name, note=answer.note[:LONGEST_NOTE] if answer.note else None)
