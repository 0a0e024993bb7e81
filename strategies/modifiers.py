"""Strategies made of a strategy: `get("distinct(margin)")`, `get("balanced(distinct(k_center))")`.

Wherever a strategy is named, so can one that is modified: in project.toml, on the Project page, in a simulation. The
modified strategy is looked up when it is asked for, so that modAL's and a project's own can be modified as well. Two
more modifiers work on every strategy and are settings instead: `query.random_share` draws a share of the queue at
random, and `query.candidates` subsamples pools that are too large to look at.
"""

import heapq
import re
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from strategies import base
from strategies.base import Candidates, Need, Strategy, UnknownStrategy

SIMILAR = 0.9  # above it: an item recompressed or mistyped; below it: different items, as a rule
PASSES = 5  # times that a strategy which plans batches is asked for other items
SAMPLE = 10_000  # rows that give the mean well enough
BLOCK = 4096  # rows of the pool that are in memory at a time
FEW = 256  # items that are compared with each other at a time

Features = Callable[[np.ndarray], np.ndarray]  # of the candidates at some positions: (k, d) float32, centred


def distinct(inner: Strategy) -> Strategy:
    """`inner`, without near-duplicates: neither of another item of the batch nor of a labeled one.

    The strategy is asked, what is a near-duplicate of a better choice is put aside, and so are all others that are
    like the chosen; then it is asked for as many as are missing, with the chosen counted as labeled. After five such
    turns, random distinct ones follow. Near-duplicates come last, where there is nothing else.

    Near-duplicates are a and b with 2 a·b ≥ 0.9 (a·a + b·b), measured from the mean of all that is known. For
    features of one length, as the labeler's are in every layer, that is a cosine of 0.9: a mean of 0.9 over the
    layers. Of features of other lengths, two that differ in length alone are not taken for duplicates.

    Source: Shen et al. 2004, Multi-criteria-based active learning, section 2.3.2 (local diversity).
    """

    def function(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
        assert c.embeddings is not None
        assert c.labeled_embeddings is not None
        X, mean = c.embeddings, _mean(c.embeddings, c.labeled_embeddings)

        def features(rows: np.ndarray) -> np.ndarray:
            return np.subtract(X[rows], mean, dtype=np.float32)

        labeled_features = np.subtract(c.labeled_embeddings, mean, dtype=np.float32)
        ask = _chooser_of(inner, c, rng)
        current, left, chosen = c, np.arange(len(c)), np.empty(0, dtype=np.intp)
        for _ in range(PASSES):
            # scores put all candidates in order at once; a batch is planned for as many as are missing
            k = len(left) if inner.kind == "scores" else min(n - len(chosen), len(left))
            proposed = ask(current, left, k)
            old = np.concatenate([labeled_features, features(chosen)])
            fresh, in_the_way = _first_distinct(proposed, n - len(chosen), features, old)
            chosen = np.concatenate([chosen, fresh])
            if len(chosen) == n or k == len(left):
                break
            left = np.setdiff1d(left, proposed, assume_unique=True)
            left = left[~_is_near_duplicate(left, features, np.concatenate([old[in_the_way], features(fresh)]))]
            if len(left) == 0:
                break
            if "labeled" in inner.needs:
                current = _answered(c, chosen, features, labeled_features)
        else:
            old = np.concatenate([labeled_features, features(chosen)])
            fresh, _ = _first_distinct(rng.permutation(left), n - len(chosen), features, old)
            chosen = np.concatenate([chosen, fresh])
        if len(chosen) < n:
            others = np.setdiff1d(np.arange(len(c)), chosen, assume_unique=True)
            chosen = np.concatenate([chosen, ask(current, others, n - len(chosen))])
        return chosen

    return _modified(
        f"distinct({inner.name})",
        inner,
        ("embeddings", "labeled"),
        function,
        how="without near-duplicates in a batch",
        source="Shen et al. 2004, section 2.3.2",
    )


def balanced(inner: Strategy) -> Strategy:
    """`inner`, asking more where predicted classes are rare: labeled and batch together are as even as can be.

    Place after place goes to the class with the fewest labels so far, of the classes that are predicted for a
    candidate that is left; `inner` fills the places of each class from the candidates for which that class is
    predicted. Any first part of a batch is as even as can be, too.

    Source: Bengar et al. 2022, Class-balanced active learning for image classification (its aim; the classes'
            quotas are met exactly here, by predicted class, instead of by a penalty).
    """

    def function(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
        assert c.proba is not None
        assert c.labeled_targets is not None
        predicted, classes = c.proba.argmax(axis=1), c.proba.shape[1]
        labeled = np.bincount(c.labeled_targets, minlength=classes)[:classes]
        turns = even_turns(labeled, np.bincount(predicted, minlength=classes), n, rng)
        ask = _chooser_of(inner, c, rng)
        chosen = np.empty(n, dtype=np.intp)
        for of_class in np.unique(turns):
            places = np.flatnonzero(turns == of_class)
            chosen[places] = ask(c, np.flatnonzero(predicted == of_class), len(places))
        return chosen

    return _modified(
        f"balanced({inner.name})",
        inner,
        ("proba", "labeled"),
        function,
        how="more of them where predicted classes are rare",
        source="Bengar et al. 2022",
    )


# By name. A package that is installed may add its own.
MODIFIERS: dict[str, Callable[[Strategy], Strategy]] = {"distinct": distinct, "balanced": balanced}


def resolve(name: str) -> Strategy | None:
    """The modified strategy of this name, e.g. "distinct(margin)"; None for a name that begins with no modifier.

    Made anew each time: what the inner name stands for may differ from one project to the next.

    Raises: UnknownStrategy: the brackets do not fit, or there is no strategy of the inner name.
    """
    head, _, rest = name.strip().partition("(")
    if head not in MODIFIERS:
        return None
    inner = rest[:-1].strip()
    if not inner or not rest.endswith(")") or name.count("(") != name.count(")"):
        raise UnknownStrategy(
            "{name!r} is not understood: write {head}(STRATEGY), e.g. {head}(margin).", name=name, head=head
        )
    return MODIFIERS[head](base.get(inner))


base.resolvers.append(resolve)


def compose(modifiers: Iterable[str], strategy: str) -> str:
    """The name of `strategy` with these modifiers, the outermost first.

    >>> compose(["balanced", "distinct"], "margin")
    'balanced(distinct(margin))'
    """
    for modifier in reversed([*modifiers]):
        strategy = f"{modifier}({strategy})"
    return strategy


def decompose(name: str) -> tuple[list[str], str]:
    """The modifiers in a name, the outermost first, and the name of what they modify; undoes `compose`.

    >>> decompose("balanced(distinct(margin))")
    (['balanced', 'distinct'], 'margin')
    """
    modifiers = []
    while (match := re.fullmatch(r"\s*(\w+)\((.+)\)\s*", name)) and match[1] in MODIFIERS:
        modifiers.append(match[1])
        name = match[2].strip()
    return modifiers, name


def even_turns(labeled: np.ndarray, available: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """The class whose turn each of n places is, so that the classes' counts grow as evenly as they can.

    Each place goes to the class with the fewest, of those that have a candidate left: water that is poured in fills
    the deepest places first. `rng` decides which of equal classes comes first.

    Args:    labeled: (C,) labels that each class has. available: (C,) candidates of each class, n or more in all.
    Returns: (n,) classes, the first place first.
    """
    lots = rng.permutation(len(available)).tolist()
    heap = [(int(labeled[k]), lots[k], int(k)) for k in np.flatnonzero(available)]
    heapq.heapify(heap)
    left = available.tolist()
    turns = np.empty(n, dtype=np.intp)
    for place in range(n):
        count, lot, turn = heap[0]
        turns[place] = turn
        left[turn] -= 1
        if left[turn]:
            heapq.heapreplace(heap, (count + 1, lot, turn))
        else:
            heapq.heappop(heap)
    return turns


# ---------------------------------------------------------------- the inner strategy


def _modified(
    name: str, inner: Strategy, needs: Iterable[Need], function: Callable[..., np.ndarray], *, how: str, source: str
) -> Strategy:
    asks = inner.summary.rstrip(".") or inner.name
    papers = "; ".join(filter(None, [inner.source.rstrip("."), source]))
    function.__doc__ = f"{asks}, {how}.\n\nSource: {papers}."
    return Strategy(
        name, inner.family, inner.needs | base.needed(needs), "selects", function, inner.linear, inner.watched
    )


def _chooser_of(
    inner: Strategy, c: Candidates, rng: np.random.Generator
) -> Callable[[Candidates, np.ndarray, int], np.ndarray]:
    """Gives the k of `among`, sorted positions, that `inner` chooses, best first, of candidates as they are then seen.

    A score is a candidate's own, and is computed once.
    """
    if inner.kind == "scores":
        everyone = inner.query(c, len(c), rng)
        assert everyone.scores is not None
        scores = np.empty(len(c))
        scores[everyone.positions] = everyone.scores
        return lambda current, among, k: among[base.top(scores[among], k, rng)]

    def ask(current: Candidates, among: np.ndarray, k: int) -> np.ndarray:
        some = current if len(among) == len(current) else current.take(among, inner.needs)
        return among[inner.query(some, k, rng).positions]

    return ask


def _answered(c: Candidates, chosen: np.ndarray, features: Features, labeled_features: np.ndarray) -> Candidates:
    """The candidates, with the chosen ones counted as labeled: as predicted, or else as the nearest labeled one.

    Where there is neither, no class can be told, and they are not counted.
    """
    assert c.embeddings is not None
    assert c.labeled_embeddings is not None
    assert c.labeled_targets is not None
    if c.proba is not None:
        targets = c.proba[chosen].argmax(axis=1)
    elif len(labeled_features):
        nearest = (
            2 * features(chosen) @ labeled_features.T - np.einsum("ij,ij->i", labeled_features, labeled_features)
        ).argmax(axis=1)
        targets = c.labeled_targets[nearest]
    else:
        return c
    return replace(
        c,
        labeled_embeddings=np.concatenate([c.labeled_embeddings, c.embeddings[chosen]]),
        labeled_targets=np.concatenate([c.labeled_targets, targets]),
    )


# ---------------------------------------------------------------- near-duplicates


def _mean(*arrays: np.ndarray) -> np.ndarray:
    """The mean of all rows of the arrays, or of rows evenly spaced where there are more than `SAMPLE`: (d,) float32."""
    some = np.concatenate([X[:: len(X) // SAMPLE + 1] for X in arrays])
    return some.mean(axis=0, dtype=np.float64).astype(np.float32)


def _near_duplicates(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Which rows of A are near-duplicates of which rows of B: (len(A), len(B)) bool."""
    lengths = np.einsum("ij,ij->i", A, A)[:, None] + np.einsum("ij,ij->i", B, B)
    products = A @ B.T
    return 2 * products >= SIMILAR * lengths


def _is_near_duplicate(rows: np.ndarray, features: Features, others: np.ndarray) -> np.ndarray:
    """Which of the rows are near-duplicates of any of the others: (len(rows),) bool."""
    near = np.empty(len(rows), dtype=bool)
    for start in range(0, len(rows), BLOCK):
        block = slice(start, start + BLOCK)
        near[block] = _near_duplicates(features(rows[block]), others).any(axis=1)
    return near


def _first_distinct(order: np.ndarray, n: int, features: Features, old: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first n of `order` (or as many as there are) that are like none of `old` and none before them.

    Returns: positions, and which of `old` (len(old),) kept others from being among them.
    """
    kept: list[int] = []
    new = old[:0]
    in_the_way = np.zeros(len(old), dtype=bool)
    for start in range(0, len(order), FEW):
        rows = order[start : start + FEW]
        X = features(rows)
        free = ~_near_duplicates(X, new).any(axis=1)
        rows, X = rows[free], X[free]
        near = _near_duplicates(X, old)
        in_the_way |= near.any(axis=0)
        free = ~near.any(axis=1)
        rows, X = rows[free], X[free]
        alike, open_ = _near_duplicates(X, X), np.ones(len(rows), dtype=bool)
        taken: list[int] = []
        for i in range(len(rows)):
            if open_[i] and len(kept) + len(taken) < n:
                taken.append(i)
                open_ &= ~alike[i]
        kept += rows[taken].tolist()
        if len(kept) == n:
            break
        new = np.concatenate([new, X[taken]])
    return np.array(kept, dtype=np.intp), in_the_way
