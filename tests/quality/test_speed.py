import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labeler.quality.speed import outliers


def answers(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ann takes about 4 s, Bob about 2 s."""
    rng = np.random.default_rng(seed)
    names = np.array(["ann"] * 100 + ["bob"] * 100, dtype=object)
    return names, np.exp(np.log(np.where(names == "ann", 4.0, 2.0)) + rng.normal(scale=0.3, size=200))


def test_a_much_too_fast_answer_is_an_outlier() -> None:
    names, seconds = answers()
    seconds[[3, 150]] = 0.15
    assert np.flatnonzero(outliers(names, seconds)).tolist() == [3, 150]


def test_a_quick_annotator_is_no_outlier() -> None:
    names = np.array(["ann"] * 200 + ["quick"] * 30, dtype=object)
    rng = np.random.default_rng(1)
    seconds = np.concatenate([np.exp(rng.normal(2.0, 0.2, 200)), np.exp(rng.normal(0.0, 0.2, 30))])
    assert not outliers(names, seconds).any()


def test_few_answers_have_no_usual_speed_and_unknown_times_are_none() -> None:
    assert not outliers(np.array(["a"] * 5, dtype=object), np.array([9, 9, 9, 9, 0.1])).any()
    assert not outliers(np.array(["a"] * 30, dtype=object), np.full(30, np.nan)).any()
    names, seconds = answers()
    seconds[0] = 0.0
    assert not outliers(names, seconds)[0]
    assert len(outliers(np.array([], dtype=object), np.array([]))) == 0


@given(st.floats(0.1, 50))
def test_the_unit_of_time_does_not_matter(unit: float) -> None:
    names, seconds = answers()
    seconds[7] = 0.1
    np.testing.assert_array_equal(outliers(names, seconds), outliers(names, seconds * unit))
