"""The catalogues in `labeler/i18n/locale/`, brought up to date with the code: `make words`.

Messages are what stands in `_(…)`, `n_(…)` and `mark(…)` in Python and in `t(…)` in the desk's JavaScript; besides
those, the sentences of errors and problems, where an f-string stands for a message with fields; and what strategies
say of themselves.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

import strategies
from labeler.i18n.messages import DEFAULT, LANGUAGES, LOCALE

ROOT = Path(__file__).resolve().parents[2]

STRING = r'"(?:[^"\\\n]|\\.)*"'  # in JavaScript
MARKED = {"_": 1, "mark": 1, "n_": 2}  # functions, and how many of their arguments are messages
SAYING = ("Problem", "Broken", "refused", "_refuse")  # besides errors: their arguments are read by people
# The command line is English: what only it shows needs no translation.
COMMAND_LINE = (
    "labeler/cli/",
    "labeler/experiments/check_strategy.py",
    "labeler/experiments/strategy_tables.py",
    "labeler/models/publish.py",
    "labeler/models/reproduce.py",
    "labeler/jobs/supervisor.py",
    "labeler/models/inference.py",
    "strategies/contract.py",
    "pages/desk/joined.py",  # for those who write the desk's scripts
)


def messages(root: Path = ROOT) -> dict[str, set[str]]:
    """All messages, each with the files that it is used in, below the root."""
    found: dict[str, set[str]] = {}
    for path in sorted(path for folder in ("labeler", "pages", "strategies") for path in (root / folder).rglob("*.*")):
        name = path.relative_to(root).as_posix()
        if path.suffix in (".py", ".js"):
            text = path.read_text(encoding="utf-8")
            for message in of_python(text, name) if path.suffix == ".py" else of_javascript(text):
                found.setdefault(message, set()).add(name)
    for strategy in strategies.registered().values():
        file = (getattr(strategy.function, "__module__", "") or "strategies").replace(".", "/") + ".py"
        for message in (strategy.summary, strategy.family):
            found.setdefault(message, set()).add(file)
    return found


def of_javascript(text: str) -> Iterator[str]:
    """The messages of a script."""
    for call in re.finditer(rf"\bt\(\s*({STRING}(?:\s*\+\s*{STRING})*)", text):
        yield "".join(json.loads(literal) for literal in re.findall(STRING, call[1]))


def of_python(text: str, name: str = "") -> Iterator[str]:
    """The messages of a Python file; of one that only the command line shows, those that are marked.

    Args: name: of the file, below the root.
    """
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            marked = node.args[: MARKED.get(node.func.id, 0)]
            yield from (one.value for one in marked if isinstance(one, ast.Constant) and isinstance(one.value, str))
        if not name.startswith(COMMAND_LINE):
            yield from filter(None, map(_template, _said(node)))


def _said(node: ast.AST) -> list[ast.expr]:
    """What an error, or another thing that people read, is made with."""
    if isinstance(node, ast.FunctionDef) and node.name == "__str__":
        return [part.value for part in ast.walk(node) if isinstance(part, ast.Return) and part.value]
    said = node.exc if isinstance(node, ast.Raise) else node
    if not isinstance(said, ast.Call):
        return []
    name = said.func.id if isinstance(said.func, ast.Name) else getattr(said.func, "attr", "")
    return said.args if isinstance(node, ast.Raise) or name in SAYING else []


def _template(node: ast.expr) -> str | None:
    """A sentence as a message: what an f-string puts in becomes a field, named after it. None if it has no words."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) and " " in node.value else None
    if not isinstance(node, ast.JoinedStr):
        return None
    text, names = "", set[str]()
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            name = base = _field(part.value)
            number = 2
            while name in names:
                name, number = f"{base}{number}", number + 1
            names.add(name)
            text += f"{{{name}}}"
        else:
            text += str(part.value).replace("{", "{{").replace("}", "}}")  # type: ignore[attr-defined]
    return (
        text
        if any(c.isalpha() for part in node.values if isinstance(part, ast.Constant) for c in str(part.value))
        else None
    )


def _field(value: ast.expr) -> str:
    """A name for what is put in: the last one that stands in it."""
    names = [node.id if isinstance(node, ast.Name) else node.attr for node in _names(value)]
    return names[0].strip("_").lower() if names else "value"


def _names(value: ast.expr) -> Iterable[Any]:
    if isinstance(value, ast.Call) and value.args:
        return _names(value.args[-1])
    return [node for node in ast.walk(value) if isinstance(node, ast.Name | ast.Attribute)]


# ---------------------------------------------------------------- files


def write(folder: Path = LOCALE) -> None:
    """Bring each language's catalogue up to date: new messages are empty, those of the past are gone."""
    template = Catalog()
    for message, files in messages().items():
        template.add(message, locations=[(file, 1) for file in sorted(files)])
    for language in LANGUAGES:
        if language == DEFAULT:
            continue
        path = folder / f"{language}.po"
        with path.open("rb") as old:
            catalog = read_po(old, language)
        catalog.update(template, no_fuzzy_matching=True, update_creation_date=False)
        with path.open("wb") as new:
            write_po(new, catalog, width=120, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
        missing = [message.id for message in catalog if message.id and not message.string]
        print(f"{path}: {len(catalog)} messages, {len(missing)} without a translation")


if __name__ == "__main__":
    write()
