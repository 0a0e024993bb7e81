"""Who is answered by which route of the public API, from the table of rights: each route, each role, each scope."""

from collections.abc import Iterator

import pytest

from labeler.access import api_tokens
from labeler.access.accounts import accounts
from labeler.access.api_tokens import SCOPES
from labeler.access.roles import may
from labeler.api.v1.app import routes
from labeler.api.v1.frame import InProject
from labeler.core.actor import Actor
from tests.support.people import PEOPLE, home_of_people
from tests.support.programs import program

VALUES = {"id": 1, "number": 1, "request_id": "r", "name": "nobody", "job": 1}
ROUTES = [(method, path) for path, method in routes()]


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Iterator[dict]:
    with home_of_people(tmp_path_factory.mktemp("rights"), 2) as people:
        yield people


@pytest.fixture(autouse=True)
def in_their_home(people, own_home, monkeypatch):
    monkeypatch.setenv("LABELER_HOME", str(people["project"].folder.parent))


@pytest.fixture(scope="module")
def tokens(people):
    """A token of each person with each scope, for all projects."""
    by = Actor("test")
    return {
        (name, scope): api_tokens.make(accounts().accounts.by_name(f"the {name}"), "a test", scope, ["*"], 1, by)
        for name in PEOPLE
        for scope in SCOPES
    }


def ask(method: str, path: str, project: str, token: str):
    """The status, for a body that no route takes: who may ask hears of that, and nothing changes."""
    address = path
    for name, value in {"p": project, **VALUES}.items():
        address = address.replace(f"{{{name}}}", str(value))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"} if token else {}
    client = program(headers)
    if not token:
        client.headers.pop("Authorization", None)
    return client.request(method, address, content=b"{" if method in ("POST", "PUT", "PATCH") else None).status_code


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=lambda value: value)
def test_a_route_answers_whom_the_table_names_and_nobody_else(method, path, people, tokens):
    project, right = people["project"], routes()[path, method].right
    of_project = isinstance(right, InProject)
    assert ask(method, path, project.uid, "") == 401
    for (name, scope), token in tokens.items():
        user = people[name]
        may_act = right.action is None or may(user, project if of_project else None, right.action)
        if of_project and name == "stranger":
            expected = 404  # as if there were no such project
        elif SCOPES.index(scope) < SCOPES.index(right.scope) or not may_act:
            expected = 403
        elif method == "DELETE":  # it would be done
            continue
        else:
            expected = None
        status = ask(method, path, project.uid, token)
        if expected:
            assert status == expected, (name, scope)
        else:
            assert status < 500, (name, scope)
            assert status != 401, (name, scope)
            if right.action is not None:  # otherwise the handler asks for more itself
                assert status != 403, (name, scope)


def test_every_change_asks_for_more_than_to_read():
    for (path, method), route in routes().items():
        if route.right.scope != "administer":
            assert (method == "GET") == (route.right.scope == "read"), path


def test_another_projects_uid_is_not_there(people, tokens):
    for method, path in ROUTES:
        if "{p}" in path:
            assert ask(method, path, "0" * 32, tokens["lead", "administer"]) == 404, path
