"""How much of a batch is drawn at random: the more, the more likely it is that random labels teach as much.

A watched strategy, such as `auto`, is compared with its control arm after each round, as the page Progress shows it,
and loses places of the next batch to random items as far as that comparison speaks against it. These items join the
arm, so that doubt brings the labels that settle it.

What counts as evidence is the gain that `labeler.progress.control` estimates: the accuracy of the project's first
labels less that of as many random ones, both measured on random items that neither model learned from, with an error
that counts the draw of the labels and of the items. Models that are trained on parts of the chosen labels are no fair
measure: a chosen label completes those that were there, also the random ones, and loses more than these where they are
taken apart.

What follows. The share is the posterior probability that the gain is not above zero, but never below
`query.random_share`. Before there is evidence it is about a tenth. The error is some points for as long as the arm is
small, so that the share moves slowly, and small losses are told from chance only where there are many labels.

Source: Thompson 1933 (a share equal to the probability of being best); Hsu & Lin 2015 (Active Learning by Learning: a
strategy earns its share by an unbiased measure of what its labels brought).
"""

from dataclasses import dataclass
from math import erfc, exp, hypot, log, sqrt

from labeler.core.settings import QueryConfig
from labeler.measure.intervals import Estimate, Z
from labeler.store import Store
from strategies import Strategy

SMALLEST_ERROR = 0.001


@dataclass(frozen=True)
class Belief:
    """What may be true of a strategy before there is evidence: how likely that is, and the gain then, a normal one."""

    weight: float
    gain: float
    spread: float


# From docs/benchmarks/all-strategies.md: hybrid strategies gained 1.5 points on average, by much the same on all data
# sets, while some of the others lost by four and more. A disaster is believed soon only if it was thought possible.
BELIEFS = (Belief(0.95, 0.015, 0.01), Belief(0.05, -0.04, 0.03))


def measured_gain(store: Store) -> Estimate | None:
    """The gain in accuracy of the project's labels over random ones, by the latest audit; None: there is none yet."""
    gain = ((store.audits.latest_report() or {}).get("control") or {}).get("gain")
    return Estimate(**gain) if gain else None


def control_share(gain: Estimate | None, strategy: Strategy, config: QueryConfig) -> float:
    """The share of the next batch that is drawn at random.

    It is that of the settings where nothing was measured yet, where the strategy is not watched, or where
    `query.random_share` is 0, so that there is no control arm.
    """
    if gain is None or not config.random_share or not strategy.watched:
        return config.random_share
    return max(config.random_share, doubt(gain))


def doubt(gain: Estimate) -> float:
    """The posterior probability that a strategy gains nothing.

    Args: gain: with its 95% interval.
    """
    error = max((gain.high - gain.low) / (2 * Z), SMALLEST_ERROR)
    evidence = [log(belief.weight) + _log_density(gain.value, belief, error) for belief in BELIEFS]
    posterior = [exp(each - max(evidence)) for each in evidence]
    losses = [_probability_of_loss(gain.value, belief, error) for belief in BELIEFS]
    return sum(p * loss for p, loss in zip(posterior, losses, strict=True)) / sum(posterior)


def _log_density(measured: float, belief: Belief, error: float) -> float:
    """Of such a measurement if the belief is true, up to a constant."""
    spread = hypot(belief.spread, error)
    return -(((measured - belief.gain) / spread) ** 2) / 2 - log(spread)


def _probability_of_loss(measured: float, belief: Belief, error: float) -> float:
    """That the gain is below 0 after the measurement if the belief is true."""
    trust = belief.spread**2 / (belief.spread**2 + error**2)  # in the measurement
    mean, spread = belief.gain + trust * (measured - belief.gain), error * sqrt(trust)
    return erfc(mean / spread / sqrt(2)) / 2
