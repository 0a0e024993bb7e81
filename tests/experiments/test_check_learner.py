"""`check-learner`: a line for each promise, code 0, 1 or 2, and an end whatever the file does."""

import sys
from multiprocessing import Pipe
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from labeler.cli import main
from labeler.core.settings import LearnerConfig
from labeler.experiments.check_learner import learners_of, refusal, try_head
from labeler.i18n.messages import load
from labeler.learner.contract import CHECKS
from labeler.learner.estimators import NAMES
from tests.learner.test_estimators import NEAREST

pytestmark = pytest.mark.slow


def check(folder: Path, code: str, *options: str) -> Result:
    (folder / "mine.py").write_text(code, encoding="utf-8")
    return CliRunner().invoke(main, ["check-learner", str(folder / "mine.py"), *options])


def test_a_sound_file_passes_promise_by_promise(tmp_path):
    result = check(tmp_path, NEAREST)
    assert result.exit_code == 0, result.output
    first, *lines, last = result.output.splitlines()
    assert first == "mine.py: Nearest"
    assert lines == [f"  ✓ {promise.promise}" for promise in CHECKS]
    assert last == f"{len(CHECKS)} promises kept, 0 broken."
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]  # nothing is left behind


def test_broken_promises_are_named_and_a_check_that_does_not_end_is_stopped(tmp_path):
    code = NEAREST.replace("odds = np.exp(", "odds = np.exp(np.random.default_rng().random() * ")
    code = code.replace(
        "self.means = ",
        "while len(features) > 900: __import__('time').sleep(1)\n        features[0] = 0\n        self.means = ",
    )
    result = check(tmp_path, code, "--limit", "2")
    assert result.exit_code == 1
    assert "The same labels and the same seed give the same probabilities. → with one seed" in result.output
    assert "What it is given is not written to. → The head mine.py:Nearest cannot be fitted" in result.output
    assert "in time. → It did not end within 2 seconds, and was stopped." in result.output


@pytest.mark.parametrize(
    ("code", "reason"),
    [("x = 1\n", "it has no class with the methods fit and predict_proba"), ("class (\n", "line 1: SyntaxError")],
)
def test_a_file_without_a_learner_is_refused(tmp_path, code, reason):
    result = check(tmp_path, code)
    assert result.exit_code == 2
    assert reason in result.output.replace("\n", " ")


def test_classes_that_a_file_imports_are_not_its_own(tmp_path):
    (tmp_path / "mine.py").write_text("from sklearn.svm import SVC\nclass Mine(SVC): pass\nclass _Base(SVC): pass\n")
    assert learners_of(tmp_path / "mine.py") == ["Mine"]


def tried(name: str, parameters: dict[str, object], folder: Path) -> str | None:
    answer, question = Pipe(duplex=False)
    try_head(name, parameters, folder, 0, question)
    problem = answer.recv()
    return problem and load(problem)


def test_a_head_is_tried_before_a_project_has_it(tmp_path):
    (tmp_path / "mine.py").write_text(NEAREST, encoding="utf-8")
    assert tried("mine.py:Nearest", {}, tmp_path) is None
    assert tried("svm", {"C": 2.0}, tmp_path) is None
    assert "unexpected keyword argument 'C'. Correct learner.head_parameters." in tried("k_nearest", {"C": 2}, tmp_path)
    assert "gives no probabilities" in tried("sklearn.svm:LinearSVC", {}, tmp_path)
    assert tried("other.py:L", {}, tmp_path).startswith("There is no file other.py in ")
    restless = NEAREST.replace("odds = np.exp(", "odds = np.exp(np.random.default_rng().random() * ")
    (tmp_path / "mine.py").write_text(restless, encoding="utf-8")
    assert "it is not repeatable" in tried("mine.py:Nearest", {}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


def test_heads_that_are_known_to_work_are_not_tried(tmp_path):
    assert [refusal(LearnerConfig(head=name), tmp_path, limit=0) for name in ("linear", *NAMES)] == [None] * 9


@pytest.mark.thorough
def test_a_head_that_ends_its_process_is_refused(tmp_path, monkeypatch):
    app = ModuleType("__main__")
    app.__file__ = str(tmp_path / "app.py")  # the script of the app, which the process must not run
    (tmp_path / "app.py").write_text("raise SystemExit(9)\n", encoding="utf-8")
    monkeypatch.setitem(sys.modules, "__main__", app)
    (tmp_path / "mine.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    problem = refusal(LearnerConfig(head="mine.py:L"), tmp_path)
    assert problem.startswith("The head mine.py:L cannot be used: Its process ended (exit code 3)")
    (tmp_path / "mine.py").write_text("while True: pass\n", encoding="utf-8")
    assert "did not end within 1 seconds" in refusal(LearnerConfig(head="mine.py:L"), tmp_path, limit=1)
