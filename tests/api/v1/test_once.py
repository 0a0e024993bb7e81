"""A change under a key is made once, whatever becomes of the server and of the replies, and however long it takes."""

from dataclasses import replace

import pytest

from labeler.access import api_tokens
from labeler.api.v1 import once
from labeler.core.errors import BusyError
from labeler.store.replies import DAMAGED, FILE, KEPT, RUNNING, Claim, Replies, Reply
from tests.support.fill import add
from tests.support.programs import program

KEY = {"Idempotency-Key": "k"}
CHANGES = {
    "webhooks": {"url": "https://example.org/x"},
    "classes/changes": {"kind": "add", "new": ["odd"]},
    "decisions": {"item_id": 1, "action": "exclude"},
    "items": {"items": [{"text": "a new one"}]},
}


@pytest.fixture
def client(project):
    with project.store() as store:
        add(store, 2)
    return program()


def is_later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = once.time.time()
    monkeypatch.setattr(once.time, "time", lambda: now + seconds)


@pytest.mark.parametrize("path", [*CHANGES])
def test_a_change_whose_server_ended_before_it_answered_is_not_made_again(client, project, path, monkeypatch):
    def killed(replies: Replies, claim: Claim, reply: Reply) -> None:
        raise OSError(28, "No space left on device")

    address = f"/projects/reviews/{path}"
    with monkeypatch.context() as patched:
        patched.setattr(Replies, "finish", killed)
        assert client.post(address, json=CHANGES[path], headers=KEY).status_code == 503
    with project.store() as store:
        rows = [row.hash for row in store.audit.rows()]
    assert client.post(address, json=CHANGES[path], headers=KEY).status_code == 409  # it may still be being made
    is_later(monkeypatch, RUNNING + 1)
    for _ in range(2):
        again = client.post(address, json=CHANGES[path], headers=KEY)
        assert (again.status_code, "was made" in again.json()["detail"]) == (409, True)
        is_later(monkeypatch, RUNNING + 1)
    with project.store() as store:
        assert [row.hash for row in store.audit.rows()] == rows


def test_a_change_that_was_not_made_before_the_server_ended_is_made(client, project, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(Replies, "forget", lambda replies, claim: None)
        assert (
            client.post("/projects/reviews/webhooks", json={"url": "http://10.0.0.1/"}, headers=KEY).status_code == 422
        )
    is_later(monkeypatch, RUNNING + 1)
    with monkeypatch.context() as patched:
        patched.setenv("LABELER_WEBHOOK_HOSTS", "10.0.0.1")
        reply = client.post("/projects/reviews/webhooks", json={"url": "http://10.0.0.1/"}, headers=KEY)
    assert reply.status_code == 201


def test_a_key_of_days_ago_says_nothing_of_a_change_that_was_not_made(client, monkeypatch):
    client.headers["Authorization"] = f"Bearer {api_tokens.signed('kim', 'a test', 'administer', ('*',), 3)}"
    assert client.post("/projects/reviews/webhooks", json=CHANGES["webhooks"], headers=KEY).status_code == 201
    is_later(monkeypatch, KEPT + 10)
    with monkeypatch.context() as patched:  # the server ends before the change
        patched.setattr(Replies, "forget", lambda replies, claim: None)
        missing = {"item_id": 99, "action": "exclude"}
        refused = client.post("/projects/reviews/decisions", json=missing, headers=KEY).json()
    is_later(monkeypatch, RUNNING + 1)
    assert client.post("/projects/reviews/decisions", json=missing, headers=KEY).json() == refused
    assert "99" in refused["detail"]


def test_a_secret_is_not_kept_and_the_webhook_is_not_added_again(client, project, own_home):
    first, again, third = (
        client.post("/projects/reviews/webhooks", json=CHANGES["webhooks"], headers=KEY) for _ in range(3)
    )
    assert (first.status_code, again.status_code, "was made" in again.json()["detail"]) == (201, 409, True)
    assert (again.headers["location"], again.headers[once.REPLAYED]) == (first.headers["location"], "true")
    assert again.content == third.content
    secret = first.json()["secret"].encode()
    assert not [file for file in own_home.glob(f"{FILE}*") if secret in file.read_bytes()]
    with project.store() as store:
        assert len(store.webhooks.all()) == 1


def test_a_change_that_takes_long_is_not_made_twice_meanwhile(own_home, monkeypatch):
    replies, now = once.replies(), once.time.time()
    claim = Claim("t", "k", "r", now)
    assert replies.begin(claim) is None
    is_later(monkeypatch, RUNNING)
    replies.is_alive(claim)
    with pytest.raises(BusyError):
        replies.begin(replace(claim, begun_at=now + RUNNING + 100))
    assert replies.begin(replace(claim, begun_at=now - 3600)) is None  # a clock that went back holds no key for long


@pytest.mark.parametrize("place", [0, 5000])
def test_a_damaged_file_of_replies_stops_no_change(client, own_home, place):
    file = own_home / FILE
    with Replies(file) as replies:
        for number in range(40):
            claim = Claim("t", str(number), "r", once.time.time())
            replies.begin(claim)
            replies.finish(claim, Reply(201, "", "", b"x" * 2000))
    content = file.read_bytes()
    file.write_bytes(content[:place] + b"\xa5" * (len(content) - place))
    for _ in range(2):
        reply = client.post("/projects/reviews/decisions", json=CHANGES["decisions"], headers=KEY)
        assert reply.status_code == 201, reply.text
    assert reply.headers[once.REPLAYED] == "true"
    assert file.with_name(FILE + DAMAGED).exists()


def test_a_file_of_replies_of_an_earlier_version_is_read(own_home):
    once.replies().close()
    once._open.__dict__.clear()
    path = own_home / FILE
    with Replies(path) as replies:
        claim = Claim("t", "k", "r", once.time.time())
        replies.begin(claim)
        replies.finish(claim, made := Reply(201, "application/json", "", b"{}"))
        for column in ("alive_at", "lost"):
            replies.execute(f"ALTER TABLE replies DROP COLUMN {column}")
        replies.execute("PRAGMA user_version = 1")
    assert once.replies().begin(claim) == made
