"""Who imports whom, read from the syntax trees: modules, rooms, circles."""

import ast
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

Graph = dict[str, set[str]]


def modules(root: Path, package: str) -> dict[str, Path]:
    """Every module of a package below `root`, by its dotted name; a package's `__init__` has the package's name."""
    paths = sorted((root / package).rglob("*.py"))
    return {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imported(tree: ast.AST, names: Collection[str]) -> Iterator[str]:
    """The modules among `names` that a file imports, inside functions and for types alone as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                if submodule in names:
                    yield submodule
                elif node.module in names:
                    yield node.module


@cache
def graph(root: Path, package: str) -> Graph:
    """Each module of a package with the modules of the same package that it imports."""
    paths = modules(root, package)
    return {
        name: set(imported(ast.parse(path.read_text(encoding="utf-8")), paths.keys())) - {name}
        for name, path in paths.items()
    }


def room_of(module: str) -> str:
    """The second part of a module's name: its room, or the module itself where it lies beside the rooms."""
    return module.split(".")[1] if "." in module else module


def between_rooms(edges: Mapping[str, set[str]]) -> set[tuple[str, str]]:
    """Pairs of rooms of which the first imports from the second."""
    pairs = {(room_of(module), room_of(other)) for module, others in edges.items() for other in others}
    return {(first, second) for first, second in pairs if first != second}


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other, directly or by way of others (strongly connected components)."""
    reached = {module: _reachable(edges, module) for module in edges}
    groups = {
        tuple(sorted({module} | {other for other in reached[module] if module in reached.get(other, ())}))
        for module in edges
        if module in reached[module]
    }
    return [list(group) for group in sorted(groups)]


def _reachable(edges: Mapping[str, set[str]], start: str) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        for other in edges.get(waiting.pop(), ()):
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return reached


def unexplained(source: str) -> list[tuple[int, str]]:
    """Imports inside functions without a comment that says why: the line, and the module.

    The comment stands in the block of imports, above it, or once in the file for all of them, as in
    "# Imports of torch and timm are deferred, since …".
    """
    lines, tree = source.splitlines(), ast.parse(source)
    for_all = " ".join(line for line in lines if line.lstrip().startswith("#") and "deferred" in line)
    deferred = {
        node.lineno: node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    return [
        (number, module)
        for number, module in sorted(deferred.items())
        if module.split(".")[0] not in for_all and not _commented(lines, number)
    ]


def _commented(lines: list[str], number: int) -> bool:
    """Whether a comment stands in the block of imports that a line (counted from 1) belongs to, or above the block."""
    first = last = number - 1
    while lines[first - 1].lstrip().startswith(("import ", "from ")):
        first -= 1
    while last + 1 < len(lines) and lines[last + 1].lstrip().startswith(("import ", "from ")):
        last += 1
    return any("#" in line for line in lines[first : last + 1]) or lines[first - 1].lstrip().startswith("#")
