"""The only training loop: groups of parameters with their own learning rates, a schedule, and a loss.

Fine-tuning and self-supervised adaptation both run it, each with batches and a loss of its own.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from labeler.core.settings import FinetuneConfig

Batch = TypeVar("Batch")

CLIP = 1.0  # largest norm of the gradient, so that an unusual batch cannot undo the training so far


@dataclass(frozen=True)
class Group:
    """Parameters that are trained alike.

    rate: the learning rate at the schedule's top. begins: the share of the steps after which they are trained; until
    then they stay as they are. pulled: whether L2-SP pulls them to where they started.
    """

    parameters: Sequence[Tensor]
    rate: float
    begins: float = 0.0
    pulled: bool = False


def train(
    groups: Sequence[Group],
    batches: Callable[[int], Sequence[Batch]],
    loss: Callable[[Batch], Tensor],
    epochs: int,
    levers: FinetuneConfig,
    after_epoch: Callable[[int], bool] = lambda epoch: True,
) -> None:
    """Train the groups' parameters in place with AdamW.

    Args:   batches: those of an epoch, counted from 1; each epoch has as many as the first.
            loss: of a batch, a mean over its items. after_epoch: returns whether to go on.
    Source: Loshchilov and Hutter 2019 (AdamW); Smith 2018 (one cycle); Howard and Ruder 2018, section 3.2 (warm-up,
            discriminative rates, gradual unfreezing); Li et al. 2018 (L2-SP), decoupled from the gradient as weight
            decay is.
    """
    groups = [group for group in groups if group.parameters]
    everything = [p for group in groups for p in group.parameters]
    first = batches(1)
    steps = epochs * math.ceil(len(first) / levers.accumulate)
    optimizer = torch.optim.AdamW(
        [{"params": group.parameters, "lr": group.rate} for group in groups],
        weight_decay=levers.weight_decay,
        fused=everything[0].is_cuda,
    )
    factors: list[Callable[[int], float]] = [partial(_factor, levers, group, steps) for group in groups]
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factors)
    anchors = [
        (p, p.detach().clone(), n) for n, g in enumerate(groups) if g.pulled and levers.l2_sp for p in g.parameters
    ]
    step = 0
    for epoch in range(1, epochs + 1):
        of_epoch = first if epoch == 1 else batches(epoch)
        for number, batch in enumerate(of_epoch, 1):
            for group in groups:  # frozen parameters need no gradient
                for p in group.parameters:
                    p.requires_grad_(step >= group.begins * steps)
            (loss(batch) / levers.accumulate).backward()
            if number % levers.accumulate and number < len(of_epoch):
                continue
            torch.nn.utils.clip_grad_norm_(everything, CLIP)
            optimizer.step()
            with torch.no_grad():
                for p, start, n in anchors:
                    p.lerp_(start, min(1.0, optimizer.param_groups[n]["lr"] * levers.l2_sp))
            optimizer.zero_grad(set_to_none=True)
            schedule.step()
            step += 1
        if not after_epoch(epoch):
            break


def _factor(levers: FinetuneConfig, group: Group, steps: int, step: int) -> float:
    """The learning rate's factor at a step: a group that begins later has its own warm-up, and ends with the others."""
    begins = math.ceil(group.begins * steps)
    return factor(levers.schedule, levers.warmup, step - begins, steps - begins) if step >= begins else 0.0


def factor(schedule: str, warmup: float, step: int, steps: int) -> float:
    """The learning rate's factor, from 0 to 1: up in the first `warmup` of the steps, then by the schedule.

    `cosine` rises along a line and falls to 0 along a cosine; `one_cycle` rises along a cosine, too, over 30% of the
    steps at least; `constant` stays up.
    """
    if schedule == "one_cycle":
        warmup = max(warmup, 0.3)
    warm = max(1, round(warmup * steps))
    if step < warm:
        up = (step + 1) / warm
        return (1 - math.cos(math.pi * up)) / 2 if schedule == "one_cycle" else up
    if schedule == "constant":
        return 1.0
    return (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))) / 2
