"""The pool → `Candidates` → a strategy → what to ask, best first. Strategies see positions, never ids."""

from dataclasses import dataclass, replace
from functools import partial
from math import ceil

import numpy as np

from labeler.core import decisions
from labeler.core.rounds import Dataset, Labels, Ranked
from labeler.core.settings import QueryConfig
from labeler.cycle.candidates import sampled
from labeler.cycle.state import State
from labeler.engine import engines
from labeler.engine.protocol import Report
from labeler.learner.committees import Committee
from labeler.learner.model import Model
from labeler.learner.predict import Shard, class_proba, member_proba, shards
from strategies import Candidates, Strategy
from strategies.base import top


@dataclass(frozen=True)
class Querier:
    """A query strategy with the model and the committee that score the candidates for it, where there are any."""

    strategy: Strategy
    model: Model | None = None
    committee: Committee | None = None


@dataclass(frozen=True)
class Quota:
    """How many items are asked about: `n` in all, `step` at a time.

    preferred: (p,) positions of which `more_share` of each step are chosen, while any are left.
    """

    n: int
    step: int
    preferred: np.ndarray
    more_share: float


def rank(state: State, querier: Querier, config: QueryConfig, depth: int, rng: np.random.Generator) -> list[Ranked]:
    """The `depth` items of the pool to ask about, best first, with the control arm's random items spread among them.

    The control arm is drawn from the whole pool before the strategy chooses, so that it stays a random sample of the
    pool. At least `more_share` of the strategy's places go to `state.preferred`, while any of those are left. Of pools
    of more than `config.candidates` the strategy sees a part, see `labeler.cycle.candidates`. Without a model the
    strategy chooses a seed set of `config.seed_size` that does not depend on `depth` or on what is preferred; random
    items follow.
    """
    depth = min(depth, len(state.pool))
    seeding = querier.model is None
    share = 0.0 if seeding else config.random_share
    drawn = rng.choice(state.pool, round(share * depth), replace=False)
    rest = np.setdiff1d(state.pool, drawn, assume_unique=True)  # without that, numpy sorts or hashes the pool
    n = min(config.seed_size, depth) if seeding else depth - len(drawn)
    preferred = rest[:0] if state.preferred is None or seeding else np.intersect1d(rest, state.preferred)
    preferred_share = config.more_share
    if len(rest) > config.candidates:
        size = min(len(rest), max(config.candidates, n))
        rest, near = sampled(state, rest, config, size, rng)
        if len(preferred):  # the sample may hold too few of them
            most = ceil(config.more_share * size)
            rest = np.union1d(rest, rng.choice(preferred, min(most, len(preferred)), replace=False))
        else:
            preferred, preferred_share = near, config.neighbour_share
    all_at_once = querier.strategy.kind == "scores" or seeding
    step = n if all_at_once else max(1, config.batch - round(share * config.batch))
    chosen = ask(state, querier, rest, Quota(n, step, preferred, preferred_share), rng)
    ranking = interleave(chosen, [Ranked(int(p), "random", None) for p in drawn], share)
    others = np.setdiff1d(state.pool, [r.position for r in ranking], assume_unique=True)
    fill = rng.choice(others, depth - len(ranking), replace=False)
    return ranking + [Ranked(int(p), "random", None) for p in fill]


def ask(state: State, querier: Querier, pool: np.ndarray, quota: Quota, rng: np.random.Generator) -> list[Ranked]:
    """The `quota.n` items of `pool` that the strategy asks about, `quota.step` at a time.

    A strategy that plans a whole batch must be asked for a batch: the first part of a longer plan is another and worse
    choice. For each further batch the earlier ones count as labeled, with the class that the model predicts. Where
    some items are preferred, their share of a batch is chosen among them first, and the rest among all.

    Args: pool: (k,) positions into the dataset, unlabeled.
    """
    alone = querier.strategy.alone and querier.strategy.kind == "scores"
    if alone and engines.current().apart and not np.isin(pool, quota.preferred).any():
        return _best_of_shards(state, querier, pool, quota.n, rng)
    query = _Query(state, querier, pool, quota.n, rng)
    ranking: list[Ranked] = []
    while query.left:
        size = min(quota.step, query.left)
        wanted = np.flatnonzero(np.isin(query.candidates.ids, quota.preferred))
        reserved = min(ceil(quota.more_share * size - 1e-9), len(wanted))
        preferred = query.take(reserved, wanted)
        rest = query.take(size - reserved, np.arange(len(query.candidates)))
        ranking += interleave(rest, preferred, quota.more_share)
    return ranking


def _best_of_shards(state: State, querier: Querier, pool: np.ndarray, n: int, rng: np.random.Generator) -> list[Ranked]:
    """The same `n` items, where an engine scores shards of the pool apart and gives back the best of each."""
    task = state.task
    nothing = Dataset([], np.empty((0, sum(task.dataset.dims)), np.float32), task.dataset.dims)
    # what a node needs of the state: how many classes an item has
    bare_task = replace(task, dataset=nothing, encoder=None, prior=None, spread=None)
    bare = State(bare_task, pool[:0], Labels(pool[:0], pool[:0]))
    chunks = shards(task.dataset, pool, apart=True)
    best = [*engines.current().map(partial(_best, bare, querier, n), chunks, gpu=True)]
    starts = np.cumsum([0, *(size for size, _, _ in best)])
    places = np.concatenate([start + places for start, (_, places, _) in zip(starts, best, strict=False)])
    scores = np.concatenate([scores for _, _, scores in best])
    chosen = top(scores, n, rng)  # ties are those of the whole pool, in the same order, so that the same are drawn
    return [Ranked(int(pool[places[c]]), querier.strategy.name, float(scores[c])) for c in chosen]


def _best(state: State, querier: Querier, n: int, shard: Shard, report: Report) -> tuple[int, np.ndarray, np.ndarray]:
    """The size of a shard, and the places and scores of its `n` + 1 best and of all that equal the last of these."""
    dataset, positions = shard
    within = candidates(replace(state, task=replace(state.task, dataset=dataset)), querier, positions)
    scores = querier.strategy.scores(within, np.random.default_rng(0))
    kept = min(n + 1, len(scores))  # one more than needed: `top` draws only where something is left over
    places = np.flatnonzero(scores >= np.partition(scores, len(scores) - kept)[len(scores) - kept])
    return len(scores), places, scores[places]


class _Query:
    """The candidates that remain while a strategy is asked several times, and how many items are `left` to choose."""

    def __init__(self, state: State, querier: Querier, pool: np.ndarray, n: int, rng: np.random.Generator) -> None:
        self.state, self.querier, self.left, self.rng = state, querier, n, rng
        self.candidates = candidates(state, querier, pool)
        self.targets = state.task.labels.targets

    def take(self, size: int, among: np.ndarray) -> list[Ranked]:
        """`size` items, chosen among the candidates at the places `among`; they are no candidates afterwards."""
        if not size:
            return []
        strategy, current = self.querier.strategy, self.candidates
        query = strategy.query(current if len(among) == len(current) else current.take(among), size, self.rng)
        chosen = among[query.positions]
        scores = [None] * size if query.scores is None else query.scores.tolist()
        positions = current.ids[chosen]
        self.left -= size
        if self.left:
            self._remove(chosen)
        return [Ranked(int(p), strategy.name, score) for p, score in zip(positions, scores, strict=True)]

    def _remove(self, chosen: np.ndarray) -> None:
        """Remove candidates; for strategies that look at labels, they count as labeled with the predicted class."""
        before = self.candidates
        self.candidates = before.take(np.delete(np.arange(len(before)), chosen))
        model, task = self.querier.model, self.state.task
        if "labeled" not in self.querier.strategy.needs or model is None:
            return
        positions, several = before.ids[chosen], task.labels.several
        # where an item has several classes, the candidates' probabilities are of one class only
        proba = class_proba(model, task.dataset, positions) if several or before.proba is None else before.proba[chosen]
        self.targets = np.concatenate([self.targets, decisions.predicted(proba, several)])
        sets = decisions.label_set_ids(self.targets)
        self.candidates = replace(
            self.candidates,
            proba=decisions.padded(self.candidates.proba, sets),
            member_proba=decisions.padded(self.candidates.member_proba, sets),
            labeled_embeddings=np.concatenate([before.labeled_embeddings, task.features(positions)]),
            labeled_targets=sets,
        )


def candidates(state: State, querier: Querier, pool: np.ndarray) -> Candidates:
    """The arrays that the strategy needs about the items at `pool`, and no others.

    An item of several classes is represented by the class that the model doubts most, as an item of "no" or "yes", so
    that strategies need no notion of several classes; the target of a labeled item is the index of its set of classes.

    Args: pool: (n,) positions into the dataset, unlabeled.
    """
    task, needs, labeled = state.task, querier.strategy.needs, state.task.labels
    targets = decisions.label_set_ids(labeled.targets) if "labeled" in needs else None
    proba = members = None
    if querier.model is not None and ("proba" in needs or ("member_proba" in needs and labeled.several)):
        proba = class_proba(querier.model, task.dataset, pool)
    if querier.committee is not None and "member_proba" in needs:
        members = member_proba(querier.committee, task.dataset, pool)
    if labeled.several and proba is not None:
        classes = decisions.least_certain_class(proba)
        proba = decisions.proba_of_class(proba, classes)
        members = None if members is None else decisions.proba_of_class(members, classes)
    return Candidates(
        ids=pool,
        proba=decisions.padded(proba if "proba" in needs else None, targets),
        member_proba=decisions.padded(members, targets),
        embeddings=task.features(pool) if "embeddings" in needs else None,
        labeled_embeddings=task.features(labeled.positions) if "labeled" in needs else None,
        labeled_targets=targets,
    )


def interleave(main: list[Ranked], other: list[Ranked], share: float) -> list[Ranked]:
    """Both lists merged, each in its own order; `other` has its `share` of every prefix until it is used up.

    >>> [r.strategy for r in interleave([Ranked(i, "a", None) for i in range(3)], [Ranked(9, "b", None)], 0.25)]
    ['a', 'a', 'a', 'b']
    """
    merged: list[Ranked] = []
    first, second = list(reversed(main)), list(reversed(other))
    taken = 0
    while first or second:
        due = share * (len(merged) + 1) - taken >= 1 - 1e-9
        if second and (due or not first):
            merged.append(second.pop())
            taken += 1
        else:
            merged.append(first.pop())
    return merged
