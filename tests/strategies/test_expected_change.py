"""Expected gradient length and expected error reduction against numbers by hand and against working it out in full."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import Candidates, blocks, get
from strategies.expected_change import CURVATURE, RIDGE, influence, loss_after
from strategies.uncertainty import gap, shannon

LN2, LN3 = np.log(2), np.log(3)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def gradient_length(proba: np.ndarray, embeddings: np.ndarray) -> np.ndarray:
    c = Candidates(ids=np.arange(len(proba)), proba=proba, embeddings=embeddings)
    return get("expected_gradient_length").function(c, rng())


def pool(n: int, classes: int = 3, labeled: int = 10, d: int = 5, seed: int = 0) -> Candidates:
    draw = rng(seed)
    return Candidates(
        ids=np.arange(n),
        proba=draw.dirichlet(np.ones(classes), n),
        embeddings=draw.normal(size=(n, d)).astype(np.float32),
        labeled_embeddings=draw.normal(size=(labeled, d)).astype(np.float32),
        labeled_targets=draw.integers(0, classes, labeled),
    )


def reduction(c: Candidates, seed: int = 0) -> np.ndarray:
    return get("expected_error_reduction").function(c, rng(seed))


# ---------------------------------------------------------------- expected gradient length


def test_three_gradients_by_hand() -> None:
    proba = np.array([[1.0, 0.0], [0.5, 0.5], [0.75, 0.25]])
    embeddings = np.array([[5.0, 5.0], [0.0, 0.0], [2.0, 2.0]])
    # sure: no change. ½ · √½ + ½ · √½ times ‖(0, 0, 1)‖ = 1. ¾ · ¼√2 + ¼ · ¾√2 times ‖(2, 2, 1)‖ = 3
    expected = [0, np.sqrt(0.5), 0.375 * np.sqrt(2) * 3]
    np.testing.assert_allclose(gradient_length(proba, embeddings), expected, atol=1e-12)
    lengths = gradient_length(proba.astype(np.float32), embeddings.astype(np.float32))
    np.testing.assert_allclose(lengths, expected, rtol=1e-6, atol=1e-6)


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 999))
def test_it_is_the_mean_length_of_the_gradients_written_out(classes: int, d: int, seed: int) -> None:
    c = pool(4, classes, d=d, seed=seed)
    assert c.proba is not None
    assert c.embeddings is not None
    expected = [
        sum(p[y] * np.linalg.norm(np.outer(p - np.eye(classes)[y], [*x, 1])) for y in range(classes))
        for p, x in zip(c.proba, c.embeddings, strict=True)
    ]
    np.testing.assert_allclose(gradient_length(c.proba, c.embeddings), expected, rtol=1e-6, atol=1e-7)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    c = pool(50)
    assert c.proba is not None
    assert c.embeddings is not None
    whole = gradient_length(c.proba, c.embeddings)
    monkeypatch.setattr(blocks, "ENTRIES", 7 * 5)
    np.testing.assert_array_equal(gradient_length(c.proba, c.embeddings), whole)


# ---------------------------------------------------------------- expected error reduction


def test_every_copy_that_is_labeled_already_weakens_the_next() -> None:
    x = np.array([[1.0, 1.0]])  # ‖x‖² = 2
    # (xᵀA⁻¹x = 2 / (1 + m)) / (1 + ½ · the same) with m copies labeled
    for m, expected in enumerate([1, 2 / 3, 1 / 2]):
        np.testing.assert_allclose(influence(x, x, np.repeat(x, m, axis=0)), [[expected]])


def test_the_rank_one_update_is_the_step_with_the_item_in_the_curvature() -> None:
    X, reference, labeled = rng(1).normal(size=(4, 6)), rng(2).normal(size=(7, 6)), rng(3).normal(size=(9, 6))
    for x, steps in zip(X, influence(X, reference, labeled), strict=True):
        rows = np.vstack([labeled, x])
        np.testing.assert_allclose(steps, reference @ np.linalg.solve(RIDGE * np.eye(6) + CURVATURE * rows.T @ rows, x))


def test_the_loss_that_is_left_by_hand() -> None:
    torn, sure = np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])
    # either label moves the difference of the logits by ln 3, which makes (½, ½) into (¾, ¼)
    np.testing.assert_allclose(loss_after(torn, torn, np.array([[LN3]])), [2 * LN2 - 0.75 * LN3])
    np.testing.assert_allclose(loss_after(torn, torn, np.array([[0.0]])), [LN2])  # too far away to matter
    np.testing.assert_allclose(loss_after(sure, torn, np.array([[LN3]])), [LN2])  # the label is known already
    # two reference items: the mean of both
    np.testing.assert_allclose(
        loss_after(torn, np.repeat(torn, 2, axis=0), np.array([[LN3, 0.0]])), [1.5 * LN2 - 0.375 * LN3]
    )


@given(st.integers(1, 6), st.integers(0, 999))
def test_the_loss_that_is_left_written_out(classes: int, seed: int) -> None:
    draw = rng(seed)
    proba, reference = draw.dirichlet(np.ones(classes), 3), draw.dirichlet(np.ones(classes), 4)
    steps = draw.uniform(-2, 2, (3, 4))
    expected = np.zeros(3)
    for i, p in enumerate(proba):
        for y in range(classes):
            moved = reference * np.exp(np.outer(steps[i], np.eye(classes)[y] - p))
            expected[i] += p[y] * shannon(moved / moved.sum(axis=1, keepdims=True)).mean()
    np.testing.assert_allclose(loss_after(proba, reference, steps), expected, atol=1e-9)


def test_an_uncertain_item_among_uncertain_ones_reduces_the_loss_most() -> None:
    draw = rng(1)
    crowd, settled = draw.normal([5, 0, 0], 0.1, (30, 3)), draw.normal([0, 5, 0], 0.1, (30, 3))
    alone = np.array([[0.0, 0.0, 9.0]])
    c = Candidates(
        ids=np.arange(61),
        proba=np.array([[0.5, 0.5]] * 30 + [[0.99, 0.01]] * 30 + [[0.5, 0.5]]),
        embeddings=np.vstack([crowd, settled, alone]),
        labeled_embeddings=settled[:5],
        labeled_targets=np.zeros(5, dtype=int),
    )
    gains = reduction(c)
    assert gains[:30].min() > gains[60] > gains[30:60].max()


def test_those_not_looked_at_come_after_all_others_by_their_margins() -> None:
    c = pool(900)
    assert c.proba is not None
    values = reduction(c)
    order = np.argsort(-values)
    tried, others = order[:200], order[200:]
    gaps = gap(c.proba)
    assert np.isfinite(values).all()
    assert values[tried].min() >= values[others].max() + 1
    assert set(np.argsort(gaps)[:100]) <= set(tried.tolist())  # half of those looked at: the closest calls
    assert np.median(gaps[tried]) < np.median(gaps[others])
    np.testing.assert_array_equal(others, others[np.argsort(gaps[others])])


def test_the_other_half_is_drawn() -> None:
    c = pool(900)
    assert c.proba is not None
    closest = set(np.argsort(gap(c.proba))[:100].tolist())
    first, second = (set(np.argsort(-reduction(c, seed))[:200].tolist()) - closest for seed in (1, 2))
    assert len(first) == len(second) == 100
    assert len(first & second) < 40  # 12.5 are expected of two draws of 100 out of 800


@pytest.mark.parametrize("n", [1, 5, 200, 201])
@pytest.mark.parametrize("classes", [1, 2])
@pytest.mark.parametrize("labeled", [0, 1])
def test_small_worlds_have_scores(n: int, classes: int, labeled: int) -> None:
    values = reduction(pool(n, classes, labeled))
    assert values.shape == (n,)
    assert np.isfinite(values).all()


def test_classes_that_are_ruled_out_break_nothing() -> None:
    c = pool(20)
    assert c.proba is not None
    sure = Candidates(
        c.ids,
        proba=np.eye(3)[np.arange(20) % 3],
        embeddings=c.embeddings,
        labeled_embeddings=c.labeled_embeddings,
        labeled_targets=c.labeled_targets,
    )
    np.testing.assert_allclose(reduction(sure), 0, atol=1e-9)
