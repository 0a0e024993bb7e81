"""`python -m labeler …`: every verb of the house from a terminal. Errors are one sentence and exit code 2."""

from labeler.cli import projects, learner, strategies  # isort: skip  # noqa: F401 (in the order of a first use)
from labeler.cli.base import main

__all__ = ["main"]
