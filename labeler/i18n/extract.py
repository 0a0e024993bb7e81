"""The catalogues in `labeler/i18n/locale/`, brought up to date with the code: `make words`.

Babel reads the messages out of the files: what is the first argument of one of `KEYWORDS`, an error's among them. What
strategies say of themselves stands in their docstrings, see `strategy_messages`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file, extract_python
from babel.messages.pofile import read_po, write_po

from labeler.i18n.messages import DEFAULT, LANGUAGES, LOCALE

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("labeler", "pages", "strategies")

MARKS = {"_": (1,), "n_": (1, 2), "mark": (1,), "t": (1,)}
ERRORS = (
    *("LabelerError", "ConfigError", "ProjectError", "SourceError", "BackboneError", "TrainingError"),
    *("ImageError", "ObjectError", "StoreError", "TooFewClassesError", "AccessError", "ForbiddenError"),
    *("RequestError", "CheckedFileError", "BrokenPromiseError", "NoAnswerError", "KeysError", "LimitError"),
    *("UnnamedStoreError", "SettingsClashError", "TextClashError", "BackupError", "StandbyError", "ShippingError"),
    *("DatabaseError", "DamagedError", "FullError", "ReadOnlyError", "NewerError", "EngineError"),
    *("RefusedError", "UnreachableError", "WebhookError", "TrackerError", "LabelStudioError"),
    *("MissingError", "MissingProjectError", "BusyError", "OtherBodyError", "FeedError"),
    *("StrategyError", "InvalidCandidates", "InvalidScores", "PoolExhausted", "UnknownStrategy"),
)
KEYWORDS = MARKS | dict.fromkeys(ERRORS, (1,))
# The command line and Python code are English: the errors that they alone show need no translation.
COMMAND_LINE = (
    "labeler/cli/",
    "labeler/client/",
    "labeler/experiments/strategy_tables.py",
    "labeler/models/reproduce.py",
    "labeler/jobs/supervisor.py",
    "strategies/contract.py",
    "pages/desk/joined.py",  # for those who write the desk's scripts
)


def messages(root: Path = ROOT) -> dict[str, set[str]]:
    """All messages, each with the files that it is used in, below the root."""
    places: dict[str, set[str]] = {}
    for path in sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.*")):
        if path.suffix in (".py", ".js"):
            name = path.relative_to(root).as_posix()
            for message in messages_of(path, name):
                places.setdefault(message, set()).add(name)
    return places


def messages_of(path: Path, name: str) -> Iterator[str]:
    """The messages of a Python or JavaScript file.

    Args: name: of the file below the root, which says what is looked for in it.
    """
    python: Any = strategy_messages if name.startswith("strategies/") else "python"
    method = "javascript" if path.suffix == ".js" else python
    options = {"parse_template_string": True}  # in JavaScript
    keywords = MARKS if name.startswith(COMMAND_LINE) else KEYWORDS
    for _line, ids, _comments, _context in extract_from_file(method, path, keywords=keywords, options=options):
        yield from (ids,) if isinstance(ids, str) else ids


def strategy_messages(file: BinaryIO, keywords: Any, comment_tags: Any, options: Any) -> Iterator[Any]:
    """A method of extraction for Babel: the messages of a file of strategies, with their summaries and families."""
    yield from extract_python(file, keywords, comment_tags, options)
    file.seek(0)
    for node in ast.walk(ast.parse(file.read())):
        match node:
            case ast.FunctionDef(decorator_list=[ast.Call(func=ast.Name(id="scores" | "selects")), *_]):
                yield node.lineno, "_", first_sentence(ast.get_docstring(node) or ""), []
            case (
                ast.Assign(targets=[ast.Name(id="FAMILY")], value=ast.Constant(value=str(text)))
                | ast.AnnAssign(target=ast.Name(id="message"), value=ast.Constant(value=str(text)))
            ):
                yield node.lineno, "_", text, []


def first_sentence(docstring: str) -> str:
    """What a strategy's summary is, see `strategies.base.Strategy.summary`."""
    return re.split(r"(?<=[.;])\s", docstring)[0].rstrip(";")


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
