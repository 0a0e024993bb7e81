"""The arithmetic of large linear heads on the GPU: features and targets enter, the same weights leave as on the CPU.

Small heads stay with scikit-learn: they are fitted before a GPU has begun.
"""

import numpy as np
import torch
from torch import Tensor

from labeler.backbones.devices import device

MOST_PASSES = 1000
TOLERANCE = 1e-6  # of the gradient of the mean loss, at most


def logistic(
    features: np.ndarray, targets: np.ndarray, strength: float, counts: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Weight (c, r) and bias (c,) of a multinomial logistic regression with an L2 penalty on the weight, by L-BFGS.

    Args: features: (m, r) float. targets: (m,) int, 0 to c − 1. strength: the inverse of the penalty's, C in
          scikit-learn. counts: (m,) how often each row counts; None: once.
    """
    x, y = _tensor(features), torch.from_numpy(np.asarray(targets, np.int64)).to(device())
    share = torch.ones(len(x), dtype=x.dtype, device=x.device) if counts is None else _tensor(counts)
    share = share / share.sum()
    n_classes = int(targets.max()) + 1
    # scikit-learn penalises the one row of log odds of two classes, which is the difference of two rows
    penalty = (1 if n_classes > 2 else 2) / (2 * strength * (len(x) if counts is None else float(counts.sum())))
    weight = torch.zeros(n_classes, x.shape[1], dtype=x.dtype, device=x.device, requires_grad=True)
    bias = torch.zeros(n_classes, dtype=x.dtype, device=x.device, requires_grad=True)
    search = torch.optim.LBFGS(
        [weight, bias],
        max_iter=MOST_PASSES,
        tolerance_grad=TOLERANCE,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        search.zero_grad()
        losses = torch.nn.functional.cross_entropy(torch.addmm(bias, x, weight.T), y, reduction="none")
        total = (share * losses).sum() + penalty * weight.square().sum()
        total.backward()
        return total

    search.step(loss)
    return weight.detach().cpu().numpy(), bias.detach().cpu().numpy()


def solve_covariance(within: np.ndarray, share: float, ridge: float, means: np.ndarray) -> np.ndarray:
    """(c, r): the means (c, r) times the inverse of `share` · within.T @ within + `ridge` · I.

    Args: within: (m, r) float.
    """
    rows, centres = _tensor(within), _tensor(means)
    covariance = share * (rows.T @ rows)
    covariance.diagonal().add_(ridge)
    return torch.cholesky_solve(centres.T, torch.linalg.cholesky(covariance)).T.cpu().numpy()


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(array, np.float64)).to(device())
