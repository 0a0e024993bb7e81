"""The control arm is fair."""

from collections import Counter

import numpy as np

from strategies import Candidates, get


def test_every_ordered_pair_is_as_likely_as_any_other() -> None:
    pool, rng = Candidates(ids=np.arange(4)), np.random.default_rng(0)
    pairs = Counter(tuple(get("random").query(pool, 2, rng).positions.tolist()) for _ in range(1200))
    # 12 pairs, each expected 100 times, standard deviation 9.6
    assert len(pairs) == 12
    assert all(50 < count < 150 for count in pairs.values())


def test_random_has_no_scores() -> None:
    assert get("random").query(Candidates(ids=np.arange(4)), 2, np.random.default_rng(0)).scores is None
