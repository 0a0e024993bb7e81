"""Comparisons: asked for, claimed by one, taken up when a process died, ended once."""

import pytest

from labeler.store import Store, connection
from labeler.store.comparisons import COMPARISON_ATTEMPTS
from labeler.types import ComparisonRequest

REQUEST = ComparisonRequest(("margin", "entropy"), seeds=2, rounds=3, batch=5, seed_size=4, source="리뷰.csv")


def test_what_was_asked_for_is_read_back(store):
    assert store.comparisons() == []
    assert not store.has_comparison()
    number = store.request_comparison(REQUEST, "kim")
    (found,) = store.comparisons()
    assert (found.id, found.request, found.requested_by, found.state) == (number, REQUEST, "kim", "queued")
    assert store.has_comparison()


def test_the_oldest_is_claimed_first_and_its_report_is_kept(store):
    first, second = store.request_comparison(REQUEST, "kim"), store.request_comparison(REQUEST, "lee")
    job = store.claim_comparison()
    assert (job.id, job.state, job.attempts) == (first, "running", 1)
    assert store.report_comparison(first, "comparing", 3, 9)
    found = store.comparisons()[1]
    assert (found.message, found.done, found.total) == ("comparing", 3, 9)
    assert store.comparison_report(first) is None
    assert store.finish_comparison(first, {"runs": [{"strategy": "margin"}]})
    assert store.comparison_report(first) == {"runs": [{"strategy": "margin"}]}
    assert [c.state for c in store.comparisons()] == ["queued", "done"]
    assert store.claim_comparison().id == second


def test_a_running_one_is_taken_up_from_the_start_and_given_up_after_some_tries(store):
    number = store.request_comparison(REQUEST, "kim")
    store.request_comparison(REQUEST, "lee")
    for attempt in range(1, COMPARISON_ATTEMPTS + 1):
        again = store.claim_comparison()
        assert (again.id, again.attempts, again.done) == (number, attempt, 0)
        store.report_comparison(number, "embedding items", 3, 9)
    assert store.claim_comparison().id == number + 1
    given_up = store.comparisons()[1]
    assert given_up.state == "failed"
    assert "embedding items" in given_up.error


@pytest.mark.parametrize("claimed", [True, False])
def test_a_cancelled_one_stays_cancelled(store, claimed):
    number = store.request_comparison(REQUEST, "kim")
    if claimed:
        store.claim_comparison()
    assert store.cancel_comparison(number)
    assert not store.report_comparison(number, "comparing", 5, 9)
    assert not store.finish_comparison(number, {"runs": []})
    assert not store.fail_comparison(number, "too late")
    assert not store.cancel_comparison(number)
    assert store.claim_comparison() is None
    (found,) = store.comparisons()
    assert (found.state, found.error, store.comparison_report(number)) == ("cancelled", None, None)


def test_a_failed_one_says_why(store):
    number = store.request_comparison(REQUEST, "kim")
    store.claim_comparison()
    store.fail_comparison(number, "no such column")
    (found,) = store.comparisons()
    assert (found.state, found.error, bool(found.finished_at)) == ("failed", "no such column", True)


def test_a_comparison_is_no_round(store):
    store.request_comparison(REQUEST, "kim")
    assert not store.has_work()
    assert store.claim_job() is None


def test_a_database_from_before_comparisons_gets_their_table(store, monkeypatch):
    monkeypatch.setattr(connection, "_migrated", set())
    with store.write():
        store.db.conn.execute("DROP TABLE comparisons")
        store.db.conn.execute("DELETE FROM _sqlite_migrations WHERE name = 'm002_comparisons'")
    with Store(store.path, store.config) as opened:
        opened.request_comparison(REQUEST, "kim")
        assert [c.request for c in opened.comparisons()] == [REQUEST]
