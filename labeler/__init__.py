"""Human-in-the-loop active learning: import → embed → train → predict → query → label → store → evaluate → chart."""

from typing import TYPE_CHECKING, Any

from labeler.core.version import __version__

if TYPE_CHECKING:
    from labeler.notebook.project import Project

__all__ = ["Project", "__version__"]


def __getattr__(name: str) -> Any:
    """`labeler.Project` is loaded when it is asked for: it needs torch, and the app's pages do not."""
    if name == "Project":
        # deferred: torch is slow to load
        from labeler.notebook.project import Project

        return Project
    raise AttributeError(f"module 'labeler' has no attribute {name!r}")
