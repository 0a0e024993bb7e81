"""Cards of items: the picture or the text, with the label and the model's prediction."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from labeler.i18n.messages import _
from labeler.projects.project import Project
from pages.shared.thumbnails import thumbnail

SHOWN = 12  # at a time


@dataclass(frozen=True)
class Judged:
    """An item with its label and the model's prediction. `confidence`: of that prediction, 0 to 1."""

    item_id: int
    label: str
    predicted: str
    confidence: float


def items(project: Project, cell: Sequence[Judged], key: str) -> None:
    """The items, a few at a time.

    Args: key: of the choice of a page.
    """
    pages = -(-len(cell) // SHOWN)
    page = st.pagination(pages, key=key) if pages > 1 else 1
    shown = cell[SHOWN * (page - 1) : SHOWN * page]
    with project.store() as store:
        stored = {judged.item_id: store.items.get(judged.item_id) for judged in shown}
    columns = 4 if project.config.modality == "image" else 2
    for start in range(0, len(shown), columns):
        for place, judged in zip(st.columns(columns), shown[start : start + columns], strict=False):
            item = stored[judged.item_id]
            if item is not None:
                with place.container(border=True):
                    thumbnail(project, item)
                    st.caption(
                        _(
                            "Item {id}: label {label}, predicted {said} ({confidence:.0%}).",
                            id=item.id,
                            label=judged.label,
                            said=judged.predicted,
                            confidence=judged.confidence,
                        )
                    )
