"""modAL's functions run unchanged over candidates, and agree with modAL on its own fitted models."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from modAL.batch import uncertainty_batch_sampling
from modAL.disagreement import KL_max_disagreement
from modAL.models import ActiveLearner, Committee
from modAL.models import learners as modal_learners
from sklearn.linear_model import LogisticRegression

from strategies import Candidates, InvalidCandidates, Strategy, StrategyError, UnknownStrategy, get
from strategies.modal import from_modal

ROOT = Path(__file__).parents[2]
POOL = Candidates(
    ids=np.arange(3),
    proba=np.array([[0.6, 0.4, 0.0], [0.5, 0.25, 0.25], [0.9, 0.1, 0.0]]),
    embeddings=np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]),
    labeled_embeddings=np.array([[9.0, 9.0]]),
    labeled_targets=np.array([2]),
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# ---------------------------------------------------------------- by name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("modAL.uncertainty.uncertainty_sampling", [1, 0, 2]),  # 0.4, 0.5, 0.1
        ("modAL.uncertainty.margin_sampling", [0, 1, 2]),  # 0.2, 0.25, 0.8
        ("modAL.uncertainty.entropy_sampling", [1, 0, 2]),  # 0.673, 1.040, 0.325
    ],
)
def test_three_rows_by_hand_best_first(name: str, expected: list[int]) -> None:
    assert get(name).query(POOL, 3, rng()).positions.tolist() == expected


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("modAL.uncertainty.uncertainty_sampling", "least_confidence"),
        ("modAL.uncertainty.margin_sampling", "margin"),
        ("modAL.uncertainty.entropy_sampling", "entropy"),
        ("modAL.disagreement.vote_entropy_sampling", "vote_entropy"),
        ("modAL.disagreement.consensus_entropy_sampling", "consensus_entropy"),
    ],
)
def test_modal_and_our_own_measure_agree(name: str, ours: str) -> None:
    draw = rng(3)
    c = Candidates(
        ids=np.arange(300),
        proba=draw.dirichlet(np.ones(5), 300),
        member_proba=draw.dirichlet(np.ones(5), (7, 300)),
    )
    scores = get(ours).function(c, rng())
    theirs = get(name).query(c, 40, rng()).positions
    # votes tie, and ties are drawn: compare what was chosen by its score
    np.testing.assert_allclose(scores[theirs], get(ours).query(c, 40, rng()).scores, atol=1e-12)


def test_an_unknown_function_of_modal_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownStrategy, match=r"'modAL\.uncertainty\.nope'; of modAL there are modAL\.uncerta"):
        get("modAL.uncertainty.nope")
    with pytest.raises(UnknownStrategy, match=r"there is no strategy 'os\.system'"):
        get("os.system")


def test_a_name_is_looked_up_without_importing_modal() -> None:
    code = (
        "import sys, strategies; s = strategies.get('modAL.batch.uncertainty_batch_sampling');"
        "assert s.summary and s.source and s is strategies.get(s.name);"
        "assert not {'modAL', 'torch', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


# ---------------------------------------------------------------- the same as modAL's own models


def fitted() -> tuple[list[ActiveLearner], np.ndarray, np.ndarray, np.ndarray]:
    """Three fitted learners, a pool, and what they were fitted on. modAL's fit fails on scikit-learn 1.9."""
    draw = rng(1)
    X, y = draw.normal(size=(30, 4)), np.arange(30) % 3
    X[np.arange(30), y] += 2
    learners = []
    for C in (0.1, 1, 10):
        learner = ActiveLearner(LogisticRegression(C=C).fit(X, y))
        learner.X_training, learner.y_training = X, y
        learners.append(learner)
    return learners, draw.normal(size=(80, 4)), X, y


def test_ranked_batches_equal_modals_on_a_fitted_learner() -> None:
    (learner, *_), pool, X, y = fitted()
    c = Candidates(
        ids=np.arange(80),
        proba=learner.predict_proba(pool),
        embeddings=pool,
        labeled_embeddings=X,
        labeled_targets=y,
    )
    expected, _ = uncertainty_batch_sampling(learner, pool, n_instances=10)
    assert get("modAL.batch.uncertainty_batch_sampling").query(c, 10, rng()).positions.tolist() == list(expected)


def test_disagreement_equals_modals_on_a_fitted_committee(monkeypatch: pytest.MonkeyPatch) -> None:
    learners, pool, *_ = fitted()
    # modAL's own comparison of class labels does not matter here: all members know the same
    monkeypatch.setattr(modal_learners, "check_class_labels", lambda *estimators: True)
    measure = KL_max_disagreement(Committee(learners), pool)
    c = Candidates(ids=np.arange(80), member_proba=np.stack([learner.predict_proba(pool) for learner in learners]))
    positions = get("modAL.disagreement.max_disagreement_sampling").query(c, 10, rng()).positions
    np.testing.assert_allclose(measure[positions], np.sort(measure)[::-1][:10])


# ---------------------------------------------------------------- any function in modAL's form


def test_one_line_registers_a_function(registry: dict[str, Strategy]) -> None:
    def last(learner, X, n_instances=1):
        """Those with the highest number.

        Source: this test.
        """
        numbers = X[:, 0]
        return np.argsort(numbers)[-n_instances:], X

    strategy = from_modal(last, "last", needs=(), family="odd")
    assert get("last") is strategy
    assert (strategy.summary, strategy.source, strategy.family) == (
        "Those with the highest number.",
        "this test.",
        "odd",
    )
    assert len(strategy.query(POOL, 2, rng()).positions) == 2


def test_without_registering_the_name_stays_free(registry: dict[str, Strategy]) -> None:
    from_modal(lambda learner, X, n_instances: [0], "hidden", register=False)
    assert registry == {}


def test_a_need_that_does_not_exist_is_refused() -> None:
    with pytest.raises(StrategyError, match="not understood"):
        from_modal(print, "p", needs="probabilities", register=False)  # type: ignore[arg-type]


def test_the_learner_answers_for_any_rows_of_the_pool_and_options_are_passed() -> None:
    def sub(learner, X, n_instances, keep):
        assert keep == "odd ones"
        assert learner.X_training.tolist() == [[9, 9]]
        assert learner.y_training.tolist() == [2]
        assert learner.classes_.tolist() == [0, 1, 2]
        for rows in ([2], [1, 0], np.array([False, True, True])):
            shown = X[rows]
            # the candidate is found by its embedding: 0, 2, 4 in the first column
            expected = POOL.proba[(shown[:, 0] / 2).astype(int)]
            assert (learner.predict_proba(shown) == expected).all()
            assert (learner.predict(shown) == expected.argmax(axis=1)).all()
        assert (learner.predict_proba(X[1]) == learner.predict_proba(X)[[1]]).all()
        return 0  # a bare position, as np.argmax gives it

    strategy = from_modal(sub, "sub", needs=("proba", "embeddings", "labeled"), register=False, keep="odd ones")
    assert len(strategy.query(POOL, 1, rng()).positions) == 1


def test_the_committee_answers_as_modals_does() -> None:
    member_proba = rng(5).dirichlet(np.ones(3), (4, 6))

    def check(committee, X, n_instances):
        shown = X[[4, 1]]
        assert len(committee) == len(list(committee)) == 4
        assert committee.vote_proba(shown).shape == (2, 4, 3)
        np.testing.assert_allclose(committee.vote_proba(shown).mean(axis=1), committee.predict_proba(shown))
        assert (committee.vote(shown) == committee.vote_proba(shown).argmax(axis=2)).all()
        for i, member in enumerate(committee):
            assert (member.predict_proba(shown) == committee.vote_proba(shown)[:, i]).all()
        return [3]

    c = Candidates(ids=np.arange(6), member_proba=member_proba)
    from_modal(check, "check", needs="member_proba", register=False).query(c, 1, rng())


@pytest.mark.parametrize(
    ("needs", "ask", "sentence"),
    [
        ("embeddings", lambda learner, X: learner.predict_proba(X), "add proba to its needs"),
        (("proba", "embeddings"), lambda learner, X: learner.predict(X + 1), "a row that is no candidate"),
    ],
)
def test_what_the_arrays_cannot_answer_is_an_error(needs, ask, sentence: str) -> None:
    strategy = from_modal(lambda learner, X, n_instances: ask(learner, X), "x", needs=needs, register=False)
    with pytest.raises(InvalidCandidates, match=sentence):
        strategy.query(POOL, 1, rng())


def test_nothing_labeled_is_none_as_modal_has_it() -> None:
    def check(learner, X, n_instances):
        assert learner.X_training is None
        assert learner.y_training is None
        return [0]

    c = Candidates(ids=np.arange(2), labeled_embeddings=np.empty((0, 2)), labeled_targets=np.empty(0, dtype=int))
    from_modal(check, "check", needs="labeled", register=False).query(c, 1, rng())
