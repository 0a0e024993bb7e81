"""The cycle, written once: train → evaluate → query. Live and simulated runs differ only in who answers."""

import time
from dataclasses import replace

import numpy as np

import strategies
from labeler.backbones.choose import Encoder
from labeler.core.errors import TooFewClassesError
from labeler.core.items import Progress
from labeler.core.rounds import Dataset, Metrics, RoundResult
from labeler.core.settings import Config
from labeler.cycle.query import rank
from labeler.cycle.state import State
from labeler.learner.committees import committee
from labeler.learner.model import FineTuned, Model
from labeler.learner.predict import class_proba
from labeler.learner.train import Fitted, fit
from labeler.measure.metrics import metrics

TRIAL = 128  # items whose scoring shows how long the pool would take


def run_round(
    state: State,
    config: Config,
    seed: int,
    depth: int,
    encoder: Encoder | None = None,
    on_progress: Progress | None = None,
) -> RoundResult:
    """One turn of the cycle: train on all labels so far, measure on the holdout, rank what to ask next.

    Without labels of two classes there is nothing to train on: then `config.query.seeding` ranks the pool.

    Args:   seed: of everything random in the round; same state and seed, same result.
            depth: places of the ranking. encoder: needed for fine-tuning only.
    Raises: StrategyError: the strategy's name or result cannot be used.
    Source: Settles 2010, section 1, figure 1 (the pool-based cycle).
    """
    querying = np.random.default_rng([seed, 1])
    began = time.perf_counter()
    fitted = train(state, config, seed, encoder, on_progress)
    model = fitted.model if fitted else None
    measured, watched = look(model, state) if model else (None, None)
    trained = time.perf_counter()

    strategy = strategies.get(config.query.strategy if fitted else config.query.seeding)
    members = None
    if "member_proba" in strategy.needs and fitted:
        members = committee(
            config.learner.committee,
            fitted.model,
            fitted.snapshots,
            state.dataset,
            state.labeled,
            len(config.classes),
            config.learner.members,
            int(querying.integers(2**31)),
            state.normalizer,
        )
    query = config.query
    if fitted and strategy.needs & {"proba", "member_proba"}:
        most = affordable(fitted.model, state.dataset, state.pool, config.learner.round_seconds)
        query = replace(query, candidates=min(query.candidates, max(most, depth)))
    ranking = rank(state, strategy, model, members, query, depth, querying)
    return RoundResult(
        labels=len(state.labeled),
        strategy=strategy.name,
        seed=seed,
        model=model,
        metrics=measured,
        ranking=tuple(ranking),
        train_seconds=trained - began,
        query_seconds=time.perf_counter() - trained,
        training=fitted.training if fitted else None,
        watched=watched,
    )


def look(model: Model, state: State) -> tuple[Metrics | None, np.ndarray | None]:
    """How good the model is on the holdout, and what it says of what is watched; no item is looked at twice."""
    watched = np.empty(0, dtype=np.intp) if state.watched is None else state.watched
    positions, where = np.unique(np.concatenate([state.holdout.positions, watched]), return_inverse=True)
    proba = class_proba(model, state.dataset, positions)[where]
    n = len(state.holdout)
    measured = metrics(proba[:n], state.holdout.targets) if n else None
    return measured, None if state.watched is None else proba[n:]


def train(
    state: State, config: Config, seed: int, encoder: Encoder | None, on_progress: Progress | None = None
) -> Fitted | None:
    """The model of the round with this seed, or None while the labels cannot train one."""
    try:
        return fit(
            state.dataset,
            state.labeled,
            len(config.classes),
            config.learner,
            int(np.random.default_rng([seed, 0]).integers(2**31)),
            encoder,
            on_progress,
            state.normalizer,
            state.previous,
        )
    except TooFewClassesError:
        return None


def affordable(model: Model, dataset: Dataset, pool: np.ndarray, seconds: float) -> int:
    """How many of the pool's items the model can score in the given seconds, found by a trial on a few.

    Linear heads read cached features, so all of them; a fine-tuned network looks at every item anew.
    """
    if not isinstance(model, FineTuned) or len(pool) <= TRIAL:
        return len(pool)
    few = pool[:: len(pool) // TRIAL][:TRIAL]
    class_proba(model, dataset, few)  # the first pass through a network is slower
    began = time.perf_counter()
    class_proba(model, dataset, few)
    return max(TRIAL, int(TRIAL * seconds / (time.perf_counter() - began)))
