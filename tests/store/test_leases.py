"""How long reservations last, whatever happens to clocks, and after a server was away."""

import time

import pytest

from labeler.store import Store, desk
from labeler.store.desk import RETURNING_SECONDS
from labeler.store.leases import lease_time
from tests.support.fill import add

HOUR = 3600.0


def held(store: Store, who: str, at: float | None = None) -> list[int]:
    return [reserved.item.id for reserved in store.desk.reserve(who, "t", 2, at=at)]


@pytest.mark.parametrize("jump", [-HOUR, HOUR], ids=["back", "forward"])
def test_setting_the_clock_changes_no_reservation(store, monkeypatch, jump):
    add(store, 2)
    assert held(store, "kim") == [1, 2]
    (before,) = {row["expires_at"] for row in store.db.rows("SELECT expires_at FROM reservations")}
    now = time.time() + jump
    monkeypatch.setattr(time, "time", lambda: now)
    assert held(store, "lee") == []  # nobody is shown what another looks at
    assert store.desk.active_annotators() == 1
    assert held(store, "kim") == [1, 2]
    (after,) = {row["expires_at"] for row in store.db.rows("SELECT expires_at FROM reservations")}
    assert 0 <= after - before < 60


def test_no_reservation_of_an_earlier_start_of_the_computer_lasts_longer_than_a_new_one(store):
    add(store, 2)
    held(store, "kim", at=1e6)  # by a clock that ran for days; it begins anew with the computer
    assert held(store, "lee", at=100.0) == []
    assert held(store, "lee", at=100.0 + store.config.labeling.reservation_seconds + 1) == [1, 2]


def test_tabs_find_their_items_after_a_server_was_away_for_long(project, store, monkeypatch):
    add(store, 2)
    monkeypatch.setattr(desk, "_served", set())
    now = lease_time()
    assert held(store, "kim", at=now) == [1, 2]
    later = now + HOUR
    monkeypatch.setattr(desk, "_served", set())  # another process
    with project.store() as anew:
        assert held(anew, "lee", at=later) == []  # who happens to ask first
        assert held(anew, "kim", at=later + 10) == [1, 2]
        assert held(anew, "lee", at=later + RETURNING_SECONDS + 1) == []


def test_what_an_absent_person_held_is_free_soon_after_a_server_was_away(project, store, monkeypatch):
    add(store, 2)
    now = lease_time()
    held(store, "kim", at=now)
    monkeypatch.setattr(desk, "_served", set())
    with project.store() as anew:
        assert held(anew, "lee", at=now + HOUR) == []
    with project.store() as anew:  # the same process: it waits once
        assert held(anew, "lee", at=now + HOUR + RETURNING_SECONDS) == [1, 2]


def test_somebody_who_waited_before_the_computer_was_started_waits_no_more(store, monkeypatch):
    add(store, 2)
    held(store, "kim", at=1e6)
    held(store, "lee", at=1e6)
    monkeypatch.setattr("labeler.store.team.lease_time", lambda: 1e6 + 1)
    assert store.team.somebody_waits("kim")
    monkeypatch.setattr("labeler.store.team.lease_time", lambda: 100.0)
    assert not store.team.somebody_waits("kim")
