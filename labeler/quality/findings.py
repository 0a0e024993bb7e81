"""What an audit says of a project's labels, as plain values: which are likely wrong, and how far people agree."""

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

NOISE = 0.1  # share of labels that are wrong, where no overlap tells it
FEWEST = 50  # items that two people answered, before their agreement says how many labels are wrong
LIFT = 1.25  # a label is looked at if it is so much likelier to be wrong than labels are in general


def errors(
    items: np.ndarray, targets: np.ndarray, proba: np.ndarray, config: Config, noise: float = NOISE
) -> dict[str, Any]:
    """Which labels are likely wrong.

    Confident learning alone, with models that know a few hundred actively chosen labels, takes a third of all labels
    for errors. So a label has to be likelier wrong than labels are in general, too: in simulations that leaves a fifth.

    Args:    items: (n,) ids. targets: (n,) int, or (n, C) of 0 and 1, their labels. proba: (n, C) of models that have
             not seen them, see `label_errors.out_of_sample`. noise: the share of labels that are wrong.
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
    """The share of labels that are wrong, by the report of `people`: half of what two people say differently, since
    one of two is mostly right; `NOISE` where too few items were answered by two.
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
    """How far people agree, what they and the model say together, and who is too fast to have looked.

    Args:    rows: as `Reviews.annotations` gives them, of pool and holdout. items, proba: as in `errors`, of the pool:
             what the holdout is measured by must not depend on the model.
             unlabeled: (k, C) what the model says of the items that are asked next; None: only new ones are asked.
    Returns: answers, and labeled (items with one); agreement (`labeler.agreement.Agreement`; None without overlap);
             fast: annotator → [much too fast answers, all with a time]; items, labels (texts) and quality of CROWDLAB's
             consensus, where several people answered; annotators (`labeler.consensus.OfAnnotator`); again: items to ask
             again rather than new ones.
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
    if together:  # what one person alone said is left to `errors`
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
    """By annotator: how many answers were much too fast, and how many have a time."""
    names = np.array([name for _, name, _, _ in rows], dtype=object)
    seconds = np.array([np.nan if s is None else s for *_, s in rows], dtype=float)
    fast, timed = outliers(names, seconds), np.isfinite(seconds)
    return {str(name): [int(fast[names == name].sum()), int(timed[names == name].sum())] for name in sorted(set(names))}
