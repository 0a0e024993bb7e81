"""Which columns of a table hold a model's predictions, and which one finds the item that each is of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from labeler.core.settings import Config

Key = Literal["item_id", "content_hash", "source", "text", "image"]  # what a column that finds an item holds
KEYS: tuple[Key, ...] = ("item_id", "content_hash", "source")  # columns of an export with these names find it
# Usual names of columns, the most likely first; those of an export come before all others.
# fmt: off
_PREDICTED = ("predicted", "prediction", "predictions", "pred", "predicted_label", "predicted_class", "예측", "예측값")
_PROBABILITY = ("probability", "confidence", "score", "prob", "predicted_probability", "확률", "신뢰도")
# fmt: on


@dataclass(frozen=True)
class PredictionColumns:
    """What the columns of a table say of a model's predictions.

    model, version: the model's, not columns. predicted: the classes, or probabilities as `shares_in` reads them; "":
    the most probable class. probability: of what was predicted; "": none. proba: of each class, by the class.
    key: what the column `found_by` holds, which finds the item. only: whether the rows of the table are no new items.
    """

    model: str
    version: str = ""
    predicted: str = ""
    probability: str = ""
    proba: Mapping[str, str] = field(default_factory=dict)
    key: Key = "text"
    found_by: str = ""
    only: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that hold predictions."""
        return tuple(filter(None, (self.predicted, self.probability, *self.proba.values())))

    def as_dict(self) -> dict[str, Any]:
        """As values that JSON can hold."""
        return asdict(self)


def proposed(columns: Sequence[str], config: Config, model: str = "") -> PredictionColumns | None:
    """The columns of a table that hold predictions by their names; None where none does.

    Args: model: its name.
    """
    by_name = {column.casefold(): column for column in reversed(columns)}
    proba = {name: column for name in config.classes if (column := f"p({name})") in columns}
    predicted = next((by_name[name] for name in _PREDICTED if name in by_name), "")
    probability = next((by_name[name] for name in _PROBABILITY if name in by_name), "")
    if not predicted and len(proba) < len(config.classes):
        return None
    key, found_by = found_by_name(columns) or (config.modality, "")
    return PredictionColumns(model, "", predicted, probability, proba, key, found_by)


def found_by_name(columns: Collection[str]) -> tuple[Key, str] | None:
    """The column by which an item is found in a table without its content, as an export names it."""
    return next(((key, key) for key in KEYS if key in columns), None)
