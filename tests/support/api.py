"""Asking the HTTP API as a desk does: by the project's uid, and with a token."""

from labeler.access.home import home
from labeler.access.tokens import issue_token
from labeler.access.users import User
from labeler.projects import project as projects


def uid_of(name: str = "reviews") -> str:
    """The uid of the project in this folder of the home; the name itself where there is none."""
    folder = home() / name
    return projects.open_project(folder).uid if projects.is_project(folder) else name


def api(path: str, project: str = "reviews") -> str:
    """The address of what the API serves of a project."""
    return f"/api/{uid_of(project)}/{path}"


def headers(user: str = "kim", project: str = "reviews", item: int | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue_token(User(user), uid_of(project), item)}"}
