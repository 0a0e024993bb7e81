"""A project's own strategy files run in a process of their own: what they do wrong ends there, and is told."""

import os

import numpy as np
import pytest

import strategies
from labeler.core.limited import Limits
from labeler.projects.own_strategies import strategies_in
from strategies import Candidates, StrategyError

GOOD = '''
import os
import numpy as np
from strategies.base import scores, selects

@scores(needs="proba", family="ours", linear=True)
def mine(c, rng):
    """The first class first. Its rest. Source: me."""
    return c.proba[:, 0] + 0 * rng.random(len(c))

@selects(needs="embeddings")
def process(c, n, rng):
    """The number of the process."""
    return np.array([os.getpid()])
'''
LOOPS = '''
from strategies.base import scores

@scores()
def loops(c, rng):
    """Never ends."""
    while True:
        pass

@scores()
def eats(c, rng):
    """Takes all memory."""
    return c.ids @ bytearray(10**12)

@scores()
def leaves(c, rng):
    """Calls exit."""
    exit(1)

@scores()
def fails(c, rng):
    """Raises."""
    return c.nothing
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a good file, one whose strategies misbehave, one that loops when it is read, and a broken one."""
    folder = tmp_path_factory.mktemp("strategies")
    for name, code in {
        "good.py": GOOD,
        "loops.py": LOOPS,
        "endless.py": "import itertools\nfor _ in itertools.count():\n    pass\n",
        "broken.py": "import no_such_module\n",
    }.items():
        (folder / name).write_text(code)
    return folder


@pytest.fixture(scope="module")
def own(folder):
    """The strategies of the folder, and the files that cannot be used, with limits that a test can wait for."""
    with strategies_in(folder, Limits(1.5, 500)) as broken:
        yield {name: s for name, s in strategies.registered().items() if name not in BUILT_IN}, broken


BUILT_IN = set(strategies.registered())


def candidates(n: int = 8) -> Candidates:
    proba = np.random.default_rng(1).dirichlet([1, 1], n)
    return Candidates(ids=np.arange(n), proba=proba, embeddings=proba)


def test_a_file_that_loops_when_it_is_read_is_named_with_its_line_and_the_others_are_there(own):
    known, broken = own
    assert set(known) == {"mine", "process", "loops", "eats", "leaves", "fails"}
    reasons = {problem.name: str(problem) for problem in broken}
    assert set(reasons) == {"endless.py", "broken.py"}
    assert "Reading it took longer than 1.5 seconds and was ended. It was at endless.py, line " in reasons["endless.py"]
    assert "line 1: ModuleNotFoundError" in reasons["broken.py"]


def test_a_strategy_is_described_and_chooses_as_if_it_ran_here(own):
    mine, c = own[0]["mine"], candidates()
    assert (mine.family, mine.needs, mine.kind, mine.linear) == ("ours", {"proba"}, "scores", True)
    assert (mine.summary, mine.source) == ("The first class first.", "me.")
    here, there = np.random.default_rng(3), np.random.default_rng(3)
    here.random(len(c))
    query = mine.query(c, 3, there)
    assert query.positions.tolist() == np.argsort(-c.proba[:, 0])[:3].tolist()
    here.permutation(np.arange(3))  # of `top`
    assert here.random() == there.random()


def test_its_code_runs_in_one_other_process(own):
    numbers = [own[0]["process"].function(candidates(), 1, np.random.default_rng(0)).tolist() for _ in range(2)]
    assert numbers[0] == numbers[1]
    assert numbers[0] != [os.getpid()]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("loops", r"The strategy loops took longer than 1\.5 seconds and was ended\. It was at loops\.py, line [78]\."),
        ("eats", r"The strategy eats needed more than 500 MB of memory and was ended\. It was at loops\.py, line 13\."),
        ("leaves", r"The strategy leaves ended its own process: .* It was at loops\.py, line 18\."),
        ("fails", r"strategy 'fails' failed in loops\.py, line 23: AttributeError"),
    ],
)
def test_what_a_strategy_does_wrong_is_told_with_file_and_line(own, name, says):
    with pytest.raises(StrategyError, match=says):
        own[0][name].query(candidates(), 2, np.random.default_rng(0))
    assert len(own[0]["mine"].query(candidates(), 2, np.random.default_rng(0)).positions) == 2


def test_a_folder_without_files_starts_no_process(tmp_path, monkeypatch):
    monkeypatch.setattr("labeler.projects.own_strategies.LimitedProcess", None)
    with strategies_in(tmp_path / "none", Limits(1, 100)) as broken:
        assert broken == []
        strategies.get("margin")
