"""What all verbs of a project share: its address, and lists that are read page by page."""

import os
import uuid
from typing import Any
from urllib.parse import quote

from labeler.client.calls import Call, Steps

LONGEST_PAGE = 500  # entries of a list


class ProjectVerbs:
    """Verbs of a project on a server, as steps: see `labeler.client.calls`."""

    def __init__(self, name: str) -> None:
        """
        Args: name: its uid, or its folder's name.
        """
        self.path = f"/projects/{quote(name, safe='')}"
        self.tab = f"python-{os.getpid()}-{uuid.uuid4().hex[:8]}"  # what its reservations are held under

    def _all(self, name: str, most: int | None = None) -> Steps[list[dict[str, Any]]]:
        """The entries of a list of the project, page by page."""
        return (yield from entries(f"{self.path}/{name}", most))


def entries(path: str, most: int | None = None) -> Steps[list[dict[str, Any]]]:
    """The entries of a list, page by page."""
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": min(LONGEST_PAGE, most or LONGEST_PAGE)}
    while True:
        page = yield Call("GET", path, query=query)
        found += page["items"]
        if page["next"] is None or (most and len(found) >= most):
            return found[:most]
        query = query | {"cursor": page["next"]}
