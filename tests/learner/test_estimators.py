"""Other heads than the linear ones: of scikit-learn, or of a file; fitted, kept, read, and refused in a sentence."""

import re

import numpy as np
import pytest

import strategies
from labeler.core.errors import ConfigError, LabelerError, TooFewClassesError, TrainingError
from labeler.core.limited import Limits
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import Config, LearnerConfig, QueryConfig
from labeler.core.settings_file import parse_text, rewritten, to_toml
from labeler.cycle.round import run_round
from labeler.cycle.state import State
from labeler.learner import own_heads
from labeler.learner.committees import committee
from labeler.learner.contract import CHECKS, examples
from labeler.learner.estimators import NAMES, Estimator, Head, fit_estimator
from labeler.learner.own_heads import heads_limited
from labeler.learner.saved_models import load, normalizer_of, save
from labeler.learner.task import LearningTask
from labeler.learner.train import fit
from tests.support.machine import ROOT

FOREST = LearnerConfig(head="random_forest", head_parameters={"n_estimators": 10})
NEAREST = '''
import numpy as np

class Nearest:
    """The class of the nearest mean, the surer the nearer."""

    def __init__(self, sharpness=5.0):
        self.sharpness = sharpness

    def fit(self, features, labels):
        self.means = np.stack([features[labels == c].mean(axis=0) for c in range(labels.max() + 1)])

    def predict_proba(self, features):
        odds = np.exp(self.sharpness * features @ self.means.T)
        return odds / odds.sum(axis=1, keepdims=True)
'''


def task(classes: int = 3, several: bool = False, folder=None) -> LearningTask:
    """Ten labels of each of three classes, in a project that has `classes`."""
    features, labels = examples(3, 10)
    data = Dataset(["text"] * len(features), features, (features.shape[1],))
    targets = np.eye(classes, dtype=np.int8)[labels] if several else labels
    return LearningTask.of(data, Labels(np.arange(len(data)), targets), classes, folder=folder)


POSITIONS = np.arange(30)


# The slowest two, of Gaussian processes and boosted trees, are left out.
@pytest.mark.parametrize("name", ["logistic", "svm", "random_forest", "k_nearest", "naive_bayes"])
def test_heads_with_a_short_name_keep_every_promise_but_that_of_time(name, tmp_path):
    head = Head.named(name, {"n_estimators": 10} if "n_estimators" in NAMES[name][1] else {})
    broken = {check.promise: check.broken(head, tmp_path) for check in CHECKS if check.function.__name__ != "in_time"}
    assert not {promise: reason for promise, reason in broken.items() if reason}


def test_the_learner_in_the_documentation_keeps_them_too(tmp_path):
    (code,) = re.findall(r'```python\n("""my_learner\.py.*?)```', (ROOT / "docs" / "learner.md").read_text(), re.DOTALL)
    (tmp_path / "my_learner.py").write_text(code)
    head = Head.named("my_learner.py:Nearest", {}, tmp_path)
    assert not [reason for check in CHECKS[:-1] if (reason := check.broken(head, tmp_path))]


def test_a_class_without_a_label_gets_0_and_parameters_count():
    fitted = fit(task(classes=4), FOREST, 1)
    proba = fitted.model.predict_proba(task().dataset, POSITIONS)
    assert proba.shape == (30, 4)
    assert not proba[:, 3].any()
    assert set(np.round(proba * 10, 9).ravel() % 1) == {0}  # ten trees vote
    assert str(fitted.training.note) == "The head random_forest on the frozen backbone."


def test_where_an_item_has_several_classes_each_has_a_yes_or_no_and_untold_classes_their_base_rate():
    proba = fit(task(classes=4, several=True), FOREST, 1).model.predict_proba(task().dataset, POSITIONS)
    assert proba[:, 3] == pytest.approx(1 / 32)  # Laplace's rule: none of thirty labels
    assert (proba[np.arange(30), task().labels.targets] > 0.5).all()


def test_without_two_classes_there_is_no_model_yet():
    with pytest.raises(TooFewClassesError, match="all 1 labels are of one class"):
        fit_estimator(task().subset(np.array([0])), "logistic", {}, 0)
    with pytest.raises(TooFewClassesError, match="there are no labels"):
        fit_estimator(task(several=True).subset(np.array([], dtype=int)), "logistic", {}, 0)


def test_a_committee_is_of_bootstraps_that_differ():
    fitted = fit(task(), FOREST, 1)
    members = committee(task(), fitted, FOREST, 5).member_proba(task().dataset, POSITIONS)
    assert members.shape == (5, 30, 3)
    assert np.abs(members[0] - members[1]).max() > 0
    assert members.sum(axis=2) == pytest.approx(1)


@pytest.fixture
def project_folder(tmp_path):
    (tmp_path / "mine.py").write_text(NEAREST)
    with heads_limited(None):  # other tests do without a process of their own, which takes a second to start
        yield tmp_path


MINE = LearnerConfig(head="mine.py:Nearest", head_parameters={"sharpness": 9.0})


def test_a_file_of_the_project_learns_and_its_model_is_kept_and_read(project_folder):
    model = fit(task(folder=project_folder), MINE, 1).model
    path = project_folder / "models" / "round-0001.safetensors"
    save(model, path)
    expected = model.predict_proba(task().dataset, POSITIONS)
    again = load(path)
    assert isinstance(again, Estimator)
    assert again.head.parameters == {"sharpness": 9.0}
    assert again.predict_proba(task().dataset, POSITIONS) == pytest.approx(expected)
    assert normalizer_of(path).mean == pytest.approx(task().normalizer.mean)
    (project_folder / "mine.py").write_text(NEAREST + "# changed\n")
    with pytest.raises(LabelerError, match=r"mine\.py has changed since the model was trained: retrain"):
        load(path)


def test_a_model_whose_head_gives_other_probabilities_now_is_not_used(project_folder):
    (project_folder / "mine.py").write_text(NEAREST.replace("5.0", "np.random.default_rng().random()"))
    path = project_folder / "models" / "round-0001.safetensors"
    save(fit(task(folder=project_folder), LearnerConfig(head="mine.py:Nearest"), 1).model, path)
    with pytest.raises(TrainingError, match="gives other probabilities than the model that was kept"):
        load(path)


@pytest.mark.parametrize(
    ("head", "parameters", "reason"),
    [
        ("forest", {}, "There is no head 'forest': choose one of linear, logistic"),
        ("sklearn.ensembles:Forest", {}, "cannot be imported (No module named 'sklearn.ensembles')"),
        ("sklearn.ensemble:Forest", {}, "sklearn.ensemble has no class 'Forest' with a method `fit`"),
        ("subprocess:Popen", {"args": "true"}, "subprocess has no class 'Popen' with a method `fit`"),
        ("sklearn.svm:LinearSVC", {}, "sklearn.svm:LinearSVC gives no probabilities"),
        ("random_forest", {"n_trees": 3}, "cannot be made: TypeError"),
        ("k_nearest", {"metric": "none"}, "cannot be fitted to 30 labels of 3 classes: "),
        ("mine.py:Nearest", {"sharpness": "much"}, "cannot predict: line 14: "),
        ("mine.py:Far", {}, "mine.py has no class 'Far'"),
        ("yours.py:Nearest", {}, "There is no file yours.py in"),
        ("../mine.py:Nearest", {}, "../mine.py is not in the project's folder"),
        ("torn.py:Nearest", {}, "Learner file torn.py: line 1: SyntaxError"),
        ("wide.py:Nearest", {}, "gives probabilities of shape (30, 4); expected (30, 3)"),
        ("odd.py:Nearest", {}, "gives rows that are no probabilities"),
    ],
)
def test_what_is_wrong_with_a_head_is_said_in_one_sentence(project_folder, head, parameters, reason):
    (project_folder / "torn.py").write_text("class Nearest(:\n")
    (project_folder / "wide.py").write_text(NEAREST.replace("@ self.means.T", "@ self.means[[0, 0, 1, 2]].T"))
    (project_folder / "odd.py").write_text(NEAREST.replace("return odds /", "return -odds /"))
    with pytest.raises(TrainingError) as error:
        fit_estimator(task(folder=project_folder), head, parameters, 0).predict_proba(task().dataset, POSITIONS)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def turn(strategy: str):
    learning = task()
    some = learning.subset(np.arange(12))
    config = Config("p", ("a", "b", "c"), modality="text", query=QueryConfig(strategy=strategy), learner=FOREST)
    return run_round(State(some, np.arange(12, 30), Labels(POSITIONS[:0], POSITIONS[:0])), config, 1, 3)


def test_rounds_run_with_strategies_of_every_need_but_those_that_take_gradients_of_linear_heads():
    for strategy in ("margin", "bald", "auto", "k_center"):
        assert len(turn(strategy).result.ranking) == 3
    linear = {name for name, strategy in strategies.registered().items() if strategy.linear}
    assert linear == {"badge", "expected_gradient_length", "expected_error_reduction"}
    for strategy in (*linear, "distinct(badge)"):
        with pytest.raises(LabelerError, match="takes gradients of linear heads") as error:
            turn(strategy)
        assert 'learner.head = "random_forest"' in str(error.value)


@pytest.mark.parametrize(
    ("learner", "reason"),
    [
        ('head = "svm"\nkind = "finetune"', 'learner.head = "svm" learns on frozen features'),
        ('head = "svm"\ncommittee = "dropout"', 'learner.committee = "dropout" needs the weights of linear heads'),
        ("[learner.head_parameters]\nC = 3", "learner.head_parameters are those of another head"),
        ("head_parameters = 3", "learner.head_parameters = 3 must be a table of values"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(learner, reason):
    with pytest.raises(ConfigError) as error:
        parse_text(f'name = "p"\nclasses = ["a", "b"]\n[learner]\n{learner}\n')
    assert reason in str(error.value)


def test_parameters_are_written_and_read_as_a_table():
    config = Config("p", ("a", "b"), learner=FOREST)
    assert parse_text(to_toml(config)) == config
    text = 'name = "p"\nclasses = ["a", "b"]\n[learner]\nhead = "svm"\n[learner.head_parameters]\nC = 3.0 # mine\n'
    changed = rewritten(text, Config("p", ("a", "b"), budget=7, learner=parse_text(text).learner))
    assert "C = 3.0 # mine" in changed
    assert parse_text(changed).budget == 7


USUAL = Limits(30, 2000)
FIT = "def fit(self, features, labels):"


@pytest.mark.parametrize(
    ("code", "limits", "reason"),
    [
        ("while True: pass", Limits(0.5, 2000), "took longer than 0.5 seconds and was ended. It was at mine.py, line "),
        ("eaten = [bytes(10_000_000) for _ in range(10_000)]", Limits(30, 200), "more than 200 MB of memory"),
        ("import os; os.abort()", USUAL, "ended its own process"),
        ("raise ValueError('no such thing')", USUAL, "cannot be fitted to 30 labels of 3 classes: line 11: ValueError"),
    ],
)
def test_a_file_that_loops_eats_memory_crashes_or_fails_is_named_and_ends_alone(project_folder, code, limits, reason):
    (project_folder / "mine.py").write_text(NEAREST.replace(FIT, f"{FIT}\n        {code}"))
    with heads_limited(limits), pytest.raises(LabelerError) as error:
        fit_estimator(task(folder=project_folder), "mine.py:Nearest", {}, 0)
    assert str(error.value).startswith("The head mine.py:Nearest")
    assert reason in str(error.value)


def test_a_file_in_its_own_process_learns_the_same_also_once_that_process_was_ended(project_folder):
    expected = fit_estimator(task(folder=project_folder), "mine.py:Nearest", {}, 0)
    with heads_limited(USUAL):
        model = fit_estimator(task(folder=project_folder), "mine.py:Nearest", {}, 0)
        for _ in range(2):
            proba = model.predict_proba(task().dataset, POSITIONS)
            assert proba == pytest.approx(expected.predict_proba(task().dataset, POSITIONS))
            for process in own_heads._processes.values():
                process.end()
