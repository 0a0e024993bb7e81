"""The clock that reservations end by. It only goes forward: nobody sets it, whatever happens to the computer's time."""

import time


def lease_time() -> float:
    """Seconds on a clock that all processes of this computer share, and that begins anew when it is started."""
    return time.monotonic()
