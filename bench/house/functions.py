"""How long functions are, and how many parameters they take, read from the syntax trees."""

import ast
from dataclasses import dataclass
from pathlib import Path

from bench.house.imports import modules

MOST_LINES = 60
MOST_PARAMETERS = 6


@dataclass(frozen=True)
class Function:
    """A function's place and size.

    Attributes:
        name: of its module and itself, as in `labeler.cycle.round.run_round`.
        lines: from `def` to its last statement, docstring included.
        parameters: without `self` and `cls`.
        reasons: the comments above the function and before its first statement.
    """

    name: str
    lines: int
    parameters: int
    reasons: str

    @property
    def is_large(self) -> bool:
        return self.lines > MOST_LINES or self.parameters > MOST_PARAMETERS

    @property
    def is_explained(self) -> bool:
        """Whether comments say why it is so long (`# long: …`) and why it takes so many parameters (`# wide: …`)."""
        return (self.lines <= MOST_LINES or "# long: " in self.reasons) and (
            self.parameters <= MOST_PARAMETERS or "# wide: " in self.reasons
        )


def functions(root: Path, package: str) -> list[Function]:
    """Every function and method of a package below `root`."""
    return [
        function
        for module, path in modules(root, package).items()
        for function in functions_of(path.read_text(encoding="utf-8"), module)
    ]


def functions_of(source: str, module: str) -> list[Function]:
    """Every function and method of a module."""
    lines = source.splitlines()
    return [
        Function(f"{module}.{node.name}", _height(node), _parameters(node), _comments(node, lines))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _height(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return len([argument for argument in arguments if argument.arg not in ("self", "cls")])


def _comments(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> str:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    while first > 1 and lines[first - 2].lstrip().startswith("#"):
        first -= 1
    has_docstring = ast.get_docstring(node) is not None and len(node.body) > 1
    statement = node.body[1] if has_docstring else node.body[0]
    return "\n".join(line for line in lines[first - 1 : statement.lineno - 1] if "#" in line)
