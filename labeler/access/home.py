"""Where this labeler keeps its projects."""

import os
from pathlib import Path


def home() -> Path:
    """The folder that holds the projects: `LABELER_HOME`, or `projects` below the current folder."""
    return Path(os.environ.get("LABELER_HOME", "projects")).resolve()
