"""Sentences on the newest items against earlier ones: what surely differs, and what to do about it."""

from typing import Any

from labeler.core.items import StillOpen
from labeler.cycle.drift import Drift
from labeler.i18n.messages import _, mark
from labeler.measure.drift import Change, sure_ones

MOST_CLASSES = 3  # that are named
HOW_SURE = mark("Where nothing has changed, one of these differences is called sure in 5 of 100 looks at most.")


def sentences(drift: Drift | None, still_open: StillOpen) -> list[str]:
    """What is known of the newest items, the surest first; empty where nothing can be told.

    Args: still_open: what can still be labeled; with no pool item left, nobody is asked to label more.
    """
    if drift is None:
        return []
    lines = []
    if drift.accuracy is not None:
        lines.append(_accuracy(drift, drift.accuracy))
    if drift.classes is not None:
        lines.append(_classes(drift.classes))
    if drift.content is not None:
        values = {name: 100 * getattr(drift.content.pairs, name) for name in ("value", "low", "high")}
        lines.append(
            _(
                "New items look different: of 100 pairs of a new and an earlier item, a classifier tells {value:.0f}"
                " apart ({low:.0f} to {high:.0f}; 50 is chance).",
                **values,
            )
            if drift.content.is_sure
            else _(
                "By their content, new items cannot be told from earlier ones: a classifier is right about {value:.0f}"
                " of 100 pairs ({low:.0f} to {high:.0f}; 50 is chance).",
                **values,
            )
        )
    if has_changed(drift):
        lines.append(
            _("Label more of the new items, and raise the share of later items in the holdout on the Project page.")
            if still_open.pool
            else _(
                "Raise the share of later items in the holdout on the Project page: it counts for those still to come."
            )
        )
    return lines


def has_changed(drift: Drift) -> bool:
    """Whether chance does not explain one of the differences."""
    changes = [drift.accuracy, *(drift.classes or {}).values(), drift.content]
    return any(of.is_sure for of in changes if of is not None)


def _accuracy(drift: Drift, accuracy: Change) -> str:
    newest, earlier, difference = accuracy.newest, accuracy.earlier, accuracy.difference
    values: dict[str, Any] = {
        "newest": newest.value,
        "low": 100 * newest.low,
        "high": newest.high,
        "n": drift.labeled[0],
        "earlier": earlier.value,
        "m": drift.labeled[1],
        "least": f"{100 * difference.low:+.1f}".replace("-", "−"),
        "most": f"{100 * difference.high:+.1f}".replace("-", "−"),
    }
    if difference.high < 0:
        return _(
            "The model is right about {newest:.0%} ({low:.0f} – {high:.0%}) of the newest {n:,} holdout items, and"
            " about {earlier:.0%} of the {m:,} earlier ones: it is worse on new items ({least} to {most} points).",
            **values,
        )
    if difference.low > 0:
        return _(
            "The model is right about {newest:.0%} ({low:.0f} – {high:.0%}) of the newest {n:,} holdout items, and"
            " about {earlier:.0%} of the {m:,} earlier ones: it is better on new items ({least} to {most} points).",
            **values,
        )
    return _(
        "The model is right about {newest:.0%} ({low:.0f} – {high:.0%}) of the newest {n:,} holdout items, and about"
        " {earlier:.0%} of the {m:,} earlier ones: the difference may be chance ({least} to {most} points).",
        **values,
    )


def _classes(classes: dict[str, Change]) -> str:
    names, changes = [*classes], [*classes.values()]
    sure = sure_ones(changes)
    if not sure:
        return _("No class is surely more or less frequent among new items.")
    parts = [
        _(
            "{name} {newest:.0%}, before {earlier:.0%}",
            name=names[place],
            newest=changes[place].newest.value,
            earlier=changes[place].earlier.value,
        )
        for place in sure[:MOST_CLASSES]
    ]
    return _("Classes are more or less frequent among new items: {parts}.", parts="; ".join(parts))


def table(drift: Drift | None) -> list[dict[str, str]]:
    """A row for the newest and for the earlier items: how many have a label, and the accuracy on them."""
    if drift is None or drift.accuracy is None:
        return []
    sides = (_("since {day}", day=drift.at[:10]), drift.accuracy.newest), (_("earlier"), drift.accuracy.earlier)
    return [
        {
            _("arrival"): name,
            _("accuracy"): f"{estimate.value:.1%}",
            _("95% interval"): f"{estimate.low:.1%} – {estimate.high:.1%}",
            _("labeled holdout items"): f"{n:,}",
        }
        for (name, estimate), n in zip(sides, drift.labeled, strict=True)
    ]
