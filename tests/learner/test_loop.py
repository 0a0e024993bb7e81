"""The training loop: schedules by hand, groups that begin later, and weights that are pulled back."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from labeler.core.settings import FinetuneConfig
from labeler.learner.loop import Group, factor, train

PLAIN = FinetuneConfig(schedule="constant", warmup=0.0, weight_decay=0.0)


def test_the_schedules_by_hand() -> None:
    cosine = [factor("cosine", 0.2, step, 10) for step in range(10)]
    assert cosine[:3] == [0.5, 1.0, 1.0]  # two steps up, then down from the top
    assert cosine[6] == pytest.approx(0.5)
    assert [factor("constant", 0.2, step, 10) for step in (0, 1, 2, 9)] == [0.5, 1.0, 1.0, 1.0]
    cycle = [factor("one_cycle", 0.0, step, 10) for step in range(10)]
    assert cycle[:3] == pytest.approx([0.25, 0.75, 1.0])  # 30% of the steps at least


@given(
    st.sampled_from(["cosine", "one_cycle", "constant"]), st.floats(0, 0.9), st.integers(1, 500), st.integers(0, 499)
)
def test_a_factor_is_never_beyond_its_bounds(schedule: str, warmup: float, steps: int, step: int) -> None:
    assert 0 <= factor(schedule, warmup, min(step, steps - 1), steps) <= 1


def run(groups: Sequence[Group], levers: FinetuneConfig, epochs: int = 4, batches: int = 5) -> None:
    """Every parameter is drawn to 1."""

    def loss(batch: int) -> Tensor:
        return sum(((p - 1) ** 2).sum() for group in groups for p in group.parameters if p.requires_grad)  # type: ignore[return-value]

    train(groups, lambda epoch: list(range(batches)), loss, epochs, levers)


def test_parameters_go_down_the_loss_and_each_group_at_its_own_rate() -> None:
    fast, slow = torch.zeros(3), torch.zeros(3)
    run([Group([fast], 0.1), Group([slow], 0.01)], PLAIN)
    assert (fast > 0.8).all()
    assert (slow > 0).all()
    assert (slow < 0.3).all()


def test_a_group_that_begins_later_stays_as_it_is_until_then() -> None:
    head, block = torch.zeros(1), torch.zeros(1)
    seen: list[float] = []

    def loss(batch: int) -> Tensor:
        seen.append(block.item())
        return ((head - 1) ** 2).sum() + ((block - 1) ** 2).sum()

    train([Group([head], 0.1), Group([block], 0.1, begins=0.5)], lambda epoch: [0, 1], loss, 4, PLAIN)
    assert seen[:5] == [0.0] * 5  # the fifth of eight steps is the first that changes it
    assert seen[5] > 0


def test_l2_sp_pulls_towards_the_start_and_only_what_is_pulled() -> None:
    ends = {}
    for pulled, l2_sp in ((True, 0.0), (True, 5.0), (False, 5.0)):
        p = torch.full((1,), -2.0)
        run([Group([p], 0.1, pulled=pulled)], replace(PLAIN, l2_sp=l2_sp), epochs=10)
        ends[pulled, l2_sp] = p.item()
    assert ends[True, 0.0] == ends[False, 5.0]
    assert -2 < ends[True, 5.0] < ends[True, 0.0] - 0.3


def test_accumulated_batches_make_one_step() -> None:
    steps: list[int] = []
    for accumulate in (1, 2, 5):
        p = torch.zeros(1)
        values = {0.0}

        def loss(batch: int, p: Tensor = p, values: set[float] = values) -> Tensor:
            values.add(p.item())
            return ((p - 1) ** 2).sum()

        train([Group([p], 0.01)], lambda epoch: list(range(5)), loss, 2, replace(PLAIN, accumulate=accumulate))
        values.add(p.item())
        steps.append(len(values) - 1)
    assert steps == [10, 6, 2]  # what is left over at an epoch's end is a step, too


def test_it_ends_when_it_is_told_to() -> None:
    p, epochs = torch.zeros(1), []

    def after(epoch: int) -> bool:
        epochs.append(epoch)
        return epoch < 2

    train([Group([p], 0.1)], lambda epoch: [0], lambda batch: ((p - 1) ** 2).sum(), 9, PLAIN, after)
    assert epochs == [1, 2]
