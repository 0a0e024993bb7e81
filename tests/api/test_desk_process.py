"""Two processes answer the desk's requests for one home, and pass all else on to an app behind them."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import uvicorn
import websockets
from prometheus_client.parser import text_string_to_metric_families

from labeler.access.serving import BehindDesk
from labeler.api.relay import HEADER, Relayed
from labeler.core.running import METRICS_VARIABLE
from labeler.projects import project as projects
from labeler.projects.project import Project
from tests.support.api import api, headers
from tests.support.fill import add
from tests.support.machine import environment
from tests.support.samples import text_config
from tests.support.server import wait_for

pytestmark = pytest.mark.slow


async def mirror(scope, receive, send) -> None:
    """An app that says what it was asked, and gives WebSockets back what they say."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0]})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": f"{scope['client'][0]} {message['text']}"})
        return
    body, more = b"", scope["type"] == "http"
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    named = {name.decode(): value.decode() for name, value in scope["headers"]}
    target = scope["raw_path"].decode() + "?" + scope["query_string"].decode()
    facts = {"client": scope["client"], "server": scope["server"], "headers": named, "target": target}
    reply = json.dumps(facts | {"bytes": len(body), "method": scope["method"]}).encode()
    await send({"type": "http.response.start", "status": 203, "headers": [(b"x-own", b"1"), (b"x-own", b"2")]})
    await send({"type": "http.response.body", "body": reply})


class Behind:
    """The app behind the desk's processes, in a thread of the test."""

    def __init__(self, port: int) -> None:
        self.facts = BehindDesk(port, "secret")
        self.start()

    def start(self) -> None:
        app = Relayed(mirror, self.facts)
        self.server = uvicorn.Server(uvicorn.Config(app, port=self.facts.port, lifespan="off", log_level="error"))
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()

    def end(self) -> None:
        self.server.should_exit = True
        self.thread.join()


@dataclass
class Desks:
    """Two processes of the desk, each on a port of its own, so that a test chooses which one it asks."""

    project: Project
    ports: list[int]
    behind: Behind

    def send(self, port: int, path: str, body: object = None, token: dict[str, str] | None = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, token or {})
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.read()

    def ask(self, port: int, verb: str, body: object, token: dict[str, str]) -> dict:
        return json.loads(self.send(port, api(verb), body, token))


def free_ports(n: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def answers_on(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def desks(tmp_path_factory) -> Iterator[Desks]:
    home: Path = tmp_path_factory.mktemp("desks") / "home"
    project = projects.create(home / "reviews", text_config())
    with project.store() as store:
        add(store, 40)
    own, first, second = free_ports(3)
    behind, counts = Behind(own), home.parent / "counts"
    counts.mkdir()
    variables = environment(home) | behind.facts.as_environment() | {METRICS_VARIABLE: str(counts)}
    processes = [
        subprocess.Popen([sys.executable, "-m", "labeler.api.desk_process", f"desk-{port}", str(port)], env=variables)
        for port in (first, second)
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LABELER_HOME", str(home))
        try:
            for port in (first, second):
                wait_for(partial(answers_on, port))
            yield Desks(project, [first, second], behind)
        finally:
            behind.end()
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(30)


@pytest.fixture(autouse=True)
def same_home(desks, monkeypatch):
    monkeypatch.setenv("LABELER_HOME", str(desks.project.folder.parent))


def test_a_page_waits_for_an_app_that_is_being_started_again(desks):
    desks.send(desks.ports[0], "/")  # a connection is kept
    desks.behind.end()
    with ThreadPoolExecutor(1) as pool:
        page = pool.submit(desks.send, desks.ports[0], "/progress?round=3")
        time.sleep(0.3)
        assert not page.done()
        desks.behind.start()
        assert json.loads(page.result())["target"] == "/progress?round=3"


def test_a_token_that_one_process_gave_is_taken_by_the_other_and_no_item_is_given_twice(desks):
    first, second = desks.ports
    token = {"Authorization": f"Bearer {desks.ask(first, 'token', {}, headers())['token']}"}
    held = [
        {item["id"] for item in desks.ask(port, "reserve", {"tab": tab, "n": 5, "release": []}, who)["items"]}
        for port, tab, who in ((first, "a", token), (second, "b", token), (second, "c", headers("lee")))
    ]
    assert [len(items) for items in held] == [5, 5, 5]
    assert len(set.union(*held)) == 15


def test_an_answer_that_is_sent_to_both_at_once_is_stored_once_and_both_count_together(desks):
    item = desks.ask(desks.ports[0], "reserve", {"tab": "t", "n": 1, "release": []}, headers("minji"))["items"][0]["id"]
    answer = {"request_id": uuid.uuid4().hex, "item_id": item, "action": "label", "label": "good", "seconds": 1.0}
    before = acknowledged(desks)
    with ThreadPoolExecutor(8) as pool:
        replies = list(
            pool.map(
                lambda port: desks.ask(port, "answers", {"tab": "t", "answers": [answer]}, headers("minji")),
                desks.ports * 4,
            )
        )
    assert [reply["receipts"][0]["ok"] for reply in replies] == [True] * 8
    with desks.project.store() as store:
        assert store.db.value("SELECT COUNT(*) FROM annotations WHERE item_id = ?", [item]) == 1
    assert acknowledged(desks) == [n + 8 for n in before]


def acknowledged(desks: Desks) -> list[float]:
    """How many acknowledgements each process knows of."""
    return [
        sum(
            sample.value
            for family in text_string_to_metric_families(desks.send(port, "/metrics").decode())
            for sample in family.samples
            if sample.name == "labeler_answers_total" and sample.labels["outcome"] == "acknowledged"
        )
        for port in desks.ports
    ]


def test_the_app_gets_requests_as_they_came_with_the_addresses_of_their_connections(desks):
    port = desks.ports[1]
    forged = {HEADER.decode(): 'secret [["10.0.0.1", 1], null]', "Accept-Encoding": "br", "Host": "labels.example.org"}
    seen = json.loads(desks.send(port, "/a%20b/%ed?c=%2F", None, forged))
    assert seen["target"] == "/a%20b/%ed?c=%2F"
    assert (seen["client"][0], seen["server"]) == ("127.0.0.1", ["127.0.0.1", port])
    assert (seen["headers"]["host"], seen["headers"]["accept-encoding"]) == ("labels.example.org", "br")
    assert HEADER.decode() not in seen["headers"]
    assert json.loads(desks.send(port, "/_stcore/upload_file/x", "x" * 3_000_000))["bytes"] == 3_000_002


def test_websockets_are_passed_on_with_what_they_offer(desks):
    async def talk():
        address = f"ws://127.0.0.1:{desks.ports[0]}/_stcore/stream"
        offered = [websockets.Subprotocol(name) for name in ("streamlit", "x")]
        async with websockets.connect(address, subprotocols=offered, max_size=None) as socket:
            replies = []
            for words in ("hello", "x" * 2_000_000):
                await socket.send(words)
                replies.append(await socket.recv())
            return socket.subprotocol, replies

    assert asyncio.run(talk()) == ("streamlit", ["127.0.0.1 hello", "127.0.0.1 " + "x" * 2_000_000])


def test_the_app_answers_nobody_who_does_not_know_the_secret(desks):
    for sent in ({}, {HEADER.decode(): "guessed [null, null]"}):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            desks.send(desks.behind.facts.port, "/", None, sent)
    assert os.environ.get(METRICS_VARIABLE) is None  # the test's own process counts for itself
