"""Webhooks are told of each event once, also after a receiver was down, and of nothing that did not happen."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labeler.core.errors import LabelerError
from labeler.core.items import Answer
from labeler.events import addresses
from labeler.events.sending import new_secret
from labeler.jobs import webhooks
from labeler.jobs.rounds import work_once
from labeler.projects.exporter import export_labels
from labeler.store.webhooks import PAUSES
from tests.support.fill import add_labeled
from tests.support.receiver import Receiver, receiver

ALL = ("round.finished", "target.reached", "labels.exported", "item.flagged", "member.joined")


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiver() as got:
        monkeypatch.setenv(addresses.VARIABLE, got.host)
        yield got


@pytest.fixture
def told(project, hook):
    """A project whose webhook is told of everything."""
    with project.store() as store:
        store.webhooks.add(hook.url, ALL, new_secret())
    return project


def test_a_webhook_is_told_of_what_happens(told, hook, tmp_path: Path):
    with told.store() as store:
        add_labeled(store, 50, holdout=20)
        store.rounds.request("import")
    assert work_once(told)
    with told.store() as store:
        (item, *_) = store.items.labels()
        store.team.join("lee")
        (receipt,) = store.answers.add("lee", [Answer("r1", item, "flag", None, 1.0, "tab", note="a name in it")])
        assert receipt.ok
    export_labels(told, tmp_path / "labels.csv")
    assert webhooks.deliver_once(told)
    by_type = {message["type"]: message["data"] for message in hook.messages}
    assert by_type["round.finished"]["labels"] == 30
    assert (
        by_type["round.finished"]["low"] <= by_type["round.finished"]["accuracy"] <= by_type["round.finished"]["high"]
    )
    assert by_type["item.flagged"] == {"item": item, "by": "lee"}
    assert by_type["member.joined"] == {"name": "lee"}
    assert by_type["labels.exported"]["file"] == "labels.csv"
    assert not webhooks.deliver_once(told)


def test_the_target_is_told_of_once(told, hook):
    with told.store() as store:
        store.webhooks.tell("target.reached", {"target": 0.9})
        store.webhooks.tell("target.reached", {"target": 0.9})
        store.webhooks.tell("target.reached", {"target": 0.95})
    assert webhooks.deliver_once(told)
    assert [message["data"]["target"] for message in hook.messages] == [0.9, 0.95]


def test_what_a_receiver_did_not_take_comes_again_with_the_same_id(told, hook, monkeypatch):
    hook.statuses.append(500)
    with told.store() as store:
        store.team.join("lee")
        assert webhooks.is_due(store)
    assert webhooks.deliver_once(told)
    with told.store() as store:
        assert not webhooks.is_due(store)
        (failed,) = store.webhooks.deliveries()
    assert "500" in str(failed.problem)
    clock = webhooks.time.time() + PAUSES[0] + 1
    monkeypatch.setattr(webhooks.time, "time", lambda: clock)
    assert webhooks.deliver_once(told)
    assert hook.messages[0] == hook.messages[1]
    assert len({headers["webhook-id"] for headers in hook.headers}) == 1
    with told.store() as store:
        (sent,) = store.webhooks.deliveries()
    assert (sent.attempts, sent.next_at, sent.problem) == (2, None, "")


def test_after_the_last_attempt_it_is_sent_again_when_somebody_asks(told, hook, monkeypatch):
    hook.statuses += [500] * (len(PAUSES) + 1)
    with told.store() as store:
        store.team.join("lee")
    clock = webhooks.time.time()
    monkeypatch.setattr(webhooks.time, "time", lambda: clock)
    for pause in (*PAUSES, 0):
        assert webhooks.deliver_once(told)
        clock += pause + 1
    assert not webhooks.deliver_once(told)
    with told.store() as store:
        (given_up,) = store.webhooks.deliveries()
        assert given_up.next_at is None
        assert store.webhooks.send_again(given_up.id)
    assert webhooks.deliver_once(told)
    with told.store() as store:
        assert store.webhooks.deliveries()[0].delivered_at is not None


def test_a_clock_that_goes_back_holds_no_message_up(told, hook):
    now, year = time.time(), 31_000_000
    with told.store() as store:
        store.team.join("lee")
        delivery, _secret = store.webhooks.due(now + year)
        store.webhooks.record(delivery, "There is no answer.", now + year)
        assert not store.webhooks.is_due(now + year)
    assert webhooks.deliver_once(told)
    assert [message["data"]["name"] for message in hook.messages] == ["lee"]


def test_what_was_taken_back_is_not_told(told, hook):
    with told.store() as store:
        try:
            with store.write():
                store.team.join("lee")
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass
    assert not webhooks.deliver_once(told)
    assert hook.bodies == []


def test_a_webhook_that_was_removed_is_told_nothing_more(told, hook):
    with told.store() as store:
        store.team.join("lee")
        (webhook,) = store.webhooks.all()
        assert webhook.secret == ""
        assert store.webhooks.remove(webhook.id)
        assert not store.webhooks.remove(webhook.id)
        store.team.join("park")
    assert not webhooks.deliver_once(told)
    with told.store() as store:
        rows = store.audit.rows(action="webhook removed")
    assert rows[0].what == {"webhook": 1, "host": hook.host}


def test_a_webhook_that_is_removed_during_an_attempt_is_not_tried_again(told, monkeypatch):
    def removed_meanwhile(*_):
        with told.store() as store:
            store.webhooks.remove(1)
        raise LabelerError("There is no answer.")

    monkeypatch.setattr(webhooks, "send", removed_meanwhile)
    with told.store() as store:
        store.team.join("lee")
    assert webhooks.deliver_once(told)
    with told.store() as store:
        assert not store.webhooks.is_due(time.time() + max(PAUSES))


def test_an_erased_person_is_told_of_no_more(told):
    with told.store() as store:
        store.team.join("lee")
        store.erasure.person("lee", notes=False)
        assert store.webhooks.deliveries() == []
