"""Unsure and different: each strategy on a few points, and what stays true where it draws by position."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import Candidates, coreset, get, hybrid


def pool(embeddings: np.ndarray, unsure: np.ndarray) -> Candidates:
    """Candidates of two classes whose margin is 1 − unsure."""
    proba = np.stack([1 - unsure / 2, unsure / 2], axis=1)
    return Candidates(ids=np.arange(len(embeddings)), proba=proba, embeddings=embeddings)


def pick(name: str, c: Candidates, n: int, seed: int = 0) -> list[int]:
    return get(name).query(c, n, np.random.default_rng(seed)).positions.tolist()


def line(*points: float) -> np.ndarray:
    return np.array(points, dtype=float)[:, None]


# ---------------------------------------------------------------- cluster_margin

CLUSTERS = pool(line(0, 0.1, 0.2, 10, 10.1, 20), np.array([0.7, 0.9, 0.8, 0.5, 0.6, 0.4]))


@pytest.mark.parametrize("seed", range(3))
def test_cluster_margin_takes_the_unsurest_of_each_cluster(seed: int) -> None:
    assert pick("cluster_margin", CLUSTERS, 3, seed) == [1, 4, 5]
    assert pick("cluster_margin", CLUSTERS, 1, seed) == [1]  # one cluster: margin sampling


def test_cluster_margin_begins_anew_where_copies_make_fewer_clusters() -> None:
    c = pool(line(0, 0, 0, 9, 9, 9, 9, 9), np.array([0.3, 0.2, 0.1, 0.9, 0.8, 0.7, 0.6, 0.5]))
    # two places, 0 (three items) and 9 (five), of which 9 is less sure; the last turn is not whole, and 0 is smaller
    assert pick("cluster_margin", c, 5) == [3, 0, 4, 1, 2]


def test_cluster_margin_looks_at_ten_times_the_batch() -> None:
    draw = np.random.default_rng(0)
    unsure = draw.permutation(np.linspace(0, 1, 100))
    picks = pick("cluster_margin", pool(draw.normal(size=(100, 3)), unsure), 4)
    assert unsure[picks].min() > np.sort(unsure)[-41]


def test_cluster_margin_of_a_large_batch_clusters_no_more_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hybrid, "LINKED", 20)
    draw = np.random.default_rng(0)
    c = pool(draw.normal(size=(100, 3)), draw.random(100))
    for n in (5, 20, 30, 100):
        assert len(set(pick("cluster_margin", c, n))) == n


# ---------------------------------------------------------------- badge


def gradients(c: Candidates) -> np.ndarray:
    """The embedding as the paper has it, in full: (n, C · d)."""
    assert c.proba is not None
    assert c.embeddings is not None
    off = c.proba - np.eye(c.proba.shape[1])[c.proba.argmax(axis=1)]
    return np.einsum("nc,nd->ncd", off, c.embeddings).reshape(len(c), -1)


@given(n=st.integers(1, 12), classes=st.integers(1, 5), d=st.integers(1, 6), seed=st.integers(0, 10_000))
def test_distances_between_gradients_are_those_of_the_gradients_in_full(
    n: int, classes: int, d: int, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    c = Candidates(np.arange(n), proba=draw.dirichlet(np.ones(classes), n), embeddings=draw.normal(size=(n, d)))
    assert c.proba is not None
    G = gradients(c)
    A = c.proba - np.eye(classes)[c.proba.argmax(axis=1)]
    away = hybrid._gradient_distances(A, c.embeddings, (G**2).sum(axis=1), np.arange(n))
    expected = ((G[:, None] - G[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(away, expected, rtol=1e-6, atol=1e-4 * max(1, expected.max()))


# Two classes: g = (−u/2, u/2) ⊗ x, so that ‖g‖² = u² ‖x‖² / 2. With u = 1, g goes as x.
THREE = pool(line(0, 1, 3), np.ones(3))  # the largest is 3; squared distances to it: 9 and 4 (halved)


def test_badge_begins_with_the_largest_and_draws_by_squared_distance() -> None:
    seconds = []
    for seed in range(600):
        first, second = pick("badge", THREE, 2, seed)
        assert first == 2
        seconds.append(second)
    # 9 / (9 + 4) = .692; the standard error is .019
    assert np.mean(np.array(seconds) == 0) == pytest.approx(9 / 13, abs=0.08)


def test_badge_draws_several_at_once_as_if_one_by_one() -> None:
    c = pool(line(0, 1, 3, 4), np.ones(4))
    # 4 first, then squared distances 16, 9, 1; after 0: 0, 1, 1; after 1: 1, 0, 1; after 3: 9, 4, 0
    chance = {
        (0, 1): 16 / 26 / 2,
        (0, 2): 16 / 26 / 2,
        (1, 0): 9 / 26 / 2,
        (1, 2): 9 / 26 / 2,
        (2, 0): 1 / 26 * 9 / 13,
        (2, 1): 1 / 26 * 4 / 13,
    }
    draws = [tuple(pick("badge", c, 3, seed)[1:]) for seed in range(1500)]
    for pair, expected in chance.items():
        assert np.mean([d == pair for d in draws]) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_badge_begins_with_the_same_item_in_whatever_order_they_stand(seed: int) -> None:
    draw = np.random.default_rng(seed)
    c = pool(draw.normal(size=(20, 3)), draw.random(20))
    order = draw.permutation(20)
    assert c.proba is not None
    assert c.embeddings is not None
    moved = Candidates(np.arange(20), proba=c.proba[order], embeddings=c.embeddings[order])
    largest = (gradients(c) ** 2).sum(axis=1).argmax()
    assert pick("badge", c, 3, seed)[0] == largest
    assert order[pick("badge", moved, 3, seed)[0]] == largest


def test_badge_takes_copies_last_and_once_each() -> None:
    points = np.repeat(np.random.default_rng(0).normal(size=(3, 5)), 4, axis=0)
    picks = pick("badge", pool(points, np.full(12, 0.8)), 12)
    assert sorted(i // 4 for i in picks[:3]) == [0, 1, 2]
    assert sorted(picks) == list(range(12))


# ---------------------------------------------------------------- weighted_k_means


def test_an_uncertain_item_attracts_the_centre() -> None:
    # the centre of 0, 4 and 10 is at (0 · .1 + 4 · .1 + 10 · .9) / 1.1 = 8.5; unweighted, it is at 4.7
    assert pick("weighted_k_means", pool(line(0, 4, 10), np.array([0.1, 0.1, 0.9])), 1) == [2]
    assert pick("weighted_k_means", pool(line(0, 4, 10), np.array([0.5, 0.5, 0.5])), 1) == [1]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_candidates_does_not_matter_where_clusters_are_clear(seed: int) -> None:
    # in general it does: the first centres are drawn by position. This is what holds.
    draw = np.random.default_rng(0)
    sizes = [4, 9, 6]
    members = np.repeat(np.arange(3), sizes)
    points = 100 * np.eye(3)[members] + draw.normal(scale=0.1, size=(19, 3))
    unsure = np.where(members == 0, 0.9, 0.3)
    picks = pick("weighted_k_means", pool(points, unsure), 3, seed)
    assert members[picks].tolist() == [0, 1, 2]  # weights 3.6, 2.7, 1.8
    order = np.random.default_rng(seed + 100).permutation(19)
    moved = pick("weighted_k_means", pool(points[order], unsure[order]), 3, seed)
    assert order[moved].tolist() == picks


def test_fewer_distinct_items_than_asked_are_filled_with_the_unsurest() -> None:
    c = pool(line(0, 0, 0, 9, 9), np.array([0.1, 0.2, 0.3, 0.4, 0.5]))
    picks = pick("weighted_k_means", c, 4)
    assert {0 if i < 3 else 9 for i in picks[:2]} == {0, 9}
    rest = sorted(set(range(5)) - set(picks[:2]), reverse=True)
    assert picks[2:] == rest[:2]


# ---------------------------------------------------------------- ranked_batch


def ranked(c: Candidates, labeled: np.ndarray, name: str = "ranked_batch", n: int = 1, seed: int = 0) -> list[int]:
    with_labeled = replace(c, labeled_embeddings=labeled, labeled_targets=np.zeros(len(labeled), dtype=int))
    return pick(name, with_labeled, n, seed)


def test_ranked_batch_by_hand() -> None:
    # Three items, three labels, so that α is 3/6, 2/6, 1/6; similarity is 1 / (1 + distance); unsureness is halved, as
    # of two classes the most probable has ½ at least
    c = pool(line(1, 3, 4), np.array([1.0, 0.2, 0.4]))
    labels = line(0, 0, 0)
    # ½ (½ + .5) = .5, ½ (¾ + .1) = .425, ½ (⅘ + .2) = .5: move the first a little, and 4 is first
    c = replace(c, embeddings=line(0.9, 3, 4))
    # then .9: ⅓ · .9/1.9 + ⅔ · .5 = .491; 3: ⅓ · ½ + ⅔ · .1 = .233
    assert ranked(c, labels, n=3) == [2, 0, 1]


def test_with_many_labels_doubt_decides_and_with_few_distance() -> None:
    c = pool(line(1, 4), np.array([0.9, 0.1]))
    assert ranked(c, line(0)) == [1]
    assert ranked(c, np.zeros((100, 1))) == [0]


@given(n=st.integers(2, 25), m=st.integers(1, 9), d=st.integers(1, 5), seed=st.integers(0, 10_000))
def test_ranked_batch_is_that_of_modal(n: int, m: int, d: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    c = pool(draw.normal(size=(n, d)), draw.random(n))
    labeled = draw.normal(size=(m, d))
    expected = ranked(c, labeled, "modAL.batch.uncertainty_batch_sampling", n)
    assert ranked(c, labeled, n=n) == expected


def test_with_nothing_labeled_it_begins_as_modal_does_and_never_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    c, nothing = pool(draw.normal(size=(60, 3)), draw.random(60)), np.empty((0, 3))
    expected = ranked(c, nothing, "modAL.batch.uncertainty_batch_sampling", 10)
    assert ranked(c, nothing, n=10) == expected
    assert sorted(ranked(c, nothing, n=60)) == list(range(60))
    monkeypatch.setattr(hybrid, "CENTRAL", 20)
    first = ranked(c, nothing)[0]
    away = np.linalg.norm(c.embeddings[:, None] - c.embeddings, axis=2).mean(axis=1)
    assert away[first] <= np.sort(away)[10]  # near to all, by a third of them


def test_ranked_batch_of_a_larger_pool_is_the_same_without_a_pass_for_each_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = np.random.default_rng(0)
    c, labeled = pool(draw.normal(size=(300, 4)), draw.random(300)), draw.normal(size=(200, 4))
    whole = ranked(c, labeled, n=40)
    monkeypatch.setattr(coreset, "AHEAD", 0)
    monkeypatch.setattr(coreset, "FEWEST", 12)
    assert ranked(c, labeled, n=40) == whole
