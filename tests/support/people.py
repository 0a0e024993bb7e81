"""A home with accounts: one person for each role, and one who is a member elsewhere only."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from labeler.access import accounts as access
from labeler.access.home import home
from labeler.access.roles import ROLES
from labeler.access.settings import FILE
from labeler.access.users import User
from labeler.core.actor import Actor
from labeler.projects import project as projects
from labeler.projects.project import Project
from tests.support.fill import add
from tests.support.samples import text_config

PEOPLE = ("stranger", *ROLES, "admin")


@contextmanager
def home_of_people(home: Path, items: int) -> Iterator[dict[str, Any]]:
    """The users of a project with some texts, by their role, and the project; the home is this process's meanwhile."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LABELER_HOME", str(home))
        project = projects.create(home / "reviews", text_config())
        with project.store() as store:
            add(store, items)
        yield people_of(project) | {"project": project}


def people_of(project: Project) -> dict[str, User]:
    """The users, logged in, by their role: `stranger` is in another project."""
    (home() / FILE).write_text('mode = "local"\n')
    users = {}
    for name in PEOPLE:
        account = access.add_account(f"the {name}", is_admin=name == "admin")
        if name in ROLES:
            access.give_role(account, project.uid, name, Actor("test"))
        elif name == "stranger":
            access.give_role(account, "uid of another project", "annotator", Actor("test"))
        user = access.user_of_secret(access.begin_session(account, ""))
        assert user is not None
        users[name] = user
    return users
