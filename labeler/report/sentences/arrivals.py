"""Sentences on items that came with later imports: what the figures are of, since when, and what is missing."""

import pandas as pd

from labeler.core.arrivals import Newer
from labeler.i18n.messages import _, n_


def sentences(measured: pd.DataFrame, newer: Newer) -> list[str]:
    """What the accuracy of the rounds is of, as items came later; empty where none did.

    Args: measured: the measured rounds, as `course` gives them; at least one.
    """
    first = since(measured)
    lines = []
    if first is not None:
        lines.append(
            _(
                "From round {round} on, the accuracy is also of items that came with later imports: each holdout item"
                " weighs as many items as it stands for. Rounds before are of the first items alone, so a step between"
                " them may be due to the items, not to the model.",
                round=first,
            )
        )
    return lines + coverage(newer)


def since(measured: pd.DataFrame) -> int | None:
    """The first round that was measured on items of later imports as well; None: there is none."""
    mixed = measured.loc[measured["later"].notna(), "round"]
    return int(mixed.iloc[0]) if len(mixed) else None


def coverage(newer: Newer) -> list[str]:
    """What the accuracy does not speak of, as far as items came later."""
    lines = []
    if newer.missing:
        lines.append(
            n_(
                "{stand_for:,} items came with later imports, and the accuracy is not of them yet: a label of {n:,}"
                " more of their holdout items is missing.",
                "{stand_for:,} items came with later imports, and the accuracy is not of them yet: labels of {n:,} more"
                " of their holdout items are missing.",
                newer.missing,
                stand_for=newer.stand_for,
            )
        )
    if newer.without:
        lines.append(
            n_(
                "{n:,} item came with later imports of which no share joined the holdout: the accuracy does not speak"
                " of it. The setting is “Share of later items in the holdout” on the Project page.",
                "{n:,} items came with later imports of which no share joined the holdout: the accuracy does not speak"
                " of them. The setting is “Share of later items in the holdout” on the Project page.",
                newer.without,
            )
        )
    return lines
