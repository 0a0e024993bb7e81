"""Labels as stored texts, as targets in arrays and as cells of tables.

With one class an item, the text is the name of the class and the target its index. With several, the text is a JSON
list of names in the order of the project's classes, e.g. `["delay","refund"]` or `[]`, and the target a row of 0 and 1.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Sequence

import numpy as np

from labeler.core.rounds import Labels
from labeler.core.settings import Config

SEPARATORS = ";|"  # between the names in a cell of a table


def join(names: Collection[str], config: Config) -> str:
    """The stored text for an item with these classes.

    Args: names: of the project's classes, in any order; exactly one, unless items have several classes.
    """
    ordered = [name for name in config.classes if name in names]
    return as_text(ordered) if config.several else ordered[0]


def split(label: str) -> tuple[str, ...]:
    """The classes in a stored text. Labels from before a project had several classes an item are no lists."""
    names = as_list(label)
    return (label,) if names is None else tuple(names)


def names_of(label: str, config: Config) -> tuple[str, ...]:
    """The classes in a stored text, in a project with one class an item or several."""
    return split(label) if config.several else (label,)


def is_answer(label: str, config: Config) -> bool:
    """Whether a text is a valid label in this project."""
    if not config.several:
        return label in config.classes
    names = as_list(label)
    return names is not None and set(names) <= set(config.classes) and join(names, config) == label


# ---------------------------------------------------------------- arrays


def labels_at(positions: Sequence[int], texts: Sequence[str], config: Config) -> Labels:
    """The labels of the items at these positions with these stored texts.

    Classes that were removed from the project are left out. With one class an item, the item is left out too.
    """
    where, index = np.array(positions, dtype=np.intp), {name: i for i, name in enumerate(config.classes)}
    if not config.several:
        targets = np.array([index.get(text, -1) for text in texts], dtype=np.intp)
        return Labels(where[targets >= 0], targets[targets >= 0])
    rows = np.zeros((len(texts), len(index)), dtype=np.int8)
    for row, text in zip(rows, texts, strict=True):
        row[[index[name] for name in split(text) if name in index]] = 1
    return Labels(where, rows)


def texts_of(targets: np.ndarray, config: Config) -> list[str]:
    """The stored text of each target.

    Args: targets: (m,) class indices, or (m, C) of 0 and 1.
    """
    if targets.ndim == 1:
        return [config.classes[target] for target in targets]
    return [as_text([config.classes[i] for i in np.flatnonzero(row)]) for row in targets]


# ---------------------------------------------------------------- tables


def names_in(cell: str, classes: Collection[str]) -> tuple[str, ...]:
    """The class names in a cell of a table: a JSON list, or names with `;` or `|` between them.

    Args: classes: the project's; a cell that is the name of a class is not split.
    """
    cell = unicodedata.normalize("NFC", cell).strip()
    names = [cell]
    if cell not in classes:
        listed = as_list(cell) if cell.startswith("[") else None
        names = re.split(f"[{SEPARATORS}]", cell) if listed is None else listed
    composed = (unicodedata.normalize("NFC", name).strip() for name in names)
    return tuple(dict.fromkeys(name for name in composed if name))


def cell_of(names: Sequence[str]) -> str:
    """A cell that `names_in` reads back: the names with `;` between them, or a JSON list where a name needs it."""
    if not names or names[0].startswith("[") or any(mark in name for name in names for mark in SEPARATORS):
        return as_text(names)
    return ";".join(names)


def shares_in(cell: str) -> dict[str, float]:
    """Names with numbers in a cell, as JSON ({"good": 0.8, "bad": 0.2}) or as good: 0.8; bad: 0.2; empty if it holds
    anything else.
    """
    try:
        pairs = json.loads(cell) if cell.startswith("{") else dict(part.rsplit(":", 1) for part in cell.split(";"))
        return {str(name).strip(): float(share) for name, share in pairs.items()}
    except (ValueError, TypeError, RecursionError):
        return {}


def as_list(text: str) -> list[str] | None:
    """The names in a JSON list; None if the text is not a JSON list."""
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return [str(name) for name in names] if isinstance(names, list) else None


def as_text(names: Sequence[str]) -> str:
    """The stored text of several classes, in the order of the project's."""
    return json.dumps(names, ensure_ascii=False, separators=(",", ":"))
