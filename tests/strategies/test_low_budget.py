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


@pytest.mark.parametrize("seed", range(5))
def test_clear_clusters_give_their_middle_item_largest_cluster_first(seed: int) -> None:
    points, members = blobs()
    picks = k_means(points, 4, seed)
    assert members[picks].tolist() == [3, 1, 2, 0]
    for pick in picks:
        own = np.flatnonzero(members == members[pick])
        away = np.linalg.norm(points[own] - points[own].mean(axis=0), axis=1)
        assert away[own == pick][0] == away.min()


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


# ---------------------------------------------------------------- typiclust and prob_cover


def ask(name: str, embeddings: np.ndarray, labeled: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    c = Candidates(
        ids=np.arange(len(embeddings)),
        embeddings=embeddings,
        labeled_embeddings=labeled,
        labeled_targets=np.zeros(len(labeled), dtype=int),
    )
    return get(name).query(c, n, np.random.default_rng(seed)).positions


def line(*points: float) -> np.ndarray:
    return np.array(points, dtype=float)[:, None]


def test_typiclust_takes_the_most_typical_of_one_cluster() -> None:
    # 2 of 5 are neighbours: mean distances 1.5 (0: 1, 2), 1 (1: 1, 1), 1.5 (2: 1, 2), 5.5 (7: 5, 6), 9.5 (12: 5, 10)
    picks = ask("typiclust", line(0, 1, 2, 7, 12), np.empty((0, 1)), 1)
    assert picks.tolist() == [1]


@pytest.mark.parametrize("seed", range(5))
def test_typiclust_asks_large_clusters_first_and_small_ones_last(seed: int) -> None:
    points, members = blobs()  # sizes 4, 9, 6, 11: the first is too small to be more than noise
    picks = ask("typiclust", points, np.empty((0, 2)), 4, seed)
    # in the fourth turn the three large ones have a label each and the small one none, but it is small
    assert members[picks].tolist() == [3, 1, 2, 3]


@pytest.mark.parametrize("seed", range(5))
def test_typiclust_leaves_clusters_with_labels_for_later(seed: int) -> None:
    points, members = blobs()
    labeled = CENTRES[[3]] + 0.01
    # four clusters for one label and three items: the largest has a label, so the next two come, then it
    picks = ask("typiclust", points, labeled, 3, seed)
    assert members[picks].tolist() == [1, 2, 3]


@pytest.mark.parametrize("name", ["typiclust", "prob_cover"])
@pytest.mark.parametrize("seed", range(5))
def test_the_order_does_not_matter_where_the_answer_is_clear(name: str, seed: int) -> None:
    # in general it does: centres are drawn by position, and equal balls are decided by it. This is what holds.
    points, members = blobs()
    points, members = points[members > 0], members[members > 0]
    order = np.random.default_rng(seed + 100).permutation(len(points))
    moved = ask(name, points[order], np.empty((0, 2)), 3, seed)
    expected = ask(name, points, np.empty((0, 2)), 3, seed)
    assert members[order[moved]].tolist() == members[expected].tolist() == [3, 1, 2]
    if name == "typiclust":
        assert order[moved].tolist() == expected.tolist()


def test_typiclust_of_a_crowd_looks_at_a_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(low_budget, "CROWD", 5)
    points, _ = blobs()
    assert len(set(ask("typiclust", points, points[:2], len(points)).tolist())) == len(points)


def test_typiclust_with_more_labels_than_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(low_budget, "CLUSTERS", 4)
    points, members = blobs()
    labeled = CENTRES[[0, 1, 1, 1, 2, 3, 3]]
    # clusters 0 to 3 have 1, 3, 1 and 2 labels and, with them, 5, 12, 7 and 13 items
    assert members[ask("typiclust", points, labeled, 3)].tolist() == [2, 0, 3]


@pytest.mark.parametrize("seed", range(5))
def test_prob_cover_by_hand(seed: int) -> None:
    # Of the 15 pairs, one in three is nearer than the radius: distances in order 1, 1, 1, 2, 2, 3, … so radius 3,
    # the sixth. Balls: 1 holds 0–3 as 0, 2, 3 do; then 20, then 60.
    points = line(0, 1, 2, 3, 20, 60)
    picks = ask("prob_cover", points, np.empty((0, 1)), 3, seed)
    assert picks[0] in (0, 1, 2, 3)
    assert sorted(picks[1:].tolist()) == [4, 5]


@pytest.mark.parametrize("seed", range(5))
def test_prob_cover_passes_over_what_a_label_holds(seed: int) -> None:
    # two labels and one item: a third of the ten pairs is nearer than the radius, .1, .1, .1, and that is .2. The ball
    # of the first label holds 0 and .1, that of the second .2 as well; what is left is the smaller group.
    points = line(0, 0.1, 0.2, 50, 50.1)
    assert ask("prob_cover", points, line(0, 0.05), 1, seed).tolist() in ([3], [4])


def test_prob_cover_asks_for_more_than_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(low_budget, "COVER", 8)
    points, members = blobs()
    for n in (1, 7, len(points)):
        assert len(set(ask("prob_cover", points, points[:2], n).tolist())) == n
    assert set(members[ask("prob_cover", points, np.empty((0, 2)), 12)].tolist()) == {0, 1, 2, 3}


def test_distances_to_the_nearest_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    X, others = draw.normal(size=(30, 3)), draw.normal(size=(5000, 3))  # three blocks
    expected = (np.linalg.norm(X[:, None] - others[None], axis=2) ** 2).min(axis=1)
    np.testing.assert_allclose(low_budget.nearest_squared(X, others), expected, atol=1e-9)
    assert np.isinf(low_budget.nearest_squared(X, np.empty((0, 3)))).all()


def test_first_centres_are_drawn_by_the_squared_distance_to_those_before() -> None:
    # from 0 the others are 1 and 3 away: the second centre is 3 with probability 9 / (1 + 9), and so on by hand
    points = np.array([[0.0], [1.0], [3.0]])
    expected = {(0, 1): 1 / 10, (0, 2): 9 / 10, (1, 0): 1 / 5, (1, 2): 4 / 5, (2, 0): 9 / 13, (2, 1): 4 / 13}
    drawn = [tuple(low_budget.spread(points, 2, np.random.default_rng(seed)).tolist()) for seed in range(3000)]
    for pair, chance in expected.items():
        assert abs(drawn.count(pair) / 3000 - chance / 3) < 0.035  # four standard deviations


def test_first_centres_take_no_copy_and_nothing_without_weight() -> None:
    points = np.array([[5.0], [5.0], [5.0], [7.0], [9.0]])
    for seed in range(50):
        picks = low_budget.spread(points, 3, np.random.default_rng(seed))
        assert sorted(points[picks].ravel().tolist()) == [5, 7, 9]
        weighted = low_budget.spread(points, 2, np.random.default_rng(seed), np.array([0.0, 1.0, 0.0, 0.0, 2.0]))
        assert sorted(weighted.tolist()) == [1, 4]
    assert (low_budget.spread(points[:3], 3, np.random.default_rng(0)) < 3).all()  # one distinct row


@pytest.mark.parametrize("seed", range(3))
def test_of_a_large_pool_a_part_is_clustered_and_the_others_are_given_to_the_nearest_centre(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    points, members = (np.repeat(rows, 5, axis=0) for rows in blobs())
    monkeypatch.setattr(low_budget, "DRAWN", 90)
    labels, centres = low_budget.clusters(points.astype(np.float16), 4, seed, also=CENTRES + 0.01)
    assert len(labels) == len(points) + 4
    # the labels are those of the four places, whatever they are called
    pairs = set(zip(labels.tolist(), [*members.tolist(), 0, 1, 2, 3], strict=True))
    assert len(pairs) == 4
    np.testing.assert_allclose(centres[labels[-4:]], CENTRES, atol=0.5)
    again = low_budget.clusters(points.astype(np.float16), 4, seed, also=CENTRES + 0.01)
    np.testing.assert_array_equal(again[0], labels)


@pytest.mark.parametrize("name", ["k_means", "typiclust"])
def test_a_large_pool_gives_items_of_all_clusters(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(low_budget, "DRAWN", 90)
    points, members = (np.repeat(rows, 5, axis=0) for rows in blobs())
    assert set(members[ask(name, points, np.empty((0, 2)), 4)].tolist()) == {0, 1, 2, 3}
