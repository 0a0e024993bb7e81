"""Whether the worker is there, as pages say it that wait for it."""

from labeler.access.home import home
from labeler.core.running import running
from labeler.i18n.messages import _


def worker_trouble() -> str:
    """A sentence where the worker does not run or gives no sign of life; "" where it does, or nothing is known."""
    here = running(home())
    if here is None or here.is_working("worker") or all(process.name != "worker" for process in here.processes):
        return ""
    return _("The worker does not run at the moment: rounds go on once it is back. Answers are stored all the same.")
