"""One turn of the cycle, top to bottom: snapshot → train → measure → query → finished round.

A live round begins with a project and ends with a record for the store (`run_live_round`). A simulated round has its
labels at hand and runs the part in the middle (`run_round`): the two differ only in who answers.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

import strategies
from labeler.backbones.encoder import features_key
from labeler.core.errors import ImageError, LabelerError, TooFewClassesError
from labeler.core.items import Prediction, Progress
from labeler.core.rounds import Dataset, FinishedRound, Forecast, ForecastKind, Metrics, Ranked, RoundResult
from labeler.core.setting_rules import check_strategy_of_head
from labeler.core.settings import Config
from labeler.cycle import snapshot
from labeler.cycle.control_share import control_share, measured_gain
from labeler.cycle.holdout_queue import next_holdout, weighted
from labeler.cycle.neighbours import Neighbours
from labeler.cycle.query import Querier, interleave, rank
from labeler.cycle.snapshot import Snapshot
from labeler.cycle.state import State
from labeler.i18n.messages import mark, sentences
from labeler.learner import saved_models as models
from labeler.learner.committees import committee
from labeler.learner.model import Fitted, LinearHeads, Model
from labeler.learner.predict import class_proba, opinions
from labeler.learner.task import LearningTask
from labeler.learner.train import fit_on_engine as fit
from labeler.measure.metrics import metrics, stability
from labeler.projects.own_strategies import own_strategies
from labeler.projects.project import Project
from labeler.projects.unreadable import set_aside
from labeler.store import Store

log = logging.getLogger(__name__)

DEPTH = 5  # places of a ranking for each label of a batch: labeling goes on from it while the next round trains
TRIAL = 128  # items that are scored to estimate how long the pool would take


@dataclass(frozen=True)
class Turn:
    """What one turn of the cycle returns.

    model: None while the labels cannot train one. watched: (w, C) its probabilities at `State.watched`.
    """

    result: RoundResult
    model: Model | None
    watched: np.ndarray | None = None


@dataclass(frozen=True)
class LiveTurn:
    """A live round, ready to be stored once its model is saved as a file."""

    finished: FinishedRound
    model: Model | None
    snapshot: Snapshot


def run_live_round(project: Project, store: Store, number: int, reporter: Callable[[str], Progress]) -> LiveTurn:
    """One turn of a project's cycle. It stores nothing but draws of active testing, so it can be repeated at any time.

    Items whose images cannot be read are set aside, and the turn goes on without them.

    Args:   number: of the round, and its seed. reporter: takes a step in words; returns the function that is called
            with its progress.
    Raises: LabelerError, StrategyError: the round cannot be run; says why.
    """
    try:
        return _live_round(project, store, number, reporter)
    except ImageError as error:
        reporter(mark("looking for images that cannot be read"))(0, 0)
        n = set_aside(project, store)
        if not n:
            raise
        log.warning("%s: %d images cannot be read and are set aside: %s", project.slug, n, error)
    return _live_round(project, store, number, reporter)


def _live_round(project: Project, store: Store, number: int, reporter: Callable[[str], Progress]) -> LiveTurn:
    config = project.config
    snap = snapshot.take(project, store, reporter)
    state = State(
        snap.task(len(config.classes)),
        pool=snap.unlabeled,
        holdout=snap.holdout,
        previous=_last_model(project, store, snap),
        watched=np.concatenate([snap.all_holdout, snap.compared]),
        preferred=snap.preferred,
        gain=measured_gain(store),
        neighbours=Neighbours(snap.dataset, project.embeddings / features_key(snap.encoder)),
    )
    depth = max(DEPTH * config.query.batch, config.query.seed_size)
    reporter(mark("training"))(0, 0)
    with _own_strategies(project):
        turn = run_round(state, config, number, depth, reporter(mark("training")))

    forecasts = _forecasts(turn.watched, snap)
    on_holdout, share = forecasts.get("holdout"), config.labeling.holdout_share
    asked = next_holdout(store, snap, on_holdout, config, int(depth * share / (1 - share)), number)
    ranking = interleave(list(turn.result.ranking), [Ranked(int(p), "holdout", None) for p in asked], share)
    agreement = uncertainty = None
    if forecasts:
        agreement, uncertainty = stability(forecasts["stop"], store.forecasts.get(number - 1, "stop"), config)
    finished = FinishedRound(
        number,
        replace(turn.result, ranking=tuple(ranking), metrics=weighted(store, on_holdout, turn.result.metrics, config)),
        items=snap.ids(np.array([r.position for r in ranking], dtype=np.intp)).tolist(),
        predictions=_predictions(turn.model, ranking, snap, config),
        forecasts=forecasts,
        agreement=agreement,
        uncertainty=uncertainty,
        class_change=snap.class_change,
        left_out=snap.left_out,
    )
    return LiveTurn(finished, turn.model, snap)


def run_round(state: State, config: Config, seed: int, depth: int, on_progress: Progress | None = None) -> Turn:
    """Train on all labels so far, measure on the holdout, rank what to ask next.

    Without labels of two classes `config.query.seeding` ranks the pool. A model can be trained then only if something
    is known of the classes, see `labeler.learner.prior`.

    Args:   seed: of everything random in the round; the same state and seed give the same result.
            depth: places of the ranking. on_progress: called with (epoch, epochs) of the training.
    Raises: StrategyError: the strategy's name or result cannot be used.
    Source: Settles 2010, section 1, figure 1 (the pool-based cycle).
    """
    rng = np.random.default_rng([seed, 1])
    began = time.perf_counter()
    fitted = train(state, config, seed, on_progress)
    model = fitted.model if fitted else None
    measured, watched = _measure(model, state) if model else (None, None)
    trained = time.perf_counter()

    # a prior gives a model without labels, but strategies want labels that differ
    asking = None if fitted is None or _alike(state.task) else fitted
    strategy = strategies.get(config.query.strategy if asking else config.query.seeding)
    if asking:
        check_strategy_of_head(strategy.name, strategy.linear, config.learner.head)
    members, query = None, config.query
    if asking and "member_proba" in strategy.needs:
        members = committee(state.task, asking, config.learner, int(rng.integers(2**31)))
    if asking and strategy.needs & {"proba", "member_proba"}:
        most = affordable(asking.model, state.task.dataset, state.pool, config.learner.round_seconds)
        query = replace(query, candidates=min(query.candidates, max(most, depth)))
    if asking:
        query = replace(query, random_share=control_share(state.gain, strategy, query))
    ranking = rank(state, Querier(strategy, asking.model if asking else None, members), query, depth, rng)
    result = RoundResult(
        labels=len(state.task.labels),
        strategy=strategy.name,
        seed=seed,
        metrics=measured,
        ranking=tuple(ranking),
        train_seconds=trained - began,
        query_seconds=time.perf_counter() - trained,
        training=fitted.training if fitted else None,
    )
    return Turn(result, model, watched)


# ---------------------------------------------------------------- its steps


def _last_model(project: Project, store: Store, snap: Snapshot) -> Model | None:
    """The last round's model, if the settings ask for a warm start, and if it can be loaded and has today's classes."""
    trained, latest = store.rounds.models(), store.rounds.latest()
    if project.config.learner.finetune.start != "last" or not trained or latest is None:
        return None
    if store.rounds.class_change_of(latest.number) != snap.class_change:
        return None
    try:
        return models.load(project.folder / trained[-1][0], snap.encoder)
    except LabelerError as error:
        log.warning("%s: the round starts from the pretrained weights: %s", project.slug, error)
        return None


@contextmanager
def _own_strategies(project: Project) -> Iterator[None]:
    """A block in which the strategies of the project's own folder can be used.

    Raises: LabelerError: the block named an unknown strategy; says which there are, and which files are broken.
    """
    with own_strategies(project) as broken:
        for problem in (*strategies.broken, *broken):
            log.warning("%s: %s", project.slug, problem)
        try:
            yield
        except strategies.UnknownStrategy as error:
            raise LabelerError(sentences(error, *strategies.broken, *broken)) from error


def train(state: State, config: Config, seed: int, on_progress: Progress | None = None) -> Fitted | None:
    """The model of the round with this seed, or None while the labels cannot train one."""
    of_training = int(np.random.default_rng([seed, 0]).integers(2**31))
    try:
        return fit(state.task, config.learner, of_training, on_progress, state.previous)
    except TooFewClassesError:
        return None


def _alike(task: LearningTask) -> bool:
    """Whether only a prior tells classes apart: there are no labels yet, or all are of one class."""
    return task.prior is not None and len(np.unique(task.labels.targets)) < 2


def _measure(model: Model, state: State) -> tuple[Metrics | None, np.ndarray | None]:
    """The metrics on the holdout, and the probabilities of the watched items; each item is scored once."""
    watched = np.empty(0, dtype=np.intp) if state.watched is None else state.watched
    positions, places = np.unique(np.concatenate([state.holdout.positions, watched]), return_inverse=True)
    proba = class_proba(model, state.task.dataset, positions)[places]
    n = len(state.holdout)
    measured = _holdout_metrics(proba[:n], state) if n else None
    return measured, None if state.watched is None else proba[n:]


def _holdout_metrics(proba: np.ndarray, state: State) -> Metrics:
    holdout = state.holdout
    return metrics(proba, holdout.targets, state.task.dataset.groups_of(holdout.positions))


def affordable(model: Model, dataset: Dataset, pool: np.ndarray, seconds: float) -> int:
    """How many of the pool's items the model can score in the given seconds, estimated by a trial on a few.

    Linear heads read cached features, so they can score all; a fine-tuned network reads each item again, and other
    heads may be slow.
    """
    if isinstance(model, LinearHeads) or len(pool) <= TRIAL:
        return len(pool)
    sample = pool[:: len(pool) // TRIAL][:TRIAL]
    class_proba(model, dataset, sample)  # the first pass through a network is slower
    began = time.perf_counter()
    class_proba(model, dataset, sample)
    return max(TRIAL, int(TRIAL * seconds / (time.perf_counter() - began)))


def _forecasts(watched: np.ndarray | None, snap: Snapshot) -> dict[ForecastKind, Forecast]:
    if watched is None:
        return {}
    n = len(snap.all_holdout)
    return {
        "holdout": Forecast(snap.ids(snap.all_holdout), watched[:n]),
        "stop": Forecast(snap.ids(snap.compared), watched[n:]),
    }


def _predictions(
    model: Model | None, ranking: Sequence[Ranked], snap: Snapshot, config: Config
) -> list[Prediction | None]:
    """The model's prediction for each place of the ranking; None for holdout items, which are answered blind."""
    predictions: list[Prediction | None] = [None] * len(ranking)
    if model is None:
        return predictions
    places = [place for place, r in enumerate(ranking) if not snap.items.holdout[r.position]]
    positions = np.array([ranking[place].position for place in places], dtype=np.intp)
    for place, prediction in zip(places, opinions(model, snap.dataset, positions, config), strict=True):
        predictions[place] = prediction
    return predictions
