"""Who does something, by what means and from where: what the audit log keeps with each of its rows."""

from dataclasses import dataclass, replace
from typing import Literal

How = Literal["page", "desk", "command", "python", "api", "job"]
SYSTEM = "system"  # the name of what nobody does: rounds, rules, jobs


@dataclass(frozen=True)
class Actor:
    """Who does something. how: by what means. address: the network address that a request came from; "" if unknown.

    request: tells the request that asked for it from every other, so that it is found in the log; "": nothing does.
    """

    name: str = ""
    how: How = "python"
    address: str = ""
    request: str = ""

    def named(self, name: str) -> "Actor":
        """The same means under this name; a name that is empty changes nothing."""
        return replace(self, name=name) if name else self


def name_order(name: str) -> tuple[str, str]:
    """What names of people are sorted by: as they read, whatever their case. Different names are never equal."""
    return name.casefold(), name


_of_process = Actor()


def actor_of_process() -> Actor:
    """Who acts in this process unless a request says otherwise: a command's user, a job, or Python code."""
    return _of_process


def act_as(actor: Actor) -> None:
    """Set who acts in this process; commands and workers begin with it."""
    global _of_process
    _of_process = actor
