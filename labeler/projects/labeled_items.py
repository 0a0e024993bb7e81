"""The items of a project with all that was said about them, one after the other, for files of other tools."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from labeler.core.items import GivenAnswer
from labeler.core.labels import names_of
from labeler.core.settings import Config
from labeler.formats.base import ANYBODY, Description, LabeledAnswer, LabeledItem, Reasons
from labeler.projects.class_keys import class_keys
from labeler.projects.project import Project
from labeler.store import IMPORT, Store
from labeler.store.database import Row


def description(project: Project) -> Description:
    """The project as files of other tools describe it."""
    config = project.config
    colours = {name: detail.colour for name, detail in config.class_details.items() if detail.colour}
    return Description(config.name, config.classes, config.modality, config.several, class_keys(config), colours)


def labeled_items(project: Project, store: Store) -> Iterator[LabeledItem]:
    """The items in the order of import, of which one is in memory at a time.

    Args: store: within a transaction that reads, so that all is of one moment.
    """
    config = project.config
    answers = groupby(store.answers.stream(by_item=True), key=lambda row: row["item_id"])
    at, rows = next(answers, (None, iter(())))
    for item in store.items.stream():
        while at is not None and at < item["item_id"]:
            at, rows = next(answers, (None, iter(())))
        own = sorted(rows, key=lambda row: row["answered_at"]) if at == item["item_id"] else []
        yield LabeledItem(
            item["item_id"],
            item["content_hash"],
            item["split"],
            item["text"],
            _picture(project, store, item) if item["media"] else None,
            item["metadata"],
            None if item["label"] is None else names_of(item["label"], config),
            tuple(_answer(row, config) for row in own if row["action"] != "label" or row["label"] is not None),
            _decision(item, config),
        )


def _picture(project: Project, store: Store, row: Row) -> tuple[str, Callable[[], bytes]]:
    """The name of an item's image, and what reads it."""
    suffix = PurePosixPath(row["media"]).suffix
    return f"{row['content_hash']}{suffix}", partial(_read, project, store, row["item_id"])


def _read(project: Project, store: Store, item_id: int) -> bytes:
    item = store.items.get(item_id)
    return b"" if item is None else project.image_of(item).read_bytes()


def _answer(row: Row, config: Config) -> LabeledAnswer:
    def names(label: Any) -> tuple[str, ...]:
        return () if label is None else names_of(label, config)

    given = GivenAnswer(
        ANYBODY if row["annotator"] == IMPORT else row["annotator"],
        names(row["label"]),
        row["action"],
        row["answered_at"],
        row["seconds"],
        bool(row["unsure"]),
        row["note"] or None,
    )
    return LabeledAnswer(
        given,
        Reasons(
            row["round"],
            row["strategy"],
            row["score"],
            row["model"],
            None if row["predicted"] is None else names(row["predicted"]),
            row["confidence"],
        ),
    )


def _decision(row: Row, config: Config) -> GivenAnswer | None:
    """What a lead decided about an item; None: nothing."""
    if row["decided_by"] is None:
        return None
    labels = () if row["excluded"] or row["label"] is None else names_of(row["label"], config)
    return GivenAnswer(row["decided_by"], labels, "exclude" if row["excluded"] else "decide", row["decided_at"])
