"""Logs: lines for a person at a terminal, or JSON for a program; and the file of recent errors in a home.

What JSON and the file hold names requests, jobs and projects, and places in the code. It never holds what people
imported, wrote or are called: of a message only its text before values are put in, of an error its kind and its
message with "…" in place of each value.
"""

import json
import logging
import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from labeler.core.running import FOLDER

VARIABLE = "LABELER_LOG"  # "json": one JSON object a line; handed to all processes by `labeler serve --log json`
FILE = "errors.jsonl"
MOST_BYTES = 200_000  # of the file, after which it becomes the older one of two
HERE = Path(__file__).resolve().parents[2]

_FIELD = re.compile(r"\{[^{}]*\}|%[-#0-9.]*[a-zA-Z]")
# What the lines of this context belong to: a request, a job, a project.
_about: ContextVar[dict[str, str]] = ContextVar("about")


@contextmanager
def logged_about(**about: str) -> Iterator[None]:
    """A block whose lines carry these ids, such as `request`, `job`, `project`, besides those around it."""
    token = _about.set(_about.get({}) | about)
    try:
        yield
    finally:
        _about.reset(token)


class JsonLines(logging.Formatter):
    """A record as a line of JSON, without contents."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self.process = process

    def format(self, record: logging.LogRecord) -> str:
        values: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self.process,
            "logger": record.name,
            "event": without_values(str(record.msg), record.args),
            **_about.get({}),
            **getattr(record, "ids", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            values |= _of_error(record.exc_info[1])
        elif isinstance(record.args, tuple):
            errors = [argument for argument in record.args if isinstance(argument, BaseException)]
            values |= _of_error(errors[0]) if errors else {}
        return json.dumps(values, ensure_ascii=False)


class ErrorFile(logging.Handler):
    """Keeps warnings of the labeler and errors of anything in the home's file. It never fails itself."""

    def __init__(self, home: Path, process: str) -> None:
        super().__init__(logging.WARNING)
        self.path = home / FOLDER / FILE
        self.setFormatter(JsonLines(process))

    def emit(self, record: logging.LogRecord) -> None:
        is_own = record.name.startswith("labeler")
        if not is_own and (record.levelno < logging.ERROR or record.name.startswith(("uvicorn", "streamlit.error"))):
            return  # they say again what `labeler.requests`, with the request's id, and `labeler.pages` have said
        try:
            self.path.parent.mkdir(exist_ok=True)
            if self.path.exists() and self.path.stat().st_size > MOST_BYTES:
                self.path.replace(self.path.with_suffix(".older.jsonl"))
            with self.path.open("a", encoding="utf-8") as file:
                file.write(self.format(record) + "\n")
        except OSError:  # a full disk; what is logged is on the terminal as well
            pass


@dataclass(frozen=True)
class Problem:
    """A warning or an error from the home's file."""

    at: str
    level: str
    process: str
    event: str
    kind: str = ""  # class of the error
    message: str = ""  # of the error, with "…" in place of values
    where: str = ""  # file, line and function
    project: str = ""
    request: str = ""
    job: str = ""


def recent_problems(home: Path, most: int) -> list[Problem]:
    """The latest lines of the home's file, the latest first."""
    lines: list[str] = []
    for name in (FILE, Path(FILE).with_suffix(".older.jsonl").name):
        if len(lines) < most:
            try:
                lines += reversed((home / FOLDER / name).read_text(encoding="utf-8", errors="replace").splitlines())
            except OSError:
                continue
    problems = []
    for line in lines[:most]:
        try:
            values = json.loads(line)
            problems.append(Problem(**{k: str(values[k]) for k in Problem.__dataclass_fields__ if k in values}))
        except (ValueError, TypeError, KeyError):  # cut off by a full disk
            continue
    return problems


def set_up(process: str, home: Path | None = None) -> None:
    """Write this process's log to its error stream, and its problems to the home's file where there is a home."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(process) if is_json() else logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=is_json())
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if home is not None:
        keep_problems(home, process)


def is_json() -> bool:
    """Whether logs are lines of JSON."""
    return os.environ.get(VARIABLE) == "json"


def keep_problems(home: Path, process: str) -> None:
    """Keep the problems of this process in the home's file from now on."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, ErrorFile)]:
        root.removeHandler(handler)
    root.addHandler(ErrorFile(home, process))


def take_over_logs(process: str, home: Path) -> None:
    """Keep the problems of all loggers of this process, and have all write JSON where logs are JSON.

    Loggers of a library that write by themselves hand nothing on.
    """
    if is_json():
        set_up(process, home)
    else:
        keep_problems(home, process)
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)  # each request has a line of `labeler.requests`
    (kept,) = (handler for handler in logging.getLogger().handlers if isinstance(handler, ErrorFile))
    for logger in [*logging.Logger.manager.loggerDict.values()]:
        if isinstance(logger, logging.Logger) and not logger.propagate:
            if is_json():
                logger.handlers, logger.propagate = [], True
            elif kept not in logger.handlers:
                logger.addHandler(kept)


def without_values(message: str, values: object = ()) -> str:
    """A message with "…" in place of each value that would stand in it, except numbers."""
    left = iter(values if isinstance(values, tuple) else ())

    def shown(field: re.Match[str]) -> str:
        value = next(left, None)
        return field[0] % value if isinstance(value, int | float) and field[0].startswith("%") else "…"

    return _FIELD.sub(shown, message)


def _of_error(error: BaseException) -> dict[str, str]:
    """Kind, message without values, and place of an error. Other messages than our own have their values in them."""
    message = getattr(error, "message", None)
    return {
        "kind": type(error).__name__,
        "message": without_values(message) if isinstance(message, str) and hasattr(error, "fields") else "",
        "where": _place(error.__traceback__),
    }


def _place(trace: TracebackType | None) -> str:
    """Where an error was raised: the innermost place in our own code."""
    frames = traceback.extract_tb(trace)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(HERE) and ".venv" not in frame.filename]
    if not frames:
        return ""
    frame = (own or frames)[-1]
    path = Path(frame.filename)
    shown = path.relative_to(HERE) if path.is_relative_to(HERE) else path.name
    return f"{shown}:{frame.lineno} {frame.name}"
