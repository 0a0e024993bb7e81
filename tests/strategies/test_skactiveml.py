"""scikit-activeml's strategies run unchanged over candidates, and agree with scikit-activeml on fitted classifiers."""

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from strategies import (
    Candidates,
    InvalidCandidates,
    InvalidScores,
    Strategy,
    StrategyError,
    UnknownStrategy,
    get,
    strategies_of,
)
from strategies.skactiveml import NAMES, from_skactiveml, resolve

pytest.importorskip("skactiveml")

from skactiveml import pool as theirs
from skactiveml.base import SingleAnnotatorPoolQueryStrategy
from skactiveml.classifier import SklearnClassifier

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def rng(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """scikit-activeml warns whenever a classifier has nothing to learn from, which some of these tests are about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# ---------------------------------------------------------------- the same as scikit-activeml on fitted classifiers


def problem() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """30 labeled items of 3 classes, and 80 that are not."""
    draw = rng(1)
    X, y = draw.normal(size=(30, 4)), np.arange(30) % 3
    X[np.arange(30), y] += 2
    return X, y, draw.normal(size=(80, 4))


def fitted(C: float = 1) -> SklearnClassifier:
    X, y, _ = problem()
    return SklearnClassifier(LogisticRegression(C=C), classes=[0, 1, 2]).fit(X, y)


def committee() -> list[SklearnClassifier]:
    return [fitted(C) for C in (0.01, 0.1, 1, 10)]


def candidates() -> Candidates:
    X, y, pool = problem()
    return Candidates(
        ids=np.arange(80),
        proba=fitted().predict_proba(pool),
        member_proba=np.stack([member.predict_proba(pool) for member in committee()]),
        embeddings=pool,
        labeled_embeddings=X,
        labeled_targets=y,
    )


def classifier() -> dict[str, Any]:
    return {"clf": fitted(), "fit_clf": False}


def ensemble() -> dict[str, Any]:
    return {"ensemble": committee(), "fit_ensemble": False}


def refitted() -> dict[str, Any]:
    return {"clf": fitted()}


def discriminator() -> dict[str, Any]:
    return {"discriminator": SklearnClassifier(LogisticRegression(), random_state=0)}


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("UncertaintySampling.least_confident", classifier),
        ("UncertaintySampling.margin_sampling", classifier),
        ("UncertaintySampling.entropy", classifier),
        ("QueryByCommittee.KL_divergence", ensemble),
        ("QueryByCommittee.vote_entropy", ensemble),
        ("BatchBALD", ensemble),
        ("Badge", classifier),
        ("Falcun", classifier),
        ("CoreSet", dict),
        ("TypiClust", dict),
        ("ProbCover", dict),
        ("MaxHerding", dict),
        ("ContrastiveAL", refitted),
        ("DiscriminativeAL", discriminator),
        ("MonteCarloEER.log_loss", refitted),
    ],
)
def test_each_chooses_what_scikit_activeml_chooses(name: str, asked: Callable[[], dict[str, Any]]) -> None:
    strategy = get(f"skactiveml.pool.{name}")
    # it fits 3 models for each candidate, and for each that is chosen
    size, n = (6, 3) if name.startswith("MonteCarloEER") else (80, 10)
    c = candidates().take(np.arange(size))
    X, y, _ = problem()
    if "labeled" not in strategy.needs:
        X, y = X[:0], y[:0]
    # in the same order and with the same seed, which the adapter draws from its generator
    draw = rng()
    order, seed = draw.permutation(len(c)), int(draw.integers(2**31))
    kind, _, method = name.partition(".")
    original = getattr(theirs, kind)(random_state=seed, **({"method": method} if method else {}))
    labels = np.append(y, np.full(len(c), np.nan))
    expected = original.query(np.concatenate([X, c.embeddings[order]]), labels, batch_size=n, **asked())
    assert strategy.query(c, n, rng()).positions.tolist() == order[np.array(expected) - len(y)].tolist()


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("UncertaintySampling.least_confident", "least_confidence"),
        ("UncertaintySampling.margin_sampling", "margin"),
        ("UncertaintySampling.entropy", "entropy"),
        ("QueryByCommittee.vote_entropy", "vote_entropy"),
        ("QueryByCommittee.variation_ratios", "variation_ratio"),
        ("GreedyBALD", "bald"),
    ],
)
def test_scikit_activemls_and_our_own_measure_agree(name: str, ours: str) -> None:
    draw = rng(3)
    c = Candidates(
        ids=np.arange(300),
        proba=draw.dirichlet(np.ones(5), 300),
        member_proba=draw.dirichlet(np.ones(5), (7, 300)),
    )
    scores = get(ours).function(c, rng())
    chosen = get(f"skactiveml.pool.{name}").query(c, 40, rng()).positions
    # votes tie, and ties are drawn: compare what was chosen by its score
    np.testing.assert_allclose(scores[chosen], get(ours).query(c, 40, rng()).scores, atol=1e-5)


# ---------------------------------------------------------------- what every strategy must keep

# They fit a classifier, or search a maximum, for every candidate: a few candidates will do.
SLOW = {
    "skactiveml.pool.EpistemicUncertaintySampling",
    "skactiveml.pool.MonteCarloEER.misclassification_loss",
    "skactiveml.pool.MonteCarloEER.log_loss",
    "skactiveml.pool.ValueOfInformationEER",
}
# Where scikit-activeml 1.0.1 itself has no answer: what it says.
CANNOT = {
    ("one class", "skactiveml.pool.EpistemicUncertaintySampling"): "only implemented for two-class problems",
    ("four classes", "skactiveml.pool.EpistemicUncertaintySampling"): "only implemented for two-class problems",
    ("one item at all", "skactiveml.pool.ProbCover"): "n_samples=1 should be >= n_clusters=2",
    ("one item at all", "skactiveml.pool.FourDs"): "a minimum of 2 is required",
}

every = pytest.mark.parametrize("name", NAMES)


def pool(name: str, n: int | None = None, classes: int = 2, labeled: int = 12) -> Candidates:
    """Candidates with what this strategy needs and no more, in arrays that cannot be written to."""
    draw, n = rng(0), n or size(name)
    arrays: dict[str, dict[str, np.ndarray]] = {
        "proba": {"proba": draw.dirichlet(np.ones(classes), n)},
        "member_proba": {"member_proba": draw.dirichlet(np.ones(classes), (5, n))},
        "embeddings": {"embeddings": draw.normal(size=(n, 6)).astype(np.float32)},
        "labeled": {
            "labeled_embeddings": draw.normal(size=(labeled, 6)).astype(np.float32),
            "labeled_targets": draw.integers(0, classes, labeled),
        },
    }
    given = {field: array for need in get(name).needs for field, array in arrays[need].items()}
    for array in given.values():
        array.flags.writeable = False
    return Candidates(ids=np.arange(n), **given)


def size(name: str) -> int:
    return 3 if name in SLOW else 40


@every
def test_a_wrapped_strategy_has_a_summary_and_a_source(name: str) -> None:
    strategy = get(name)
    assert strategy.summary.endswith(".")
    assert strategy.source
    assert strategy.family not in ("", "custom")
    assert strategy is get(name)


# Of all others test_contract.py tries this and more.
slow = pytest.mark.parametrize("name", sorted(SLOW))


@slow
def test_positions_are_unique_in_range_and_the_same_for_the_same_seed(name: str) -> None:
    n = size(name)
    c = pool(name)
    before = {field: array.copy() for field, array in vars(c).items() if array is not None}
    first, second = (get(name).query(c, n, rng()).positions.tolist() for _ in range(2))
    assert len(set(first)) == n
    assert set(first) <= set(range(size(name)))
    assert first == second
    for field, array in before.items():
        np.testing.assert_array_equal(getattr(c, field), array)


@slow
@pytest.mark.parametrize(
    ("world", "sizes"),
    [
        ("nothing labeled", {"labeled": 0}),
        ("one label", {"labeled": 1}),
        ("one class", {"classes": 1}),
        ("four classes", {"classes": 4}),
        ("one candidate", {"n": 1}),
    ],
)
def test_small_worlds(name: str, world: str, sizes: dict[str, int]) -> None:
    asked(name, world, pool(name, **sizes))


@every
def test_one_item_and_no_label_at_all(name: str) -> None:
    asked(name, "one item at all", pool(name, n=1, labeled=0))


def asked(name: str, world: str, c: Candidates) -> None:
    """The strategy chooses different items, or says what scikit-activeml says where it has no answer."""
    n = min(9, len(c))
    if (world, name) in CANNOT:
        with pytest.raises(InvalidScores, match=CANNOT[world, name]) as refused:
            get(name).query(c, n, rng())
        assert f"strategy {name!r}" in str(refused.value)
    else:
        assert len(set(get(name).query(c, n, rng()).positions.tolist())) == n


def test_half_precision_is_computed_in_single() -> None:
    half = (300 * rng().normal(size=(40, 4))).astype(np.float16)  # squares are beyond half precision
    chosen = []
    for array in (half, half.astype(np.float32)):
        c = Candidates(np.arange(40), None, None, array, array[:0], np.empty(0, dtype=int))
        chosen.append(get("skactiveml.pool.MaxHerding").query(c, 9, rng()).positions.tolist())
    assert chosen[0] == chosen[1]


def test_numpys_global_generator_is_left_alone() -> None:
    for name in NAMES:
        if name not in SLOW:
            get(name).query(pool(name), 3, rng())  # a library may draw while it is imported
            before = np.random.get_state(legacy=False)["state"]["key"].tolist()
            get(name).query(pool(name), 3, rng())
            assert np.random.get_state(legacy=False)["state"]["key"].tolist() == before, name


# ---------------------------------------------------------------- by name


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    for name in ("skactiveml.pool.Nope", "skactiveml.stream.Split"):
        with pytest.raises(UnknownStrategy, match=rf"'{name}'; of scikit-activeml there are .*skactiveml\.pool\.Badge"):
            get(name)


def test_every_name_is_a_class_of_scikit_activeml() -> None:
    for name in NAMES:
        assert hasattr(theirs, name.split(".")[2])


def test_a_name_is_looked_up_without_importing_scikit_activeml() -> None:
    code = (
        "import sys, strategies; s = strategies.get('skactiveml.pool.Badge');"
        "assert s.summary and s.source and s is strategies.get(s.name);"
        "assert not {'skactiveml', 'torch', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_where_it_is_not_installed_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve.cache_clear()
    monkeypatch.setitem(sys.modules, "skactiveml", None)  # how Python says that there is none
    with pytest.raises(UnknownStrategy, match=r"'skactiveml\.pool\.Badge' needs .* pip install scikit-activeml"):
        get("skactiveml.pool.Badge")
    assert get("margin")


# ---------------------------------------------------------------- any strategy in scikit-activeml's form


def test_one_line_in_a_projects_folder_is_enough(tmp_path: Path, registry: dict[str, Strategy]) -> None:
    (tmp_path / "mine.py").write_text(
        "from skactiveml.pool import Badge\n"
        "from strategies.skactiveml import from_skactiveml\n"
        "from_skactiveml(Badge(), 'their_badge', needs=('proba', 'embeddings'), family='odd')\n"
    )
    with strategies_of(tmp_path) as broken:
        assert broken == []
        mine = get("their_badge")
    same = get("skactiveml.pool.Badge")
    assert mine.family == "odd"
    assert mine.summary.startswith("Batch Active Learning by Diverse Gradient Embedding")
    assert (
        mine.query(candidates(), 9, rng()).positions.tolist() == same.query(candidates(), 9, rng()).positions.tolist()
    )
    assert registry == {}


def test_a_class_a_function_and_an_instance_are_the_same(registry: dict[str, Strategy]) -> None:
    chosen = [
        from_skactiveml(given, "t", needs=("embeddings", "labeled")).query(candidates(), 9, rng()).positions.tolist()
        for given in (theirs.TypiClust, lambda: theirs.TypiClust(random_state=3), theirs.TypiClust(random_state=4))
    ]
    assert chosen[0] == chosen[1] == chosen[2]
    assert list(registry) == ["t"]


def test_an_instance_is_never_written_to() -> None:
    given = theirs.ProbCover()
    strategy = from_skactiveml(given, "cover", needs=("embeddings", "labeled"), register=False)
    strategy.query(candidates(), 3, rng())
    # it would keep the distances of the first pool for all later ones
    assert not hasattr(given, "delta_max_")
    assert given.random_state is None
    assert len(strategy.query(pool("skactiveml.pool.ProbCover"), 3, rng()).positions) == 3


def test_a_wrapped_strategy_is_seeded_and_asks_about_some_candidates_alone() -> None:
    wrapped = theirs.SubSamplingWrapper(theirs.Badge(), max_candidates=20)
    strategy = from_skactiveml(wrapped, "some", needs=("proba", "embeddings"), register=False)
    first, second, other = (strategy.query(candidates(), 9, rng(seed)).positions.tolist() for seed in (1, 1, 2))
    assert first == second != other
    assert len(set(first)) == 9


def test_a_need_that_does_not_exist_is_refused() -> None:
    with pytest.raises(StrategyError, match="not understood"):
        from_skactiveml(theirs.Badge, "b", needs="probabilities", register=False)  # type: ignore[arg-type]


class Refits(SingleAnnotatorPoolQueryStrategy):
    def query(self, X, y, clf, candidates, batch_size):
        clf.fit(X, y)


@pytest.mark.parametrize(
    ("query_strategy", "needs", "sentence"),
    [
        (theirs.Badge, "embeddings", "add proba to its needs"),
        (theirs.GreedyBALD, "proba", "add member_proba to its needs"),
        (theirs.ContrastiveAL, ("proba", "embeddings", "labeled"), "a row that is no candidate; give .*clf="),
        (Refits, "proba", "fits a classifier anew; give .*clf="),
    ],
)
def test_what_the_arrays_cannot_answer_is_an_error(query_strategy: Any, needs: Any, sentence: str) -> None:
    with pytest.raises(InvalidCandidates, match=sentence):
        from_skactiveml(query_strategy, "x", needs=needs, register=False).query(candidates(), 1, rng())


def test_a_classifier_of_its_own_is_told_the_classes() -> None:
    own = SklearnClassifier(LogisticRegression())
    strategy = from_skactiveml(
        theirs.UncertaintySampling, "own", needs=("proba", "embeddings", "labeled"), register=False, clf=own
    )
    c = candidates()
    expected = np.sort(1 - c.proba.max(axis=1))[::-1][:5]
    np.testing.assert_allclose(1 - c.proba[strategy.query(c, 5, rng()).positions].max(axis=1), expected)
    assert own.classes is None
    nothing = replace(c, labeled_embeddings=np.empty((0, 4)), labeled_targets=np.empty(0, dtype=int))
    assert len(strategy.query(nothing, 5, rng()).positions) == 5


def test_a_class_without_its_method_is_told_which_methods_there_are():
    with pytest.raises(UnknownStrategy, match=r"needs its method: write skactiveml\.pool\.UncertaintySampling\.least"):
        get("skactiveml.pool.UncertaintySampling")
