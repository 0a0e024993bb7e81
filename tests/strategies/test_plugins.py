"""Strategies from outside: found without a restart, in their own scope, and reported by file and line when broken."""

import threading
from importlib.metadata import EntryPoint

import numpy as np
import pytest

import strategies
from strategies import Candidates, InvalidScores, UnknownStrategy, plugins

OWN = '''
"""Mine."""
import numpy as np
from strategies.base import scores

@scores(needs="proba")
def second_best(c, rng):
    """Probability of the second most likely class. Source: my notes."""
    return np.sort(c.proba, axis=1)[:, -2]
'''


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    return tmp_path


def ask(name: str) -> list[int]:
    candidates = Candidates(np.arange(2), proba=np.array([[0.9, 0.1], [0.6, 0.4]]))
    return strategies.get(name).query(candidates, 1, np.random.default_rng(0)).positions.tolist()


def test_a_file_in_the_folder_is_found_within_the_block_only(folder):
    with strategies.strategies_of(folder) as broken:
        assert broken == []
        assert ask("second_best") == [1]
        assert "margin" in strategies.registered()
    with pytest.raises(UnknownStrategy):
        strategies.get("second_best")


def test_one_file_can_be_named_alone(folder):
    (folder / "other.py").write_text("1 / 0\n")
    with strategies.strategies_of(folder / "mine.py") as broken:
        assert broken == []
        assert ask("second_best") == [1]


def test_other_threads_do_not_see_it(folder):
    is_registered: list[bool] = []
    with strategies.strategies_of(folder):
        thread = threading.Thread(target=lambda: is_registered.append("second_best" in strategies.registered()))
        thread.start()
        thread.join()
    assert is_registered == [False]


def test_a_folder_that_is_not_there_has_none(tmp_path):
    with strategies.strategies_of(tmp_path / "none") as broken:
        assert broken == []


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import numpy as np\ndef x(:\n", "Strategy file b.py: line 2: SyntaxError"),
        ("import numpy as np\n\nnp.nothing\n", "Strategy file b.py: line 3: AttributeError"),
        ("import sys\nsys.exit(4)\n", "Strategy file b.py: line 2: SystemExit: 4"),
        ("from strategies.base import scores\n@scores(needs='magic')\ndef x(c, rng): ...\n", "b.py: line 2"),
        ("from strategies.base import scores\n@scores()\ndef margin(c, rng): ...\n", "'margin' already"),
    ],
)
def test_a_broken_file_is_reported_and_the_others_work(folder, code, says):
    (folder / "b.py").write_text(code)
    with strategies.strategies_of(folder) as broken:
        assert says in str(broken[0])
        assert len(broken) == 1
        assert ask("second_best") == [1]
        assert strategies.get("margin").family == "uncertainty sampling"
    (folder / "b.py").write_text("")  # mended: the next block reads it anew
    with strategies.strategies_of(folder) as broken:
        assert broken == []


def test_a_failing_query_names_its_line(folder):
    (folder / "mine.py").write_text(OWN.replace("[:, -2]", "[:, -9]"))
    with (
        strategies.strategies_of(folder),
        pytest.raises(InvalidScores, match=r"'second_best' failed in mine\.py, line 9"),
    ):
        ask("second_best")


def test_entry_points_are_loaded_and_broken_ones_reported(monkeypatch, tmp_path):
    (tmp_path / "good_plugin.py").write_text(OWN.replace("second_best", "from_a_package"))
    (tmp_path / "bad_plugin.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    entries = [EntryPoint(name, name, plugins.GROUP) for name in ("bad_plugin", "good_plugin")]
    monkeypatch.setattr(plugins, "entry_points", lambda group: entries)
    with plugins.base.registry(dict(strategies.registered())):
        (broken,) = plugins.load_entry_points()
        assert "ZeroDivisionError" in str(broken)
        assert ask("from_a_package") == [1]
