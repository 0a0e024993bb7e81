"""Webhooks through the public API: added with a secret, listed without it, removed; what was sent, and sent again."""

import pytest

from tests.api.v1.test_resources import ok
from tests.support.programs import program

P = "/projects/reviews"
URL = "https://example.org/secret-path"


@pytest.fixture
def client(project):
    return program()


def test_a_webhook_is_added_with_its_secret_listed_without_it_and_removed(client, project):
    reply = client.post(f"{P}/webhooks", json={"url": URL, "events": ["member.joined"]})
    added = ok(reply, 201)
    assert reply.headers["location"] == f"/api/v1/projects/{project.uid}/webhooks/{added['id']}"
    assert added["secret"].startswith("whsec_")
    reply = client.get(f"{P}/webhooks")
    (listed,) = ok(reply)["items"]
    assert (listed["url"], listed["events"], listed["added_by"]) == ("https://example.org/…", ["member.joined"], "kim")
    assert added["secret"] not in reply.text
    assert "secret-path" not in reply.text
    assert client.delete(f"{P}/webhooks/{added['id']}").status_code == 204
    assert ok(client.get(f"{P}/webhooks"))["items"] == []
    assert client.delete(f"{P}/webhooks/{added['id']}").status_code == 404
    with project.store() as store:
        assert [row.how for row in store.audit.rows(action="webhook added")] == ["api"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"url": "http://10.0.0.1/"}, 422, "without encryption"),
        ({"url": "https://kim:secret@example.org/"}, 422, "leave these out"),
        ({"url": URL, "events": []}, 400, "'events'"),
        ({"url": URL, "events": ["moon.full"]}, 400, "'events"),
    ],
)
def test_what_can_be_no_webhook_is_refused(client, body, status, words):
    reply = client.post(f"{P}/webhooks", json=body)
    assert (reply.status_code, words in reply.json()["detail"]) == (status, True), reply.text
    assert ok(client.get(f"{P}/webhooks"))["items"] == []


def test_the_log_comes_in_pages_says_what_came_of_each_message_and_one_is_sent_again(client, project):
    ok(client.post(f"{P}/webhooks", json={"url": URL}), 201)
    with project.store() as store:
        for name in ("kim", "lee", "max"):
            store.team.join(name)
        for delivery in store.webhooks.deliveries():
            store.webhooks.record(delivery, "The answer was 410." if delivery.data["name"] == "lee" else "", 0.0)
    first = ok(client.get(f"{P}/webhook-messages?limit=2"))
    rest = ok(client.get(f"{P}/webhook-messages", params={"limit": 2, "cursor": first["next"]}))
    messages = [*first["items"], *rest["items"]]
    assert [message["data"]["name"] for message in messages] == ["max", "lee", "kim"]
    assert [message["problem"] for message in messages] == [None, "The answer was 410.", None]
    assert {message["url"] for message in messages} == {"https://example.org/…"}
    assert rest["next"] is None
    assert client.post(f"{P}/webhook-messages/{messages[0]['id']}/send-again").status_code == 202
    with project.store() as store:
        assert store.webhooks.due(0.0)[0].uid == messages[0]["uid"]
    assert client.post(f"{P}/webhook-messages/99/send-again").status_code == 404
