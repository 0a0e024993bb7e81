"""Errors as programs get them: RFC 9457's `application/problem+json`, with the sentence of the pages as its detail."""

from collections.abc import Mapping
from http import HTTPStatus

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from labeler.access.serving import base_path
from labeler.access.signing_keys import KeysError
from labeler.api.requests import RequestError
from labeler.core.errors import (
    AccessError,
    BusyError,
    DatabaseError,
    ForbiddenError,
    LabelerError,
    MissingError,
    ProjectError,
    TextClashError,
)
from labeler.core.settings_changes import SettingsClashError
from labeler.i18n.messages import _
from labeler.store.driver import sqlite3

# What passes by itself, or once somebody has made room.
PASSING = (BusyError, DatabaseError, KeysError, sqlite3.OperationalError, OSError)
MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 2  # after which one sends again what could not be stored
V1 = "/api/v1"


class Problem(BaseModel):
    """Why a request was refused."""

    type: str = Field(default="about:blank", description="The kind of problem; `about:blank`: that of the status.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong and what to do, in the language that `Accept-Language` asks for.")


class ProblemResponse(JSONResponse):
    """A reply that says why a request was refused."""

    media_type = MEDIA_TYPE

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
        super().__init__(problem.model_dump(), status, headers)


def when_to_come_again(error: BaseException) -> dict[str, str]:
    """The headers of a refusal after which the same request may succeed."""
    return {"Retry-After": str(RETRY_SECONDS)} if isinstance(error, PASSING) else {}


def address(path: str) -> str:
    """Where something of the public API lies for who asks, below the path of the whole app."""
    return f"{base_path()}{V1}{path}"


def is_of_v1(path: str) -> bool:
    """Whether an address is one of the public API, whose errors are problems."""
    return path.startswith(address("/"))


def status_of(error: LabelerError, otherwise: int) -> int:
    """The HTTP status of an error. Args: otherwise: that of an error which says something about the request itself."""
    match error:
        case ForbiddenError():
            return 403
        case AccessError():
            return 401
        case RequestError():
            return 400
        case MissingError():
            return 404
        case KeysError() | DatabaseError():
            return 503
    return otherwise


def status_of_change(error: LabelerError) -> int:
    """The HTTP status of an error for a program, which tells what it sent from what is in the way."""
    match error:
        case SettingsClashError() | TextClashError() | BusyError():
            return 409
        case ProjectError() if not isinstance(error, MissingError):
            return 409
    return status_of(error, otherwise=422)


def cannot_store(error: BaseException) -> str:
    """The sentence about a disk that is full, or a database that others hold for long."""
    return _("The server cannot store or read right now ({error}). Trying again.", error=error)
