"""Asking the public API as a program does: with a token, in a home without accounts."""

from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from labeler.access import api_tokens
from labeler.api.v1.app import routes_of_v1

Headers = dict[str, str]


def bearer(scope: api_tokens.Scope = "administer", user: str = "kim", projects: tuple[str, ...] = ("*",)) -> Headers:
    """The header of a token, as a home without accounts signs it."""
    return {"Authorization": f"Bearer {api_tokens.signed(user, 'a test', scope, projects, 1)}"}


def program(headers: Headers | None = None, app: Any = None) -> TestClient:
    """A client of the public API, whose addresses begin after `/api/v1`."""
    served = app or Starlette(routes=routes_of_v1)
    base = "http://testserver/api/v1" if app is None else "http://testserver"
    return TestClient(served, base_url=base, headers=headers or bearer(), raise_server_exceptions=False)
