import json
from dataclasses import asdict

import numpy as np

from labeler.quality.agreement import Votes
from labeler.quality.consensus import consensus, relabel_or_new


def crowd(n: int = 300, seed: int = 0) -> tuple[Votes, np.ndarray, np.ndarray, np.ndarray]:
    """Items of three classes; ann and bob are good and cy guesses half of the time; a decent model."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    items, names, targets = [], [], []
    for name, wrong in (("ann", 0.05), ("bob", 0.1), ("cy", 0.6)):
        for i in np.flatnonzero(rng.random(n) < 0.7):
            items.append(i + 1000)
            names.append(name)
            targets.append(rng.integers(0, 3) if rng.random() < wrong else truth[i])
    proba = rng.dirichlet(np.ones(3), n) * 0.4
    proba[np.arange(n), truth] += 0.6
    votes = Votes(np.array(items), np.array(names, dtype=object), np.array(targets))
    return votes, np.arange(n) + 1000, proba, truth


def test_the_guessing_annotator_is_worst_and_the_consensus_beats_the_majority() -> None:
    votes, items, proba, truth = crowd()
    report = consensus(votes, items, proba)
    assert report is not None
    assert report.annotators[0].name == "cy"
    right = np.mean([truth[item - 1000] == label for item, label in zip(report.items, report.labels, strict=True)])
    majority = np.mean(
        [np.bincount(votes.targets[votes.items == item]).argmax() == truth[item - 1000] for item in report.items]
    )
    assert right > majority
    assert sum(a.answers for a in report.annotators) == len(votes)
    json.dumps(asdict(report))


def test_without_overlap_or_without_anybody_agreeing_there_is_no_consensus() -> None:
    proba = np.full((2, 2), 0.5)
    for items, targets in ((np.array([1, 2]), np.array([0, 1])), (np.array([1, 1]), np.array([0, 1]))):
        votes = Votes(items, np.array(["ann", "bob"], dtype=object), targets)
        assert consensus(votes, np.array([1, 2]), proba) is None
        assert relabel_or_new(votes, np.array([1, 2]), proba, proba, 1) == ()


def test_same_seed_same_consensus_and_the_global_generator_is_left_alone() -> None:
    votes, items, _, _ = crowd(60)
    flat = np.full((60, 3), 1 / 3)  # ties everywhere
    np.random.seed(7)
    expected = np.random.random()
    np.random.seed(7)
    assert consensus(votes, items, flat) == consensus(votes, items, flat)
    assert np.random.random() == expected


def test_items_that_people_and_the_model_disagree_on_are_asked_again() -> None:
    votes, items, proba, _ = crowd()
    sure = np.tile([0.98, 0.01, 0.01], (200, 1))
    again = relabel_or_new(votes, items, proba, sure, 20)
    assert len(again) == 20  # new items hold no doubt
    doubtful = np.full((200, 3), 1 / 3)
    assert len(relabel_or_new(votes, items, proba, doubtful, 20)) < len(again)
    scores = [len(set(votes.targets[votes.items == item].tolist())) for item in again]
    assert np.mean(scores) > np.mean([len(set(votes.targets[votes.items == i].tolist())) for i in set(votes.items)])
