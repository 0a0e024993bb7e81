"""Active testing: unbiased whatever the model believed, exact when all is labeled, and better where it knows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.measure.active_testing import (
    Drawn,
    draw,
    estimate,
    evaluate_drawn,
    labeled_prefix,
    loss_estimate,
    metrics_drawn,
    weights,
)
from labeler.measure.holdout import evaluation
from labeler.measure.intervals import wilson


def left(N: int, m: int) -> np.ndarray:
    return N - np.arange(m)


def test_draws_are_without_replacement_and_each_chance_is_that_among_what_was_left():
    losses = np.array([0.0, 1.0, 2.0, 5.0])
    order, q = draw(losses, 4, np.random.default_rng(0), floor=0.2)
    assert sorted(order) == [0, 1, 2, 3]
    share = 0.2 + 0.8 * losses / 2
    for i in range(4):
        assert q[i] == pytest.approx(share[order[i]] / share[order[i:]].sum())
    few, chance = draw(losses, 2, np.random.default_rng(0), floor=0.2)
    assert (few.tolist(), chance.tolist()) == (order[:2].tolist(), q[:2].tolist())


def test_items_are_drawn_with_the_stated_probabilities():
    losses, rng = np.array([1.0, 3.0, 0.0]), np.random.default_rng(1)
    first = [draw(losses, 1, rng, floor=0.25)[0][0] for _ in range(4000)]
    share = 0.25 + 0.75 * losses * 3 / 4
    assert np.bincount(first, minlength=3) / 4000 == pytest.approx(share / share.sum(), abs=0.03)


def test_without_expectations_the_draw_is_uniform():
    _, q = draw(np.zeros(5), 3, np.random.default_rng(0))
    assert q == pytest.approx([1 / 5, 1 / 4, 1 / 3])


def test_weights_by_the_formula():
    q, N, M = np.array([0.3, 0.2, 0.5]), 6, 3
    m = np.arange(1, M + 1)
    expected = 1 + (N - M) / (N - m) * (1 / ((N - m + 1) * q) - 1)  # Farquhar, Gal & Rainforth 2021, equation 4
    assert weights(q, left(N, M)) == pytest.approx(expected)


@given(st.integers(1, 30), st.integers(0, 1000))
def test_with_everything_labeled_it_is_the_plain_mean_with_its_interval(N, seed):
    rng = np.random.default_rng(seed)
    order, q = draw(rng.random(N), N, rng)
    losses = rng.integers(0, 2, N).astype(float)[order]
    mean, n = estimate(losses, q, left(N, N))
    low, high = wilson(losses.mean(), N)
    assert (mean.value, mean.low, mean.high) == tuple(pytest.approx(x) for x in (losses.mean(), low, high))
    assert n == pytest.approx(N)


@given(st.integers(2, 60), st.integers(0, 1000), st.data())
def test_uniform_draws_have_equal_weights(N, seed, data):
    m = data.draw(st.integers(1, N))
    rng = np.random.default_rng(seed)
    losses = rng.integers(0, 2, m).astype(float)
    assert weights(1 / left(N, m), left(N, m)) == pytest.approx(np.ones(m))
    assert estimate(losses, 1 / left(N, m), left(N, m))[0].value == pytest.approx(losses.mean())


def world(N: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """How likely each item's answer is wrong, and what an overconfident model believes of it."""
    wrong = np.random.default_rng(seed).beta(0.3, 1.5, N)
    return wrong, wrong**2


def test_the_estimate_is_unbiased_for_a_miscalibrated_model():
    rng, N = np.random.default_rng(2), 60
    losses = (rng.random(N) < 0.3).astype(float)
    for belief in (losses + 0.1, 1.1 - losses, rng.random(N)):  # right, the opposite, nonsense
        means = []
        for _ in range(4000):
            order, q = draw(belief, 15, rng)
            means.append(weights(q, left(N, 15)) @ losses[order] / 15)
        assert np.mean(means) == pytest.approx(losses.mean(), abs=4 * np.std(means) / np.sqrt(4000))


def test_the_estimate_is_more_precise_than_a_uniform_draw_and_its_interval_covers():
    N, m = 300, 60
    active, uniform, held, narrower = [], [], 0, 0
    rng = np.random.default_rng(3)
    wrong, belief = world(N, 3)
    for _ in range(1000):
        losses = (rng.random(N) < wrong).astype(float)
        order, q = draw(np.sqrt(belief), m, rng)
        mean, _n = estimate(losses[order], q, left(N, m))
        plain = losses[rng.choice(N, m, replace=False)].mean()
        low, high = wilson(plain, m)
        active.append(mean.value - losses.mean())
        uniform.append(plain - losses.mean())
        held += mean.low <= wrong.mean() <= mean.high
        narrower += mean.high - mean.low < high - low
    assert np.mean(active) == pytest.approx(0, abs=4 * np.std(active) / np.sqrt(1000))
    assert np.std(active) < 0.8 * np.std(uniform)
    assert 0.93 <= held / 1000 <= 0.995
    assert narrower > 800


def test_items_without_an_answer_leave_the_population():
    """A fifth of the items turn out to be unusable, more of them where errors are."""
    rng, N, m = np.random.default_rng(4), 200, 80
    wrong, belief = world(N, 4)
    losses = (rng.random(N) < wrong).astype(float)
    usable = rng.random(N) > 0.1 + 0.3 * losses
    truth, means = losses[usable].mean(), []
    for _ in range(2000):
        order, q = draw(np.sqrt(belief), m, rng)
        means.append(estimate(losses[order], q, left(N, m), usable[order])[0].value)
    assert np.mean(means) == pytest.approx(truth, abs=0.006)  # a ratio: its bias falls with 1 / m
    order, q = draw(np.sqrt(belief), N, rng)
    everything, n = estimate(losses[order], q, left(N, N), usable[order])
    assert everything.value == pytest.approx(truth)
    assert n == pytest.approx(usable.sum())
    assert estimate(np.zeros(2), q[:2], left(N, 2), np.zeros(2, dtype=bool))[1] == 0


def test_draws_before_the_holdout_grew_have_no_weight():
    rng = np.random.default_rng(5)
    losses = np.concatenate([np.zeros(40), np.ones(40)])  # the later half is all wrong
    means = []
    for _ in range(3000):
        first, q1 = draw(np.ones(40), 10, rng)
        rest = np.setdiff1d(np.arange(80), first)
        second, q2 = draw(rng.random(len(rest)), 20, rng)
        order = np.concatenate([first, rest[second]])
        remaining = np.concatenate([left(40, 10), left(70, 20)])
        means.append(weights(np.concatenate([q1, q2]), remaining) @ losses[order] / 30)
    assert np.mean(means) == pytest.approx(0.5, abs=4 * np.std(means) / np.sqrt(3000))


def test_the_loss_estimate_is_the_root_of_the_error_probability():
    assert loss_estimate(np.array([[0.75, 0.25], [1.0, 0.0]])) == pytest.approx([0.5, 0])
    # a set of two classes is right if both are: .9 · .6
    assert loss_estimate(np.array([[0.9, 0.4]]), several=True) == pytest.approx([np.sqrt(1 - 0.54)])


ROWS = [{"item_id": i, "q": 1 / (6 - k), "remaining": 6 - k, "round": 1} for k, i in enumerate([5, 3, 9, 4])]


def test_the_measured_draws_end_at_the_first_open_item():
    drawn = labeled_prefix(ROWS, labeled={5, 9, 4}, unusable={3})
    assert drawn.items.tolist() == [5, 3, 9, 4]
    assert drawn.usable.tolist() == [True, False, True, True]
    assert drawn.remaining.tolist() == [6, 5, 4, 3]
    assert labeled_prefix(ROWS, labeled={5, 9, 4}, unusable=set()).items.tolist() == [5]
    assert labeled_prefix(ROWS, labeled={9}, unusable=set()).items.tolist() == []


def test_drawn_items_are_evaluated_with_their_weights():
    drawn = labeled_prefix(ROWS, labeled={5, 9, 4}, unusable={3})
    proba, targets = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), np.array([0, 1, 1])
    evaluated = evaluate_drawn(proba, targets, "ab", drawn)
    assert (evaluated.n, evaluated.accuracy.value) == (3, pytest.approx(2 / 3))  # drawn uniformly
    plain = evaluation(proba, targets, "ab")
    assert evaluated.classes[0].recall.value == pytest.approx(plain.classes[0].recall.value)
    of_round = metrics_drawn(proba, targets, drawn)
    assert (of_round.n, of_round.accuracy, of_round.low) == (3, evaluated.accuracy.value, evaluated.accuracy.low)


@given(st.integers(1, 25), st.integers(2, 4), st.integers(0, 500), st.booleans())
def test_the_metrics_of_a_round_are_those_of_the_evaluation(m, classes, seed, several):
    rng = np.random.default_rng(seed)
    order, q = draw(rng.random(30), m, rng)
    drawn = Drawn(order, q, left(30, m), rng.random(m) < 0.8)
    k = int(drawn.usable.sum())
    if not k:
        return
    proba = rng.dirichlet(np.ones(classes), k)
    targets = rng.integers(0, 2, (k, classes)) if several else rng.integers(0, classes, k)
    evaluated, of_round = evaluate_drawn(proba, targets, "abcd"[:classes], drawn), metrics_drawn(proba, targets, drawn)
    assert (of_round.accuracy, of_round.low, of_round.high) == (
        evaluated.accuracy.value,
        evaluated.accuracy.low,
        evaluated.accuracy.high,
    )
    assert of_round.macro_f1 == pytest.approx(evaluated.macro_f1.value)
    assert of_round.calibration_error == pytest.approx(evaluated.calibration.error)
    assert of_round.micro_f1 == (pytest.approx(evaluated.micro_f1.value) if several else None)
