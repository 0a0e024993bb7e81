"""Sentences on groups of items, such as patients: how the holdout was drawn, and what that means for figures."""

from labeler.core.groups import GroupCounts
from labeler.core.items import ImportReport
from labeler.i18n.messages import _, n_
from labeler.measure.clusters import FEW


def of_import(report: ImportReport) -> list[str]:
    """What an import means for the groups; empty without groups."""
    if report.groups is None:
        return []
    sentences = [split_in_words(report.groups), *warnings(report.groups)]
    if report.in_two_groups:
        sentences.append(
            n_(
                "{n:,} row has the content of an item in another group, which keeps it ({across:,} of such pairs are"
                " on both sides of the split): is this one group under two names?",
                "{n:,} rows have the content of items in other groups, which keep it ({across:,} of such pairs are on"
                " both sides of the split): are these groups the same under two names?",
                report.in_two_groups,
                across=report.across,
            )
        )
    return sentences


def split_in_words(counts: GroupCounts) -> str:
    """How many items and groups the holdout has."""
    return _(
        "The holdout has {holdout_items:,} of {items:,} items: all items of {holdout_groups:,} of {groups:,} groups"
        " (column {column}).",
        holdout_items=counts.holdout_items,
        items=counts.items,
        holdout_groups=counts.holdout_groups,
        groups=counts.groups,
        column=counts.column,
    )


def warnings(counts: GroupCounts) -> list[str]:
    """What keeps the figures from being trusted, if anything does."""
    sentences = []
    if counts.straddling:
        sentences.append(
            n_(
                "{n:,} group has items in the pool and in the holdout, as the holdout was drawn before the groups were"
                " known: the accuracy may look too good. Undo the imports and import again to draw it by group.",
                "{n:,} groups have items in the pool and in the holdout, as the holdout was drawn before the groups"
                " were known: the accuracy may look too good. Undo the imports and import again to draw it by group.",
                counts.straddling,
            )
        )
    if 0 < counts.holdout_groups < FEW:
        sentences.append(
            n_(
                "{n:,} group in the holdout says little about other groups: intervals will be wide.",
                "{n:,} groups in the holdout say little about other groups: intervals will be wide.",
                counts.holdout_groups,
            )
        )
    return sentences


def basis_in_words(groups: int) -> str:
    """What the intervals rest on."""
    return n_(
        "The items are of {n:,} group, so the intervals are between groups, and further groups narrow them more than"
        " further items of the same group.",
        "The items are of {n:,} groups, so the intervals are between groups, and further groups narrow them more than"
        " further items of the same groups.",
        groups,
    )
