"""Sentences on labels that are worth a second look, for the Review page and for the report."""

from labeler.i18n.messages import _, n_


def second_look(labels: int, expected: float) -> str:
    """How many labels are worth a second look, and how many of them are wrong.

    Args: expected: the sum of their probabilities of being wrong.
    """
    if not labels:
        return _("No label is worth a second look.")
    if labels == 1:
        return _("One label is worth a second look: it is wrong with a probability of {p:.0%}.", p=expected)
    if expected < 1:
        return _("{labels:,} labels are worth a second look: fewer than one wrong label is expected.", labels=labels)
    return n_(
        "{labels:,} labels are worth a second look: about {n:,} of them is wrong.",
        "{labels:,} labels are worth a second look: about {n:,} of them are wrong.",
        round(expected),
        labels=labels,
    )


def next_in_doubt(labels: int, expected: float) -> str:
    """How many labels follow in the queue for those who have time to look at more; empty if none do.

    Args: expected: the sum of their probabilities of being wrong.
    """
    if not labels:
        return ""
    if expected < 1:
        return n_(
            "If you have time for more, {n:,} label follows that is wrong with a lower probability.",
            "If you have time for more, {n:,} labels follow; fewer than one wrong label is expected among them.",
            labels,
        )
    return n_(
        "If you have time for more, {labels:,} labels follow; about {n:,} of them is wrong.",
        "If you have time for more, {labels:,} labels follow; about {n:,} of them are wrong.",
        round(expected),
        labels=labels,
    )
