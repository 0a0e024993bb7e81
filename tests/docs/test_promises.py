"""Each promise of docs/promises.md names a test that is there."""

import re

import pytest

from tests.support.machine import ROOT

NAMED = re.findall(r"`(tests/[\w/.]+)::([^`]+)`", (ROOT / "docs" / "promises.md").read_text(encoding="utf-8"))


def test_each_promise_names_a_test():
    rows = [row for row in (ROOT / "docs" / "promises.md").read_text(encoding="utf-8").splitlines() if row[:2] == "| "]
    promises = [row for row in rows if not row.startswith("| promise")]
    assert len(promises) == len(NAMED) >= 20


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _file, name in NAMED])
def test_the_test_of_a_promise_is_there(file: str, name: str):
    definition = f"def {name}(" if file.endswith(".py") else f'test("{name}"'
    assert definition in (ROOT / file).read_text(encoding="utf-8")
