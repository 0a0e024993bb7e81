"""The one question about rights, `may(user, project, action)`, and the table that answers it.

docs/security.md shows the same table; a test compares them.
"""

from typing import Literal, Protocol

from labeler.access.accounts import accounts
from labeler.access.users import Role, User, is_lead
from labeler.core.errors import ForbiddenError
from labeler.core.settings import Config
from labeler.i18n.messages import mark

Action = Literal[
    "label",
    "see_progress",
    "see_holdout",
    "see_items",
    "see_team",
    "review",
    "see_strategies",
    "run_experiments",
    "ask_next",
    "stop_labeling",
    "run_round",
    "change_settings",
    "change_classes",
    "import_items",
    "take_out",
    "put_away",
    "manage_members",
    "see_audit",
    "erase",
]
HomeAction = Literal[
    "create_project", "read_server_files", "bring_back", "manage_accounts", "see_home_audit", "see_server"
]

ROLES: tuple[Role, ...] = ("annotator", "reviewer", "lead", "auditor")
ROLE_NAMES: dict[str, str] = {
    "annotator": mark("Annotator"),
    "reviewer": mark("Reviewer"),
    "lead": mark("Lead"),
    "auditor": mark("Auditor"),
}
# Who may do what in a project. An admin of the home may do everything in every project.
MAY: dict[Action, frozenset[Role]] = {
    "label": frozenset({"annotator", "reviewer", "lead"}),
    "see_progress": frozenset(ROLES),
    "see_holdout": frozenset({"lead", "auditor"}),
    "see_items": frozenset({"lead", "auditor"}),  # what no list shows is in the holdout
    "see_team": frozenset({"lead", "auditor"}),
    "review": frozenset({"reviewer", "lead"}),
    "see_strategies": frozenset({"lead", "auditor"}),
    "run_experiments": frozenset({"lead"}),
    "ask_next": frozenset({"lead"}),
    "stop_labeling": frozenset({"lead"}),
    "run_round": frozenset({"lead"}),
    "change_settings": frozenset({"lead"}),
    "change_classes": frozenset({"lead"}),
    "import_items": frozenset({"lead"}),
    "take_out": frozenset({"lead", "auditor"}),
    "put_away": frozenset({"lead"}),
    "manage_members": frozenset({"lead"}),
    "see_audit": frozenset({"lead", "auditor"}),
    "erase": frozenset({"lead"}),
}
HOME_ACTIONS: tuple[HomeAction, ...] = (
    "create_project",
    "read_server_files",
    "bring_back",
    "manage_accounts",
    "see_home_audit",
    "see_server",
)


class Place(Protocol):
    """What a right is asked in: a project."""

    @property
    def config(self) -> Config: ...

    @property
    def uid(self) -> str: ...


def role_of(user: User, project: Place) -> Role | None:
    """The user's role in a project; None for somebody who is no member.

    Without accounts, `team.leads` names the leads, everybody is a lead while it names nobody, and others annotate.
    """
    if user.account is None:
        return "lead" if is_lead(user, project.config) else "annotator"
    role: Role | None = accounts().members.role_of(user.account, project.uid)
    return role


def is_member(user: User, project: Place) -> bool:
    """Whether a project is there for this user; for others it is as if there were none."""
    return user.is_admin or role_of(user, project) is not None


def may(user: User, project: Place | None, action: Action | HomeAction) -> bool:
    """Whether a user may do something: in a project, or in the home where `project` is None.

    Raises: KeyError: the action is not one of a project, or of the home.
    """
    if project is None:
        if action not in HOME_ACTIONS:
            raise KeyError(action)
        return user.is_admin or user.account is None
    allowed = MAY[action]  # type: ignore[index]  # an action of the home is refused here by its KeyError
    return user.is_admin or role_of(user, project) in allowed


def check(user: User, project: Place | None, action: Action | HomeAction) -> None:
    """Raise where a user may not do something. Raises: ForbiddenError."""
    if not may(user, project, action):
        raise ForbiddenError("You may not do this here: ask somebody who leads the project.")
