"""The one direction of imports, and one home for SQL: read from the syntax trees of the files."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SQL = re.compile(
    r"^\s*(SELECT\s.+|INSERT\s+(OR\s+\w+\s+)?INTO\s.+|UPDATE\s.+\sSET\s.+|DELETE\s+FROM\s.+|WITH\s.+\sAS\s*\(.+)",
    re.DOTALL,
)
FORBIDDEN = {
    "strategies": {"labeler", "pages", "torch", "sqlite3", "sqlite_utils", "streamlit", "timm", "transformers"},
    "labeler": {"streamlit", "pages"},
    "pages": {"torch", "timm", "transformers", "sqlite3", "sqlite_utils"},
}


def imports(tree: ast.AST) -> Iterator[str]:
    """The top-level names of all modules imported anywhere in a file, inside functions as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("__import__", "importlib.import_module"):
            yield from (str(arg.value).split(".")[0] for arg in node.args[:1] if isinstance(arg, ast.Constant))


def statements(tree: ast.AST) -> Iterator[str]:
    """String literals, also those with values in them, that begin as an SQL statement does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(p.value) if isinstance(p, ast.Constant) else "?" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if SQL.match(text):
            yield text


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def may_hold_sql(path: Path) -> bool:
    inside = path.relative_to(ROOT)
    return inside.parts[0] == "labeler" and (inside.parts[1] == "store")


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_imports_go_one_way(folder: str) -> None:
    assert files(folder) or folder == "pages"
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files(folder)
        for name in imports(ast.parse(path.read_text(encoding="utf-8")))
        if name in FORBIDDEN[folder]
    }
    assert wrong == set()


def test_sql_lives_in_the_store_alone() -> None:
    paths = [*files("labeler"), *files("pages"), *files("strategies"), *ROOT.glob("*.py")]
    wrong = {
        f"{path.relative_to(ROOT)}: {text[:60]}"
        for path in paths
        if not may_hold_sql(path)
        for text in statements(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert wrong == set()


@pytest.mark.parametrize(
    "module",
    [
        "strategies",
        "labeler.store",
        "labeler.api.routes",
        "labeler.jobs.adaptations",
        "labeler.jobs.explanations",
        "labeler.explain.neighbours",
        "labeler.explain.panel",
        "labeler.jobs.comparisons",
        "labeler.experiments.dataset",
        "labeler.report.charts.strategy_picture",
    ],
)
def test_what_the_browser_process_imports_loads_no_torch(module: str) -> None:
    heavy = {"torch", "modAL", "timm", "transformers"} | ({"sklearn"} if module == "strategies" else set())
    code = f"import sys, {module}; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


# ---------------------------------------------------------------- the readers above see what they must


def test_every_way_of_importing_is_seen() -> None:
    source = """
import torch.nn as nn
def late():
    from timm.models import create
    importlib.import_module("sqlite3")
    __import__("streamlit")
from . import sibling
"""
    assert set(imports(ast.parse(source))) == {"torch", "timm", "sqlite3", "streamlit"}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('"SELECT id FROM items"', True),
        ('f"SELECT {column} FROM items"', True),
        ('"""\n    INSERT OR IGNORE INTO items VALUES (?)"""', True),
        ('"UPDATE items SET split = ?"', True),
        ('"DELETE FROM items"', True),
        ('"WITH latest AS (SELECT 1) SELECT * FROM latest"', True),
        ('"Select a project from the list"', False),
        ('"Update the settings, then set a budget"', False),
        ('"SELECTED"', False),
    ],
)
def test_sql_is_told_from_prose(source: str, found: bool) -> None:
    assert any(statements(ast.parse(source))) is found


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("labeler/store/queue.py", True),
        ("labeler/store.py", False),
        ("labeler/store/schema.py", True),
        ("labeler/api/routes.py", False),
        ("pages/store.py", False),
        ("strategies/schema.py", False),
    ],
)
def test_where_sql_may_stand(path: str, allowed: bool) -> None:
    assert may_hold_sql(ROOT / path) is allowed
