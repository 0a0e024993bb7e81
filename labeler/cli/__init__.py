"""Arguments of a command enter, `labeler …` or `python -m labeler …`; text and an exit code leave."""

import os

# Before anything loads OpenMP: threads that wait for each other sleep instead of spinning. The app answers annotators
# on the same cores, and beside another busy process a round trains several times faster.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from labeler.cli import projects, imports, predictions, classes, settings, shelf, users, members, audit  # isort: skip  # noqa: F401 (in the order of a first use)
from labeler.cli import backups, standby, erase, learner, models, strategies, webhooks, feeds  # isort: skip  # noqa: F401 (as above)
from labeler.cli.base import main

__all__ = ["main"]
