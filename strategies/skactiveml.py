"""scikit-activeml's pool strategies, unchanged: `from_skactiveml` wraps any, `get` knows those in `NAMES`.

scikit-activeml is optional: `pip install scikit-activeml==1.0.1`. Not among the names are
- ExpectedModelChangeMaximization, ExpectedModelOutputChange, ExpectedModelVarianceReduction, GreedySamplingTarget,
  KLDivergenceMaximization and RegressionTreeBasedAL, which need a regressor and numbers as targets;
- GreedySamplingX, which was made for regression and, once something is labeled, chooses the same as CoreSet;
- UncertaintySampling with expected_average_precision, whose Python loops grow with the cube of the pool;
- SubSamplingWrapper and ParallelUtilityEstimationWrapper, which wrap a strategy: give yours to `from_skactiveml`;
- those of skactiveml.pool.multiannotator, which choose annotators too.
"""

import functools
import importlib
import importlib.util
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from strategies import base
from strategies.base import Candidates, InvalidCandidates, Need, Strategy, UnknownStrategy
from strategies.modal import Learner
from strategies.skactiveml_names import KNOWN

# Imports of sklearn and skactiveml are deferred: they are slow to load, and scikit-activeml may not be installed.

FAMILY = "scikit-activeml"
# What a query may call the classifier that it asks.
CLASSIFIERS = ("clf", "estimator", "ensemble", "discriminator")
INSTALL = "pip install scikit-activeml==1.0.1"


def from_skactiveml(
    query_strategy: Any,
    name: str,
    *,
    needs: Need | Iterable[Need] = "proba",
    family: str = FAMILY,
    register: bool = True,
    doc: str | None = None,
    **query_options: Any,
) -> Strategy:
    """A strategy that runs a pool strategy of scikit-activeml. One line in a strategy file registers it:

        from_skactiveml(Badge(), "their_badge", needs=("proba", "embeddings"))

    It is called as `query(X, y, candidates=…, batch_size=n, **query_options)`. X holds what is labeled, if that is
    needed, and then the candidates: their embeddings if these are needed, and otherwise one column that numbers them.
    y holds the labels, and NaN for candidates. A query that takes `clf` or `estimator` gets one that is fitted already
    and answers for candidates from proba, and one that takes `ensemble` gets a committee that answers from
    member_proba: the learner is the same as for every other strategy. A strategy that fits a classifier anew, or asks
    it about other rows than candidates, is given one instead:

        from_skactiveml(MonteCarloEER, "mc_eer", needs=("proba", "embeddings", "labeled"),
                        clf=SklearnClassifier(LogisticRegression(C=1)))

    Every query works on a new copy, in which each random_state is drawn from rng, missing_label is NaN, and `classes`
    is 0 … C − 1 unless it is set: C is known from proba or member_proba, and otherwise from the labels so far. Some
    strategies prefer earlier rows among equals; the candidates are therefore shown in an order drawn by rng.

    Args:    query_strategy: a SingleAnnotatorPoolQueryStrategy, its class, or a function without arguments that makes
             one. needs: which arrays it uses, "member_proba" for an ensemble. register: make it known to
             `strategies.get` by `name`. doc: in place of the docstring of query_strategy. query_options: passed to
             its query; a classifier among them may also be given as a function that makes it.
    Returns: the strategy.
    Raises:  StrategyError: a need that does not exist.
    Source:  Kottke et al. 2021, scikit-activeml (Preprints 2021030194).
    """
    wanted = base.needed(needs)

    def function(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
        order, seed = rng.permutation(len(c)), int(rng.integers(2**31))
        fresh = functools.partial(_fresh, seed=seed, classes=_classes(c, wanted))
        X, y = _rows(c, order, wanted)
        labeled = len(X) - len(c)
        strategy = fresh(query_strategy)
        options = query_options | {key: fresh(query_options[key]) for key in CLASSIFIERS if key in query_options}
        taken = inspect.signature(strategy.query).parameters
        for key in CLASSIFIERS:
            if key in taken and key not in options:
                options[key] = _fitted(c, order, X[labeled:], wanted, committee=key == "ensemble")
                if f"fit_{key}" in taken:
                    options[f"fit_{key}"] = False
        chosen = strategy.query(X, y, candidates=np.arange(labeled, len(X)), batch_size=int(n), **options)
        return order[np.asarray(chosen) - labeled]

    function.__doc__ = doc or inspect.getdoc(query_strategy)
    wrapped = Strategy(name, family, wanted, "selects", function)
    return base.register(wrapped) if register else wrapped


def _rows(c: Candidates, order: np.ndarray, needs: frozenset[Need]) -> tuple[np.ndarray, np.ndarray]:
    """X and y as scikit-activeml wants them: what is labeled, if that is needed, then the candidates in this order."""
    targets = c.labeled_targets if "labeled" in needs and c.labeled_targets is not None else np.empty(0)
    y = np.concatenate([targets, np.full(len(c), np.nan)])
    if "embeddings" not in needs:
        return np.arange(len(y), dtype=float)[:, None], y
    assert c.embeddings is not None
    X = np.asarray(c.embeddings[order])
    if len(targets) > 0:
        assert c.labeled_embeddings is not None
        X = np.concatenate([c.labeled_embeddings, X])
    # half precision is for storing: sums of squares overflow in it
    return X.astype(np.result_type(X, np.float32), copy=False), y


def _classes(c: Candidates, needs: frozenset[Need]) -> list[int]:
    """All classes, as far as they can be told from what is needed; at least two."""
    targets = c.labeled_targets if "labeled" in needs and c.labeled_targets is not None else np.empty(0, dtype=int)
    if "proba" in needs and c.proba is not None:
        count = c.proba.shape[1]
    elif "member_proba" in needs and c.member_proba is not None:
        count = c.member_proba.shape[2]
    else:
        count = max(2, int(targets.max(initial=0)) + 1)
    return list(range(count))


def _fresh(given: Any, *, seed: int, classes: list[int]) -> Any:
    """A new copy of a strategy or estimator, or one from its class or function, with our seed and classes."""
    from sklearn.base import clone

    finished = hasattr(given, "get_params") and not inspect.isclass(given)
    fresh = clone(given) if finished else _new(given, classes)
    ours = {"random_state": seed, "missing_label": np.nan}
    parameters = fresh.get_params()
    # the parts of a part too: a strategy within a wrapper, the model within a classifier
    settings: dict[str, Any] = {
        key: ours[key.rpartition("__")[2]] for key in parameters if key.rpartition("__")[2] in ours
    }
    if "classes" in parameters and parameters["classes"] is None:
        settings["classes"] = classes
    cluster = parameters.get("cluster_algo")
    # Clue and DropQuery leave the clustering to numpy's global generator
    if cluster is not None and "random_state" in inspect.signature(cluster).parameters:
        settings["cluster_algo_dict"] = {"random_state": seed, **(parameters["cluster_algo_dict"] or {})}
    return fresh.set_params(**settings)


def _new(make: Callable[..., Any], classes: list[int], **settings: Any) -> Any:
    """What this class or function makes, told the classes if it asks for them."""
    if "classes" in inspect.signature(make).parameters:
        settings["classes"] = classes
    return make(**settings)


# ---------------------------------------------------------------- what stands in for fitted classifiers


def _fitted(c: Candidates, order: np.ndarray, X: np.ndarray, needs: frozenset[Need], *, committee: bool) -> Any:
    """A classifier that answers for these rows, or a committee of such classifiers."""
    need: Need = "member_proba" if committee else "proba"
    if need not in needs:
        raise InvalidCandidates("the strategy asks for a fitted classifier: add {need} to its needs.", need=need)
    if not committee:
        assert c.proba is not None
        return _answers()(Learner(X, c.proba[order], None, None))
    assert c.member_proba is not None
    members = [_answers()(Learner(X, proba, None, None)) for proba in c.member_proba[:, order]]
    ensemble = _answers()(Learner(X, c.member_proba.mean(axis=0)[order], None, None))
    ensemble.estimators_ = members
    return ensemble


@functools.cache
def _answers() -> type:
    """The class of the stand-ins; made here, because scikit-activeml only takes subclasses of its own."""
    from skactiveml.base import SkactivemlClassifier

    class Answers(SkactivemlClassifier):
        """A classifier that looks up what it is asked."""

        def __init__(self, learner: Learner) -> None:
            self.learner = learner
            self.classes_ = learner.classes_
            super().__init__(classes=self.classes_.tolist())

        def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Any:
            raise InvalidCandidates("the strategy fits a classifier anew; {give}", give=GIVE)

        def predict_proba(self, X: np.ndarray, **kwargs: Any) -> np.ndarray:
            try:
                return self.learner.predict_proba(X)
            except InvalidCandidates:
                raise InvalidCandidates(
                    "the strategy asks about a row that is no candidate; {give}", give=GIVE
                ) from None

        def predict(self, X: np.ndarray, **kwargs: Any) -> np.ndarray:
            return self.predict_proba(X).argmax(axis=1)

    return Answers


GIVE = "give from_skactiveml a classifier for it: clf=SklearnClassifier(LogisticRegression(C=1))."


def _logistic() -> Any:
    from skactiveml.classifier import SklearnClassifier
    from sklearn.linear_model import LogisticRegression

    return SklearnClassifier(LogisticRegression(C=1, max_iter=1000))


def _mixture() -> Any:
    from skactiveml.classifier import MixtureModelClassifier

    return MixtureModelClassifier()


_OWN = {"logistic": _logistic, "mixture": _mixture}


# ---------------------------------------------------------------- by name


PREFIX = "skactiveml.pool."
NAMES: tuple[str, ...] = tuple(PREFIX + name for name in KNOWN)


@functools.cache
def resolve(name: str) -> Strategy | None:
    """The strategy for the dotted path of one of scikit-activeml's, which is imported at its first query.

    Args:    name: the class, and after it the method where it takes one: "skactiveml.pool.Badge",
             "skactiveml.pool.UncertaintySampling.entropy".
    Returns: the strategy, the same each time; None for a name that is not scikit-activeml's.
    Raises:  UnknownStrategy: a name that begins with "skactiveml." and is not in `NAMES`, or scikit-activeml is not
             installed.
    """
    if not name.startswith("skactiveml."):
        return None
    if suffixed := [known for known in NAMES if known.startswith(f"{name}.") and name.startswith(PREFIX)]:
        raise UnknownStrategy(
            "the name {name!r} needs its method: write {names}.", name=name, names=" or ".join(suffixed)
        )
    if name not in NAMES:
        raise UnknownStrategy(
            "there is no strategy {name!r}; of scikit-activeml there are {names}.", name=name, names=", ".join(NAMES)
        )
    if importlib.util.find_spec("skactiveml") is None:
        raise UnknownStrategy(
            "strategy {name!r} needs scikit-activeml, which is not installed: {install}", name=name, install=INSTALL
        )
    entry = KNOWN[name.removeprefix(PREFIX)]
    kind, _, method = name.removeprefix(PREFIX).partition(".")

    settings = entry.settings | ({"method": method} if method else {})

    def query_strategy(classes: list[int]) -> Any:
        return _new(getattr(importlib.import_module("skactiveml.pool"), kind), classes, **settings)

    doc = f"{entry.asks}. Chosen by {name}.\n\nSource: {entry.paper}."
    own = {argument: _OWN[model] for argument, model in entry.fits.items()}
    return from_skactiveml(query_strategy, name, needs=entry.needs, family=entry.family, register=False, doc=doc, **own)


base.resolvers.append(resolve)
