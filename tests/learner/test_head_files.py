"""Heads in the files of a folder, which are read and not run."""

from labeler.learner.head_files import heads_in

FILE = """
raise RuntimeError("this is never run")

class Both:
    def fit(self, features, labels): ...
    def predict_proba(self, features): ...

class Derived(Both): ...
class OneAlone:
    def fit(self, features, labels): ...
class _Private(Both): ...
"""


def test_public_classes_with_both_methods_are_found_and_a_torn_file_is_said(tmp_path):
    (tmp_path / "b.py").write_text(FILE, encoding="utf-8")
    (tmp_path / "a.py").write_text("x = (\n", encoding="utf-8")
    heads, problems = heads_in(tmp_path)
    assert heads == ["b.py:Both", "b.py:Derived"]
    assert problems == ["Learner file a.py, line 1: '(' was never closed"]
    assert heads_in(tmp_path / "nowhere") == ([], [])
