"""What each column of an export means: the one table that the files, the Project page and docs/export.md share."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from labeler.i18n.messages import mark

Rows = Literal["items", "answers"]
Format = Literal["csv", "xlsx", "parquet", "jsonl"]
Kind = Literal["text", "label", "number", "whole", "yes/no", "time"]


@dataclass(frozen=True)
class Column:
    """A column of an export. kind: what its cells hold; `meaning`: a message, without a full stop."""

    name: str
    kind: Kind
    meaning: str


_ITEM = (
    Column("item_id", "whole", mark("number of the item in the project")),
    Column("source", "text", mark("where the item came from: file and row")),
    Column("split", "text", mark("pool: asked by the query strategy; holdout: drawn at random, measures the model")),
    Column("text", "text", mark("the text; empty for images")),
    Column("media", "text", mark("the image's file below the project's folder, or its address; empty for texts")),
    Column("content_hash", "text", mark("identifies the content: equal content has an equal hash in every project")),
)
_CHOSEN = Column(
    "chosen",
    "text",
    mark("who chose the item: `hand`, a person on the page Items; `next`, a lead, to be asked next; else empty"),
)
_ADDED = Column("added_at", "time", mark("when the item was imported"))

COLUMNS: dict[Rows, tuple[Column, ...]] = {
    "items": (
        *_ITEM,
        Column("label", "label", mark("the item's label in today's classes; empty without one")),
        Column(
            "label_from",
            "text",
            mark("where the label comes from: a lead's decision, an import, or the annotators' votes"),
        ),
        Column("votes", "whole", mark("current labels of this item by people and imports")),
        Column("agreement", "number", mark("share of these labels that equal the item's label")),
        Column("annotators", "text", mark("people who answered, with ; between them")),
        _CHOSEN,
        Column("unsure", "yes/no", mark("whether somebody marked the answer as unsure")),
        Column("flagged", "yes/no", mark("whether a flag is open")),
        Column("excluded", "yes/no", mark("whether a lead took the item out")),
        Column("notes", "text", mark("the annotators' notes, a line each")),
        Column("decided_by", "text", mark("the lead who decided the label")),
        Column("decided_at", "time", mark("when the lead decided")),
        Column("first_answered_at", "time", mark("when the oldest current answer was given")),
        Column("last_answered_at", "time", mark("when the latest current answer was given")),
        _ADDED,
    ),
    "answers": (
        *_ITEM,
        Column("action", "text", mark("label, skip or flag")),
        Column("label", "label", mark("this annotator's label in today's classes; empty if it says nothing any more")),
        Column("given", "label", mark("the label as it was given")),
        Column("classes_changed_at", "time", mark("when the classes changed so that `label` differs from `given`")),
        Column("unsure", "yes/no", mark("whether the annotator marked the answer as unsure")),
        Column("note", "text", mark("the annotator's note")),
        _CHOSEN,
        Column("reveal", "text", mark("when the annotator saw the model's prediction: never, before or after")),
        Column("predicted", "label", mark("the model's prediction when the item was asked; empty for the holdout")),
        Column("confidence", "number", mark("probability of that prediction, from 0 to 1")),
        Column("item_label", "label", mark("the item's label, from all annotators or from the lead")),
        Column("decided_by", "text", mark("the lead who decided the item's label")),
        Column("decided_at", "time", mark("when the lead decided")),
        Column("annotator", "text", mark("who answered; `import`: the label came with the data")),
        Column("round", "whole", mark("the round that asked the item; 0: before the first")),
        Column("strategy", "text", mark("the query strategy that chose the item")),
        Column("score", "number", mark("the strategy's score; higher is asked first")),
        Column("rank", "whole", mark("the item's place in the round's ranking")),
        Column("model", "text", mark("the file of the round's model")),
        Column("seed", "whole", mark("the seed of the round")),
        Column("seconds", "number", mark("how long the annotator looked at the item")),
        Column("answered_at", "time", mark("when the answer was given")),
        _ADDED,
    ),
}
# Columns of the items without a label, where predictions are asked for. There is one more for each class: `p(CLASS)`.
PREDICTED = (
    Column("predicted", "label", mark("the best model's prediction, for items without a label")),
    Column("probability", "number", mark("probability of that prediction, from 0 to 1")),
)
PROBABILITY = Column("p(CLASS)", "number", mark("probability of each class, from 0 to 1"))
METADATA = Column("…", "text", mark("the other columns of the imported table, as they were"))


def columns_of(rows: Rows) -> Iterable[Column]:
    """All columns of an export, as they are explained."""
    return (*COLUMNS[rows], *((*PREDICTED, PROBABILITY) if rows == "items" else ()), METADATA)
