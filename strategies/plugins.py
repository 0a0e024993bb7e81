"""Strategies from outside this package: a folder of a project's own, and entry points of installed packages.

A broken one is reported by file and line, and all others keep working.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import ClassVar

from strategies import base
from strategies.base import StrategyError

GROUP = "labeler.strategies"


@dataclass(frozen=True)
class Broken:
    """A plug-in whose strategies are not there, and why; `message` has its fields in braces, as that of an error."""

    message: ClassVar[str] = "Strategy file {name}: {reason}"

    name: str
    reason: str | StrategyError

    @property
    def fields(self) -> dict[str, object]:
        """What stands in `message`."""
        return {"name": self.name, "reason": self.reason}

    def __str__(self) -> str:
        return self.message.format(**self.fields)


@contextmanager
def strategies_of(folder: Path) -> Iterator[list[Broken]]:
    """Make the strategies in a folder's Python files, or in one file, known within the block, in this thread only.

    The files are read anew each time, so that one that is mended needs no restart; they are code, and are run.
    A folder that is not there has no strategies.

    Returns: the files that could not be used; those of the others can be found by `base.get`.
    """
    with base.registry(dict(base.current())) as registered:
        broken = []
        for path in [folder] if folder.is_file() else sorted(folder.glob("*.py")):
            module = ModuleType(f"project_strategies.{path.stem}")
            module.__file__ = str(path)
            broken += _add(registered, path.name, lambda path=path, module=module: _execute(path, module))  # type: ignore[misc]
        yield broken


def _execute(path: Path, module: ModuleType) -> None:
    exec(compile(path.read_bytes(), str(path), "exec"), vars(module))


def load_entry_points() -> list[Broken]:
    """Make the strategies of installed packages known; those that could not be used.

    A package names, in the group `labeler.strategies`, a module that registers its strategies when it is imported.
    """
    registered = base.current()
    return [broken for entry in entry_points(group=GROUP) for broken in _add(registered, entry.name, entry.load)]


def _add(registered: dict[str, base.Strategy], name: str, register: Callable[[], object]) -> list[Broken]:
    """Take what `register` registers into `registered`, whole or not at all."""
    try:
        with base.registry({}) as own:
            register()
    except (Exception, SystemExit) as error:  # somebody else's code raises whatever it likes, and may call exit()
        return [Broken(name, base.describe(error, name))]
    taken = sorted(own.keys() & registered.keys())
    if taken:
        reason = StrategyError("there is a strategy {taken!r} already: choose another name.", taken=taken[0])
        return [Broken(name, reason)]
    registered.update(own)
    return []
