"""What runs beside the rounds: asked for, claimed by one, taken up when a process died, ended once."""

import pytest

from labeler.core.jobs import CRASHES, AdaptationRequest, ComparisonRequest, TuningRequest
from labeler.store import Store
from labeler.store.attempts import HALVINGS
from labeler.store.schema import BACKGROUND_TABLES

REQUESTS = {
    "comparisons": ComparisonRequest(("margin", "entropy"), seeds=2, rounds=3, batch=5, seed_size=4, source="리뷰.csv"),
    "tunings": TuningRequest("random", 60.0, 7, ("vit_tiny",), ("learning_rate", "decay"), ("crop",)),
    "adaptations": AdaptationRequest(60.0, 3, 7, use=True),
}


@pytest.fixture(params=REQUESTS)
def kind(request):
    return request.param


@pytest.fixture
def jobs(store, kind):
    return getattr(store, kind)


@pytest.fixture
def asked(kind):
    return REQUESTS[kind]


def test_what_was_asked_for_is_read_back(store, jobs, asked):
    assert jobs.all() == []
    assert not jobs.waiting()
    assert not store.has_background()
    number = jobs.request(asked, "kim")
    (job,) = jobs.all()
    assert (job.id, job.request, job.requested_by, job.state) == (number, asked, "kim", "queued")
    assert jobs.waiting()
    assert store.has_background()


def test_the_oldest_is_claimed_first_and_its_report_is_kept(jobs, asked):
    first, second = jobs.request(asked, "kim"), jobs.request(asked, "lee")
    job = jobs.claim()
    assert (job.id, job.state, job.attempts) == (first, "running", 1)
    assert jobs.report(first, "comparing", 3, 9)
    job = jobs.all()[1]
    assert (job.message, job.done, job.total) == ("comparing", 3, 9)
    assert jobs.report_of(first) is None
    assert jobs.finish(first, {"runs": [{"strategy": "margin"}]})
    assert jobs.report_of(first) == {"runs": [{"strategy": "margin"}]}
    assert [c.state for c in jobs.all()] == ["queued", "done"]
    assert jobs.claim().id == second


def test_a_job_that_is_killed_from_outside_goes_on_with_its_progress_without_end(jobs, asked):
    number = jobs.request(asked, "kim")
    halvings = []
    for attempt in range(1, 12):
        again = jobs.claim("outside")
        assert (again.id, again.attempts, again.done) == (number, attempt, 3 if attempt > 1 else 0)
        jobs.report(number, "embedding items", 3, 9)
        halvings.append(again.halvings)
    assert halvings == [0, 0, 1, 2, 3, 4, 4, 4, 4, 4, 4]  # who is killed again and again may be so for want of memory


def test_a_job_that_crashes_by_itself_is_given_up_after_three_times(jobs, asked):
    number = jobs.request(asked, "kim")
    jobs.request(asked, "lee")
    for crashes in range(CRASHES):
        again = jobs.claim("crashed")
        assert (again.id, again.crashes, again.halvings) == (number, crashes, 0)
        jobs.report(number, "embedding items", 3, 9)
    assert jobs.claim("crashed").id == number + 1
    given_up = jobs.all()[1]
    assert given_up.state == "failed"
    assert given_up.error == f"The {jobs.noun} crashed by itself 3 times; the last step was: embedding items"


def test_a_job_for_which_memory_is_short_is_tried_with_halved_batches(jobs, asked):
    jobs.request(asked, "kim")
    for halvings in range(HALVINGS + 1):
        job = jobs.claim()
        assert (job.state, job.halvings) == ("running", halvings)
        jobs.leave_for_memory(job)
    (job,) = jobs.all()
    assert (job.state, "halved 4 times" in job.error) == ("failed", True)


@pytest.mark.parametrize("claimed", [True, False])
def test_a_cancelled_one_stays_cancelled(jobs, asked, claimed):
    number = jobs.request(asked, "kim")
    if claimed:
        jobs.claim()
    assert jobs.cancel(number)
    assert not jobs.report(number, "comparing", 5, 9)
    assert not jobs.finish(number, {"runs": []})
    assert not jobs.fail(number, "too late")
    assert not jobs.cancel(number)
    assert jobs.claim() is None
    (job,) = jobs.all()
    assert (job.state, job.error, jobs.report_of(number)) == ("cancelled", None, None)


def test_a_failed_one_says_why(jobs, asked):
    number = jobs.request(asked, "kim")
    jobs.claim()
    jobs.fail(number, "no such column")
    (job,) = jobs.all()
    assert (job.state, job.error, bool(job.finished_at)) == ("failed", "no such column", True)


def test_kinds_of_background_jobs_are_kept_apart(store, kind, jobs, asked):
    jobs.request(asked, "kim")
    assert not store.rounds.waiting()
    assert store.rounds.claim() is None
    assert all(getattr(store, name).claim() is None for name in REQUESTS if name != kind)


@pytest.mark.parametrize(
    ("kind", "migration"),
    [("comparisons", "m002_comparisons"), ("tunings", "m005_tuning"), ("adaptations", "m006_adaptations")],
    indirect=["kind"],
)
def test_a_database_from_before_gets_the_table(store, kind, asked, migration):
    with store.write():
        for table in {*BACKGROUND_TABLES, "explanations"}:
            store.db.execute(f"ALTER TABLE {table} DROP COLUMN crashes")
        for table in BACKGROUND_TABLES:
            store.db.execute(f"ALTER TABLE {table} DROP COLUMN halvings")
        store.db.execute(f"DROP TABLE {kind}")
        store.db.execute("DELETE FROM _sqlite_migrations WHERE name IN (?, 'm035_endings')", [migration])
        store.db.execute("PRAGMA user_version = 1")
    with Store(store.path, store.config) as opened:
        getattr(opened, kind).request(asked, "kim")
        assert [c.request for c in getattr(opened, kind).all()] == [asked]
