"""Sentences on pool labels, holdout labels, and the answers that the budget pays for: how they add up."""

from labeler.core.items import Counts
from labeler.i18n.messages import _, mark

MEANING = mark(
    "A pool label is the label of a pool item: models learn from it. A holdout label is that of a holdout item: it"
    " measures them. The budget pays for each answer of a person that gives a label, and several people may answer the"
    " same item. Imported labels, skips and flags cost nothing."
)


def sum_in_words(counts: Counts, budget: int) -> str:
    """How many items are labeled, what that has cost of the budget, and what can still be done with the rest."""
    labeled = counts.labeled + counts.holdout_labeled
    items = _(
        "{pool:,} pool labels + {holdout:,} holdout labels = {items:,} labeled items.",
        pool=counts.labeled,
        holdout=counts.holdout_labeled,
        items=labeled,
    )
    return " ".join([items, _paid(counts, budget), _rest(counts, budget)])


def paid_in_words(counts: Counts, budget: int) -> str:
    """What the labels have cost of the budget, for those who must not know which items are in the holdout."""
    sentences = [_paid(counts, budget)]
    if counts.pool + counts.holdout and not counts.open.answers:
        sentences.append(_("There is nothing left to label."))
    return " ".join(sentences)


def _paid(counts: Counts, budget: int) -> str:
    return _("{spent:,} answers of a budget of {budget:,} are paid.", spent=counts.answers_by_people, budget=budget)


def _rest(counts: Counts, budget: int) -> str:
    left, unlabeled = budget - counts.answers_by_people, counts.open.pool + counts.open.holdout
    if not counts.pool + counts.holdout:
        return ""
    if not counts.open.answers:
        return _("There is nothing left to label.")
    if left <= 0:
        return _("The budget is spent; {n:,} items could still get a label.", n=unlabeled)
    if left > counts.open.answers:
        return _(
            "At most {n:,} more answers can be given about these data, fewer than the budget still pays for.",
            n=counts.open.answers,
        )
    return _("{n:,} more can be paid; {items:,} items can still get a label.", n=left, items=unlabeled)
