"""`check-learner`: a line for each promise, code 0, 1 or 2, and an end whatever the file does."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from labeler.cli import main
from labeler.experiments.check_learner import learners_of
from labeler.learner.contract import CHECKS
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
        "self.means = ", "while len(features) > 900: pass\n        features[0] = 0\n        self.means = "
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
