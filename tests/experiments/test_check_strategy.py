"""`check-strategy`: a line for each promise, code 0, 1 or 2, and an end whatever the file does."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from labeler.cli import main
from labeler.experiments.check_strategy import ALL
from tests.support.machine import ROOT

pytestmark = pytest.mark.slow

HEAD = """
import os, time
import numpy as np
from strategies.base import scores, selects
FAMILY = "mine"
"""
SOUND = '''
@scores(needs="proba")
def gini(c, rng):
    """How often two guesses differ. Source: my notes."""
    return 1 - (c.proba**2).sum(axis=1)
'''


@pytest.fixture
def check(tmp_path: Path):
    def run(code: str, *options: str) -> Result:
        (tmp_path / "mine.py").write_text(HEAD + code, encoding="utf-8")
        return CliRunner().invoke(main, ["check-strategy", str(tmp_path / "mine.py"), *options])

    return run


def marks(result: Result) -> str:
    return "".join(line[2] for line in result.output.splitlines() if line.startswith("  "))


def test_a_sound_file_passes_promise_by_promise(check):
    result = check(SOUND)
    assert result.exit_code == 0, result.output
    first, *lines, last = result.output.splitlines()
    assert first == "mine.py: gini"
    assert lines == [f"  ✓ {promise.promise}" for promise in ALL]
    assert last == f"{len(ALL)} promises kept, 0 broken."


def test_a_hint_is_no_reason_to_refuse(check):
    result = check(SOUND.replace(" Source: my notes.", ""))
    assert result.exit_code == 0
    assert marks(result).count("!") == 1
    assert "mine.py, line 7: name the paper" in result.output
    assert f"{len(ALL) - 1} promises kept, 0 broken." in result.output


def test_broken_promises_are_named_with_their_line_and_other_strategies_are_checked_as_well(check):
    result = check(
        '''
@selects(needs="proba")
def second_best(c, n, rng):
    """Items whose second class is likely. Source: my notes."""
    return np.argsort(-np.sort(c.proba, axis=1)[:, -2])[:n]
'''
        + SOUND
    )
    assert result.exit_code == 1
    assert [line for line in result.output.splitlines() if line.startswith("mine.py")] == [
        "mine.py: second_best",
        "mine.py: gini",
    ]
    assert marks(result).count("✗") == 2
    assert "one class. → With one class: strategy 'second_best' failed in mine.py, line 10: IndexError" in result.output
    assert "→ mine.py, line 7: of five equal candidates only those at [0] ever came first" in result.output


def test_a_check_that_hangs_or_dies_is_ended_and_later_checks_run(check):
    result = check(
        '''
@selects()
def hangs(c, n, rng):
    """Any items. Source: nobody."""
    if len(c) == 5:
        os._exit(3)
    while len(c) > 1000:
        time.sleep(1)
    return rng.choice(len(c), n, replace=False)
''',
        "--limit",
        "5",
    )
    assert result.exit_code == 1
    assert len(marks(result)) == len(ALL)
    assert marks(result).count("✗") == 2
    assert "Its process ended (exit code 3)" in result.output
    assert result.output.splitlines()[-2].endswith("It did not end within 5 seconds, and was stopped.")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def x(:\n", "Strategy file mine.py: line 6: SyntaxError"),
        ("1 / 0\n", "Strategy file mine.py: line 6: ZeroDivisionError"),
        ("os._exit(4)\n", "Strategy file mine.py: Its process ended (exit code 4)"),
        ("gini = 1\n", "Strategy file mine.py: it registers nothing"),
        (SOUND.replace("def gini", "def margin"), "there is a strategy 'margin' already"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_sentence_and_code_2(check, code, says):
    result = check(code)
    assert result.exit_code == 2
    assert says in result.output
    assert "Traceback" not in result.output
    assert marks(result) == ""


def test_a_file_that_is_not_there_is_code_2(tmp_path):
    result = CliRunner().invoke(main, ["check-strategy", str(tmp_path / "none.py")])
    assert result.exit_code == 2
    assert "does not exist" in result.output


def test_a_file_of_this_package_is_checked_though_its_names_are_taken():
    result = CliRunner().invoke(main, ["check-strategy", str(ROOT / "strategies" / "control.py")])
    assert result.exit_code == 0, result.output
    assert "control.py: random" in result.output
