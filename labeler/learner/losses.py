"""Training objectives that torch does not have."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


def cross_entropy(
    logits: Tensor, targets: Tensor, weights: Tensor | None = None, label_smoothing: float = 0.0
) -> Tensor:
    """Mean cross-entropy in nats: of each item's class, or, where an item has several, of each yes or no.

    Args: logits: (n, c). targets: (n,) int, or (n, c) of 0 and 1. weights: (c,) of the classes, or (2, c) of each
          class's no and yes. label_smoothing: the share of a target that is spread over all its outcomes.
    """
    if targets.ndim == 1:
        return functional.cross_entropy(logits, targets, weight=weights, label_smoothing=label_smoothing)
    smoothed = targets * (1 - label_smoothing) + label_smoothing / 2
    if weights is not None:
        weights = torch.where(targets > 0, weights[1], weights[0])
    return functional.binary_cross_entropy_with_logits(logits, smoothed, weight=weights)


def accuracy(logits: Tensor, targets: Tensor) -> Tensor:
    """The share of right decisions: of the items, or, where an item has several classes, of each yes or no."""
    right = logits.argmax(dim=1) == targets if targets.ndim == 1 else (logits > 0) == (targets > 0)
    return right.float().mean()


def balanced(targets: np.ndarray, classes: int) -> np.ndarray:
    """Weights with which every class counts alike, on average 1: see `cross_entropy`.

    Args: targets: (n,) int, or (n, c) of 0 and 1.
    """
    if targets.ndim == 1:
        return (len(targets) / (classes * np.maximum(np.bincount(targets, minlength=classes), 1))).astype(np.float32)
    yes = targets.sum(axis=0)
    return (len(targets) / (2 * np.maximum([len(targets) - yes, yes], 1))).astype(np.float32)


def supervised_contrastive(features: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """The supervised contrastive loss, averaged over the items that have a partner: another item of their class.

    Args:    features: (n, d) of length 1. targets: (n,) int.
    Returns: scalar, in nats; 0 where no item has a partner.
    Source:  Khosla et al. 2020, equation 2 (L_out).
    """
    itself = torch.eye(len(targets), dtype=torch.bool, device=targets.device)
    similar = (features @ features.T / temperature).masked_fill(itself, -math.inf)
    log_share = (similar - similar.logsumexp(dim=1, keepdim=True)).masked_fill(itself, 0.0)
    partners = (targets[:, None] == targets) & ~itself
    count = partners.sum(dim=1)
    each = -(log_share * partners).sum(dim=1) / count.clamp(min=1)
    return each.sum() / (count > 0).sum().clamp(min=1)
