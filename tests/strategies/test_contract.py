"""What every strategy must keep, whoever wrote it. A new file in strategies/ is tested here without a word."""

from dataclasses import replace

import numpy as np
import pytest

from strategies import Candidates, InvalidCandidates, PoolExhausted, Strategy, get, registered

MODAL = [
    "modAL.uncertainty.uncertainty_sampling",
    "modAL.uncertainty.margin_sampling",
    "modAL.uncertainty.entropy_sampling",
    "modAL.disagreement.vote_entropy_sampling",
    "modAL.disagreement.consensus_entropy_sampling",
    "modAL.disagreement.max_disagreement_sampling",
    "modAL.batch.uncertainty_batch_sampling",
]
ALL = [*registered().values(), *map(get, MODAL)]

# Strategies that draw by position, so that another order of the candidates is another draw. What holds in its
# place is tested beside them: all pairs equally likely (random), the same items where clusters are clear (k_means,
# typiclust, weighted_k_means), the same where no two balls hold equally many (prob_cover), the same first item and
# every other as likely as its distance says (badge).
DRAWN = {"random", "k_means", "typiclust", "weighted_k_means", "prob_cover", "badge"}

every = pytest.mark.parametrize("strategy", ALL, ids=lambda s: s.name)
scoring = pytest.mark.parametrize("strategy", [s for s in ALL if s.kind == "scores"], ids=lambda s: s.name)
selecting = pytest.mark.parametrize(
    "strategy", [s for s in ALL if s.kind == "selects" and s.name not in DRAWN], ids=lambda s: s.name
)


def rng(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def pool(n: int = 40, classes: int = 4, members: int = 5, labeled: int = 12) -> Candidates:
    """Candidates with everything known, in arrays that cannot be written to."""
    draw = rng(0)
    return frozen(
        Candidates(
            ids=np.arange(n),
            proba=draw.dirichlet(np.ones(classes), n),
            member_proba=draw.dirichlet(np.ones(classes), (members, n)),
            embeddings=draw.normal(size=(n, 6)).astype(np.float32),
            labeled_embeddings=draw.normal(size=(labeled, 6)).astype(np.float32),
            labeled_targets=draw.integers(0, classes, labeled),
        )
    )


def without_ties() -> Candidates:
    """Six candidates that no measure calls equal: five members vote 5, 4:1, 3:2, 3:1:1, 2:2:1 and 2:1:1:1."""
    votes = [[0] * 5, [0, 0, 0, 0, 1], [0, 0, 0, 1, 1], [0, 0, 0, 1, 2], [0, 0, 1, 1, 2], [0, 0, 1, 2, 3]]
    noise = rng(1).dirichlet(np.ones(4), (5, 6))
    return frozen(replace(pool(6), member_proba=0.8 * np.eye(4)[np.array(votes).T] + 0.2 * noise))


def frozen(c: Candidates) -> Candidates:
    for array in vars(c).values():
        array.flags.writeable = False
    return c


def reordered(c: Candidates, order: np.ndarray) -> Candidates:
    assert c.proba is not None
    assert c.member_proba is not None
    assert c.embeddings is not None
    return frozen(
        replace(
            c,
            ids=c.ids[order],
            proba=c.proba[order],
            member_proba=c.member_proba[:, order],
            embeddings=c.embeddings[order],
        )
    )


@every
def test_it_says_what_it_does_and_who_found_it(strategy: Strategy) -> None:
    assert strategy.summary.endswith(".")
    assert strategy.source
    assert strategy.family not in ("", "custom")


@every
def test_the_same_seed_gives_the_same_items(strategy: Strategy) -> None:
    first, second = (strategy.query(pool(), 9, rng()).positions for _ in range(2))
    assert first.tolist() == second.tolist()


@every
@pytest.mark.parametrize("n", [1, 9, 40])
def test_positions_are_unique_and_in_range_up_to_the_whole_pool(strategy: Strategy, n: int) -> None:
    # the arrays are read-only: a strategy that writes into one raises
    positions = strategy.query(pool(), n, rng()).positions
    assert len(set(positions.tolist())) == n
    assert set(positions.tolist()) <= set(range(40))


@every
def test_arrays_are_as_they_were(strategy: Strategy) -> None:
    c, before = pool(), {name: array.copy() for name, array in vars(pool()).items()}
    strategy.query(c, 9, rng())
    for name, array in before.items():
        np.testing.assert_array_equal(getattr(c, name), array)


@every
def test_none_are_given_where_none_are_asked_for(strategy: Strategy) -> None:
    assert strategy.query(pool(), 0, rng()).positions.tolist() == []


@every
def test_more_than_there_are_is_refused(strategy: Strategy) -> None:
    with pytest.raises(PoolExhausted, match="41 items were asked for, but only 40"):
        strategy.query(pool(), 41, rng())


@every
@pytest.mark.parametrize(
    "c",
    [pool(classes=1), pool(members=1), pool(labeled=0), pool(labeled=1), pool(n=9, labeled=0, classes=1)],
    ids=["one class", "one member", "no labels yet", "one label", "nothing but embeddings"],
)
def test_small_worlds(strategy: Strategy, c: Candidates) -> None:
    assert len(set(strategy.query(c, 9, rng()).positions.tolist())) == 9


@every
@pytest.mark.parametrize("labeled", [0, 12])
def test_one_candidate_is_the_answer(strategy: Strategy, labeled: int) -> None:
    assert strategy.query(pool(n=1, labeled=labeled), 1, rng()).positions.tolist() == [0]


@every
def test_it_works_with_nothing_but_what_it_says_it_needs(strategy: Strategy) -> None:
    full = pool()
    given = {name: getattr(full, name) for name in fields(strategy)}
    assert len(strategy.query(Candidates(ids=full.ids, **given), 9, rng()).positions) == 9


@every
def test_what_it_needs_and_does_not_get_is_named(strategy: Strategy) -> None:
    for missing in fields(strategy):
        with pytest.raises(InvalidCandidates, match=f"needs {missing}, which was not computed"):
            strategy.query(replace(pool(), **{missing: None}), 1, rng())


def fields(strategy: Strategy) -> list[str]:
    """The arrays behind its needs."""
    arrays = {"labeled": ["labeled_embeddings", "labeled_targets"]}
    return [name for need in strategy.needs for name in arrays.get(need, [need])]


@pytest.mark.parametrize("name", ["proba", "member_proba", "embeddings", "labeled_embeddings"])
def test_nan_reaches_no_strategy(name: str) -> None:
    broken = getattr(pool(), name).copy()
    broken.flat[3] = np.nan
    with pytest.raises(InvalidCandidates, match=name):
        replace(pool(), **{name: broken})


@every
def test_among_equals_the_generator_decides(strategy: Strategy) -> None:
    c = pool(n=5)
    equal = reordered(c, np.zeros(5, dtype=int))
    firsts = {int(strategy.query(equal, 1, rng(seed)).positions[0]) for seed in range(60)}
    # each of five is missed by 60 draws once in 650,000
    assert firsts == set(range(5))


@scoring
def test_scores_move_with_their_candidates(strategy: Strategy) -> None:
    c, order = pool(), rng(3).permutation(40)
    moved = strategy.function(reordered(c, order), rng())
    expected = strategy.function(c, rng())[order]
    # sums over other candidates may be added up in another order; a candidate's own probabilities may not
    tolerance = 1e-5 if "embeddings" in strategy.needs else 0
    np.testing.assert_allclose(moved, expected, rtol=tolerance, atol=tolerance)


@selecting
@pytest.mark.parametrize("n", [1, 3, 6])
def test_the_same_items_are_chosen_in_whatever_order_they_stand(strategy: Strategy, n: int) -> None:
    c = without_ties()
    expected = strategy.query(c, n, rng()).positions.tolist()
    for seed in range(5):
        order = rng(seed).permutation(6)
        assert order[strategy.query(reordered(c, order), n, rng(seed)).positions].tolist() == expected
