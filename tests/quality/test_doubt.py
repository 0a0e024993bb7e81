"""Stated probabilities that labels are wrong, on labels whose truth is known."""

import numpy as np
import pytest

from labeler.measure.intervals import wilson
from labeler.quality.doubt import SHARES, Answers, _evidence, doubt


def simulated(share: float, classes: int, seed: int, n: int = 200, twice: float = 0.0) -> tuple[Answers, np.ndarray]:
    """Answers of people who err in `share` of them, with models that are often sure; and which labels are wrong."""
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.full(classes, 0.3), n)
    truth = np.array([rng.choice(classes, p=row) for row in proba])

    def answered() -> np.ndarray:
        wrong = rng.random(n) < share
        return np.where(wrong, (truth + rng.integers(1, classes, n)) % classes, truth)

    first, second = answered(), answered()
    again = np.flatnonzero(rng.random(n) < twice)
    labels = first.copy()
    labels[again] = second[again]
    smoothed = proba**0.85  # as frozen heads are
    rows, outcomes = np.concatenate([np.arange(n), again]), np.concatenate([first, second[again]])
    return Answers.counted(smoothed / smoothed.sum(axis=1, keepdims=True), labels, rows, outcomes), labels != truth


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("twice", [0.0, 0.5])
def test_the_number_of_wrong_labels_is_within_the_stated_interval(classes: int, twice: float) -> None:
    outside, stated, wrong = 0, [], []
    for share in (0.0, 0.05, 0.1, 0.2):
        for seed in range(10):
            answers, truly_wrong = simulated(share, classes, seed, twice=twice)
            doubts = doubt(answers)
            all_of_them = doubts.wrong_among(np.arange(len(truly_wrong)))
            outside += not all_of_them.low <= truly_wrong.sum() <= all_of_them.high
            stated.append(doubts.probabilities())
            wrong.append(truly_wrong)
    assert outside <= 5  # of 40: more than 5 at a coverage of 95% has a probability of 1.4%
    probabilities, truth = np.concatenate(stated), np.concatenate(wrong)
    worth = probabilities >= 0.15
    low, high = wilson(truth[worth].mean(), worth.sum())
    assert low - 0.05 <= probabilities[worth].mean() <= high + 0.05


def test_a_project_without_wrong_labels_is_told_of_hardly_any() -> None:
    told = [(doubt(simulated(0.0, 10, seed)[0]).probabilities() >= 0.15).sum() for seed in range(10)]
    assert np.mean(told) < 2  # of 200


def test_the_probability_of_a_single_answer_is_bayes_rule() -> None:
    answers = Answers.counted(np.array([[0.2, 0.5, 0.3]]), np.array([0]), np.array([0]), np.array([0]))
    _log, right = _evidence(answers, np.array([0.2]), 0.1)
    assert right[0] == pytest.approx(0.2 * 0.9 / (0.2 * 0.9 + 0.8 * 0.1 / 2))


def test_the_probability_of_two_answers_that_differ_is_bayes_rule() -> None:
    rows, outcomes = np.array([0, 0]), np.array([1, 0])
    answers = Answers.counted(np.array([[0.2, 0.5, 0.3]]), np.array([1]), rows, outcomes)
    log, right = _evidence(answers, np.array([0.2, 0.5]), 0.1)
    likelihoods = 0.2 * 0.9 * 0.05, 0.5 * 0.05 * 0.9, 0.3 * 0.05 * 0.05
    assert right[0] == pytest.approx(likelihoods[1] / sum(likelihoods))
    assert log[0] == pytest.approx(np.log(sum(likelihoods)))


def test_people_who_agree_are_doubted_less_than_one_alone_and_people_who_differ_more() -> None:
    n = 60
    labels = np.arange(n) % 2
    proba = np.where(np.eye(2)[labels] > 0, 0.6, 0.4)
    rows = np.concatenate([np.arange(n), np.arange(20), [20]])
    outcomes = np.concatenate([labels, labels[:20], [1 - labels[20]]])
    wrong = doubt(Answers.counted(proba, labels, rows, outcomes)).probabilities()
    assert wrong[:20].max() < wrong[21:].min()
    assert wrong[20] > wrong[21:].max()


def test_an_imported_label_counts_as_one_answer() -> None:
    proba, labels = np.full((3, 2), 0.5), np.array([0, 1, 1])
    counted = Answers.counted(proba, labels, np.array([0]), np.array([1]))
    assert counted.rows.tolist() == [0, 0, 1, 2]
    assert counted.outcomes.tolist() == [0, 1, 1, 1]
    assert counted.times.tolist() == [1, 1, 1, 1]


def test_the_share_of_wrong_answers_is_estimated_from_people_who_differ() -> None:
    noise = doubt(simulated(0.2, 10, 3, n=400, twice=1.0)[0]).noise
    assert noise.low <= 0.2 <= noise.high
    assert noise.width < 0.15
    assert set(SHARES) >= {noise.low, noise.high}


def test_an_item_of_several_questions_is_wrong_if_any_answer_is() -> None:
    answers, _truth = simulated(0.1, 2, 1)
    single = doubt(answers)
    pairs = doubt(answers, 2)
    expected = 1 - (1 - single.wrong.reshape(len(single.weights), -1, 2)).prod(axis=2)
    np.testing.assert_allclose(pairs.wrong, expected, atol=1e-12)


def test_no_label_gives_an_empty_sum() -> None:
    among = doubt(simulated(0.1, 3, 0)[0]).wrong_among(np.empty(0, dtype=np.intp))
    assert (among.value, among.low, among.high) == (0, 0, 0)
