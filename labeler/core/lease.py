"""The lease of a home that has a standby: whoever serves it stores answers only while the lease holds.

The process that copies the home to its standby renews it, as long as it reaches the standby and nobody has taken over
there. A home without the file needs none.
"""

import time
from pathlib import Path

from labeler.core.running import FOLDER

FILE = "lease"


def clock() -> float:
    """Seconds of a clock that nobody sets, and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def renew(home: Path, until: float) -> None:
    """Let the lease hold until then, by `clock`."""
    path = home / FOLDER / FILE
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(str(until), encoding="ascii")
    part.replace(path)


def require(home: Path) -> None:
    """From now on the home is only served while a lease holds; there is none yet."""
    renew(home, 0.0)


def lift(home: Path) -> None:
    """The home needs no lease any more."""
    (home / FOLDER / FILE).unlink(missing_ok=True)


def holds(home: Path) -> bool:
    """Whether answers may be stored: the home needs no lease, or has one."""
    try:
        return clock() < float((home / FOLDER / FILE).read_text(encoding="ascii"))
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
