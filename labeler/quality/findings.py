"""An audit's findings on a project's labels, as plain values: likely errors and agreement."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from labeler.core.decisions import predicted
from labeler.core.labels import texts_of
from labeler.core.settings import Config
from labeler.quality.agreement import Votes, agreement
from labeler.quality.consensus import consensus, relabel_or_new
from labeler.quality.label_errors import chance_of_error, label_quality, likely_errors
from labeler.quality.speed import outliers

NOISE = 0.1  # share of wrong labels, assumed where no overlap estimates it
FEWEST = 50  # items with two answers: with fewer the share of wrong labels is not estimated
LIFT = 1.25  # a label is suspect if it is this many times likelier to be wrong than the average label


def errors(
    items: np.ndarray, targets: np.ndarray, proba: np.ndarray, config: Config, noise: float = NOISE
) -> dict[str, Any]:
    """The labels that are likely wrong.

    Confident learning alone, with models trained on a few hundred actively chosen labels, flags a third of all labels.
    So a label must also be likelier to be wrong than labels are on average: in simulations that leaves a fifth.

    Args:    items: (n,) ids. targets: (n,) int, or (n, C) of 0 and 1, their labels. proba: (n, C)
             out of sample, see `label_errors.out_of_sample`. noise: the share of labels that are wrong.
    Returns: n, noise, and lists with an entry for each item: items (ids); given and predicted (labels' texts);
             confidence (of the models in what they predict) and wrong (the probability that the label is), from 0 to 1;
             likely (1: likely wrong).
    """
    several = targets.ndim == 2
    quality = label_quality(proba, targets)
    wrong = chance_of_error(quality, noise, config.outcomes)
    likely = likely_errors(proba, targets) & (wrong >= LIFT * noise)
    says = predicted(proba, several)
    sure = np.maximum(proba, 1 - proba).min(axis=1) if several else proba.max(axis=1)
    return {
        "n": len(items),
        "noise": noise,
        "items": [int(i) for i in items],
        "given": texts_of(targets, config),
        "predicted": texts_of(says, config),
        "confidence": [round(float(p), 4) for p in sure],
        "wrong": [round(float(p), 4) for p in wrong],
        "likely": [int(suspect) for suspect in likely],
    }


def noise_of(report: dict[str, Any]) -> float:
    """The share of wrong labels, from the report of `people`: half the disagreement of two people, since one of two is
    mostly right; `NOISE` where too few items have two answers.
    """
    agreed = report["agreement"]
    if agreed is None or agreed["items"] < FEWEST:
        return NOISE
    return float(np.clip((1 - agreed["percent"]["value"]) / 2, 0.01, 0.3))


def people(
    rows: Sequence[tuple[int, str, str, float | None]],
    items: np.ndarray,
    proba: np.ndarray,
    config: Config,
    unlabeled: np.ndarray | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """The agreement of annotators, their consensus with the model, and how many answers came too fast.

    Args:    rows: as `Reviews.annotations` gives them, of pool and holdout. items, proba: as in `errors`, of the pool:
             the holdout's labels must not depend on the model.
             unlabeled: (k, C) predicted probabilities of unlabeled items; None: no item is asked again.
    Returns: answers, and labeled (items with one); agreement (`labeler.quality.agreement.Agreement`; None without
             overlap); fast: annotator → [much too fast answers, all with a time]; items, labels (texts) and quality
             of CROWDLAB's consensus, where several people answered; annotators
             (`labeler.quality.consensus.OfAnnotator`); again: items to ask again rather than new ones.
    """
    votes = Votes.of([row[:3] for row in rows], config)
    agreed = agreement(votes, config.classes, seed)
    report: dict[str, Any] = {
        "answers": len(votes),
        "labeled": len(np.unique(votes.items)),
        "agreement": asdict(agreed) if agreed else None,
        "fast": _fast_answers(rows),
        "items": [],
        "labels": [],
        "quality": [],
        "annotators": [],
        "again": [],
    }
    if agreed is None or config.several:
        return report
    together = consensus(votes, items, proba, seed)
    if together:  # labels of a single annotator are left to `errors`
        shared = set(votes.overlapping().items.tolist())
        several = [at for at, item in enumerate(together.items) if item in shared]
        report |= {
            "items": [together.items[at] for at in several],
            "labels": [config.classes[together.labels[at]] for at in several],
            "quality": [together.quality[at] for at in several],
            "annotators": [asdict(a) | {"worst": config.classes[a.worst]} for a in together.annotators],
        }
    if unlabeled is not None:
        again = relabel_or_new(votes, items, proba, unlabeled, config.query.batch, seed)
        report["again"] = list(again)
    return report


def _fast_answers(rows: Sequence[tuple[int, str, str, float | None]]) -> dict[str, list[int]]:
    """By annotator: the number of much too fast answers, and of answers with a known time."""
    names = np.array([name for _, name, _, _ in rows], dtype=object)
    seconds = np.array([np.nan if s is None else s for *_, s in rows], dtype=float)
    fast, timed = outliers(names, seconds), np.isfinite(seconds)
    return {str(name): [int(fast[names == name].sum()), int(timed[names == name].sum())] for name in sorted(set(names))}
