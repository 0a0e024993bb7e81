"""The frame of the public API: who is let in, what a refusal looks like, and changes that are made once."""

import threading
from dataclasses import replace
from typing import Annotated

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from labeler.access import api_tokens
from labeler.api.perimeter import MOST_BYTES, Perimeter, below
from labeler.api.v1 import once
from labeler.api.v1.app import make, routes_of_v1
from labeler.api.v1.frame import Body, Call, ProjectCall, in_home, in_project, page, place_of, resource
from labeler.core.errors import BusyError, DatabaseError, LabelerError
from labeler.store.driver import sqlite3
from labeler.store.replies import RUNNING, Reply
from strategies import UnknownStrategy
from tests.support.api import uid_of
from tests.support.programs import bearer, program

router = resource("Test")
made: list[str] = []
gate = threading.Event()


class New(Body):
    name: str


@router.post("/things", status_code=201)
def add_thing(call: Annotated[Call, in_home("manage")], new: New) -> dict[str, str]:
    made.append(new.name)
    if new.name == "slow":
        gate.wait(10)
    if new.name == "wrong":
        raise LabelerError("No model can be trained.")
    return {"name": new.name, "number": str(len(made))}


@router.get("/projects/{p}/thing")
def thing(call: Annotated[ProjectCall, in_project("read", "see_team")]) -> dict[str, str]:
    return {"by": call.user.name, "how": call.actor.how, "project": call.project.slug}


@router.get("/raise/{name}")
def fail(call: Annotated[Call, in_home("read")], name: str) -> None:
    raise {
        "busy": BusyError("One moment."),
        "database": DatabaseError("It is damaged."),
        "locked": sqlite3.OperationalError("database is locked"),
        "disk": OSError(28, "No space left on device"),
        "strategy": UnknownStrategy("There is no such strategy."),
        "labeler": LabelerError("The item is not in this project."),
    }.get(name) or ValueError(name)


@pytest.fixture
def client(own_home):
    made.clear()
    gate.clear()
    app = make()
    app.include_router(router)
    return program(app=app)


def test_a_request_without_a_token_is_a_problem_with_a_sentence(client):
    reply = client.get("/projects/reviews/thing", headers={"Authorization": ""})
    assert (reply.status_code, reply.headers["content-type"]) == (401, "application/problem+json")
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.json() == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "The request carries no API token: send `Authorization: Bearer labeler_…`.",
    }


def test_a_token_that_was_changed_has_ended_or_is_the_desks_opens_nothing(client, project, monkeypatch):
    good = bearer()["Authorization"]
    assert client.get("/me", headers={"Authorization": good}).status_code == 200
    for wrong in (good[:-9] + good[-9:].swapcase(), "Bearer labeler_x", "Bearer x", "Basic a2lt"):
        assert client.get("/me", headers={"Authorization": wrong}).status_code == 401
    now = api_tokens.time.time()
    monkeypatch.setattr(api_tokens.time, "time", lambda: now + 2 * api_tokens.DAY)
    assert client.get("/me", headers={"Authorization": good}).status_code == 401


def test_a_project_is_found_by_folder_and_by_uid(client, project):
    for name in ("reviews", project.uid):
        assert client.get(f"/projects/{name}/thing").json() == {"by": "kim", "how": "api", "project": "reviews"}


@pytest.mark.parametrize("name", ["another", "0" * 32, "..", "%2e%2e", "a%00b", "x" * 300, "%ff"])
def test_a_project_that_is_not_there_is_not_found(client, project, name):
    assert client.get(f"/projects/{name}/thing").status_code == 404


def test_a_token_for_another_project_sees_none(client, project):
    assert client.get("/projects/reviews/thing", headers=bearer(projects=("other",))).status_code == 404
    assert client.get("/projects/reviews/thing", headers=bearer(projects=(uid_of(),))).status_code == 200


def test_a_scope_that_is_too_narrow_is_refused_before_the_body_is_looked_at(client):
    reply = client.post("/things", content=b"{", headers=bearer("label"))
    assert reply.status_code == 403
    assert reply.json()["detail"] == "This API token may not do this: it needs the scope 'manage'."


@pytest.mark.parametrize(
    ("name", "status", "again"),
    [
        ("busy", 409, True),
        ("database", 503, True),
        ("locked", 503, True),
        ("disk", 503, True),
        ("labeler", 422, False),
        ("strategy", 422, False),
    ],
)
def test_errors_have_their_status_and_say_whether_to_come_again(client, name, status, again):
    reply = client.get(f"/raise/{name}")
    assert (reply.status_code, "retry-after" in reply.headers) == (status, again)
    assert reply.headers["content-type"] == "application/problem+json"


def test_an_error_that_nobody_expected_tells_nothing_of_itself(client):
    reply = client.get("/raise/secret")
    assert (reply.status_code, reply.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in reply.text


def test_an_address_says_which_methods_it_takes(client):
    reply = client.delete("/projects")
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, POST")


def test_problems_are_in_the_language_that_is_asked_for(client):
    korean = client.get("/nothing", headers={"Accept-Language": "ko"}).json()["detail"]
    assert korean != client.get("/nothing").json()["detail"] == "There is nothing at this address."


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "The request is not JSON."),
        (b"[]", "The request must be a JSON object."),
        (b"{}", "'name' is missing."),
        (b'{"name": "a", "nmae": "b"}', "There is no field 'nmae' in this request."),
        (b'{"name": 3}', "'name' must be a text of the form that is asked for."),
    ],
)
def test_a_wrong_body_is_refused_with_a_sentence(client, body, sentence):
    reply = client.post("/things", content=body, headers={"Content-Type": "application/json"})
    assert (reply.status_code, reply.json()["detail"]) == (400, sentence)
    assert made == []


def test_a_body_that_is_too_large_is_refused_by_the_perimeter_with_a_problem(own_home):
    walled = Perimeter(Starlette(routes=routes_of_v1))
    client = TestClient(walled, base_url="http://localhost")
    for path in ("/api/v1/me", "/api/v1/projects/reviews/items"):
        reply = client.post(path, content=b" " * (MOST_BYTES + 1))
        assert (reply.status_code, reply.headers["content-type"]) == (413, "application/problem+json")
    for verb in ("imports", "predict", "comparisons"):
        assert client.post(f"/api/v1/projects/reviews/{verb}", content=b" " * (MOST_BYTES + 1)).status_code == 401


# ---------------------------------------------------------------- keys of changes


def send(client, name: str, key: str | None = "k", headers: dict[str, str] | None = None):
    keyed = {once.HEADER: key} if key is not None else {}
    return client.post("/things", json={"name": name}, headers=keyed | (headers or {}))


def test_a_change_that_is_sent_twice_under_a_key_is_made_once(client):
    first, second = send(client, "a"), send(client, "a")
    assert made == ["a"]
    assert (second.status_code, second.content) == (first.status_code, first.content) == (201, first.content)
    assert second.headers["content-type"] == first.headers["content-type"]
    assert (first.headers.get(once.REPLAYED), second.headers[once.REPLAYED]) == (None, "true")


def test_without_a_key_or_under_another_one_the_change_is_made_again(client):
    for key in (None, None, "k", "l"):
        assert send(client, "a", key).status_code == 201
    assert made == ["a"] * 4


def test_a_key_is_of_one_request_and_of_one_token(client):
    send(client, "a")
    other = send(client, "b")
    assert (other.status_code, made) == (422, ["a"])
    assert "another request" in other.json()["detail"]
    assert send(client, "b", headers=bearer(user="lee")).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_that_is_none_is_refused(client, key):
    assert send(client, "a", key).status_code == 400
    assert made == []


def test_a_change_that_was_refused_leaves_its_key_free(client):
    assert [send(client, "wrong").status_code for _ in range(2)] == [422, 422]
    assert made == ["wrong", "wrong"]
    assert send(client, "right").status_code == 201


def test_a_request_whose_change_is_still_being_made_waits(client):
    replies = []
    first = threading.Thread(target=lambda: replies.append(send(client, "slow")))
    first.start()
    while not made:
        threading.Event().wait(0.005)
    second = send(client, "slow")
    gate.set()
    first.join()
    assert (second.status_code, "retry-after" in second.headers) == (409, True)
    assert send(client, "slow").content == replies[0].content
    assert made == ["slow"]


def test_of_many_that_send_the_same_at_once_one_makes_the_change(client):
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(send(client, "a"))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == ["a"]
    assert {reply.status_code for reply in replies} <= {201, 409}
    assert len({reply.content for reply in replies if reply.status_code == 201}) == 1


def test_a_reply_is_kept_for_a_day_and_the_key_of_a_killed_process_gets_free(client, monkeypatch):
    now = once.time.time()
    send(client, "a")
    once.replies().begin(once.Claim("t", "killed", "r", now))
    monkeypatch.setattr(once.time, "time", lambda: now + 23 * 3600)
    assert send(client, "a").headers[once.REPLAYED] == "true"
    assert once.replies().begin(once.Claim("t", "killed", "r", once.time.time())) is None
    monkeypatch.setattr(once.time, "time", lambda: now + 25 * 3600)
    assert once.REPLAYED not in send(client, "a").headers


def test_a_request_that_fails_late_leaves_the_key_to_the_one_that_came_again(own_home):
    replies, now = once.replies(), once.time.time()
    first, second = (once.Claim("t", "k", "r", at) for at in (now, now + RUNNING + 1))
    assert (replies.begin(first), replies.begin(second)) == (None, None)
    replies.forget(first)
    replies.finish(second, made := Reply(201, "application/json", "", b"{}"))
    assert replies.begin(replace(second, begun_at=now + RUNNING + 2)) == made


# ---------------------------------------------------------------- pages of lists


def test_a_list_is_read_to_its_end_by_cursor():
    numbers, read, cursor = list(range(1, 8)), [], None
    while True:
        after = place_of(cursor) or 0
        part = page([n for n in numbers if n > after][:4], 3, lambda n: n)
        read += part.items
        cursor = part.next
        if cursor is None:
            break
    assert read == numbers


@pytest.mark.parametrize("cursor", ["x", "", "é", "bnVsbA", "LTE", "W10", "MS41", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk"])
def test_a_cursor_that_no_list_gave_is_refused(cursor):
    with pytest.raises(LabelerError, match="'cursor' must be the 'next' of the page before"):
        place_of(cursor)


@pytest.mark.parametrize("path", ["", "/labeler"])
def test_an_address_with_a_line_break_is_answered_with_a_problem(own_home, path):
    client = TestClient(Starlette(routes=below(path, routes_of_v1)), headers=bearer())
    reply = client.delete(f"{path}/api/v1/projects/none/members/a%0Ab")
    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"
