"""Sentences on files of other tools: what came along, and what was left out, by name."""

from collections.abc import Sequence

from labeler.core.items import ImportReport
from labeler.i18n.messages import _, n_, translate


def of_tool(report: ImportReport) -> list[str]:
    """What an import of another tool's file has brought beside its items, and what it has left out; empty of others."""
    sentences = []
    if report.answers_by_people:
        sentences.append(
            n_(
                "{n:,} answer of a person came along; it counts in the budget.",
                "{n:,} answers of people came along; they count in the budget.",
                report.answers_by_people,
            )
        )
    for model, stored, refused in report.predictions:
        sentences.append(
            _(
                "Predictions of {model} came along for {n:,} items; {left_out:,} were left out.",
                model=model,
                n=stored,
                left_out=refused,
            )
        )
    return [*sentences, *left_out_in_words(report.left_out)]


def left_out_in_words(left_out: Sequence[tuple[str, int]]) -> list[str]:
    """What a format cannot hold or a file has too much, with how often; empty if nothing was left out."""
    if not left_out:
        return []
    named = ", ".join(f"{translate(what)} ({n:,})" for what, n in left_out)
    return [_("Left out: {what}.", what=named)]
