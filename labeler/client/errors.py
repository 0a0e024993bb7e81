"""What a server refuses, and what keeps a client from reaching it, as exceptions with one sentence."""

from collections.abc import Mapping
from typing import Any

from labeler.core.errors import AccessError, ForbiddenError, LabelerError


class RefusedError(LabelerError):
    """The server refuses what was asked; the sentence is its own. status: of HTTP."""

    status = 0


class UnreachableError(LabelerError):
    """A call was not answered. may_pass: whether sending it again may help."""

    may_pass = True


def refusal(status: int, headers: Mapping[str, str], content: Any) -> LabelerError:
    """The error that a reply is."""
    if 300 <= status < 400:
        where = headers.get("location", "")
        return LabelerError("The server sends on to {where}: give that address, if it is the right one.", where=where)
    kind = {401: AccessError, 403: ForbiddenError}.get(status, RefusedError)
    match content:
        case {"detail": str(sentence)}:
            error = kind("{sentence}", sentence=sentence)
        case _:  # something before the server answers, such as a proxy
            error = RefusedError("The server answers with the status {status} and says no more.", status=status)
    if isinstance(error, RefusedError):
        error.status = status
    return error
