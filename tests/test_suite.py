"""The suite itself: its assertions say what is true, and nothing weaker."""

import ast
from pathlib import Path

import pytest

from tests.support.machine import ROOT


def weakness(node: ast.Assert) -> str | None:
    """What is weak about an assertion, in words; None where nothing is."""
    match node.test:
        case ast.BoolOp(op=ast.Or()):
            return "`A or B` passes where only one of them is so: say when which holds"
        case ast.Name() | ast.Constant():
            return "a value that is merely there: say what it is"
        case ast.Compare(left=ast.Compare() | ast.BoolOp() | ast.Call(), comparators=[ast.Constant(value=bool())]):
            return "`is True` around an expression: assert the expression"
        case ast.Call(func=ast.Attribute(value=ast.Name(id="json"), attr="loads")):
            return "JSON of anything: say what it holds"
        case ast.Compare(
            left=ast.Call(func=ast.Attribute(value=ast.Name(id="json"), attr="loads")),
            ops=[ast.IsNot()],
        ):
            return "JSON of anything: say what it holds"
    return None


def weak_assertions(source: str, path: Path) -> list[str]:
    """Each weak assertion of a file, with its place and the reason."""
    asserts = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert)]
    return [f"{path}:{node.lineno}: {reason}" for node in asserts if (reason := weakness(node))]


def test_no_assertion_is_weak() -> None:
    tests = sorted((ROOT / "tests").rglob("test_*.py"))
    weak = [line for path in tests for line in weak_assertions(path.read_text(encoding="utf-8"), path)]
    assert weak == []


@pytest.mark.parametrize(
    "source",
    ["assert a or b", "assert result", "assert (a == b) is True", "assert f(x) is False", "assert json.loads(text)"],
)
def test_a_weak_assertion_is_found(source: str) -> None:
    assert len(weak_assertions(source, Path("test_it.py"))) == 1


@pytest.mark.parametrize("source", ["assert a == b", "assert not f(x)", "assert card.refit is True", "assert a in b"])
def test_a_plain_assertion_passes(source: str) -> None:
    assert weak_assertions(source, Path("test_it.py")) == []
