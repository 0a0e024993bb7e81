"""Training objectives that torch does not have."""

import math

import torch
from torch import Tensor


def supervised_contrastive(features: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """How much nearer items of another class are than those of the same, averaged over the items that have a partner.

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
