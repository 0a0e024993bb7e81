"""Sentences on a comparison of strategies: what its runs show, how certain that is, and what to do."""

from collections.abc import Mapping, Sequence
from typing import Any

from labeler.experiments.summary import CONTROL, summary_of
from labeler.i18n.messages import _, n_
from labeler.progress.curves import paired_gain

Row = Mapping[str, Any]  # of `experiments.summary.summarise`
USELESS = -100.0  # per cent saved: an interval from below twice the labels of random to fewer than random tells nothing


def verdict(report: Mapping[str, Any], own_labels: bool = False) -> str:
    """What a comparison shows, how certain that is, and what to do.

    A strategy is recommended if its gain over random stays above 0 also where the interval is widened for the number of
    compared strategies, since the best of many looks good by chance (Bonferroni's correction).

    Args: report: of `experiments.simulate.compare`. own_labels: whether the labels are the project's own.
    """
    rows = summary_of(report)
    (control,) = (row for row in rows if row["strategy"] == CONTROL)
    compared = [row for row in rows if row["strategy"] != CONTROL]
    if not compared:
        return _("Only random sampling was run: choose a strategy to compare it with.")
    if len(control["areas"]) < 2:
        return _(
            "One run of each strategy tells nothing about chance: the next may rank them the other way round. Compare"
            " again with five runs or more."
        )
    best = compared[0]
    sure_low = paired_gain(best["areas"], control["areas"], certainty=1 - 0.05 / len(compared))[1]
    if sure_low is not None and sure_low > 0:
        sentences = [_better(best), saved(best), _others(best, compared[1:]), _what_to_do(best, own_labels)]
    elif best["gain_low"] > 0:
        sentences = [
            _better(best),
            _("The best of {n} strategies may look like that by chance.", n=len(compared)),
            _("Compare it with random alone before you rely on it."),
        ]
    elif best["gain_high"] < 0:
        sentences = [
            n_(
                "{name} is worse than random.",
                "All {n} strategies are worse than random; the best of them is {name}.",
                len(compared),
                name=best["strategy"],
            ),
            _difference(best),
            _("Keep random sampling, or compare other strategies."),
        ]
    else:
        sentences = [
            n_(
                "The runs cannot tell {name} from random.",
                "The runs can tell none of the {n} strategies from random; of them, {name} has the highest mean"
                " accuracy.",
                len(compared),
                name=best["strategy"],
            ),
            _difference(best),
            _("{n} more runs would halve this interval.", n=3 * len(control["areas"])),
        ]
    return " ".join(sentence for sentence in sentences if sentence)


def _better(row: Row) -> str:
    return " ".join([_("{name} is better than random.", name=row["strategy"]), _difference(row)])


def _difference(row: Row) -> str:
    return _(
        "Over {runs} runs its mean accuracy differs from that of random by {gain} points (95%: {low} to {high}).",
        runs=len(row["areas"]),
        gain=signed(row["gain_over_random"], 1),
        low=signed(row["gain_low"], 1),
        high=signed(row["gain_high"], 1),
    )


def saved(row: Row) -> str:
    """A sentence on the labels that a strategy saves; empty for a single run."""
    values = row["saved"]
    if values["low"] is None:
        return ""
    at = {"accuracy": values["accuracy"], "n": values["fewer"], "runs": len(row["areas"])}
    if values["low"] > 0:
        return _(
            "It reached an accuracy of {accuracy:.0%} with {low:.0f}% to {high:.0f}% fewer labels than random (95%),"
            " and with fewer in {n} of {runs} runs.",
            low=values["low"],
            high=values["high"],
            **at,
        )
    if _tells_nothing(values):
        return _("How many labels that saves cannot be told from so few runs.")
    if values["high"] <= 0:
        return _(
            "For an accuracy of {accuracy:.0%} it needed {least:.0f}% to {most:.0f}% more labels than random (95%), and"
            " fewer in {n} of {runs} runs.",
            least=-values["high"],
            most=-values["low"],
            **at,
        )
    return _(
        "Whether that saves labels is not certain: for an accuracy of {accuracy:.0%} it needed between {more:.0f}%"
        " more and {fewer:.0f}% fewer than random (95%), and fewer in {n} of {runs} runs.",
        more=-values["low"],
        fewer=values["high"],
        **at,
    )


def _others(best: Row, others: Sequence[Row]) -> str:
    """The strategies that the runs cannot tell from the best one."""
    alike = [row["strategy"] for row in others if (paired_gain(best["areas"], row["areas"])[1] or 0) <= 0]
    if not alike:
        return ""
    return _("The runs cannot tell it from {names}.", names=", ".join(alike))


def _what_to_do(best: Row, own_labels: bool) -> str:
    if own_labels:
        return _("A strategy chose most of these labels, so this is a hint and no proof.")
    return _("Use {name} on data like these.", name=best["strategy"])


def saved_in_short(row: Row) -> str:
    """The labels that a strategy saves with their interval, as a cell of a table."""
    values = row["saved"]
    if values is None:
        return _("the control")
    percent = _whole(values["percent"])
    if values["low"] is None:
        return _("{percent}% (one run has no interval)", percent=percent)
    if _tells_nothing(values):
        return _("{percent}% (more runs are needed for an interval)", percent=percent)
    return _("{percent}% ({low} to {high})", percent=percent, low=_whole(values["low"]), high=_whole(values["high"]))


def rows_in_short(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The results of a comparison, a row a strategy: its accuracy, its gain over random with the interval, the labels
    that it saves.
    """
    return [
        {
            "strategy": row["strategy"],
            "accuracy": row["aulc_mean"],
            "gain": row["gain_over_random"],
            "low": row["gain_low"],
            "high": row["gain_high"],
            "labels saved": saved_in_short(row),
        }
        for row in report["summary"]
    ]


def _tells_nothing(saved: Mapping[str, Any]) -> bool:
    """Whether the interval holds both more than twice the labels of random and fewer than random."""
    return bool(saved["low"] < USELESS and saved["high"] > 0)


def signed(share: float, digits: int = 2) -> str:
    """A share in points with its sign."""
    return f"{round(100 * share, digits) + 0.0:+.{digits}f}".replace("-", "−")  # no −0


def _whole(percent: float) -> str:
    return f"{percent:.0f}".replace("-0", "0").replace("-", "−")
