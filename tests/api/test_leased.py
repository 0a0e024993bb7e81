"""Nothing is acknowledged while the home's lease does not hold."""

import asyncio

import pytest
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from labeler.access.home import home
from labeler.api.leased import Leased
from labeler.core import lease


@pytest.fixture
def client(project):
    async def store(scope, receive, send):
        if scope["path"] == "/slow":  # the lease ends while it is stored
            await asyncio.to_thread(lease.require, home())
        await JSONResponse({"saved": True})(scope, receive, send)

    return TestClient(Leased(store))


def test_without_a_standby_everything_is_answered(client):
    assert client.post("/answers").json() == {"saved": True}


def test_reads_are_answered_and_writes_are_sent_again_later(client):
    lease.require(home())
    assert client.get("/answers").status_code == 200
    refused = client.post("/answers")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    assert "standby" in refused.json()["error"]
    lease.renew(home(), lease.clock() + 60)
    assert client.post("/answers").json() == {"saved": True}


def test_programs_are_refused_with_a_problem(client):
    lease.require(home())
    refused = client.post("/api/v1/projects/reviews/answers")
    assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
    assert refused.headers["Retry-After"]
    assert "standby" in refused.json()["detail"]


def test_what_is_stored_as_the_lease_ends_is_not_acknowledged(client):
    lease.renew(home(), lease.clock() + 60)
    refused = client.post("/slow")
    assert refused.status_code == 503
    assert "saved" not in refused.json()
