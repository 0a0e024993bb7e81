"""Turns of a process's threads at writing into a database.

SQLite lets who waits for its lock look again after ever longer pauses, so that a thread that comes late may be first,
and another one waits in vain. Here threads of a process wait for each other, and are woken.
"""

import os
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labeler.store.driver import sqlite3

AT_ONCE = 2  # one writes, and the next one asks SQLite already

_turns: defaultdict[Path, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(AT_ONCE))
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_turns.clear)  # the threads whose turn it is are not there


@contextmanager
def turn(path: Path, patience: float) -> Iterator[None]:
    """A block in which few other threads of this process want to write into the database at `path`.

    Args:   patience: seconds that it waits for its turn.
    Raises: sqlite3.OperationalError: it has waited in vain, as where another process holds SQLite's lock.
    """
    semaphore = _turns[path]
    if not semaphore.acquire(timeout=patience):
        raise sqlite3.OperationalError("database is locked")
    try:
        yield
    finally:
        semaphore.release()
