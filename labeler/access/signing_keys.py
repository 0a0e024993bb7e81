"""The keys that this home signs its tokens with: new ones come, old ones stay until their tokens have expired."""

import json
import logging
import secrets
import time
from json import JSONDecodeError
from pathlib import Path

from filelock import FileLock

from labeler.access.home import home
from labeler.core.errors import LabelerError
from labeler.core.whole_files import whole_file

FILE = ".secret"
KEY_BYTES = 32
DAY = 86_400.0
NEW_AFTER = 7 * DAY  # seconds for which a key signs
KEPT = 15 * DAY  # seconds from its making: longer than it signs and its last token can be renewed

Ring = list[tuple[float, str]]  # when each key was made, and the key

log = logging.getLogger(__name__)


class KeysError(LabelerError):
    """The signing keys are there and cannot be read."""


def signing_keys() -> list[str]:
    """The keys of this home; the last one signs. A new one is made where there is none, or the last one is old.

    Raises: KeysError: the file cannot be read.
    """
    path, now = home() / FILE, time.time()
    ring = _read(path)
    if not _is_fresh(ring, now):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f"{FILE}.lock")):  # of two processes, one makes the key and both read it
            ring = _read(path)
            if not _is_fresh(ring, now):
                ring = [(at, key) for at, key in ring if abs(now - at) < KEPT]
                ring.append((now, secrets.token_hex(KEY_BYTES)))
                _write(path, ring)
    return [key for _at, key in ring]


def _is_fresh(ring: Ring, now: float) -> bool:
    return bool(ring) and -DAY < now - ring[-1][0] < NEW_AFTER  # a clock may have gone back a little


def _read(path: Path) -> Ring:
    """The ring in a file; none if the file is missing or was not written whole: what it signed is signed anew then.

    Raises: KeysError.
    """
    try:
        values = json.loads(path.read_bytes())
        ring = [(float(value["made_at"]), bytes.fromhex(value["key"]).hex()) for value in values]
        if not all(len(key) == 2 * KEY_BYTES for _at, key in ring):
            raise ValueError("a key is too short")
        return ring
    except FileNotFoundError:
        return []
    except OSError as error:
        raise KeysError(
            "The signing keys in {path} cannot be read ({error}): let this user read the file, or delete it.",
            path=path,
            error=error.strerror or error,
        ) from error
    except (JSONDecodeError, UnicodeDecodeError, LookupError, TypeError, ValueError):
        log.warning("%s holds no ring of keys: a new one is made, and open pages get a new token.", path)
        return []


def _write(path: Path, ring: Ring) -> None:
    with whole_file(path) as part:
        part.touch(0o600)
        part.write_text(json.dumps([{"made_at": at, "key": key} for at, key in ring]))
