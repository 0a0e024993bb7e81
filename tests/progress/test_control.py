"""What random sampling would have cost: figures worked out by hand, and worlds whose truth is known."""

from dataclasses import asdict
from json import dumps
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import LearnerConfig
from labeler.learner.estimators import Head
from labeler.learner.frozen import FrozenHead
from labeler.learner.task import LearningTask
from labeler.progress import control, shadows
from labeler.progress.control import (
    WIDE,
    RandomArm,
    control_arm,
    estimate,
    first_reached,
    labels_needed,
    random_labels,
    smoothing_weights,
    spreads,
)
from labeler.progress.shadows import Shadows

STEPS = np.array([20, 40, 80, 160, 320])


def sure(*shares: float, items: int = 100) -> np.ndarray:
    """Models that get the first so many items right, one row a model."""
    return np.arange(items)[None, :] < items * np.array(shares)[:, None]


def of_size(size: int, *shares: float, items: int = 100, arm: int = 200) -> Shadows:
    """Models of one size, none of which has seen any holdout item."""
    right = sure(*shares, items=items)
    return Shadows(np.full(len(shares), size), right, np.ones_like(right), arm)


# ---------------------------------------------------------------- smoothing


@given(
    st.lists(st.integers(1, 5000), min_size=3, max_size=30, unique=True).map(sorted),
    st.floats(-1, 1),
    st.floats(-1, 1),
    st.floats(0, 1),
)
def test_smoothing_keeps_lines_in_the_logarithm(steps, level, slope, where):
    at = np.array([steps[0] ** (1 - where) * steps[-1] ** where])
    weights = smoothing_weights(np.array(steps), at)
    assert weights.sum(axis=1) == pytest.approx(1)
    assert weights @ (level + slope * np.log(steps)) == pytest.approx(level + slope * np.log(at), abs=1e-6)


def test_smoothing_looks_from_half_to_twice_the_labels():
    steps = np.array([20, 39, 60, 80, 100, 159, 161])
    (weights,) = smoothing_weights(steps, np.array([80]))
    assert weights[0] == weights[1] == weights[-1] == 0
    assert weights.argmax() == 3
    assert (weights[2:6] > 0).all()


# ---------------------------------------------------------------- what is estimated


def test_the_difference_is_taken_item_by_item():
    measured = RandomArm.of(of_size(80, 0.6, 0.6), 80, spread=0.0)
    assert measured.right.tolist() == sure(0.6)[0].tolist()
    (ahead,), (error,) = measured.differences(sure(0.7).astype(float))
    assert ahead == pytest.approx(0.1)
    assert error == pytest.approx(np.sqrt(0.1 * 0.9 / 99))  # ten of a hundred differ; 0.065 if it were not paired


def test_the_luck_of_the_draw_is_what_the_arm_leaves_and_what_the_subsamples_do():
    taught = of_size(50, 0.5, 0.5, arm=200)
    assert RandomArm.of(taught, 50, spread=0.04).luck == pytest.approx(0.04 * (1 / 4 + 3 / 4 / 2))


def test_an_item_counts_for_the_models_that_have_not_seen_it():
    right, unseen = np.array([[1, 0, 1], [0, 0, 1]], dtype=bool), np.array([[1, 1, 0], [0, 1, 0]], dtype=bool)
    measured = RandomArm.of(Shadows(np.array([20, 20]), right, unseen, 40), 20, 0.0)
    assert measured.right[:2].tolist() == [1, 0]
    assert np.isnan(measured.right[2])
    assert measured.point().accuracy == 0.5


def test_the_spread_is_that_of_whole_models_not_of_chance_in_an_item():
    # Two models differ by ten of a hundred items, all one way: (10² − 10) / (2 · 100 · 99); half of the arm is used.
    assert spreads(of_size(40, 0.5, 0.6, arm=80)) == {40: pytest.approx(90 / 9900 / 2 / 0.5)}
    # They differ by as many each way: what is left is chance, and a variance is not negative.
    balanced = np.arange(100) % 2 == 0
    assert spreads(Shadows(np.array([40, 40]), np.stack([balanced, ~balanced]), np.ones((2, 100), bool), 80)) == {
        40: 0.0
    }
    assert spreads(of_size(40, 0.5, 0.5)) == {40: 0.0}


def test_the_spread_counts_neighbouring_sizes_as_if_it_fell_with_the_labels():
    near, far = of_size(40, 0.5, 0.6), of_size(160, 0.5, 0.5)
    both = Shadows(
        np.concatenate([near.sizes, far.sizes]),
        np.concatenate([near.right, far.right]),
        np.concatenate([near.unseen, far.unseen]),
        200,
    )
    alone = spreads(near)[40]
    assert spreads(both) == {40: pytest.approx(alone), 160: 0.0}  # four times as large: too far
    halves = of_size(80, 0.5, 0.5)
    both = Shadows(
        np.concatenate([near.sizes, halves.sizes]), np.concatenate([near.right, halves.right]), both.unseen, 200
    )
    assert spreads(both) == {40: pytest.approx(alone / 2), 80: pytest.approx(alone / 2 * 2**-1.5)}


def test_the_labels_needed_are_where_the_curve_reaches_random_sampling():
    measured = RandomArm.of(of_size(160, 0.6, 0.6, items=1000), 160, spread=0.0)
    items = np.random.default_rng(0).permutation(1000)
    own = np.array([np.roll(items < 1000 * share, 7 * i) for i, share in enumerate((0.4, 0.5, 0.6, 0.7, 0.8))])
    needed = labels_needed(measured, STEPS, own)
    assert needed.value == pytest.approx(80, rel=0.02)
    for end, beyond in ((needed.low, 0.99), (needed.high, 1.01)):
        ahead, errors = measured.differences(smoothing_weights(STEPS, np.array([end, end / beyond**2])) @ own)
        assert (np.abs(ahead) > WIDE * errors).tolist() == [True, False]


def test_an_interval_is_open_where_the_rounds_end():
    own = sure(0.4, 0.5, 0.6, 0.7, 0.8)
    beyond = labels_needed(RandomArm.of(of_size(80, 0.9), 80, 0.0), STEPS, own)
    assert (beyond.value, beyond.low, beyond.high) == (None, 320, None)
    before = labels_needed(RandomArm.of(of_size(80, 0.2), 80, 0.0), STEPS, own)
    assert (before.value, before.low, before.high) == (None, None, 20)
    unclear = labels_needed(RandomArm.of(of_size(80, 0.79), 80, 0.0), STEPS, own)
    assert unclear.value == pytest.approx(300, rel=0.02)
    assert unclear.low < 300
    assert unclear.high is None


def test_a_curve_that_dips_keeps_the_end_open_that_it_has_not_reached():
    own = sure(0.3, 0.5, 0.58, 0.5, 0.3, items=1000)
    never = labels_needed(RandomArm.of(of_size(80, 0.585, items=1000), 80, 0.0005), STEPS, own)
    assert never.value is None
    assert never.low is not None
    assert never.high is None
    early = labels_needed(RandomArm.of(of_size(80, 0.4, items=1000), 80, 0.0), STEPS, own[::-1][[2, 1, 0, 1, 2]])
    assert early.value is None
    assert early.low is None


def test_the_first_crossing_counts():
    grid = np.array([1.0, 2.0, 3.0, 4.0])
    assert first_reached(grid, np.array([-1, 0.1, -0.1, 1])) == 2.0
    assert first_reached(grid, np.array([-1, -1, -1, -0.5])) is None
    assert first_reached(grid, np.array([0, 1, 1, 1])) is None  # somewhere before


def test_the_report_compares_at_the_largest_size_that_is_precise():
    items = 2000
    parts = [of_size(size, share, share, items=items, arm=400) for size, share in ((40, 0.4), (80, 0.5), (160, 0.6))]
    taught = Shadows(
        sizes=np.concatenate([part.sizes for part in parts]),
        right=np.concatenate([part.right for part in parts]),
        unseen=np.concatenate([part.unseen for part in parts]),
        arm=400,
    )
    report = estimate(STEPS, sure(0.4, 0.5, 0.6, 0.7, 0.8, items=items), taught)
    assert report.enough
    assert report.size == 160
    assert report.gain.value == pytest.approx(0.1)
    assert report.gain.low < 0.1 < report.gain.high
    assert report.needed.value == pytest.approx(80, rel=0.01)
    assert report.saved.value == pytest.approx(160 - report.needed.value)
    assert (report.saved.low, report.saved.high) == (160 - report.needed.high, 160 - report.needed.low)
    assert [p.labels for p in report.random] == [40, 80, 160]
    assert [p.accuracy for p in report.own] == pytest.approx([0.4, 0.5, 0.6, 0.7, 0.8])
    dumps(asdict(report))  # plain values
    # of a flat curve nothing is precise, and no size was looked at with a round's labels
    flat = estimate(STEPS, sure(0.5, 0.5, 0.5, 0.5, 0.5, items=items), taught)
    assert (flat.missing, flat.needed, flat.saved) == ("precision", None, None)
    assert flat.gain.value == pytest.approx(-0.1)
    late = estimate(np.array([300, 400, 500, 600]), sure(0.6, 0.6, 0.7, 0.7, items=items), taught)
    assert (late.missing, late.size, late.gain) == ("arm", None, None)


# ---------------------------------------------------------------- whether the intervals hold the truth


def answers(rng: np.random.Generator, ability: np.ndarray, difficulty: np.ndarray) -> np.ndarray:
    return rng.random((len(ability), len(difficulty))) < expit(2 * (ability[:, None] - difficulty))


@pytest.mark.slow
def test_in_nineteen_of_twenty_projects_the_intervals_hold_the_truth():
    """A world without learners: each label makes a model better or worse, and items are easy or hard."""
    steps, sizes, luck = np.arange(20, 421, 20), (20, 28, 40, 56, 80, 112), 2.0
    population = np.random.default_rng(0).normal(size=5000)

    def accuracy(ability: float) -> float:
        return float(expit(2 * (ability - population)).mean())

    def learned(labels: float) -> float:
        return 0.4 * np.log(labels) - 1.2

    ours = np.array([learned(1.4 * labels) for labels in steps])  # as if there were 40% more labels
    true = np.array([accuracy(a) for a in ours])
    lucky = np.random.default_rng(1).normal(size=200)
    reached = {n: np.mean([accuracy(learned(n) + luck * z / np.sqrt(n)) for z in lucky]) for n in sizes}
    grid = np.geomspace(20, 420, control.GRID)
    gains, needs = [], []
    for seed in range(100):
        rng = np.random.default_rng([2, seed])
        difficulty, worth = rng.normal(size=250), rng.normal(size=250)  # the arm is the holdout
        wanted = np.repeat(sizes, 14)
        drawn = [rng.choice(250, size, replace=False) for size in wanted]
        abilities = np.array([learned(len(d)) + luck * worth[d].mean() for d in drawn])
        unseen = np.array([~np.isin(np.arange(250), d) for d in drawn])
        taught = Shadows(wanted, answers(rng, abilities, difficulty), unseen, 250)
        report = estimate(steps, answers(rng, ours, difficulty), taught)
        gain = (smoothing_weights(steps, np.array([report.size])) @ true)[0] - reached[report.size]
        gains.append(report.gain.low <= gain <= report.gain.high)
        if report.needed:
            needed = first_reached(grid, smoothing_weights(steps, grid) @ true - reached[report.size])
            needs.append((report.needed.low or 0) <= needed <= (report.needed.high or np.inf))
    # of 100 with 95%, fewer than 90 are held once in 35, all once in 170
    assert 0.9 <= np.mean(gains) <= 0.99
    assert len(needs) > 50
    assert 0.9 <= np.mean(needs) <= 0.99


# ---------------------------------------------------------------- with learners


@pytest.fixture
def world(monkeypatch):
    """Three overlapping classes: 400 items of the pool, 150 of the holdout; few fits."""
    monkeypatch.setattr(shadows, "REPEATS", 4)
    rng = np.random.default_rng(0)
    targets = rng.integers(3, size=550)
    embeddings = (1.5 * np.eye(3, 8)[targets] + rng.normal(size=(550, 8))).astype(np.float32)
    dataset = Dataset([Path(f"{i}.png") for i in range(550)], embeddings, (8,))
    return dataset, targets


def compared(world, drawn: bool = True, random: float = 1.0, labels: int = 200, holdout: int = 150, head=None, **more):
    dataset, targets = world
    held = np.arange(400, 400 + holdout)
    labeled, measured = Labels(np.arange(labels), targets[:labels]), Labels(held, targets[held])
    arm = random_labels(labeled, np.arange(labels) % 10 < 10 * random, measured, np.full(holdout, drawn))
    task = LearningTask.of(dataset, labeled, 3)
    return control_arm(task, arm, measured, [0, *range(20, labels + 1, 20)], head or FrozenHead(), **more)


def test_a_project_that_labeled_at_random_has_gained_nothing(world):
    report = compared(world)
    assert report.arm == 350  # labels of the pool and of the holdout
    assert report.size in (40, 56, 80, 112, 160)
    assert report.gain.low < 0 < report.gain.high
    assert report == compared(world)  # the same seed, the same report


def test_a_holdout_that_was_imported_teaches_no_shadow(world):
    report = compared(world, drawn=False, random=0.4)
    assert report.arm == 80
    assert report.holdout == 150
    assert max(p.labels for p in report.random) == 40


def test_a_report_without_enough_data_says_what_is_missing(world):
    assert compared(world, holdout=49).missing == "holdout"
    assert compared(world, labels=60).missing == "rounds"
    few = compared(world, drawn=False, random=0.1)
    assert (few.missing, few.arm, few.random) == ("arm", 20, [])
    assert not few.enough
    assert len(few.own) == 10  # the project's own curve is known


def test_progress_is_reported_and_the_comparison_can_be_cancelled(world):
    progress = []
    compared(world, on_progress=lambda done, total: progress.append((done, total)))
    assert [done for done, _total in progress] == list(range(progress[0][1]))

    def cancel(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compared(world, on_progress=cancel)


def test_many_rounds_are_thinned_from_the_first_to_the_last():
    assert control.thinned([40, 20, 60, 60]) == [20, 40, 60]
    some = control.thinned(range(20, 4001, 20))
    assert len(some) <= control.STEPS
    assert (some[0], some[-1]) == (20, 4000)


def test_items_of_several_classes_are_right_as_a_whole(world):
    dataset, targets = world
    both = np.stack([targets == 0, targets != 1], axis=1).astype(int)
    task, holdout = (
        LearningTask.of(dataset, Labels(np.arange(100), both[:100]), 2),
        Labels(np.arange(400, 550), both[400:]),
    )
    report = control_arm(task, holdout, holdout, [20, 40, 60, 80, 100], FrozenHead())
    assert report.gain is not None
    assert 0.3 < report.own[-1].accuracy < 1


# ---------------------------------------------------------------- groups


def test_errors_are_between_groups():
    # patients of 2, 2 and 4 items, of which models are right in 2, 0 and 2 more cases than random sampling
    groups = np.array([0, 0, 1, 1, 2, 2, 2, 2])
    arm = RandomArm(50, np.zeros(8), 0.0, groups)
    (ahead,), (error,) = arm.differences(np.array([[1, 1, 0, 0, 1, 1, 0, 0]]))
    assert ahead == 0.5
    # residuals by patient: 2 - 1, 0 - 1, 2 - 2
    assert error == pytest.approx(np.sqrt(3 / 2 * (1 + 1 + 0)) / 8)
    assert arm.wide == pytest.approx(4.303, abs=1e-3)  # Student's t with two degrees of freedom
    assert RandomArm(50, np.zeros(8), 0.0).wide == WIDE


def test_luck_is_judged_by_items_of_different_groups():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(25), 4)
    right = np.repeat(rng.random((40, 25)) < 0.7, 4, axis=1)  # by chance of each group alone: the models have no luck
    models = Shadows(np.full(40, 20), right, np.ones_like(right), 200, groups)
    as_items = spreads(Shadows(models.sizes, right, models.unseen, 200))[20]
    assert spreads(models)[20] < as_items / 5


def test_a_shadow_model_is_not_measured_on_groups_that_it_was_trained_on():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 5)
    targets = np.arange(100) % 2
    dataset = Dataset([""] * 100, rng.normal(size=(100, 3)) + targets[:, None], (3,), groups)
    arm = LearningTask.of(dataset, Labels(np.arange(40), targets[:40]), 2)
    models = shadows.shadows(arm, Labels(np.arange(30, 100), targets[30:]), FrozenHead())
    assert models.unseen[:, 10:].all()  # of groups outside the arm
    assert not models.unseen[:, :10].all()
    for unseen in models.unseen:
        assert all(len(set(unseen[start : start + 5])) == 1 for start in (0, 5))  # whole groups


def test_with_few_groups_there_is_no_comparison():
    groups = np.repeat(np.arange(4), 25)
    targets = np.arange(100) % 2
    dataset = Dataset([""] * 100, np.random.default_rng(0).normal(size=(100, 3)), (3,), groups)
    task = LearningTask.of(dataset, Labels(np.arange(40), targets[:40]), 2)
    compared = control_arm(task, task.labels, Labels(np.arange(40, 100), targets[40:]), [10, 20, 30, 40], FrozenHead())
    assert (compared.missing, compared.groups) == ("groups", 3)


# ---------------------------------------------------------------- with another head


def test_both_curves_are_of_the_projects_head(world, monkeypatch):
    heads, fitted = list[str](), Head.fitted

    def counted(self, *labels):
        heads.append(self.name)
        return fitted(self, *labels)

    monkeypatch.setattr(Head, "fitted", counted)
    head = FrozenHead(LearnerConfig(head="naive_bayes"))
    report = compared(world, head=head)
    assert report.head == "naive_bayes"
    assert heads == ["naive_bayes"] * (10 + 4 * len({p.labels for p in report.random}))
    linear = compared(world)
    assert (report.own, report.random) != (linear.own, linear.random)
    assert linear.head == "linear"


def test_a_head_that_takes_long_is_fitted_once_and_has_no_comparison(world, monkeypatch):
    monkeypatch.setattr(control, "PATIENCE", 0.0)
    fits = list[int]()
    report = compared(world, on_progress=lambda done, total: fits.append(done))
    assert (report.missing, report.own, fits) == ("slow", [], [0])
