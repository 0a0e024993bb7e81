"""The weight of fine-tuned networks beside the frozen heads, and how sure each of them is."""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import softmax

from labeler.core import decisions
from labeler.learner.model import LinearHeads

SHARES = np.linspace(0.0, 1.0, 5)  # candidates for the fine-tuned networks' weight beside the frozen heads
TEMPERATURES = np.array([0.5, 0.7, 1.0, 1.4, 2.0, 3.0])
SPREAD = 0.35  # standard deviation of the prior on the logarithm of a temperature


@dataclass(frozen=True)
class Mixture:
    """The fine-tuned network's share in the prediction, its temperature, and that of the frozen heads beside it."""

    share: float
    network: float
    heads: float


def mixture(network: np.ndarray, frozen: np.ndarray, targets: np.ndarray) -> Mixture:
    """The weight of a fine-tuned network beside the frozen heads, and the temperature of each.

    The temperatures are those of the highest posterior on labels that neither was trained on; the prior favours values
    near 1, since few labels tell little about them. The weight is the posterior's mean: among a hundred labels the most
    likely one is often far off.

    Args:    network, frozen: (t, v, c) probabilities of both at each of `TEMPERATURES`. targets: (v,) int, or (v, c) of
             0 and 1, where the likelihood of an item is that of all its decisions.
    Returns: share 0 if the network improves nothing or its probabilities are not finite.
    Source:  Guo et al. 2017, section 4.2 (temperature scaling); Wolpert 1992 (stacking).
    """
    usable = np.isfinite(network).all()
    ours, theirs = (
        dict(zip(TEMPERATURES.tolist(), decisions.proba_of_targets(proba, targets), strict=True))
        for proba in (network, frozen)
    )

    def evidence(of: Mixture) -> float:
        mixed = theirs[of.heads]
        if of.share:
            mixed = of.share * ours[of.network] + (1 - of.share) * mixed
        unlikely = sum((math.log(t) / SPREAD) ** 2 / 2 for t in (of.network, of.heads))
        return float(np.log(np.maximum(mixed, 1e-12)).sum()) - unlikely

    shares = SHARES.tolist() if usable else SHARES.tolist()[:1]
    candidates = [Mixture(*of) for of in itertools.product(shares, ours, theirs)]
    weights = np.array([evidence(candidate) for candidate in candidates])
    best = candidates[int(weights.argmax())]
    if not best.share:
        return best
    mean = round(float(softmax(weights) @ [candidate.share for candidate in candidates]), 2)
    alone = candidates[int(weights[: len(ours) * len(theirs)].argmax())]
    return max(replace(best, share=mean), alone, key=evidence)


def cooled(heads: LinearHeads, temperature: float) -> LinearHeads:
    """The heads with their logits divided by a temperature; above 1 they are less confident."""
    t = np.float32(temperature)
    return replace(heads, weight=heads.weight / t, bias=heads.bias / t)
