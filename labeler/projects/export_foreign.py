"""Columns of an export with what somebody else's models predicted for each item."""

import math
from typing import Any

from labeler.core.labels import split
from labeler.projects.export_columns import Column
from labeler.store import Store


class OtherModels:
    """Two columns for each model, the newest first: what it predicted in today's classes, and how sure it was."""

    def __init__(self, store: Store) -> None:
        self.several = store.config.several
        self.said = [(model.title, store.foreign.everything(model)) for model in store.foreign.all()]
        self.columns = tuple(
            column
            for title, _ in self.said
            for column in (
                Column(f"predicted by {title}", "label", ""),
                Column(f"probability by {title}", "number", ""),
            )
        )

    def of(self, stored: dict[str, Any]) -> dict[str, Any]:
        """The cells of a stored item."""
        cells: dict[str, Any] = {}
        for title, said in self.said:
            at = int(said.items.searchsorted(stored["item_id"]))
            is_there = at < len(said.items) and said.items[at] == stored["item_id"]
            label = said.labels[at] if is_there else None
            share = float(said.confidence[at]) if is_there else math.nan
            names = list(split(label)) if self.several and label is not None else label
            cells[f"predicted by {title}"] = names
            cells[f"probability by {title}"] = None if math.isnan(share) else round(share, 6)
        return cells
