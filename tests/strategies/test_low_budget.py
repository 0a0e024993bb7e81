"""The first labels: one from each cluster, largest first."""

import numpy as np
import pytest

from strategies import Candidates, get, low_budget

CENTRES = np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0], [100.0, 100.0]])
SIZES = [4, 9, 6, 11]


def k_means(embeddings: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    c = Candidates(ids=np.arange(len(embeddings)), embeddings=embeddings)
    return get("k_means").query(c, n, np.random.default_rng(seed)).positions


def blobs() -> tuple[np.ndarray, np.ndarray]:
    """Four tight clusters of different sizes: points and the cluster of each."""
    rng = np.random.default_rng(0)
    members = np.repeat(np.arange(4), SIZES)
    return CENTRES[members] + rng.normal(scale=0.1, size=(len(members), 2)), members


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_clear_clusters_give_their_middle_item_largest_cluster_first(
    large: bool, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(low_budget, "LARGE", 10)  # mini-batches
    points, members = blobs()
    picks = k_means(points, 4, seed)
    assert members[picks].tolist() == [3, 1, 2, 0]
    for pick in picks:
        own = np.flatnonzero(members == members[pick])
        away = np.linalg.norm(points[own] - points[own].mean(axis=0), axis=1)
        # mini-batches stop near the mean, not on it
        assert away[own == pick][0] <= (np.sort(away)[2] if large else away.min())


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_candidates_does_not_matter_where_clusters_are_clear(seed: int) -> None:
    # in general it does: the first centres are drawn by position. This is what holds.
    points, _ = blobs()
    order = np.random.default_rng(seed + 100).permutation(len(points))
    assert order[k_means(points[order], 4, seed)].tolist() == k_means(points, 4, seed).tolist()


def test_three_points_by_hand() -> None:
    # 0, 1 and 5 in one cluster have their centre at 2, and 1 is nearest to it
    assert k_means(np.array([[0.0], [1.0], [5.0]]), 1).tolist() == [1]


def test_fewer_distinct_items_than_asked_are_filled_with_the_others() -> None:
    points = np.array([[0.0], [0.0], [0.0], [9.0], [9.0]])
    picks = k_means(points, 4)
    assert points[picks[:2]].ravel().tolist() == [0, 9]  # both clusters, larger first
    assert len(set(picks.tolist())) == 4


def test_labels_that_exist_already_change_nothing() -> None:
    points, _ = blobs()
    some = Candidates(
        ids=np.arange(len(points)),
        embeddings=points,
        labeled_embeddings=points[:3],
        labeled_targets=np.zeros(3, dtype=int),
    )
    picks = get("k_means").query(some, 4, np.random.default_rng(0)).positions
    assert picks.tolist() == k_means(points, 4).tolist()
