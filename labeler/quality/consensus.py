"""Consensus labels, the quality of annotators (both by CROWDLAB), and the items to ask again (by ActiveLab).

Only for items of one class: where items have several, annotators are compared by `labeler.quality.agreement` alone.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from labeler.quality.agreement import Votes

# Imports of cleanlab are deferred: it is slow to load.


@dataclass(frozen=True)
class OfAnnotator:
    """An annotator's quality by CROWDLAB, from 0 to 1, and agreement with the consensus on `answers` answers.

    quality: None where nobody else answered the same items. worst: index of the class with the most wrong answers.
    """

    name: str
    quality: float | None
    agreement: float
    answers: int
    worst: int


@dataclass(frozen=True)
class Consensus:
    """The most probable class of each item and its probability; the annotators, the worst first.

    items: item ids. labels: class indices.
    """

    items: tuple[int, ...]
    labels: tuple[int, ...]
    quality: tuple[float, ...]
    annotators: tuple[OfAnnotator, ...]


def consensus(votes: Votes, items: np.ndarray, proba: np.ndarray, seed: int = 0) -> Consensus | None:
    """The consensus labels and the annotators' quality by CROWDLAB; None where no two people agree on any item.

    Args:    votes: of one class an item; those to other items are left out. items: (n,) ids that `proba` is of.
             proba: (n, C) out-of-sample probabilities. seed: breaks ties.
    Source:  Goh, Tkachenko and Mueller 2022 (CROWDLAB); computed by cleanlab.
    """
    table = _Table.of(votes, items, proba)
    if not table.overlaps():
        return None
    from cleanlab.multiannotator import get_label_quality_multiannotator

    with _quiet(seed):
        results = get_label_quality_multiannotator(table.answers, table.proba, verbose=False)
    quality, people = results["label_quality"], results["annotator_stats"]
    return Consensus(
        tuple(table.items.tolist()),
        tuple(int(label) for label in quality["consensus_label"]),
        tuple(round(float(q), 4) for q in quality["consensus_quality_score"]),
        tuple(
            OfAnnotator(
                table.names[at],
                None if np.isnan(row["annotator_quality"]) else float(row["annotator_quality"]),
                float(row["agreement_with_consensus"]),
                int(row["num_examples_labeled"]),
                int(row["worst_class"]),
            )
            for at, row in people.iterrows()
        ),
    )


def relabel_or_new(
    votes: Votes, items: np.ndarray, proba: np.ndarray, unlabeled: np.ndarray, n: int, seed: int = 0
) -> tuple[int, ...]:
    """The items that are worth another answer more than new items are, for a batch of `n`; the most useful first.

    The next `n` questions go to the items with the least certain label, whether they have answers or not.

    Args:    votes, items, proba: as in `consensus`. unlabeled: (k, C) predicted probabilities of items without answers.
    Returns: ids of items that have answers; empty if all `n` are better spent on new items.
    Source:  Goh and Mueller 2023 (ActiveLab); computed by cleanlab.
    """
    table = _Table.of(votes, items, proba)
    if not table.overlaps() or n < 1:
        return ()
    from cleanlab.multiannotator import get_active_learning_scores

    with _quiet(seed):
        again, new = get_active_learning_scores(table.answers, table.proba, unlabeled if len(unlabeled) else None)
    order = np.argsort(np.concatenate([np.asarray(again, float), np.asarray(new, float)]), kind="stable")[:n]
    return tuple(table.items[order[order < len(table.items)]].tolist())


@dataclass(frozen=True)
class _Table:
    """Answers as cleanlab wants them: items (n,) ids, names of M annotators, answers (n, M) with NaN for none."""

    items: np.ndarray
    names: list[str]
    answers: np.ndarray
    proba: np.ndarray

    @classmethod
    def of(cls, votes: Votes, items: np.ndarray, proba: np.ndarray) -> "_Table":
        votes = votes.take(np.flatnonzero(np.isin(votes.items, items)))
        voted = np.isin(items, votes.items)
        items, proba = np.asarray(items)[voted], np.asarray(proba, dtype=float)[voted]
        names, column = np.unique(votes.annotators.astype(str), return_inverse=True)
        order = np.argsort(items)
        row = order[np.searchsorted(items, votes.items, sorter=order)]
        answers = np.full((len(items), len(names)), np.nan)
        answers[row, column] = votes.targets
        return cls(items, names.tolist(), answers, proba)

    def overlaps(self) -> bool:
        """Whether any two people gave the same answer to an item; CROWDLAB weighs annotators by such agreement."""
        return any(
            np.any(np.bincount(row[~np.isnan(row)].astype(int)) > 1)
            for row in self.answers[(~np.isnan(self.answers)).sum(axis=1) > 1]
        )


@contextlib.contextmanager
def _quiet(seed: int) -> Iterator[None]:
    """Silence cleanlab, and seed the global generator by which it breaks ties."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(state)
