"""Human-in-the-loop active learning: import → embed → train → predict → query → label → store → evaluate → chart."""

import os
from typing import TYPE_CHECKING, Any

from labeler.core.version import __version__

# No request leaves the machine unasked: ONNX Runtime reports to its maker from version 1.29 on, the hub's library says
# who downloads, and Ray who uses it. They read this when they are loaded, which is after this file, also in the
# processes begun here.
os.environ |= {"ORT_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "RAY_USAGE_STATS_ENABLED": "0"}

if TYPE_CHECKING:
    from labeler.notebook.project import Project

__all__ = ["Project", "__version__"]


def __getattr__(name: str) -> Any:
    """`labeler.Project` is loaded when it is asked for: the app's pages do without it."""
    if name == "Project":
        # deferred: pandas is slow to load
        from labeler.notebook.project import Project

        return Project
    raise AttributeError(f"module 'labeler' has no attribute {name!r}")
