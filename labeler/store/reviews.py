"""Reads for the lead's review of labels: disputed and doubtful answers, and all answers to an item."""

import json
from collections.abc import Collection

from labeler.store.database import Database, Row
from labeler.store.items import IMPORT

# The columns of a row of `Reviews.answers_to_review`.
REVIEW_COLUMNS = ("item_id", "id", "annotator", "action", "label", "unsure", "item_label", "decided", "cleared", "late")
ReviewRow = tuple[int, int, str, str, str | None, int, str | None, str | None, int, int]


class Reviews:
    """Reads for the review of labels."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def answers_to_review(self, suspects: Collection[int] = ()) -> list[ReviewRow]:
        """Current answers to items that need review: rows of `REVIEW_COLUMNS`, by item and in the order of answering.

        An item needs review if an answer differs from its label, is unsure or is a flag, or if it is among `suspects`.
        `decided`: the decision that holds, 'label' or 'exclude'. `late`: whether the answer came after the decision.
        Qualification items are left out.
        """
        return self.db.execute(
            """
            WITH looked AS (
                SELECT item_id FROM annotations WHERE unsure OR action = 'flag'
                UNION SELECT i.id FROM items i CROSS JOIN annotations a ON a.item_id = i.id  -- the few items first
                    WHERE i.labels > 1 AND a.today <> i.label
                UNION SELECT d.item_id FROM adjudged d JOIN answers a ON a.item_id = d.item_id
                    WHERE a.action = 'label' AND a.label <> d.label
                UNION SELECT value FROM json_each(?)
                EXCEPT SELECT item_id FROM qualification
            )
            SELECT a.item_id, a.id, a.annotator, a.action, a.label, a.unsure, i.label, i.adjudicated, i.cleared,
                   i.adjudicated IS NOT NULL AND a.at > (SELECT at FROM adjudged WHERE item_id = i.id)
            FROM looked CROSS JOIN items i ON i.id = looked.item_id JOIN answers a ON a.item_id = i.id
            WHERE i.split IS NOT NULL AND i.erased_at IS NULL AND i.unreadable IS NULL
            ORDER BY a.item_id, a.id
            """,
            [json.dumps(list(suspects))],
        ).fetchall()

    def answers_to(self, item_id: int) -> list[Row]:
        """Current answers to an item: annotator, action, label, unsure, note, seconds, at; oldest first."""
        return self.db.rows(
            "SELECT annotator, action, label, unsure, note, seconds, at FROM answers WHERE item_id = ? ORDER BY id",
            [item_id],
        )

    def annotations(self, split: str | None = None) -> list[tuple[int, str, str, float | None]]:
        """Current labels of people, as (item id, annotator, label, seconds), in the order of answering.

        Imported labels and qualification items are left out, and labels that were given on the page Items, where
        people see what others and the model say.

        Args: split: of the items; both by default.
        """
        return self.db.execute(
            """
            SELECT a.item_id, a.annotator, a.label, a.seconds FROM answers a JOIN items i ON i.id = a.item_id
            WHERE a.action = 'label' AND a.annotator <> :import AND (:split IS NULL OR i.split = :split)
              AND a.chosen IS NOT 'hand'
              AND a.item_id NOT IN (SELECT item_id FROM qualification)
            ORDER BY a.id
            """,
            {"import": IMPORT, "split": split},
        ).fetchall()
