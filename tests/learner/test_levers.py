"""What "auto" stands for, how many labels are held back, and what fits into a round's time."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.core.settings import FinetuneConfig
from labeler.learner import levers

AUTO = FinetuneConfig()


@pytest.mark.parametrize("about_texts", [True, False])
def test_no_auto_is_left_but_of_what_depends_on_the_time(about_texts: bool) -> None:
    found = levers.resolve(AUTO, about_texts)
    left = [name for name in FinetuneConfig.__dataclass_fields__ if getattr(found, name) == "auto"]
    assert left == ["refit", "networks"]


def test_what_is_set_stays() -> None:
    found = levers.resolve(replace(AUTO, epochs=7, decay=0.3, weight_decay=0.2), True)
    assert (found.epochs, found.decay, found.weight_decay) == (7, 0.3, 0.2)


@given(st.integers(1, 100_000))
def test_enough_are_held_back_or_nothing_is_tried(labels: int) -> None:
    folds, part = levers.folds_of(labels), levers.part_of(labels)
    assert part * labels <= levers.LARGEST_PART + 1e-9
    assert folds * part <= 1 + 1e-9
    if folds:
        assert folds * part * labels >= min(levers.VALIDATED, labels) - 1e-6
    else:
        assert labels < levers.VALIDATED / 2


def test_the_fullest_plan_that_fits_is_taken() -> None:
    ten = levers.resolve(replace(AUTO, epochs=10), False)  # 500 labels: one part of a fifth
    plans = [levers.fit_time(ten, 500, 1.0, left) for left in (100, 15, 5, 0.5)]
    assert [(p.levers.epochs, p.levers.refit) for p in plans if p] == [(10, True), (10, False), (5, False)]
    assert plans[-1] is None
    for plan, left in zip(plans[:3], (100, 15, 5), strict=True):
        assert plan is not None
        assert plan.seconds <= left


def test_few_labels_are_checked_in_several_parts_and_all_teach_in_the_end() -> None:
    plan = levers.fit_time(levers.resolve(AUTO, True), 60, 0.1, 100)
    assert plan is not None
    assert plan.folds == 5
    assert plan.levers.refit is True


def test_few_labels_tune_the_first_network_alone_unless_the_settings_say_more() -> None:
    tried = [levers.networks_tried(AUTO, labels, 2) for labels in (299, 300)]
    assert tried == [1, 2]
    assert [levers.networks_tried(replace(AUTO, networks=n), 100, 2) for n in (1, 2, 3)] == [1, 2, 2]


def test_a_refit_that_was_set_is_kept_to() -> None:
    for refit, expected in ((True, 4), (False, 9)):
        levers_set = levers.resolve(replace(AUTO, epochs=10, refit=refit), False)
        plan = levers.fit_time(levers_set, 500, 1.0, 8)
        assert plan is not None
        assert (plan.levers.refit, plan.levers.epochs) == (refit, expected)


@given(st.integers(30, 3000), st.integers(1, 12), st.sampled_from(["auto", True, False]), st.floats(0.1, 300))
def test_the_levers_of_a_plan_lead_to_the_same_plan(labels: int, epochs: int, refit: Any, left: float) -> None:
    asked = levers.resolve(replace(AUTO, epochs=epochs, refit=refit), False)
    plan = levers.fit_time(asked, labels, 1.0, left)
    if plan:
        assert levers.fit_time(plan.levers, labels, 1.0, 1e9) == plan
