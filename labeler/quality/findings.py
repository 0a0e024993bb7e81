"""An audit's findings on a project's labels, as plain values: which are worth a second look, and agreement."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from labeler.core.decisions import predicted
from labeler.core.labels import texts_of
from labeler.core.settings import Config
from labeler.quality.agreement import Votes, agreement
from labeler.quality.consensus import consensus, relabel_or_new
from labeler.quality.doubt import Answers, doubt
from labeler.quality.speed import outliers

# Probability of being wrong from which on a label is worth a second look: about one look in four finds one.
WORTH = 0.15
# The next in doubt follow in the review queue, for leads who have time to look at more: down to this probability, and
# up to this share of all labels together with those that are worth a second look. Who looks at a fifth of the labels
# thus finds as many errors as the order of doubt allows.
NEXT, LOOKS = 0.05, 0.2


def errors(
    items: np.ndarray,
    targets: np.ndarray,
    proba: np.ndarray,
    config: Config,
    rows: Sequence[tuple[int, str, str]] = (),
) -> dict[str, Any]:
    """How probable it is that each label is wrong, and which are worth a second look.

    Args:    items: (n,) ids, n ≥ 1. targets: (n,) int, or (n, C) of 0 and 1, their labels. proba: (n, C)
             out of sample, see `label_errors.out_of_sample`. rows: all answers, as (item id, annotator, label).
    Returns: n; noise (the share of wrong answers) and expected (how many of the labels that are worth a second look
             are wrong), each with value, low and high; and lists with an entry for each item: items (ids); given and
             predicted (labels' texts); confidence (of the models in what they predict) and wrong (the probability that
             the label is), from 0 to 1; second_look (1: worth one); further (1: next in doubt).
    """
    several = targets.ndim == 2
    doubts = doubt(_answers(items, targets, proba, Votes.of(rows, config)), proba.shape[1] if several else 1)
    wrong = doubts.probabilities()
    second_look = wrong >= WORTH
    further = ~second_look & (wrong >= NEXT)
    further[np.argsort(-wrong, kind="stable")[round(LOOKS * len(items)) :]] = False
    says = predicted(proba, several)
    sure = np.maximum(proba, 1 - proba).min(axis=1) if several else proba.max(axis=1)
    return {
        "n": len(items),
        "noise": asdict(doubts.noise),
        "expected": asdict(doubts.wrong_among(np.flatnonzero(second_look))),
        "items": [int(i) for i in items],
        "given": texts_of(targets, config),
        "predicted": texts_of(says, config),
        "confidence": [round(float(p), 4) for p in sure],
        "wrong": [round(float(p), 4) for p in wrong],
        "second_look": [int(worth) for worth in second_look],
        "further": [int(follows) for follows in further],
    }


def _answers(items: np.ndarray, targets: np.ndarray, proba: np.ndarray, votes: Votes) -> Answers:
    """The answers to these items; each class is a question of its own, to yes or no, where an item has several."""
    votes = votes.take(np.flatnonzero(np.isin(votes.items, items)))
    order = np.argsort(items)
    rows = order[np.searchsorted(items, votes.items, sorter=order)]
    if targets.ndim == 1:
        return Answers.counted(proba, targets, rows, votes.targets)
    C = proba.shape[1]
    yes = proba.reshape(-1, 1)
    questions = rows[:, None] * C + np.arange(C)
    return Answers.counted(
        np.hstack([1 - yes, yes]), targets.reshape(-1).astype(np.intp), questions.reshape(-1), votes.targets.reshape(-1)
    )


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
