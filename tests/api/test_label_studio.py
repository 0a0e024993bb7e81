"""Label Studio's protocol of ML backends: who is let in, what links the project, and what each call answers."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from labeler.access.api_tokens import signed
from labeler.api.label_studio import routes_for_label_studio
from labeler.events import addresses
from labeler.jobs import label_studio as job
from tests.support.label_studio import CONFIGURATION, TOKEN, LabelStudio, label_studio
from tests.support.samples import reviews


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[LabelStudio]:
    with label_studio() as server:
        monkeypatch.setenv(addresses.VARIABLE, server.host)
        monkeypatch.setattr(job, "LEAST_ASKED", 100)
        yield server


@pytest.fixture
def backend(project) -> TestClient:
    """The routes as Label Studio asks them: below the project, with a token as the password."""
    token = signed("lead", "Label Studio", "manage", [project.uid], 1)
    client = TestClient(Starlette(routes=routes_for_label_studio), f"http://testserver/api/label-studio/{project.uid}")
    client.auth = ("labeler", token)
    return client


def setup_of(there: LabelStudio, **changes: object) -> dict[str, object]:
    said = {"project": "7.1795821952", "schema": CONFIGURATION, "hostname": there.url, "access_token": TOKEN}
    return said | changes


def test_a_project_is_linked_and_each_task_gets_its_place_in_the_queue(project, there, backend):
    tasks = there.add(*({"text": text} for text, _ in reviews(30)))
    assert backend.get("/health").json()["status"] == "UP"
    assert backend.post("/setup", json=setup_of(there)).json() == {"model_version": ""}
    assert job.look_once(project)
    version = backend.post("/setup", json=setup_of(there)).json()["model_version"]
    assert version == there.settings["model_version"]
    asked = {"tasks": [{"id": task} for task in [*tasks, 999]]}
    results = backend.post("/predict", json=asked).json()["results"]
    scores = dict(zip([*tasks, 999], (result["score"] for result in results), strict=True))
    assert sorted(there.order(), key=scores.__getitem__) == there.order()
    assert scores[999] == 1.0
    assert {result["model_version"] for result in results} == {version}


def test_a_webhook_lets_the_worker_look_and_training_asks_for_a_round(project, there, backend):
    backend.post("/setup", json=setup_of(there))
    assert job.look_once(project)
    with project.store() as store:
        assert not job.is_due(store)
        backend.post("/webhook", json={"action": "PROJECT_UPDATED"})  # as this server itself causes
        assert not job.is_due(store)
        backend.post("/webhook", json={"action": "ANNOTATION_CREATED"})
        assert job.is_due(store)
        backend.post("/webhook", json={"action": "START_TRAINING"})
        assert store.rounds.waiting()


def test_a_second_project_there_does_not_take_the_place_of_the_first(project, there, backend):
    backend.post("/setup", json=setup_of(there))
    refused = backend.post("/setup", json=setup_of(there, project="8"))
    assert (refused.status_code, "connected to project 7" in refused.json()["detail"]) == (409, True)
    with project.store() as store:
        assert store.label_studio.link().project == 7
        store.label_studio.disconnect()
    assert backend.post("/setup", json=setup_of(there, project="8")).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "sentence"),
    [
        ({"schema": CONFIGURATION.replace("good", "great")}, 422, "The classes differ"),
        ({"project": "x"}, 400, "names no project"),
        ({"project": "²"}, 400, "names no project"),
        ({"project": "9" * 30}, 400, "names no project"),
        ({"hostname": "http://10.0.0.1:8080"}, 422, "without encryption"),
    ],
)
def test_what_cannot_be_linked_is_refused_with_a_sentence(project, there, backend, changes, status, sentence):
    reply = backend.post("/setup", json=setup_of(there, **changes))
    assert reply.status_code == status
    assert sentence in reply.json()["detail"]
    with project.store() as store:
        assert store.label_studio.link() is None


def test_a_body_that_nests_too_deep_is_refused_with_a_sentence(project, backend):
    reply = backend.post("/webhook", content=b"[" * 100_000)
    assert (reply.status_code, reply.json()["detail"]) == (400, "The body must be a JSON object.")


def test_only_a_token_that_manages_this_project_is_let_in(project, there, backend):
    for secret, status in (
        ("", 401),
        ("labeler_nothing", 401),
        (signed("lead", "x", "label", [project.uid], 1), 403),
        (signed("lead", "x", "manage", ["another"], 1), 404),
    ):
        backend.auth = ("labeler", secret)
        assert backend.post("/setup", json=setup_of(there)).status_code == status
    backend.auth = None
    assert backend.get("/health").status_code == 401
