"""What programs that watch the server are told: signs of life to everybody, figures to who may see the server."""

import asyncio
import json
import logging
import time
import uuid

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.testclient import TestClient

from labeler.access import accounts as access
from labeler.access import api_tokens
from labeler.api import account, health
from labeler.api.gate import Gate
from labeler.api.observed import Observed, route_of
from labeler.api.problems import V1
from labeler.api.routes import routes
from labeler.api.v1.app import routes as routes_of_programs
from labeler.core.actor import Actor
from labeler.core.logs import JsonLines
from labeler.core.running import Board, ProcessState, moment
from labeler.projects.backing_up import back_up
from tests.support.api import api, headers
from tests.support.fill import add

pytestmark = pytest.mark.usefixtures("quick_hashes")


def client() -> TestClient:
    """The app without Streamlit."""
    middleware = [Middleware(Observed), Middleware(Gate)]
    return TestClient(Starlette(routes=[*account.routes, *health.routes, *routes], middleware=middleware))


def figures(text: str) -> dict[tuple[str, ...], float]:
    """Each sample of Prometheus' text form, by its name and the values of its labels, which are sorted."""
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def with_accounts(project):
    """A home in which people log in, with the tokens of an admin and of an annotator."""
    (project.folder.parent / "access.toml").write_text('mode = "local"\n')
    return {
        name: api_tokens.make(
            access.add_account(name, is_admin=name == "admin"), "test", "read", [project.uid], 1, Actor("test")
        )
        for name in ("admin", "annotator")
    }


def test_everybody_hears_whether_the_server_lives_and_nothing_more(with_accounts):
    for path in ("/healthz", "/healthz/ready"):
        assert client().get(path).json() == {"live": True, "ready": True}
    assert client().get("/healthz/live").json() == {"live": True}


def test_a_server_that_cannot_store_answers_is_not_ready(project, monkeypatch):
    monkeypatch.setattr("labeler.api.health.NEEDED_BYTES", 10**18)
    assert client().get("/healthz").status_code == 503
    assert client().get("/healthz/live").status_code == 200


def test_wrong_settings_of_accounts_make_the_server_not_ready(project):
    (project.folder.parent / "access.toml").write_text("mode = ")
    assert not health.is_ready()


def test_figures_are_for_admins_alone(with_accounts):
    def status(token: str) -> int:
        return client().get("/metrics", headers={"Authorization": f"Bearer {token}"} if token else {}).status_code

    assert [status(t) for t in ("", "wrong", with_accounts["annotator"], with_accounts["admin"])] == [
        401,
        401,
        403,
        200,
    ]


def test_figures_count_answers_jobs_rounds_and_processes(project):
    Board(project.folder.parent).show([ProcessState("worker", 7, moment(), ends=2)])
    with project.store() as store:
        add(store, 2)
        store.rounds.request("now")
    web = client()
    before = figures(web.get("/metrics").text)
    answer = {"request_id": uuid.uuid4().hex, "item_id": 1, "action": "label", "label": "good", "seconds": 1.0}
    body = {"tab": "t", "answers": [answer, answer | {"request_id": uuid.uuid4().hex, "label": "none such"}]}
    web.post(api("reserve"), json={"tab": "t", "n": 2, "release": []}, headers=headers())
    assert web.post(api("answers"), json=body, headers=headers()).status_code == 200
    after = figures(web.get("/metrics").text)

    def grown(*name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grown("labeler_answers_total", "acknowledged") == 1
    assert grown("labeler_answers_total", "refused") == 1
    assert grown("labeler_request_seconds_count", "/api/answers", "200") == 1
    assert grown("labeler_lock_requests_total") >= 1
    assert after["labeler_jobs", "round", project.slug, "queued"] == 1
    assert after["labeler_rounds", project.slug] == 0
    assert after["labeler_process_up", "worker"] == 1
    assert after["labeler_process_restarts_total", "worker"] == 2


def test_figures_say_when_the_last_backup_was_made(project):
    home = project.folder.parent
    assert ("labeler_backup_last_bytes",) not in figures(client().get("/metrics").text)
    made = back_up(home)
    samples = figures(client().get("/metrics").text)
    assert samples["labeler_backup_last_bytes",] == made.manifest.size
    assert abs(samples["labeler_backup_last_timestamp_seconds",] - time.time()) < 600


def test_a_request_has_an_id_in_its_answer_and_in_its_line(project, caplog):
    caplog.handler.setFormatter(JsonLines("app"))
    with caplog.at_level(logging.INFO, "labeler.requests"):
        reply = client().get(api("news"), headers=headers("minji"))
    line = json.loads(caplog.text.splitlines()[-1])
    assert line["request"] == reply.headers["x-request-id"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/news", 200)
    assert "minji" not in caplog.text


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/0af3/answers", "/api/answers"),
        ("/api/0af3/media/17/8c1d", "/api/media"),
        ("/api/0af3/media/17/8c1d/tile/0/1/2", "/api/media/tile"),
        ("/account/invitation/secret", "/account"),
        ("/metrics", "/metrics"),
        ("/kim's page", "page"),
    ],
)
def test_the_route_of_an_address_holds_no_id(path, route):
    assert route_of(path) == route


@pytest.mark.parametrize("path", sorted({path for path, _method in routes_of_programs()}))
def test_each_address_of_the_public_api_is_counted_with_its_resource(path):
    assert route_of(V1 + path) != f"{V1}/other"


def test_a_sender_who_goes_away_is_no_error_of_the_server(caplog):
    async def reads(scope, receive, send):
        await Request(scope, receive).body()

    async def gone():
        return {"type": "http.disconnect"}

    async def nowhere(message):
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": "/api/reviews/answers", "headers": []}
    with caplog.at_level(logging.INFO, "labeler.requests"):
        asyncio.run(Observed(reads)(scope, gone, nowhere))
    assert [(record.levelname, record.ids["status"]) for record in caplog.records] == [("INFO", 499)]
