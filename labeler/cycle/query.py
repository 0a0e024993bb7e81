"""The pool → `Candidates` → a strategy → what to ask, best first. Strategies see positions, never ids."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np

from labeler.core import decisions
from labeler.core.rounds import Ranked
from labeler.core.settings import QueryConfig
from labeler.cycle.state import State
from labeler.learner.committees import Committee
from labeler.learner.model import Model
from labeler.learner.predict import class_proba, member_proba
from strategies import Candidates, Strategy

NOBODY = np.empty(0, dtype=np.intp)


def rank(
    state: State,
    strategy: Strategy,
    model: Model | None,
    committee: Committee | None,
    config: QueryConfig,
    depth: int,
    rng: np.random.Generator,
) -> list[Ranked]:
    """The `depth` items of the pool to ask about, best first, with the control arm's random ones spread among them.

    The control arm is drawn from the whole pool before the strategy looks at it, so that it stays a random
    sample of the pool. Of the strategy's places `more_share` at least go to `state.preferred`, while any of those are
    left. Pools of more than `config.candidates` are subsampled for the strategy. Without a model the strategy chooses
    a seed set of `config.seed_size`, of the pool as it is, which must not depend on `depth`; random ones follow.
    """
    depth = min(depth, len(state.pool))
    seeding = model is None
    share = 0.0 if seeding else config.random_share
    drawn = rng.choice(state.pool, round(share * depth), replace=False)
    rest = np.setdiff1d(state.pool, drawn)
    n = min(config.seed_size, depth) if seeding else depth - len(drawn)
    preferred = rest[:0] if state.preferred is None or seeding else np.intersect1d(rest, state.preferred)
    if len(rest) > config.candidates:
        rest = np.sort(rng.choice(rest, min(len(rest), max(config.candidates, n)), replace=False))
        if len(preferred):  # the sample may hold too few of them
            most = ceil(config.more_share * max(config.candidates, n))
            rest = np.union1d(rest, rng.choice(preferred, min(most, len(preferred)), replace=False))
    step = n if strategy.kind == "scores" or seeding else max(1, config.batch - round(share * config.batch))
    ours = ask(state, strategy, rest, model, committee, n, step, rng, preferred, config.more_share)
    ranking = interleave(ours, [Ranked(int(p), "random", None) for p in drawn], share)
    others = np.setdiff1d(state.pool, [r.position for r in ranking])
    fill = rng.choice(others, depth - len(ranking), replace=False)
    return ranking + [Ranked(int(p), "random", None) for p in fill]


def ask(
    state: State,
    strategy: Strategy,
    pool: np.ndarray,
    model: Model | None,
    committee: Committee | None,
    n: int,
    step: int,
    rng: np.random.Generator,
    preferred: np.ndarray = NOBODY,
    more_share: float = 0.0,
) -> list[Ranked]:
    """The `n` items of `pool` that the strategy asks about, `step` at a time.

    A strategy that plans a batch as a whole must be asked for a batch: of a longer list the first part is another
    and worse choice. For each further batch those before it count as labeled, with the class that the model predicts.
    Where some items are preferred, their share of a batch is chosen among them first, and the rest among all.

    Args: pool: (k,) positions into the dataset, unlabeled. preferred: (p,) those of which `more_share` is wanted.
    """
    seen = candidates(state, strategy, pool, model, committee)
    several, targets = state.labeled.several, state.labeled.targets
    left = n

    def choose(size: int, among: np.ndarray) -> list[Ranked]:
        """`size` of the candidates at the positions `among`, which then are no candidates any more."""
        nonlocal seen, targets, left
        if not size:
            return []
        query = strategy.query(seen if len(among) == len(seen) else seen.take(among), size, rng)
        chosen = among[query.positions]
        scores = [None] * size if query.scores is None else query.scores.tolist()
        asked = seen.ids[chosen]
        ranking = [Ranked(int(p), strategy.name, score) for p, score in zip(asked, scores, strict=True)]
        left -= size
        if not left:
            return ranking
        known, seen = seen.proba, without(seen, chosen)
        if "labeled" in strategy.needs and model is not None:
            # of several classes what was seen does not tell the whole set
            known = None if several or known is None else known[chosen]
            proba = class_proba(model, state.dataset, asked) if known is None else known
            targets = np.concatenate([targets, decisions.predicted(proba, several)])
            sets = decisions.sets(targets)
            features = state.normalizer.apply(state.dataset.embeddings[asked])
            seen = replace(
                seen,
                proba=decisions.widened(seen.proba, sets),
                member_proba=decisions.widened(seen.member_proba, sets),
                labeled_embeddings=np.concatenate([seen.labeled_embeddings, features]),
                labeled_targets=sets,
            )
        return ranking

    ranking: list[Ranked] = []
    while left:
        size = min(step, left)
        wanted = np.flatnonzero(np.isin(seen.ids, preferred))
        quota = min(ceil(more_share * size - 1e-9), len(wanted))
        ours = choose(quota, wanted)
        ranking += interleave(choose(size - quota, np.arange(len(seen))), ours, more_share)
    return ranking


def without(seen: Candidates, chosen: np.ndarray) -> Candidates:
    """The candidates without those at the positions `chosen`."""
    return seen.take(np.delete(np.arange(len(seen)), chosen))


def candidates(
    state: State, strategy: Strategy, pool: np.ndarray, model: Model | None, committee: Committee | None
) -> Candidates:
    """What `strategy` needs to know about the items at `pool`, and nothing else.

    An item of several classes is seen through the one that the model doubts most, as an item of "no" or "yes", so that
    strategies need not know of it; what is labeled already has the index of its set of classes for a target.

    Args: pool: (n,) positions into the dataset, unlabeled.
    """
    dataset, needs, labeled = state.dataset, strategy.needs, state.labeled
    known = "labeled" in needs
    targets = decisions.sets(labeled.targets) if known else None
    proba = members = None
    if model is not None and ("proba" in needs or ("member_proba" in needs and labeled.several)):
        proba = class_proba(model, dataset, pool)
    if committee is not None and "member_proba" in needs:
        members = member_proba(committee, dataset, pool)
    if labeled.several and proba is not None:
        classes = decisions.doubted(proba)
        proba = decisions.seen_through(proba, classes)
        members = None if members is None else decisions.seen_through(members, classes)

    def features(positions: np.ndarray) -> np.ndarray:
        return state.normalizer.apply(dataset.embeddings[positions])

    return Candidates(
        ids=pool,
        proba=decisions.widened(proba if "proba" in needs else None, targets),
        member_proba=decisions.widened(members, targets),
        embeddings=features(pool) if "embeddings" in needs else None,
        labeled_embeddings=features(labeled.positions) if known else None,
        labeled_targets=targets,
    )


def interleave(main: list[Ranked], other: list[Ranked], share: float) -> list[Ranked]:
    """Both lists merged, each in its own order: of every stretch from the start, `other` has its `share` until it ends.

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
