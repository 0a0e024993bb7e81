"""The default: uncertainty herding, on a sample in which little is overlooked."""

import numpy as np

from strategies import Candidates, get


def pool(n: int, labeled: int = 5) -> Candidates:
    draw = np.random.default_rng(0)
    return Candidates(
        ids=np.arange(n),
        proba=draw.dirichlet(np.ones(3), n),
        embeddings=draw.normal(size=(n, 4)).astype(np.float32),
        labeled_embeddings=draw.normal(size=(labeled, 4)).astype(np.float32),
        labeled_targets=draw.integers(0, 3, labeled),
    )


def test_on_a_small_pool_it_is_uncertainty_herding() -> None:
    c = pool(300)
    ours, theirs = (
        get(name).query(c, 9, np.random.default_rng(1)).positions for name in ("auto", "uncertainty_herding")
    )
    assert ours.tolist() == theirs.tolist()


def test_of_three_thousand_items_the_only_doubtful_one_is_always_found() -> None:
    c = pool(3_000)
    assert c.proba is not None
    c.proba[:] = [1, 0, 0]
    c.proba[1234] = [0.5, 0.5, 0]
    for seed in range(4):  # a sample of 2,000 would miss it in every third
        assert get("auto").query(c, 1, np.random.default_rng(seed)).positions.tolist() == [1234]
