"""Where this labeler keeps its projects."""

import os
from functools import lru_cache
from pathlib import Path


def home() -> Path:
    """The folder that holds the projects: `LABELER_HOME`, or `projects` below the current folder."""
    return _resolved(os.environ.get("LABELER_HOME", "projects"), os.getcwd())


@lru_cache(8)
def _resolved(folder: str, here: str) -> Path:
    """The folder from the working folder `here`: each request asks several times, and the disk need not."""
    return (Path(here) / folder).resolve()
