"""The cycle, written once: train → evaluate → query. Live and simulated runs differ only in who answers."""

import time
from dataclasses import dataclass

import numpy as np

import strategies
from labeler.backbones import Encoder
from labeler.config import Config
from labeler.errors import TrainingError
from labeler.evaluate import metrics
from labeler.heads import fit_committee
from labeler.model import Model, Normalizer
from labeler.predict import class_proba
from labeler.query import rank
from labeler.train import fit
from labeler.types import Dataset, Labels, Progress, RoundResult


@dataclass(frozen=True)
class State:
    """What is known when a round begins; positions index `dataset`.

    `pool` holds the unlabeled positions; `holdout` is never trained on and never queried.
    """

    dataset: Dataset
    normalizer: Normalizer
    labeled: Labels
    pool: np.ndarray
    holdout: Labels


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
    fitting, querying = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
    began = time.perf_counter()
    model = train(state, config, fitting, encoder, on_progress)
    measured = None
    if model is not None and len(state.holdout):
        measured = metrics(class_proba(model, state.dataset, state.holdout.positions), state.holdout.targets)
    trained = time.perf_counter()

    strategy = strategies.get(config.query.strategy if model is not None else config.query.seeding)
    committee = None
    if "member_proba" in strategy.needs and model is not None:
        committee = fit_committee(
            state.dataset,
            state.labeled,
            len(config.classes),
            config.learner.members,
            int(querying.integers(2**31)),
            state.normalizer,
        )
    ranking = rank(state, strategy, model, committee, config.query, depth, querying)
    return RoundResult(
        labels=len(state.labeled),
        strategy=strategy.name,
        seed=seed,
        model=model,
        metrics=measured,
        ranking=tuple(ranking),
        train_seconds=trained - began,
        query_seconds=time.perf_counter() - trained,
    )


def train(
    state: State, config: Config, rng: np.random.Generator, encoder: Encoder | None, on_progress: Progress | None
) -> Model | None:
    """The model of this round, or None while the labels cannot train one."""
    try:
        return fit(
            state.dataset,
            state.labeled,
            len(config.classes),
            config.learner,
            int(rng.integers(2**31)),
            encoder,
            on_progress,
            state.normalizer,
        )
    except TrainingError:
        if len(np.unique(state.labeled.targets)) < 2:
            return None
        raise
