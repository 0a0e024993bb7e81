"""Sentences on the control arm, for the Progress page and for the report."""

from collections.abc import Mapping
from typing import Any

import strategies
from labeler.core.setting_rules import LINEAR
from labeler.core.settings import QueryConfig
from labeler.i18n.messages import _, mark, n_, translate
from labeler.progress.control import FEWEST_GROUPS, FEWEST_HOLDOUT, FEWEST_ROUNDS, PATIENCE
from labeler.progress.shadows import SIZES

Report = Mapping[str, Any]  # `control.Control` as plain values

# What is still missing for an estimate of the labels saved.
MISSING = {
    "holdout": mark(
        "Not enough data yet: {holdout} holdout items have a label; {fewest_holdout} are needed. A larger"
        " `labeling.holdout_share` brings them sooner."
    ),
    "testing": mark(
        "Active testing chooses which holdout items are labeled first, so they are no random sample: the"
        " comparison is possible once all of them have a label."
    ),
    "groups": mark(
        "Not enough data yet: the labeled holdout items are of {groups} groups; {fewest_groups} are needed."
    ),
    "rounds": mark("Not enough data yet: {fewest_rounds} rounds with different numbers of pool labels are needed."),
    "arm": mark(
        "Not enough data yet: {arm} pool and holdout labels were drawn at random; {fewest_arm} are needed, and twice"
        " as many as the first round had. A larger share drawn at random (`query.random_share`) brings them sooner."
    ),
    "precision": mark(
        "Whether this saved labels is not known yet: the curve rises by less than its uncertainty. More holdout labels,"
        " now {holdout}, make that smaller."
    ),
    "slow": mark(
        "There is no comparison with random sampling: it fits the head {head} about a hundred times, which would take"
        " more than {minutes:.0f} minutes after each round. A faster head has one."
    ),
    "head": mark("There is no comparison with random sampling: {problem}"),
}

UNDECIDED = mark(
    "So whether it saved labels is not known. More holdout labels and a larger share drawn at random"
    " (`query.random_share`) narrow the interval."
)


def drawn_at_random(strategy: str, share: float | None, config: QueryConfig) -> str | None:
    """A sentence on how much of the latest ranking was drawn at random; None where the settings alone decide that.

    Args: strategy: of the latest round. share: see `Rounds.random_share`.
    """
    try:
        watched = strategies.get(strategy).watched
    except strategies.UnknownStrategy:  # one of the project's own
        return None
    if not watched or share is None or not config.random_share:
        return None
    return _(
        "Of the items to ask next, {share:.0%} are drawn at random. The settings ask for {least:.0%}; {strategy} draws"
        " more, the more likely it is that random labels teach as much as those it chooses.",
        share=share,
        least=config.random_share,
        strategy=strategy,
    )


def sentences(report: Report) -> list[str]:
    """The control arm's report in sentences, each figure with its 95% interval."""
    return [*_comparison(report), *_of_head(report), *_left_out(report), *_between_groups(report)]


def tells_labels_saved(report: Report) -> bool:
    """Whether the labels saved are told at all: not where the gain may be chance and their interval says otherwise."""
    return bool(report["needed"]) and (not _by_chance(report) or _may_be_none(report))


def _of_head(report: Report) -> list[str]:
    """A sentence on what learns on both curves, where that is another head than the linear ones."""
    head = report.get("head", LINEAR)  # an audit of version 0.2 or earlier has linear heads
    if head == LINEAR or not report.get("own"):
        return []
    return [_("Both curves are of the head {head}, as the project's model is.", head=head)]


def _between_groups(report: Report) -> list[str]:
    """A sentence on what the intervals rest on, where items come in groups."""
    if not report.get("groups"):  # an audit of version 0.2 or earlier knows no groups
        return []
    return [
        _(
            "All intervals are between {groups} groups. Only pool labels count as drawn at random here, as a holdout"
            " label shares its group with items that are measured on.",
            groups=report["groups"],
        )
    ]


def _left_out(report: Report) -> list[str]:
    """A sentence on the labels that measure no strategy, where there are any."""
    n = report.get("left_out", 0)
    return (
        [
            n_(
                "{n} pool label is left out here, because a person chose its item.",
                "{n:,} pool labels are left out here, because people chose their items.",
                n,
            )
        ]
        if n
        else []
    )


def _comparison(report: Report) -> list[str]:
    sentences_so_far = [gained(report)] if report["gain"] else []
    if report["needed"] and not tells_labels_saved(report):
        return [*sentences_so_far, _(UNDECIDED)]
    if report["needed"]:
        return [saved(report), *sentences_so_far, *_advice(report)]
    values: dict[str, Any] = {
        "fewest_holdout": FEWEST_HOLDOUT,
        "fewest_rounds": FEWEST_ROUNDS,
        "fewest_arm": 2 * SIZES[0],
    }
    values |= {"fewest_groups": FEWEST_GROUPS, "groups": report.get("groups")}
    values |= {"holdout": report["holdout"], "arm": report["arm"], "head": report.get("head", LINEAR)}
    values |= {"minutes": PATIENCE / 60, "problem": translate(report.get("problem", ""))}
    return [*sentences_so_far, _(MISSING[report["missing"]], **values)]


def _advice(report: Report) -> list[str]:
    """What to do about a gain or a loss that is no chance."""
    if not report["gain"] or _by_chance(report):
        return []
    if report["gain"]["low"] > 0:
        return [_("The query strategy pays: keep it.")]
    return [_("Random sampling is better here: choose another strategy on the Strategies page.")]


def _may_be_none(report: Report) -> bool:
    """Whether the labels saved have an interval, and none at all is within it."""
    low, high = report["needed"]["low"], report["needed"]["high"]
    return low is not None and high is not None and low <= report["size"] <= high


def _by_chance(report: Report) -> bool:
    """Whether the gain may be chance: then no bound on the labels saved is given."""
    return bool(report["gain"]) and report["gain"]["low"] <= 0 <= report["gain"]["high"]


def gained(report: Report) -> str:
    """A sentence on the gain in accuracy, in points."""
    gain = report["gain"]
    figures = {name: f"{100 * gain[name]:+.1f}".replace("-", "−") for name in ("value", "low", "high")}
    if _by_chance(report):
        return _(
            "At {size} pool labels the difference from random sampling is {value} points of accuracy (95%: {low} to"
            " {high}), which may be chance.",
            size=report["size"],
            **figures,
        )
    if gain["high"] < 0:
        return _(
            "At {size} pool labels the query strategy has cost accuracy: {value} points (95%: {low} to {high}).",
            size=report["size"],
            **figures,
        )
    return _(
        "At {size} pool labels the query strategy has gained {value} points of accuracy (95%: {low} to {high}).",
        size=report["size"],
        **figures,
    )


def saved(report: Report) -> str:
    """A sentence on the labels saved, or on their bound."""
    size, needed = report["size"], report["needed"]
    value, low, high = needed["value"], needed["low"], needed["high"]

    def share(labels: float) -> str:
        return f"{100 * (1 - labels / size):.0f}".replace("-", "−")

    if value is not None and low is not None and high is not None and low > size:
        return _(
            "The project needed {n:.0f} pool labels (95%: {low:.0f} to {high:.0f}) for the accuracy of {size} random"
            " labels: {more:.0f}% more (95%: {least:.0f}% to {most:.0f}%).",
            size=size,
            n=value,
            low=low,
            high=high,
            more=100 * (value / size - 1),
            least=100 * (low / size - 1),
            most=100 * (high / size - 1),
        )
    if value is not None and low is not None and high is not None:
        return _(
            "The project reached the accuracy of {size} random labels with {n:.0f} pool labels (95%: {low:.0f} to"
            " {high:.0f}): {saved}% saved (95%: {least}% to {most}%).",
            size=size,
            n=value,
            low=low,
            high=high,
            saved=share(value),
            least=share(high),
            most=share(low),
        )
    if high is not None:
        return _(
            "The project reached the accuracy of {size} random labels with {high:.0f} pool labels at most (upper"
            " end of the 95% interval): {saved}% saved, or more.",
            size=size,
            high=high,
            saved=share(high),
        )
    if low is not None:
        return _(
            "The project reached the accuracy of {size} random labels with {low:.0f} pool labels at least (lower"
            " end of the 95% interval): {saved}% saved, or less.",
            size=size,
            low=low,
            saved=share(low),
        )
    return _(
        "The data do not show whether the project needed more or fewer pool labels than the {size} random ones.",
        size=size,
    )
