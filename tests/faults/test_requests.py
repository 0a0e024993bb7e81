"""A request meets a full disk: it is answered with 503, and the same answer is stored once when there is room."""

import uuid
from contextlib import suppress

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bench.soak.home import small_disk
from labeler.api import health
from labeler.api.routes import routes
from labeler.projects import project as projects
from tests.support.api import api, headers
from tests.support.fill import add
from tests.support.samples import text_config


@pytest.fixture
def on_small_disk(own_home):
    """A project on a disk of eight megabytes."""
    with small_disk(own_home, 8) as is_mounted:
        if not is_mounted:
            pytest.skip("only root can mount a small disk")
        project = projects.create(own_home / "reviews", text_config())
        with project.store() as store:
            add(store, 4)
        yield project


def test_an_answer_that_meets_a_full_disk_is_stored_once_when_there_is_room(on_small_disk, own_home):
    answer = {"request_id": uuid.uuid4().hex, "item_id": 1, "action": "label", "label": "good", "seconds": 1.0}
    filler = own_home / "filler"
    with TestClient(Starlette(routes=[*routes, *health.routes])) as client:

        def send() -> int:
            return client.post(api("answers"), json={"tab": "t", "answers": [answer]}, headers=headers()).status_code

        client.post(api("reserve"), json={"tab": "t", "n": 4, "release": []}, headers=headers())
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 12))
        assert send() == 503
        assert client.get("/healthz").status_code == 503
        filler.unlink()
        assert [send(), send()] == [200, 200]
    with on_small_disk.store() as store:
        assert store.db.value("SELECT COUNT(*) FROM annotations") == 1
