"""Items to answer, and answers."""

import uuid
from collections.abc import Sequence
from typing import Any

from labeler.client.calls import Call, Steps
from labeler.client.records import Picture
from labeler.client.verbs.base import ProjectVerbs
from labeler.core.errors import LabelerError
from labeler.core.notebook import AskedItem


class LabelingVerbs(ProjectVerbs):
    """Items to answer, and answers."""

    def next_items(self, annotator: str, n: int = 1) -> Steps[list[AskedItem]]:
        """Up to `n` items for this annotator to answer, the most informative first; others are not given them for
        `labeling.reservation_seconds`.
        """
        body = {"annotator": annotator, "tab": f"{self.tab}-{annotator}", "n": n}
        reply = yield Call("POST", f"{self.path}/next", body=body)
        return [
            AskedItem(
                item["id"],
                item["text"],
                self._picture(item) if item["picture"] else None,
                item["source"] or "",
                item["metadata"],
            )
            for item in reply["items"]
        ]

    def picture(self, item: AskedItem | int) -> Steps[bytes]:
        """The picture of an item as browsers show it."""
        number = item if isinstance(item, int) else item.id
        picture: bytes = yield Call("GET", f"{self.path}/items/{number}/picture")
        return picture

    def _picture(self, item: dict[str, Any]) -> Picture | None:
        """The image of an item, where it can be read while code waits."""
        return None

    def answer(
        self, annotator: str, item: AskedItem | int, label: str | Sequence[str] | None, seconds: float | None = None
    ) -> Steps[None]:
        """Store an answer; the item's next answer by the same annotator replaces it.

        Args:   label: a class, or a sequence of classes where an item has several; None skips the item.
        Raises: LabelerError: there is no such item or class; nothing is stored.
        """
        answer = {
            "request_id": uuid.uuid4().hex,
            "item_id": item if isinstance(item, int) else item.id,
            "action": "skip" if label is None else "label",
            "label": label if label is None or isinstance(label, str) else [*label],
            "seconds": seconds,
        }
        body = {"annotator": annotator, "tab": f"{self.tab}-{annotator}", "answers": [answer]}
        (receipt,) = (yield Call("POST", f"{self.path}/answers", body=body))["receipts"]
        if not receipt["ok"]:
            raise LabelerError("The answer was refused: {reason}", reason=receipt["reason"])
