"""modAL's query functions as strategies, unchanged: `from_modal` wraps any, `get("modAL.…")` the usual seven."""

import functools
import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from strategies import base
from strategies.base import Candidates, InvalidCandidates, Need, Strategy, UnknownStrategy

FAMILY = "modAL"

Best = Literal["highest", "lowest", "first"]


# wide: the properties of a strategy, each by its name, as for `@strategy`
def from_modal(
    query_function: Callable[..., Any],
    name: str,
    *,
    needs: Need | Iterable[Need] = "proba",
    family: str = FAMILY,
    best: Best = "first",
    register: bool = True,
    doc: str | None = None,
    **options: Any,
) -> Strategy:
    """A strategy that runs a query function written for modAL. One line in a strategy file registers it:

        from_modal(my_sampling, "my_sampling", needs=("proba", "embeddings", "labeled"))

    The function is called as `query_function(learner, X, n_instances=n, **options)` and gives back positions, or
    (positions, measure). `learner` answers predict_proba, predict, vote, vote_proba, classes_, X_training,
    y_training, len() and iteration from the arrays of the candidates, as modAL's ActiveLearner and Committee do;
    nothing can be fitted. X holds the embeddings if they are needed, and otherwise one column that numbers the
    candidates. The function may hand any rows of X to the learner; of candidates with equal embeddings, the
    first one's probabilities are given then.

    modAL prefers earlier rows among equals. The candidates are therefore shown in an order drawn by rng, which
    decides ties. A function that draws from numpy's global generator itself is not repeatable.

    Args:    query_function: in modAL's form. needs: which arrays it uses, "member_proba" for a committee.
             best: modAL's top-k samplings give the n best in no order, with their measure; "highest" or "lowest"
             puts them in order by it. "first" keeps the order, as ranked batches need.
             register: `strategies.get` gives it by `name`. doc: in place of the function's docstring.
    Returns: the strategy.
    Raises:  StrategyError: a need that does not exist.
    Source:  Danka & Horvath 2018, modAL (arXiv 1805.00979).
    """
    wanted = base.needed(needs)

    def function(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
        order = rng.permutation(len(c))
        learner = _learner(c, order, wanted)
        result = query_function(learner, learner.X, n_instances=n, **options)
        positions, measure = result if isinstance(result, tuple) else (result, None)
        positions = np.atleast_1d(positions)
        if best != "first":
            measure = np.asarray(measure)
            positions = positions[np.argsort(-measure if best == "highest" else measure, kind="stable")]
        return order[positions]

    function.__doc__ = doc or inspect.getdoc(query_function)
    strategy = Strategy(name, family, wanted, "selects", function)
    return base.register(strategy) if register else strategy


# ---------------------------------------------------------------- what stands in for modAL's fitted models


@dataclass(frozen=True, eq=False)
class Learner:
    """What a query function may ask of a fitted `modAL.models.ActiveLearner`, answered from arrays."""

    X: np.ndarray  # (n, …) the rows that the learner knows
    proba: np.ndarray | None  # (n, C)
    X_training: np.ndarray | None  # None, not empty, is how modAL says that nothing is labeled
    y_training: np.ndarray | None

    on_transformed = False  # X is what distances are measured in

    @property
    def classes_(self) -> np.ndarray:
        return np.arange(self._probabilities().shape[1])

    def transform_without_estimating(self, X: np.ndarray) -> np.ndarray:
        return X

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return self._probabilities()[self._positions(X)]

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.predict_proba(X).argmax(axis=1)

    def _probabilities(self) -> np.ndarray:
        # not scikit-learn's NotFittedError: modAL catches that and goes on with made-up scores
        if self.proba is None:
            raise InvalidCandidates("the modAL function asks for probabilities: add proba to its needs.")
        return self.proba

    def _positions(self, X: np.ndarray) -> np.ndarray:
        rows = np.atleast_2d(np.asarray(X, dtype=self.X.dtype))
        if rows.shape == self.X.shape and np.array_equal(rows, self.X):
            return np.arange(len(rows))
        try:
            return np.array([self._lookup[row.tobytes()] for row in rows], dtype=np.intp)
        except KeyError:
            raise InvalidCandidates("the modAL function asks about a row that is no candidate.") from None

    @functools.cached_property
    def _lookup(self) -> dict[bytes, int]:
        return {self.X[i].tobytes(): i for i in reversed(range(len(self.X)))}


@dataclass(frozen=True, eq=False)
class Committee(Learner):
    """The same for `modAL.models.Committee`; `proba` is the members' mean."""

    learner_list: tuple[Learner, ...]

    def __len__(self) -> int:
        return len(self.learner_list)

    def __iter__(self) -> Iterator[Learner]:
        return iter(self.learner_list)

    def vote(self, X: np.ndarray) -> np.ndarray:
        return np.stack([member.predict(X) for member in self], axis=1)

    def vote_proba(self, X: np.ndarray) -> np.ndarray:
        return np.stack([member.predict_proba(X) for member in self], axis=1)


def _learner(c: Candidates, order: np.ndarray, needs: frozenset[Need]) -> Learner:
    """The stand-in that sees the candidates in this order, and of them what is needed."""
    X = np.arange(len(c), dtype=float)[:, None]
    if "embeddings" in needs:
        assert c.embeddings is not None
        X = c.embeddings[order]
    labeled = "labeled" in needs and c.labeled_embeddings is not None and len(c.labeled_embeddings) > 0
    training = (c.labeled_embeddings, c.labeled_targets) if labeled else (None, None)
    if "member_proba" in needs:
        assert c.member_proba is not None
        members = tuple(Learner(X, proba, *training) for proba in c.member_proba[:, order])
        return Committee(X, c.member_proba.mean(axis=0)[order], *training, members)
    return Learner(X, c.proba[order] if "proba" in needs and c.proba is not None else None, *training)


# ---------------------------------------------------------------- by name

# path: (needs, family, best, what it asks, paper). Written down, so that a name is known without importing modAL.
_KNOWN: dict[str, tuple[tuple[Need, ...], str, Best, str, str]] = {
    "modAL.uncertainty.uncertainty_sampling": (
        ("proba",),
        "uncertainty sampling",
        "highest",
        "Items whose predicted class is least probable",
        "Lewis & Gale 1994; Settles 2010, section 3.1",
    ),
    "modAL.uncertainty.margin_sampling": (
        ("proba",),
        "uncertainty sampling",
        "lowest",
        "Items whose two most likely classes are closest",
        "Scheffer, Decomain & Wrobel 2001; Settles 2010, section 3.1",
    ),
    "modAL.uncertainty.entropy_sampling": (
        ("proba",),
        "uncertainty sampling",
        "highest",
        "Items whose predicted class has the highest entropy",
        "Settles 2010, section 3.1",
    ),
    "modAL.disagreement.vote_entropy_sampling": (
        ("member_proba",),
        "query by committee",
        "highest",
        "Items on which the members' votes are most divided",
        "Dagan & Engelson 1995; Settles 2010, section 3.2",
    ),
    "modAL.disagreement.consensus_entropy_sampling": (
        ("member_proba",),
        "query by committee",
        "highest",
        "Items whose mean probabilities have the highest entropy",
        "Settles 2010, section 3.2",
    ),
    "modAL.disagreement.max_disagreement_sampling": (
        ("member_proba",),
        "query by committee",
        "highest",
        "Items on which one member is farthest (Kullback-Leibler) from the mean of all",
        "McCallum & Nigam 1998; Settles 2010, section 3.2",
    ),
    # with nothing labeled it makes an n × n matrix, and each choice measures the pool anew: for small pools
    "modAL.batch.uncertainty_batch_sampling": (
        ("proba", "embeddings", "labeled"),
        "density-weighted",
        "first",
        "Items that are uncertain and unlike what is labeled or chosen already",
        "Cardoso et al. 2017, Ranked batch-mode active learning",
    ),
}

NAMES: tuple[str, ...] = tuple(_KNOWN)


@functools.cache
def resolve(name: str) -> Strategy | None:
    """The strategy for the dotted path of one of modAL's query functions; modAL is imported at its first query.

    Args:    name: e.g. "modAL.batch.uncertainty_batch_sampling".
    Returns: the strategy, the same each time; None for a name that is not modAL's.
    Raises:  UnknownStrategy: a name that begins with "modAL." and is none of those that choose items by class
             probabilities.
    """
    if not name.startswith("modAL."):
        return None
    if name not in _KNOWN:
        raise UnknownStrategy(
            "there is no strategy {name!r}; of modAL there are {known}.", name=name, known=", ".join(_KNOWN)
        )
    needs, family, best, asks, paper = _KNOWN[name]
    module, _, attribute = name.rpartition(".")

    def query_function(*args: Any, **options: Any) -> Any:
        return getattr(importlib.import_module(module), attribute)(*args, **options)

    doc = f"{asks}. Chosen by {name}.\n\nSource: {paper}."
    return from_modal(query_function, name, needs=needs, family=family, best=best, register=False, doc=doc)


base.resolvers.append(resolve)
