"""The house keeps its order: rooms, directions of imports, sizes of functions, and one home for SQL.

All is read from the syntax trees of the files.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bench.house.functions import functions, functions_of
from bench.house.imports import circles, graph, modules, room_of, unexplained

ROOT = Path(__file__).parent.parent
# The rooms of labeler/, lowest first. A room imports from lower lines alone, never from one on its own line.
LAYERS = """
    i18n
    core
    engine files store
    access formats
    projects measure
    backbones client
    learner
    cycle quality progress
    models
    experiments
    explain
    report
    events
    feeds
    jobs
    api notebook
    cli
"""
LEVELS = {room: level for level, rooms in enumerate(LAYERS.strip().splitlines()) for room in rooms.split()}
# Nothing imports labeler/__main__.py, nor labeler/__init__.py, which names what users of the package take from it.
LEVELS |= {"labeler": len(LEVELS), "__main__": len(LEVELS)}
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
        elif isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id="__import__") | ast.Attribute(value=ast.Name(id="importlib"), attr="import_module"):
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


@cache
def contents(path: Path) -> tuple[set[str], list[str]]:
    """The names that a file imports, and the SQL statements in it: each file is parsed once for both."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {*imports(tree)}, [*statements(tree)]


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def may_hold_sql(path: Path) -> bool:
    inside = path.relative_to(ROOT)
    return inside.parts[:2] == ("labeler", "store")


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_imports_go_one_way(folder: str) -> None:
    assert files(folder) != []
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files(folder)
        for name in contents(path)[0]
        if name in FORBIDDEN[folder]
    }
    assert wrong == set()


def test_every_room_has_its_level() -> None:
    assert {room_of(module) for module in graph(ROOT, "labeler")} == set(LEVELS)


def test_a_room_imports_from_lower_rooms_alone() -> None:
    wrong = {
        f"{module} imports {other}"
        for module, others in graph(ROOT, "labeler").items()
        for other in others
        if room_of(module) != room_of(other) and LEVELS[room_of(other)] >= LEVELS[room_of(module)]
    }
    assert wrong == set()


@pytest.mark.parametrize("package", ["labeler", "strategies", "pages"])
def test_no_modules_import_each_other_in_a_circle(package: str) -> None:
    assert circles(graph(ROOT, package)) == []


@pytest.mark.parametrize("room", sorted({*LEVELS} - {"labeler", "__main__"}))
def test_a_room_says_what_enters_and_what_leaves(room: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / "labeler" / room / "__init__.py").read_text(encoding="utf-8")))
    assert re.search(r"\benters?\b", docstring or "")
    assert re.search(r"\bleaves?\b", docstring or "")


@pytest.mark.parametrize("package", ["labeler", "strategies", "pages"])
def test_a_long_or_wide_function_says_why(package: str) -> None:
    """Over 60 lines: a comment `# long: …`; over six parameters: a comment `# wide: …`, above it or before its body."""
    assert {f.name for f in functions(ROOT, package) if not f.is_explained} == set()


@pytest.mark.parametrize("package", ["labeler", "strategies", "pages"])
def test_an_import_inside_a_function_says_why(package: str) -> None:
    """Beside it, above it, or once in the file: "# Imports of torch are deferred: …"."""
    unsaid = {
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in modules(ROOT, package).values()
        for line, module in unexplained(path.read_text(encoding="utf-8"))
    }
    assert unsaid == set()


def test_sql_lives_in_the_store_alone() -> None:
    paths = [*files("labeler"), *files("pages"), *files("strategies"), *ROOT.glob("*.py")]
    wrong = {
        f"{path.relative_to(ROOT)}: {text[:60]}"
        for path in paths
        if not may_hold_sql(path)
        for text in contents(path)[1]
    }
    assert wrong == set()


@pytest.mark.parametrize(
    ("imported", "heavy"),
    [
        (["strategies"], {"torch", "modAL", "timm", "transformers", "sklearn"}),
        (
            [
                "labeler.client",
                "labeler.notebook.project",
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
            {"torch", "modAL", "timm", "transformers"},
        ),
        # of what a process loads for an import, two hold each library at once
        (["labeler.projects.staging", "labeler.jobs.runner"], {"pandas", "pyarrow", "scipy", "sqlite_utils"}),
    ],
)
def test_what_is_imported_loads_no_large_library(imported: list[str], heavy: set[str]) -> None:
    code = f"""
import importlib, sys
for module in {imported!r}:
    importlib.import_module(module)
    assert not {heavy!r} & set(sys.modules), module
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


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


def test_a_circle_over_several_modules_is_seen() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}
    assert circles(edges) == [["a", "b", "c"]]


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("def late():\n    import torch", ["torch"]),
        ("def late():\n    import torch  # takes seconds", []),
        ("def late():\n    # both take seconds\n    import torch\n    from timm import create_model", []),
        ("def late():\n    # on torch\n    use()\n    import torch", ["torch"]),
        ("# Imports of torch are deferred: it takes seconds.\ndef late():\n    from torch import nn", []),
        ("# Imports of torch are deferred: it takes seconds.\ndef late():\n    import timm", ["timm"]),
        ("import torch", []),
    ],
)
def test_deferred_imports_without_a_reason_are_seen(source: str, modules: list[str]) -> None:
    assert [module for _, module in unexplained(source)] == modules


@pytest.mark.parametrize(
    ("source", "explained"),
    [
        ("def f(self, a, b, c, d, e, f): ...", True),
        ("def f(a, b, c, d, *, e, f, g): ...", False),
        ("# wide: options of a command\n@command\ndef f(a, b, c, d, e, f, g): ...", True),
        ('def f(a, b, c, d, e, f, g):\n    """What."""\n    # wide: options\n    return a', True),
        ("def f(a, b, c, d, e, f, g):\n    return a  # wide: late", False),
        ("def f():\n" + 59 * "    g()\n", True),
        ("def f():\n" + 60 * "    g()\n", False),
        ("# long: one statement\ndef f():\n" + 60 * "    g()\n", True),
    ],
)
def test_large_functions_without_a_reason_are_seen(source: str, explained: bool) -> None:
    (function,) = functions_of(source, "module")
    assert function.is_explained is explained


@pytest.mark.parametrize(
    ("source", "is_sql"),
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
def test_sql_is_told_from_prose(source: str, is_sql: bool) -> None:
    assert any(statements(ast.parse(source))) is is_sql


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
