"""Stopping rules on histories written down by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.progress import stopping
from labeler.progress.stopping import RULES, Backtest, Evidence, History, Thresholds, backtest, backtests, evidence, met

USUAL = Thresholds()


def a_history(rounds: int = 10, **columns: Any) -> History:
    """So many rounds of 20 labels each, of which nothing is said unless it is given."""
    labels = tuple(20 * (i + 1) for i in range(rounds))
    nothing = (None,) * rounds
    usual: dict[str, Any] = {
        "numbers": tuple(range(1, rounds + 1)),
        "labels": labels,
        "accuracy": nothing,
        "low": nothing,
        "high": nothing,
        "agreement": nothing,
        "uncertainty": nothing,
        "spent": labels,
        "pool_left": tuple(5000 - n for n in labels),
    }
    return History(**{**usual, "holdout": 400, "budget": 10_000, "batch": 20, **columns})


def test_the_target_is_reached_once_the_low_end_of_the_interval_is():
    history = a_history(3, accuracy=(0.8, 0.91, 0.93), low=(0.75, 0.88, 0.905), high=(0.85, 0.93, 0.95))
    assert stopping.target(history, USUAL) == Evidence("target", True, 0.905, 0.9)
    assert not stopping.target(history.until(2), USUAL).met  # the accuracy is there, its interval is not
    assert backtest("target", history, USUAL) == Backtest("target", 3, 60, 0.93, 0.0, 0)


def test_the_budget_counts_answers_not_labels():
    history = a_history(3, spent=(40, 80, 120), budget=100)
    assert stopping.budget(history, USUAL) == Evidence("budget", True, 120, 100)
    assert not stopping.budget(history.until(2), USUAL).met


def test_predictions_are_stable_by_the_mean_of_the_last_rounds():
    history = a_history(5, agreement=(None, 0.9, 0.985, 0.99, 0.995))
    # (0.985 + 0.99 + 0.995) / 3 = 0.99
    evidence_of_stability = stopping.stable(history, USUAL)
    assert evidence_of_stability.value == pytest.approx(0.99)
    assert stopping.stable(history, replace(USUAL, kappa=0.985)).met
    assert not stopping.stable(history.until(4), USUAL).met  # (0.9 + 0.985 + 0.99) / 3
    assert stopping.stable(history.until(3), USUAL).why_not == stopping.TOO_FEW_ROUNDS  # one comparison too few
    assert stopping.stable(history.until(3), replace(USUAL, kappa=0.9, kappa_rounds=2)).met


def test_the_model_is_sure_if_overall_uncertainty_is_low():
    history = a_history(2, uncertainty=(0.2, 0.04))
    assert stopping.confident(history, USUAL) == Evidence("confident", True, 0.04, 0.05)
    assert not stopping.confident(history.until(1), USUAL).met
    assert stopping.confident(a_history(2), USUAL) == Evidence("confident", False, None, 0.05, stopping.UNPREDICTED)


def test_the_gain_of_the_next_batch_is_low_on_a_curve_that_has_levelled_off():
    labels = np.arange(1, 41) * 20
    levelled = tuple(0.9 - 5.0 / labels)  # gains 5/800 − 5/820 = 0.00015 of the next 20
    climbing = tuple(0.5 + 0.01 * np.arange(40))  # 0.01 of each batch
    assert stopping.gain(a_history(40, accuracy=levelled), USUAL).met
    assert not stopping.gain(a_history(40, accuracy=climbing), USUAL).met
    early = stopping.gain(a_history(2, accuracy=levelled[:2]), USUAL)
    assert (early.met, early.value) == (False, None)
    assert early.why_not


def test_the_pool_is_exhausted():
    history = a_history(3, pool_left=(40, 20, 0))
    assert stopping.exhausted(history, USUAL) == Evidence("exhausted", True, 0, 0)
    assert not stopping.exhausted(history.until(2), USUAL).met


def test_a_project_without_rounds_has_no_reason_to_stop():
    nothing = a_history(0)
    assert [judged.met for judged in evidence(nothing, USUAL)] == [False] * len(RULES)
    assert [judged.rule for judged in evidence(nothing, USUAL)] == list(RULES)
    assert all(judged.why_not for judged in evidence(nothing, USUAL) if judged.value is None)
    assert backtests(nothing, USUAL) == [Backtest(rule) for rule in RULES]


def test_the_back_test_says_what_stopping_would_have_cost_and_saved():
    accuracy = (0.6, 0.7, 0.78, 0.8, 0.801)
    history = a_history(5, accuracy=accuracy, uncertainty=(0.3, 0.1, 0.04, 0.06, 0.04))
    stopped = backtest("confident", history, USUAL)
    assert (stopped.round, stopped.labels, stopped.accuracy, stopped.saved) == (
        3,
        60,
        0.78,
        40,
    )  # the first time counts
    assert stopped.lost == pytest.approx(0.021)
    assert backtest("exhausted", history, USUAL) == Backtest("exhausted")


def test_where_the_round_was_not_measured_the_loss_is_unknown():
    history = a_history(3, accuracy=(None, 0.7, 0.8), uncertainty=(0.01, 0.01, 0.01))
    assert backtest("confident", history, USUAL) == Backtest("confident", 1, 20, None, None, 40)


def test_only_rules_that_were_named_stop_labeling():
    history = a_history(2, uncertainty=(0.2, 0.04), pool_left=(20, 0))
    assert met([], history, USUAL) is None
    assert met(["target", "unknown"], history, USUAL) is None
    assert met(["exhausted", "confident"], history, USUAL) == Evidence("confident", True, 0.04, 0.05)


numbers = st.one_of(st.none(), st.floats(0, 1))


@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=12), st.integers(1, 11))
def test_no_rule_looks_ahead(rows, at):
    at = min(at, len(rows))
    accuracy, agreement, uncertainty = (tuple(column) for column in zip(*rows, strict=True))
    columns = {"accuracy": accuracy, "low": accuracy, "high": accuracy, "agreement": agreement}
    history = a_history(len(rows), **columns, uncertainty=uncertainty)
    short = {name: values[:at] for name, values in columns.items()}
    alone = a_history(at, **short, uncertainty=uncertainty[:at])
    assert evidence(history.until(at), USUAL) == evidence(alone, USUAL)
    for rule in RULES:
        stopped, before = backtest(rule, history, USUAL), backtest(rule, alone, USUAL)
        if before.round is not None:  # what comes later changes neither when nor where, only what was lost and saved
            assert (stopped.round, stopped.labels, stopped.accuracy) == (before.round, before.labels, before.accuracy)
        elif stopped.round is not None:
            assert stopped.round > alone.numbers[-1]


def test_labels_of_items_that_people_chose_neither_flatten_the_curve_nor_count_as_saved():
    """Two thousand labels by hand that brought nothing are no sign that queries bring nothing."""
    numbers, labels = tuple(range(1, 7)), (100, 200, 400, 800, 2_600, 3_400)
    accuracy = (0.6, 0.68, 0.74, 0.79, 0.795, 0.80)
    asked = (100, 200, 400, 800, 810, 820)
    plain = History(
        numbers, labels, accuracy, accuracy, accuracy, (0.99,) * 6, (0.1,) * 6, labels, (100,) * 6, 300, 9_000, 100
    )
    chosen = replace(plain, asked=asked)
    assert plain.queried == labels
    assert chosen.until(5).queried == asked[:5]
    thresholds = Thresholds(target=0.79)
    assert RULES["gain"](chosen, thresholds).value > RULES["gain"](plain, thresholds).value
    assert backtest("target", plain, thresholds).saved == 2_600
    assert backtest("target", chosen, thresholds).saved == 20
