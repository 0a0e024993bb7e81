"""Whether the best of many settings is significantly better than the current ones, and sentences about a search."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import ndtri, stdtrit

from labeler.experiments import search_space
from labeler.i18n.messages import Message, _, mark, sentences
from labeler.measure import clusters

LEVEL = 0.05  # share of searches that propose a setting though none is better, at most


def gain_of(
    ours: np.ndarray, theirs: np.ndarray, tried: int, groups: np.ndarray | None = None
) -> tuple[float, float, float]:
    """The gain of the best of many settings over the current ones, with an interval corrected for their number.

    Fresh folds alone are not enough, since the best was chosen on the same items. With 300 labels and 30 equally good
    settings, 69 of 100 searches took the best for better on their own folds, 48 on fresh folds (15 of these wrongly),
    and 10 (1 wrongly) with the correction. Where some settings were better by 0.11, 82 of 100 searches found that, none
    of them wrongly. (`python -m bench.settings_search.best_of_many`)

    Args:    ours, theirs: (n,) log likelihoods of the same items, on folds that the search has not seen.
             tried: the number of settings that the best was chosen from. groups: (n,) int, between which the interval
             is; None: the items are independent.
    Returns: (mean, low, high).
    Source:  Bonferroni's inequality, at the one-sided level `LEVEL` for paired items.
    """
    differences = ours - theirs
    mean = float(differences.mean())
    level = LEVEL / max(tried, 1)
    if groups is None:
        half = float(-ndtri(level) * differences.std(ddof=1) / np.sqrt(len(differences)))
    else:
        (variance,), n = clusters.variances_of_means(differences[None], groups), clusters.count(groups) or 0
        half = float(-stdtrit(n - 1, level) * np.sqrt(variance)) if n > 1 else np.inf
    return mean, mean - half, mean + half


def verdict(report: Mapping[str, Any]) -> Message:
    """The result of a search, in a sentence or two.

    Args: report: as `Search.run` returns it.
    """
    check, trials = report["check"], report["trials"]
    others = len(trials) - 1
    drawn = [row for row in trials if row["name"] is None]
    if not drawn and report["space"]:
        longest = max(row["seconds"] for row in trials)
        hint = mark("No levers were varied: {seconds:.0f} s go into one setting.", seconds=longest)
    elif drawn and not any(row["share"] for row in drawn):
        hint = mark("Fine-tuning got no say in any of them, so its levers made no difference; the notes say why.")
    else:
        hint = Message("")
    if check is None:
        if others > 1:
            finding = mark(
                "No better settings were found: none of {n} others did better than the current ones.", n=others
            )
        elif others:
            finding = mark(
                "No better settings were found: the only other ones did not do better than the current ones."
            )
        else:
            finding = mark("No better settings were found: no others were tried.")
        return sentences(finding, hint)
    comparison = mark(
        "log likelihood {ours} instead of {theirs} (a gain of {gain}; {low} to {high}, allowing for the best of {n}),"
        " accuracy {accuracy:.1%} instead of {current_accuracy:.1%}",
        ours=signed(check["log_likelihood"]),
        theirs=signed(check["current_log_likelihood"]),
        gain=signed(check["gain"]),
        low=signed(check["gain_low"]),
        high=signed(check["gain_high"]),
        n=others,
        accuracy=check["accuracy"],
        current_accuracy=check["current_accuracy"],
    )
    if report["proposal"] is not None:
        return mark(
            "Better settings were found: {settings}. On fresh folds: {found}.",
            settings=search_space.in_words(report["proposal"]),
            found=comparison,
        )
    if check["gain_low"] <= 0:
        finding = mark(
            "No better settings were found: of {n} others the best had, on fresh folds, {found}, which may be chance.",
            n=others,
            found=comparison,
        )
    else:
        finding = mark(
            "No better settings were found: of {n} others the best had, on fresh folds, {found}, but it got fewer items"
            " right.",
            n=others,
            found=comparison,
        )
    return sentences(finding, hint)


def table(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The settings that were tried, one a row, the best first, with the levers that were varied.

    Args:    report: as `Search.run` returns it.
    Returns: `settings`, `log likelihood`, `accuracy` with its `95% interval`, `seconds`, each lever, and a `note` on
             settings that were not tried to the end, or where the mixture gives fine-tuning no weight.
    """
    levers = list(dict.fromkeys(name for row in report["trials"] for name in row["levers"]))
    several = len({row["backbone"] for row in report["trials"]}) > 1
    return [
        {
            "settings": row["name"].partition(",")[0] if row["name"] else _("setting {n}", n=row["number"]),
            "log likelihood": row["log_likelihood"],
            "accuracy": row["accuracy"],
            "95% interval": _("{low:.1f} to {high:.1f}%", low=100 * row["low"], high=100 * row["high"])
            if row["items"]
            else "",
            "seconds": row["seconds"],
            **({"backbone": row["backbone"]} if several else {}),
            **{name: search_space.value_text(row["levers"][name]) if name in row["levers"] else "" for name in levers},
            "note": row["note"] or "",
        }
        for row in report["trials"]
    ]


def signed(value: float) -> str:
    """A log likelihood or a gain with its sign, as text."""
    return f"{value:.3f}".replace("-", "−")
