"""Who is answered by which route, from the table of rights."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from labeler.access.roles import may
from labeler.access.tokens import issue_token
from labeler.api import account
from labeler.api.routes import routes
from tests.support.people import PEOPLE, home_of_people

BODIES = {
    "reserve": {"tab": "t", "n": 1},
    "answers": {"tab": "t", "answers": []},
    "leave": {"tab": "t"},
    "like": {"tab": "t", "n": 1},
    "gone": {"uids": []},
}
VALUES = {"item_id": 1, "version": "0", "level": 0, "x": 0, "y": 0, "path": "a.png"}


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Iterator[dict]:
    with home_of_people(tmp_path_factory.mktemp("rights"), 2) as people:
        yield people


@pytest.fixture(autouse=True)
def in_their_home(people, own_home, monkeypatch):
    monkeypatch.setenv("LABELER_HOME", str(people["project"].folder.parent))


@pytest.fixture(scope="module")
def client():
    return TestClient(Starlette(routes=[*routes, *account.routes]), raise_server_exceptions=False)


def ask(client, route, project: str, token: str):
    method = next(iter(route.methods - {"HEAD"}))
    verb = route.path.rpartition("/")[2]
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = json.dumps(BODIES.get(verb, {})) if method == "POST" else None
    return client.request(method, route.path_format.format(project=project, **VALUES), headers=headers, content=body)


@pytest.mark.parametrize("route", routes, ids=lambda route: route.path)
def test_a_route_answers_whom_the_table_names_and_nobody_else(route, people, client):
    project = people["project"]
    assert ask(client, route, project.uid, "").status_code == 401
    for name in PEOPLE:
        user = people[name]
        status = ask(client, route, project.uid, issue_token(user, project.uid)).status_code
        if name == "stranger":
            assert status == 404  # as if there were no such project
        elif may(user, project, "label"):
            assert status not in (401, 403), name
        elif not route.path.endswith("token"):
            assert status in (403, 404), name
        assert ask(client, route, project.uid, issue_token(user, "another")).status_code == 401


def test_another_projects_uid_is_not_there(people, client):
    lead = people["lead"]
    for route in routes:
        token = issue_token(lead, "0" * 32)
        assert ask(client, route, "0" * 32, token).status_code == 404, route.path


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.dictionaries(st.sampled_from(["tab", "n", "release", "answers", "uids", "history"]), JSON, max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(0, len(routes) - 1), body=FIELDS | JSON, query=st.text(max_size=12), item=st.integers())
def test_no_request_makes_the_server_fail(people, client, number, body, query, item):
    route, user = routes[number], people["annotator"]
    values = VALUES | {"item_id": abs(item), "x": abs(item), "path": quote(query) or "-"}
    path = route.path_format.format(project=people["project"].uid, **values)
    reply = client.request(
        next(iter(route.methods - {"HEAD"})),
        path,
        params={"part": query, "class_change": query, "frame": query, "low": query},
        headers={"Authorization": f"Bearer {issue_token(user, people['project'].uid)}"},
        content=json.dumps(body, ensure_ascii=True),
    )
    assert reply.status_code < 500, (path, body, reply.text)


@pytest.mark.parametrize("path", ["/account/login", "/account/invitation/x", "/account/password", "/account/logout"])
def test_pages_of_accounts_answer_whatever_is_sent(people, client, path, quick_hashes):
    for content in (b"", b"name=%ff&password=%00", b"\xff\xfe", b"name=" + b"x" * 5000):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        assert client.post(path, content=content, headers=headers, follow_redirects=False).status_code < 500
