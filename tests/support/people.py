"""A home with accounts: one person for each role, and one who is a member elsewhere only."""

from labeler.access import accounts as access
from labeler.access.home import home
from labeler.access.roles import ROLES
from labeler.access.settings import FILE
from labeler.access.users import User
from labeler.core.actor import Actor
from labeler.projects.project import Project

PEOPLE = ("stranger", *ROLES, "admin")


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
