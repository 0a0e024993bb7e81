"""Who is a member, and in which role."""

from urllib.parse import quote

from labeler.access.users import Role
from labeler.client.calls import Call, Steps
from labeler.client.verbs.base import ProjectVerbs


class MemberVerbs(ProjectVerbs):
    """Who is a member, and in which role."""

    def members(self) -> Steps[dict[str, Role]]:
        """The role of each member, by name. Raises: LabelerError: the home has no accounts."""
        return {member["name"]: member["role"] for member in (yield from self._all("members"))}

    def give_role(self, name: str, role: Role | None) -> Steps[None]:
        """Make the account of this name a member, or give it another role; None ends the membership.

        Raises: LabelerError: the home has no accounts, or none of this name.
        """
        path = f"{self.path}/members/{quote(name, safe='')}"
        yield Call("DELETE", path) if role is None else Call("PUT", path, body={"role": role})
