"""Blocks of rows, by themselves and under every strategy: half precision from a file, and little memory."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import Candidates, InvalidCandidates, Strategy, auto, blocks, low_budget, registered

KINDS = [np.float16, np.float32, np.float64]


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few rows, so that a small array has several and the last one is a part."""
    monkeypatch.setattr(blocks, "ENTRIES", 40)
    monkeypatch.setattr(blocks, "FEW", 30)
    monkeypatch.setattr(blocks, "WIDE", 4)


@given(n=st.integers(0, 50), width=st.integers(0, 70), entries=st.integers(1, 100))
def test_slices_are_all_rows_once(n: int, width: int, entries: int) -> None:
    parts = list(blocks.slices(n, width, entries))
    assert [row for part in parts for row in range(n)[part]] == list(range(n))
    assert all((part.stop - part.start) * width <= max(entries, width) for part in parts)


def test_no_rows_give_an_empty_result() -> None:
    nothing = np.empty((0, 3), dtype=np.float32)
    assert blocks.by_rows(lambda x: x.sum(axis=1), nothing).shape == (0,)
    assert blocks.nearest_squared(nothing, np.ones((2, 3))).shape == (0,)
    assert blocks.finite(nothing)
    assert len(Candidates(np.arange(0), nothing, nothing[None], nothing)) == 0


def test_half_precision_is_widened_and_all_else_is_as_it_was() -> None:
    for kind, expected in zip(KINDS, [np.float32, np.float32, np.float64], strict=True):
        assert blocks.widened(np.ones(2, dtype=kind)).dtype == expected


def test_by_rows_puts_blocks_together(small_blocks: None) -> None:
    members, weights = np.arange(2 * 25 * 3.0).reshape(2, 25, 3), np.arange(25.0)[:, None]
    result = blocks.by_rows(lambda a, w: a.sum(axis=(0, 2)) * w[:, 0], members, weights)
    np.testing.assert_array_equal(result, members.sum(axis=(0, 2)) * weights[:, 0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_found_in_any_block(kind: type, value: float, small_blocks: None) -> None:
    X: np.ndarray = np.full((25, 3), np.finfo(kind).max, dtype=kind)  # the largest there is, whose sum is not finite
    X[1, 1] = np.finfo(kind).smallest_subnormal
    assert blocks.finite(X)
    assert blocks.finite(-X)
    for row in (0, 13, 24):
        broken = X.copy()
        broken[row, 2] = value
        assert not blocks.finite(broken)
        with pytest.raises(InvalidCandidates, match="NaN or infinity"):
            Candidates(np.arange(25), embeddings=broken)


def test_a_wrong_probability_is_found_in_any_block(small_blocks: None) -> None:
    proba = np.full((2, 25, 4), 0.25)
    for value in (np.nan, -0.1, 0.3):
        broken = proba.copy()
        broken[1, 24, 3] = value
        with pytest.raises(InvalidCandidates, match="no probability distribution"):
            Candidates(np.arange(25), member_proba=broken)
    broken = np.tile([1.2, -0.2], (25, 1))  # they sum to 1
    with pytest.raises(InvalidCandidates, match="no probability distribution"):
        Candidates(np.arange(25), proba=broken)


@pytest.mark.parametrize("kind", KINDS)
def test_the_mean_does_not_drift_over_many_rows(kind: type) -> None:
    # added up in float16 it would stay at 2,048, in float32 row by row it would lose digits
    X: np.ndarray = np.ones((200_000, 2), dtype=kind) * np.array([1, 0.5], dtype=kind)
    np.testing.assert_allclose(blocks.mean(X), [1, 0.5], rtol=1e-7)
    assert blocks.mean(X[:0]).tolist() == [0, 0]


@pytest.mark.parametrize("centre", [0.0, np.array([3.0, -1.0, 2.0])])
def test_the_nearest_of_many(centre: np.ndarray | float, small_blocks: None) -> None:
    draw = np.random.default_rng(0)
    X, others = draw.normal(size=(50, 3)), draw.normal(size=(11, 3))
    expected = ((X[:, None] - others) ** 2).sum(axis=2)
    away, which = blocks.nearest(X, others, centre)
    np.testing.assert_allclose(away, expected.min(axis=1), atol=1e-12)
    assert which.tolist() == expected.argmin(axis=1).tolist()
    np.testing.assert_array_equal(blocks.nearest_squared(X, others, centre), away)
    assert np.isinf(blocks.nearest_squared(X, others[:0])).all()


def test_far_from_zero_differences_are_kept_where_the_centre_is_known() -> None:
    X = np.array([[10_000.0], [10_000.5], [10_002.0]])
    away = blocks.nearest_squared(X, X[:1], blocks.mean(X))
    np.testing.assert_allclose(away, [0, 0.25, 4], atol=1e-9)


def test_rows_that_are_taken_are_a_copy() -> None:
    X = np.arange(6.0).reshape(3, 2)
    taken = blocks.take(X, np.array([2, 0]), np.array([1.0, 1.0]))
    assert taken.tolist() == [[3, 4], [-1, 0]]
    assert X[0].tolist() == [0, 1]


# ---------------------------------------------------------------- under the strategies

every = pytest.mark.parametrize("strategy", registered().values(), ids=lambda s: s.name)


def pool(X: np.ndarray, m: int, classes: int = 4) -> Candidates:
    """All but the last m rows of X, with probabilities; those are labeled."""
    draw, n = np.random.default_rng(1), len(X) - m
    return Candidates(
        ids=np.arange(n),
        proba=draw.dirichlet(np.ones(classes), n).astype(np.float32),
        member_proba=draw.dirichlet(np.ones(classes), (3, n)).astype(np.float32),
        embeddings=X[:n],
        labeled_embeddings=X[n:],
        labeled_targets=np.arange(m) % classes,
    )


def in_a_file(path: Path, n: int, d: int) -> np.ndarray:
    """A read-only memory map of n rows of half precision, in groups."""
    draw = np.random.default_rng(0)
    X = np.lib.format.open_memmap(path, "w+", dtype=np.float16, shape=(n, d))
    for part in np.array_split(np.arange(n), 20):
        X[part] = (
            draw.standard_normal((len(part), d), dtype=np.float32) + 3 * np.eye(8, d)[draw.integers(8, size=len(part))]
        )
    X.flush()
    return np.load(path, mmap_mode="r")


@every
def test_half_precision_from_a_file_gives_the_same_items(
    strategy: Strategy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "ENTRIES", 100 * 12)  # many blocks, of 100 rows
    X = in_a_file(tmp_path / "X.npy", 1030, 12)
    chosen = [
        strategy.query(pool(rows, 30), 20, np.random.default_rng(5)).positions.tolist()
        for rows in (X, X.astype(np.float32))
    ]
    assert chosen[0] == chosen[1]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    return in_a_file(tmp_path_factory.mktemp("large") / "X.npy", 200_030, 128)


@pytest.fixture(scope="module")
def large_pool(large: np.ndarray) -> Candidates:
    return pool(large, 30)


@pytest.mark.slow
@every
def test_a_large_pool_is_not_copied(
    strategy: Strategy, large: np.ndarray, large_pool: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    # these samples are as large for any pool, and this one is not very large
    monkeypatch.setattr(low_budget, "COVER", 2_000)
    monkeypatch.setattr(auto, "SAMPLE", 2_000)
    strategy.query(pool(large[-100:], 30), 5, np.random.default_rng(0))  # what it imports is not what it needs
    tracemalloc.start()
    try:
        strategy.query(large_pool, 20, np.random.default_rng(0))
        extra = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # scores: a few numbers for each item, and a block; others may hold samples, but no copy of the pool
    assert extra < (0.3 if strategy.kind == "scores" else 2) * large.nbytes
