"""Whether the best of many settings is surely better than the current ones, and what to say of a search."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import norm

from labeler import space

LEVEL = 0.05  # of searches that may propose one of many settings though none is better


def gain_of(ours: np.ndarray, theirs: np.ndarray, tried: int) -> tuple[float, float, float]:
    """By how much the best of many settings is better, and an interval that allows for their number.

    Fresh folds alone are not enough, since the best was chosen for these very items. With 300 labels and 30 settings
    that were equally good but for luck, 69 of 100 searches took the best for better on their own folds, 48 on fresh
    ones (15 of these wrongly), and 10 (1 wrongly) with the number allowed for. Where some settings were better by 0.11,
    82 of 100 searches found that, none of them wrongly. (`python -m bench.best_of_many`)

    Args:    ours, theirs: (n,) log likelihoods of the same items, on folds that the search has not seen.
             tried: settings that the best was chosen from.
    Returns: (mean, low, high).
    Source:  Bonferroni's inequality, at the one-sided level `LEVEL` for paired items.
    """
    differences = ours - theirs
    mean = float(differences.mean())
    half = float(norm.isf(LEVEL / max(tried, 1)) * differences.std(ddof=1) / np.sqrt(len(differences)))
    return mean, mean - half, mean + half


def verdict(report: Mapping[str, Any]) -> str:
    """What a search found, in a sentence or two.

    Args: report: as `tuning.search` gives it back.
    """
    check, trials = report["check"], report["trials"]
    others = len(trials) - 1
    drawn = [row for row in trials if row["name"] is None]
    if not drawn and report["space"]:
        hint = f" No levers were varied: {max(row['seconds'] for row in trials):.0f} s go into one setting."
    elif drawn and not any(row["share"] for row in drawn):
        hint = " Fine-tuning got no say in any of them, so its levers made no difference; the notes say why."
    else:
        hint = ""
    if check is None:
        others_did = f"none of {others} others did" if others > 1 else "the only other ones did not do"
        found = f"{others_did} better than the current ones" if others else "no others were tried"
        return f"No better settings were found: {found}.{hint}"
    found = (
        f"log likelihood {signed(check['log_likelihood'])} instead of {signed(check['current_log_likelihood'])}"
        f" (a gain of {signed(check['gain'])}; {signed(check['gain_low'])} to {signed(check['gain_high'])},"
        f" allowing for the best of {others}), accuracy {check['accuracy']:.1%} instead of"
        f" {check['current_accuracy']:.1%}"
    )
    if report["proposal"] is not None:
        return f"Better settings were found: {space.in_words(report['proposal'])}. On fresh folds: {found}."
    why = "which may be chance" if check["gain_low"] <= 0 else "but it got fewer items right"
    return f"No better settings were found: of {others} others the best had, on fresh folds, {found}, {why}.{hint}"


def table(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was tried, a row for each setting, the best first; of the levers those that were varied.

    Args:    report: as `tuning.search` gives it back.
    Returns: `settings`, `log likelihood`, `accuracy` with its `95 % interval`, `seconds`, each lever, and a `note` on
             what was not tried to the end, or where fine-tuning got no say.
    """
    levers = list(dict.fromkeys(name for row in report["trials"] for name in row["levers"]))
    several = len({row["backbone"] for row in report["trials"]}) > 1
    return [
        {
            "settings": row["name"].partition(",")[0] if row["name"] else f"setting {row['number']}",
            "log likelihood": row["log_likelihood"],
            "accuracy": row["accuracy"],
            "95 % interval": f"{100 * row['low']:.1f} to {100 * row['high']:.1f} %" if row["items"] else "",
            "seconds": row["seconds"],
            **({"backbone": row["backbone"]} if several else {}),
            **{name: space.shown(row["levers"][name]) if name in row["levers"] else "" for name in levers},
            "note": row["note"] or "",
        }
        for row in report["trials"]
    ]


def signed(value: float) -> str:
    """A log likelihood or a gain as a person reads it."""
    return f"{value:.3f}".replace("-", "−")
