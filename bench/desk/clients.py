"""HTTP clients for `bench.desk.latency`: they ask and answer as a page does, without a browser's work."""

import http.client
import json
import random
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil

from bench.desk.annotators import Measurements, pause
from bench.desk.server import Served, Usage
from labeler.access.tokens import issue_token
from labeler.access.users import User

AHEAD, REFILL_BELOW = 20, 12  # as in pages/desk/sync/queue.js


class Client:
    """One annotator with one connection. `prepare` is not measured, `answer` is."""

    def __init__(self, name: str, port: int, authorization: str, seed: int) -> None:
        self.name, self.rng = name, random.Random(seed)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.headers = {"Authorization": authorization, "Content-Type": "application/json"}
        self.answered: list[int] = []
        self.times: dict[str, list[float]] = {"acknowledged": [], "reserved": [], "media": []}

    def prepare(self) -> None:
        """Get what a page gets before its first item is visible."""

    def answer(self) -> bool:
        """Answer an item and get what a page then gets; False if there is none."""
        raise NotImplementedError

    def work(self, end: float, pace: float) -> None:
        while True:
            time.sleep(pause(pace, self.rng))
            if time.perf_counter() > end or not self.answer():
                return

    def send(self, into: str, method: str, path: str, body: object = None) -> bytes:
        """What the server replies; the milliseconds until it was read go `into` one of the lists of times."""
        sent = None if body is None else json.dumps(body).encode()
        began = time.perf_counter()
        try:
            self.connection.request(method, path, sent, self.headers)
            reply = self.connection.getresponse()
        except ConnectionError:  # the server closes connections that are idle for some seconds; browsers do the same
            self.connection.close()
            self.connection.request(method, path, sent, self.headers)
            reply = self.connection.getresponse()
        content = reply.read()
        if reply.status >= 300:
            raise SystemExit(f"{method} {path} was answered with {reply.status}: {content.decode(errors='replace')}")
        self.times[into].append(1000 * (time.perf_counter() - began))
        return content


class DeskClient(Client):
    """A desk of ours, as the server sees it."""

    def __init__(self, served: Served, number: int) -> None:
        name = f"annotator{number}"
        with served.project.store() as store:
            self.address = f"/api/{store.uid()}"
            token = issue_token(User(name), store.uid())
        super().__init__(name, served.port, f"Bearer {token}", number)
        self.classes = served.project.config.classes
        self.queue: list[int] = []

    def prepare(self) -> None:
        self._refill()

    def answer(self) -> bool:
        if not self.queue:
            return False
        item = self.queue.pop(0)
        answer = {"request_id": uuid.uuid4().hex, "item_id": item, "action": "label", "seconds": 1.0}
        reply = self._post("acknowledged", "answers", {"answers": [answer | {"label": self.rng.choice(self.classes)}]})
        if not all(receipt["ok"] for receipt in reply["receipts"]):
            raise SystemExit(f"An answer was refused: {reply}")
        self.answered.append(item)
        if len(self.queue) < REFILL_BELOW:
            self._refill()
        return True

    def _refill(self) -> None:
        reply = self._post("reserved", "reserve", {"n": AHEAD, "release": []})
        known_items = {*self.queue, *self.answered}
        for item in reply["items"]:
            if item["id"] not in known_items:
                if item["media"]:
                    self.send("media", "GET", f"{self.address}/{item['media']}")
                self.queue.append(item["id"])

    def _post(self, into: str, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        return json.loads(self.send(into, "POST", f"{self.address}/{verb}", {"tab": self.name, **body}))


def over_http(served: Served, annotators: int, seconds: float, pace: float) -> Measurements:
    """`annotators` clients of ours answer for `seconds`."""
    served.wait()
    return answers_of([DeskClient(served, n) for n in range(annotators)], served.app(), seconds, pace)


def answers_of(clients: Sequence[Client], server: psutil.Process, seconds: float, pace: float) -> Measurements:
    """What clients saw that answered for `seconds`, a thread each."""
    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(lambda client: client.prepare(), clients))
        for client in clients:
            for times in client.times.values():
                times.clear()  # the server may have been starting
        usage = Usage(server)
        usage.begin()
        end = time.perf_counter() + seconds
        list(pool.map(lambda client: client.work(end, pace), clients))
    measurements = Measurements(usage.end(sum(len(client.answered) for client in clients)))
    for client in clients:
        measurements.answered |= {(client.name, item) for item in client.answered}
        for name, times in client.times.items():
            getattr(measurements, name).extend(times)
    return measurements
