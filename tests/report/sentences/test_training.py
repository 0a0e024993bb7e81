"""What curves of training say: each case on curves made by hand, and no case on mere noise."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.core.rounds import Epoch, Training
from labeler.report.sentences.training import best_epoch, jitter, loss_floor, read, rises

CHOSEN = {
    "epochs": 6,
    "learning_rate": 1e-3,
    "warmup": 0.1,
    "early_stopping": False,
    "weight_decay": 0.01,
    "augment": (),
    "unfrozen": 2,
}
# Four classes: guessing has a loss of ln 4 = 1.39 and an accuracy of 25%.
LEARNS = ([1.2, 0.8, 0.6, 0.48, 0.44, 0.43], [0.5, 0.7, 0.8, 0.88, 0.90, 0.91])


def a_training(
    loss: Sequence[float],
    accuracy: Sequence[float],
    validation_loss: Sequence[float] | None = None,
    validation_accuracy: Sequence[float] | None = None,
    items: int = 400,
    **chosen: object,
) -> Training:
    nothing = [None] * len(loss)
    rows = zip(loss, accuracy, validation_loss or nothing, validation_accuracy or nothing, strict=True)
    epochs = tuple(Epoch(number, *row) for number, row in enumerate(rows, 1))
    return Training(epochs, CHOSEN | chosen, 0.5, "", items)


def kinds(training: Training, **facts: Any) -> list[str]:
    return [reading.kind for reading in read(training, 4, **facts)]


OVER = a_training(
    [1.2, 0.8, 0.6, 0.4, 0.3, 0.2],
    [0.5, 0.7, 0.8, 0.9, 0.95, 0.99],
    [1.0, 0.6, 0.5, 0.65, 0.8, 0.95],
    [0.6, 0.8, 0.86, 0.82, 0.78, 0.75],
)


# ---------------------------------------------------------------- over-fitting


def test_over_fitting_names_the_epoch_and_what_to_pull():
    over, gap = read(OVER, 4, "image", labels=300)
    assert over.kind == "over-fitting"
    assert "lowest in epoch 3 (0.50) and rose to 0.95" in over.words
    assert "fell from 86% to 75%" in over.words
    assert over.levers == (
        "`early_stopping = true`, which takes the best epoch",
        "`epochs = 3` (was 6)",
        "`augment`, or more of it (was none)",
        "higher `dropout`, `weight_decay` (was 0.01) or `l2_sp`",
        "fewer `unfrozen` blocks (was 2)",
    )
    assert gap.kind == "wide gap"


def test_levers_are_those_of_the_modality_and_not_pulled_already():
    epochs = OVER.epochs
    (over, *_) = read(Training(epochs, CHOSEN | {"early_stopping": True, "unfrozen": 1}, 0.5, "", 400), 4, "text")
    levers = " ".join(over.levers)
    assert "token_dropout" in levers
    assert not any(lever in levers for lever in ("augment", "early_stopping", "unfrozen"))
    assert "Early stopping is on, so the later epochs cost time" in over.words


def test_probabilities_may_suffer_before_accuracy_does():
    (over, *_) = read(
        a_training(
            [1.2, 0.8, 0.6, 0.4, 0.3, 0.2],
            [0.5, 0.7, 0.8, 0.85, 0.88, 0.9],
            [1.0, 0.6, 0.5, 0.65, 0.8, 0.95],
            [0.6, 0.8, 0.86, 0.86, 0.86, 0.87],
        ),
        4,
    )
    assert over.kind == "over-fitting"
    assert "did not clearly fall (from 86% to 87%), but the predicted probabilities became less reliable" in over.words


def test_over_fitting_from_the_first_epoch_on_asks_for_a_lower_learning_rate():
    losses = [0.5, 0.65, 0.8, 0.9]
    (over, *_) = read(a_training([0.9, 0.6, 0.4, 0.3], [0.7, 0.8, 0.9, 0.95], losses, [0.85, 0.84, 0.8, 0.8]), 4)
    assert over.levers[1:3] == ("`epochs = 1` (was 6)", "lower `learning_rate` (was 0.001)")


def test_the_fewer_items_validate_the_more_the_loss_must_rise():
    curves = (*LEARNS, [1.0, 0.6, 0.5, 0.53, 0.56, 0.60], [0.6, 0.8, 0.85, 0.85, 0.85, 0.85])
    assert "over-fitting" in kinds(a_training(*curves, items=400))  # 0.1 is twice 1 / √400
    assert kinds(a_training(*curves, items=40)) == ["weak evidence"]
    assert kinds(a_training(*curves, items=0)) == ["weak evidence"]  # nobody says how many: few


@pytest.mark.parametrize("epochs", [4, 6, 8, 12, 30, 60])
@pytest.mark.parametrize(("noise", "allowed"), [(0.02, 0), (0.1, 5), (0.3, 5)])
def test_noise_on_a_flat_validation_loss_is_hardly_ever_called_over_fitting(epochs, noise, allowed):
    rng = np.random.default_rng([epochs, int(100 * noise)])
    falling = list(np.geomspace(1.2, 0.3, epochs))
    alarms = 0
    for _ in range(500):
        flat = list(np.maximum(0.5 * (1 + noise * rng.normal(size=epochs)), 0.01))
        alarms += "over-fitting" in kinds(a_training(falling, [0.9] * epochs, flat, [0.85] * epochs, items=10**6))
    assert alarms / 5 <= allowed  # in 100, on so many items that only the jitter between epochs protects


def test_a_noisy_rise_is_seen():
    rng = np.random.default_rng(0)
    t = np.linspace(0, 1, 20)
    for _ in range(50):
        rising = 0.5 + 0.8 * np.exp(-10 * t) + 0.6 * np.maximum(t - 0.3, 0) + 0.02 * rng.normal(size=20)
        curves = (list(np.geomspace(1.2, 0.1, 20)), [0.95] * 20, list(rising), [0.85] * 20)
        assert kinds(a_training(*curves)) == ["over-fitting"]


# ---------------------------------------------------------------- under-fitting


def test_a_training_that_stopped_too_early_wants_more_epochs():
    loss, accuracy = [1.3, 1.2, 1.1, 1.0, 0.9, 0.8], [0.3, 0.4, 0.5, 0.55, 0.6, 0.65]
    (under,) = read(a_training(loss, accuracy, [x + 0.05 for x in loss], accuracy), 4)
    assert under.kind == "under-fitting"
    assert "still falling, from 1.00 to 0.80 in the last 3 epochs" in under.words
    assert under.levers[0] == "more `epochs` (was 6); `learner.round_seconds` must allow time for them"
    assert "higher `learning_rate` (was 0.001)" in under.levers
    assert kinds(a_training(loss, accuracy)) == ["under-fitting", "weak evidence"]  # without validation


def test_over_fitting_needs_no_more_epochs():
    loss, accuracy = [1.3, 1.2, 1.1, 1.0, 0.9, 0.8], [0.5, 0.6, 0.7, 0.75, 0.8, 0.85]
    assert kinds(a_training(loss, accuracy, [0.8, 0.7, 0.69, 0.7, 0.7, 0.7], [0.8] * 6)) == ["good fit"]


def test_a_falling_learning_rate_leaves_a_loss_that_still_falls_a_little():
    finished = ([1.25, 0.75, 0.62, 0.60, 0.58, 0.57], LEARNS[1], [1.1, 0.7, 0.5, 0.45, 0.44, 0.43], LEARNS[1])
    assert kinds(a_training(*finished)) == ["good fit"]


def test_a_network_that_learns_little_wants_a_higher_learning_rate_and_more_blocks():
    loss, accuracy = [1.3, 1.1, 1.05, 1.04, 1.03, 1.03], [0.4, 0.5, 0.52, 0.53, 0.54, 0.54]
    (under,) = read(a_training(loss, accuracy, loss, accuracy), 4)
    assert under.kind == "under-fitting"
    assert "only 54% of its training labels correctly" in under.words
    assert under.levers[:2] == ("higher `learning_rate` (was 0.001)", "more `unfrozen` blocks (was 2)")


def test_too_large_steps_are_considered_beside_too_small_ones():
    (under,) = read(a_training([1.39] * 6, [0.26] * 6, [1.39] * 6, [0.25] * 6), 4)
    assert under.kind == "under-fitting"
    assert "it predicts 26% of the training labels correctly, and guessing would predict 25%" in under.words
    assert under.levers[0] == "`learning_rate` ten times lower, or higher (was 0.001)"


def test_heavy_augmentation_alone_is_no_under_fitting():
    hard = a_training([1.3, 1.1, 1.05, 1.03, 1.02, 1.02], [0.4, 0.5, 0.52, 0.53, 0.54, 0.54], LEARNS[0], LEARNS[1])
    assert kinds(hard) == ["good fit"]


# ---------------------------------------------------------------- diverging, unstable


@pytest.mark.parametrize("lost", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_named_with_its_epoch(lost):
    (reading,) = read(a_training([1.2, lost, lost], [0.5, 0.2, 0.2], [1.0, lost, lost], [0.6, 0.2, 0.2]), 4)
    assert reading.kind == "diverging"
    assert "From epoch 2 on" in reading.words
    assert reading.levers[:2] == ("a third of `learning_rate` (was 0.001)", "longer `warmup` (was 0.1)")


def test_a_rising_training_loss_is_no_over_fitting():
    rising = [1.0, 0.8, 1.0, 1.3, 1.6, 2.0]
    (reading,) = read(a_training(rising, [0.6, 0.7, 0.6, 0.5, 0.4, 0.4], rising, [0.6, 0.7, 0.6, 0.5, 0.4, 0.4]), 4)
    assert reading.kind == "diverging"
    assert "rose from 0.80 (epoch 2) to 2.00" in reading.words


def test_a_jump_is_unstable():
    jump = [1.2, 0.6, 1.1, 0.6, 0.5, 0.45]
    (reading,) = read(a_training(jump, LEARNS[1], LEARNS[0], LEARNS[1]), 4)
    assert reading.kind == "unstable"
    assert "jumped from 0.60 to 1.10 in epoch 3" in reading.words


# ---------------------------------------------------------------- gap, good fit, doubt


GAP = a_training(*LEARNS, [1.0, 0.7, 0.6, 0.56, 0.55, 0.55], [0.5, 0.6, 0.7, 0.73, 0.75, 0.75])


def test_with_few_labels_a_wide_gap_wants_more_labels():
    (gap,) = read(GAP, 4, "image", labels=200)
    assert gap.kind == "wide gap"
    assert "91% of the training labels were predicted correctly, but 75% of the validation labels" in gap.words
    assert "With 200 labels for 4 classes, more labels help most" in gap.words
    assert gap.levers == ()


def test_with_many_labels_a_wide_gap_wants_regularisation_too():
    (gap,) = read(GAP, 4, "image", labels=4000)
    assert "fewer `unfrozen` blocks (was 2)" in gap.levers


def test_a_gap_within_chance_is_none():
    chance = Training(GAP.epochs, GAP.chosen, 0.5, "", 25)  # two standard errors: 17 points
    assert kinds(chance) == ["weak evidence"]


def test_a_good_fit_is_recognised():
    (good,) = read(a_training(*LEARNS, [1.1, 0.7, 0.5, 0.42, 0.4, 0.4], [0.55, 0.7, 0.8, 0.86, 0.88, 0.88]), 4)
    assert good.kind == "good fit"
    assert "91% and 88% predicted correctly" in good.words


def test_few_validation_items_are_named_with_what_they_can_tell():
    curves = (*LEARNS, [1.1, 0.7, 0.5, 0.42, 0.4, 0.4], [0.55, 0.7, 0.8, 0.86, 0.88, 0.8])
    (doubt,) = read(a_training(*curves, items=40), 4)
    # (0.8 · 40 + 2) / 44 = 0.773; √(0.773 · 0.227 / 44) = 0.0632
    assert "accuracy of 80% was measured on 40 items, so its margin of error is at least ± 13 points" in doubt.words


def test_without_validation_the_evidence_is_weak():
    (doubt,) = read(a_training(*LEARNS), 4)
    assert (doubt.kind, "cannot be detected" in doubt.words) == ("weak evidence", True)


def test_three_epochs_are_no_trend():
    (doubt,) = read(a_training([1.0, 0.7, 0.66], [0.5, 0.8, 0.9], [0.8, 0.5, 0.5], [0.7, 0.85, 0.85]), 4)
    assert doubt.words == "A trend cannot be recognized in so few epochs (3)."


def test_frozen_heads_have_nothing_to_read():
    assert read(Training(note="Frozen heads."), 4) == []


numbers = st.floats(0, 10) | st.just(math.nan)
shares = st.floats(0, 1)
epochs = st.lists(
    st.tuples(numbers, shares, numbers, shares) | st.tuples(numbers, shares, st.none(), st.none()), max_size=12
)


@given(epochs, st.integers(0, 1000), st.integers(2, 100))
def test_any_curves_have_a_reading(rows, items, classes):
    training = Training(tuple(Epoch(n, *row) for n, row in enumerate(rows, 1)), {}, 0.5, "", items)
    readings = read(training, classes)
    assert bool(readings) == bool(rows)
    assert all(reading.words.endswith((".", "best.")) and "nan" not in reading.words for reading in readings)
    assert len({reading.kind for reading in readings}) == len(readings)


# ---------------------------------------------------------------- the parts


def test_the_best_epoch_is_the_first_with_the_lowest_validation_loss():
    assert best_epoch(a_training([1, 1, 1], [0, 0, 0], [0.5, 0.4, 0.4], [0, 0, 0])) == 2
    assert best_epoch(a_training([1, 1], [0, 0], [math.nan, 0.4], [0, 0])) == 2
    assert best_epoch(a_training(*LEARNS)) is None
    assert best_epoch(Training()) is None


def test_the_floor_is_the_entropy_of_the_smoothed_target():
    assert loss_floor(0.0, 10) == 0
    assert loss_floor(1.0, 4) == pytest.approx(math.log(4))
    # two classes, 0.2: targets 0.9 and 0.1
    assert loss_floor(0.2, 2) == pytest.approx(-(0.9 * math.log(0.9) + 0.1 * math.log(0.1)))


def test_a_rise_has_an_order_and_a_size():
    assert rises(np.array([1.1, 1.2, 1.3]), 1.0, 0.2)
    assert not rises(np.array([1.1, 1.2, 1.3]), 1.0, 0.4)
    assert not rises(np.array([1.1, 1.3]), 1.0, 0.2)  # two are no trend
    assert not rises(np.array([1.1, 1.5, 1.3, 1.6]), 1.0, 0.2)  # 5 of 6 pairs rise: z = 4 / 2.94 = 1.36
    ragged = np.array([1.1, 1.4, 1.6, 1.55, 1.9])  # 9 of 10: z = 8 / 4.08 = 1.96
    assert rises(ragged, 1.0, 0.2)
    # how far the inner ones lie from between their neighbours: 0.05, 0.125, 0.2
    assert jitter(ragged) == pytest.approx(1.4826 * math.sqrt(2 / 3) * 0.125)
    assert not rises(ragged, 1.4, 0.2)  # 0.5 is less than four times that


def test_jitter_sees_the_noise_and_not_the_trend():
    assert jitter(np.arange(10.0)) == 0
    rng = np.random.default_rng(0)
    noise = [jitter(0.1 * np.arange(60) + 0.5 * rng.normal(size=60)) for _ in range(200)]
    assert np.mean(noise) == pytest.approx(0.5, rel=0.05)
    assert jitter(np.array([1.0, 2.0])) == 0
