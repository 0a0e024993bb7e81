"""How good settings are on labels held out, whether one is surely better than another, and what to say of that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.stats import norm

from labeler import space
from labeler.types import Training

LEVEL = 0.05  # of searches that may propose one of many settings though none is better
FLOOR = 1e-4  # no probability counts as less, so that a single item that is surely wrong does not decide


@dataclass(frozen=True)
class HeldOut:
    """What a model says of labels that it was not trained on.

    rows: (r,) which labels. log_likelihood: (r,) of the true class, in nats. right: (r,) bool.
    share: of a fine-tuned network in the probabilities. note: on how the model came about.
    """

    rows: np.ndarray
    log_likelihood: np.ndarray
    right: np.ndarray
    share: float
    note: str = ""

    @classmethod
    def of(cls, rows: np.ndarray, proba: np.ndarray, targets: np.ndarray, training: Training) -> Self:
        """
        Args: proba: (r, C) of the rows. targets: (r,) int, their true classes. training: of the model.
        """
        true = np.maximum(proba[np.arange(len(rows)), targets], FLOOR)
        return cls(rows, np.log(true), proba.argmax(axis=1) == targets, training.share, training.note)

    @classmethod
    def whole(cls, parts: Sequence["HeldOut"]) -> Self:
        """Several folds as one, in the order of the labels."""
        rows, log_likelihood, right = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "log_likelihood", "right")
        )
        order = np.argsort(rows)
        share = float(np.mean([part.share for part in parts]))
        return cls(rows[order], log_likelihood[order], right[order], share, parts[-1].note)


def stratified(targets: np.ndarray, folds: int, seed: int) -> list[np.ndarray]:
    """The rows of each fold: every class is spread over all folds, as evenly as it goes.

    Args: targets: (n,) int; a class may have fewer items than there are folds.
    """
    order = np.random.default_rng(seed).permutation(len(targets))
    order = order[np.argsort(targets[order], kind="stable")]
    return [np.sort(order[fold::folds]) for fold in range(folds)]


def gain_of(ours: np.ndarray, theirs: np.ndarray, tried: int) -> tuple[float, float, float]:
    """By how much the best of many settings is better, and an interval that allows for their number.

    With 300 labels and 30 settings that were equally good on average, 61 of 100 searches found one whose gain on the
    search's own folds seemed to be no chance, and 35 still on fresh folds, since it was chosen for these very items.
    With the number of settings allowed for it was 10, and 2 of those were in truth worse than the current ones. Where
    some settings were better by 0.12 on average, 87 of 100 searches found one, none of them wrongly.

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
            "settings": row["name"] or f"setting {row['number']}",
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
