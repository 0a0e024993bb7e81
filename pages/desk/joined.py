"""The desk's ES modules, joined into the one module that Streamlit hands to the browser.

The scripts are ordinary ES modules, so that editors, `tsc` and node read them as they stand. A component of Streamlit
takes one script, and users have no node: so the modules are put one after the other, each after those that it imports,
without their `import` lines and the word `export`. They then share one scope, which is why no two of them may declare
the same name.

The joiner understands the two forms that the desk uses: `import { a, b } from "./file.js";` and `export` before a
declaration, both at the beginning of a line. It refuses every other form instead of guessing.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

IMPORT = re.compile(
    r'^import \{\s*([\w$]+(?:,\s*[\w$]+)*),?\s*\} from "(\.{1,2}/[\w./-]+\.js)";[ \t]*$\n?', re.MULTILINE
)
DECLARATION = re.compile(
    r"^(?P<export>export )?(?:async )?(?:class|function\*?|const|let)\s+(?P<name>[\w$]+)", re.MULTILINE
)
# What is left at the beginning of a line after these two forms, and would mean something else in a shared scope.
OTHER_IMPORT = re.compile(
    r"^(?:import\b.*|export\s*[{*].*|(?:export\s+)?(?:var\b|(?:const|let)\s*[\[{]).*)", re.MULTILINE
)
DEFAULT = re.compile(r"^export default\b", re.MULTILINE)


class JoinError(Exception):
    """The scripts cannot be joined; the sentence names the file and what to change."""


@dataclass(frozen=True)
class Module:
    """A script: what it imports from which file, what it exports, what it declares at its top level."""

    path: Path
    imports: Mapping[Path, tuple[str, ...]]
    exports: frozenset[str]
    declares: tuple[str, ...]
    body: str  # without the imports and the word `export`


def join(entry: Path, root: Path) -> str:
    """The text of one module that does what `entry` does with all that it imports.

    Args: root: folder that all the scripts are in; error sentences name files below it.
    Raises: JoinError: an import of a file or a name that is not there, a circle of imports, a name that two modules
            declare, a form of import or export that is not understood.
    """
    modules = list(in_order(entry, root))
    _check_names(modules, root)
    for module in modules:
        if module.path != entry.resolve() and DEFAULT.search(module.body):
            raise JoinError(
                f"{_name(module.path, root)}: only {_name(entry, root)} has a default export; export a name."
            )
    return "\n".join(module.body for module in modules)


def in_order(entry: Path, root: Path) -> Iterator[Module]:
    """The entry and all modules that it needs, each after those that it imports."""
    done: set[Path] = set()

    def visit(path: Path, importers: tuple[Path, ...]) -> Iterator[Module]:
        if path in importers:
            circle = [*importers[importers.index(path) :], path]
            raise JoinError(
                "Modules import each other in a circle: " + " → ".join(_name(p, root) for p in circle) + "."
            )
        if path in done:
            return
        done.add(path)
        module = read_module(path, root)
        for imported in module.imports:
            if not imported.is_file():
                raise JoinError(f"{_name(path, root)} imports {_name(imported, root)}, which does not exist.")
            yield from visit(imported, (*importers, path))
        yield module

    yield from visit(entry.resolve(), ())


def read_module(path: Path, root: Path) -> Module:
    """The module in a file."""
    text = path.read_text(encoding="utf-8")
    imports: dict[Path, tuple[str, ...]] = {}
    for names, address in IMPORT.findall(text):
        imported = (path.parent / address).resolve()
        imports[imported] = (*imports.get(imported, ()), *re.split(r",\s*", names))
    body = IMPORT.sub("", text)
    if other := OTHER_IMPORT.search(body):
        raise JoinError(
            f'{_name(path, root)}: "{other[0].strip()}" is not understood by the joiner. Write import {{ name }} from'
            ' "./file.js"; on lines of its own, and export before a class, a function, or a const or let of one name.'
        )
    declarations = list(DECLARATION.finditer(body))
    return Module(
        path=path,
        imports=imports,
        exports=frozenset(declaration["name"] for declaration in declarations if declaration["export"]),
        declares=tuple(declaration["name"] for declaration in declarations),
        body=DECLARATION.sub(lambda declaration: declaration[0].removeprefix("export "), body),
    )


def _check_names(modules: list[Module], root: Path) -> None:
    """Raises: JoinError: a name is imported that is not exported, or declared by two modules."""
    exports = {module.path: module.exports for module in modules}
    declared: dict[str, Module] = {}
    for module in modules:
        for path, names in module.imports.items():
            for name in names:
                if name not in exports[path]:
                    raise JoinError(
                        f"{_name(module.path, root)} imports {name} from {_name(path, root)}, which does not export it."
                    )
        for name in module.declares:
            other = declared.setdefault(name, module)
            if other is not module:
                raise JoinError(
                    f"{_name(other.path, root)} and {_name(module.path, root)} both declare {name} at their top level,"
                    " and joined they share one scope. Give one of them another name."
                )


def _name(path: Path, root: Path) -> str:
    path, root = path.resolve(), root.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
