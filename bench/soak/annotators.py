"""Annotators with an outbox, as the desk has one: what is not acknowledged is sent again, over bad connections."""

import http.client
import json
import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.soak.home import Home, sentence
from labeler.access.tokens import issue_token
from labeler.access.users import User

AHEAD, REFILL_BELOW = 8, 4
PATIENCE = 10.0  # seconds for a reply

Trouble = Literal["dropped", "reply lost", "doubled", "delayed", "reordered"]
TROUBLES: tuple[Trouble, ...] = ("dropped", "reply lost", "doubled", "delayed", "reordered")


@dataclass
class Annotator:
    """One person with one desk. troubled: the share of requests that meet trouble."""

    name: str
    home: Home
    port: int
    rng: random.Random
    troubled: float = 0.0
    queue: list[tuple[int, str]] = field(default_factory=list)  # item and text
    outbox: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: dict[str, tuple[int, str]] = field(default_factory=dict)  # request id → item and label
    refused: list[str] = field(default_factory=list)
    shown: set[int] = field(default_factory=set)
    troubles: int = 0
    failures: int = 0  # requests without an answer that helps
    token: str = ""
    late: list[list[dict[str, Any]]] = field(default_factory=list)  # requests that arrive after later ones

    def __post_init__(self) -> None:
        self.uid = self.home.project.uid
        self.token = issue_token(User(self.name), self.uid)

    def work(self, until: float, pace: float) -> None:
        """Answer items until a moment of the monotonic clock."""
        while time.monotonic() < until:
            self._refill()
            if self.queue:
                item, text = self.queue.pop(0)
                self.shown.add(item)
                label = sentence(int(text.rpartition(" ")[2]))[1]
                answer = {"request_id": uuid.uuid4().hex, "item_id": item, "action": "label", "label": label}
                self.outbox.append(answer | {"seconds": 1.0})
            self.send()
            time.sleep(pace * self.rng.uniform(0.5, 1.5))

    def flush(self, until: float) -> None:
        """Send what is left, without trouble."""
        self.troubled = 0.0
        while self.outbox and time.monotonic() < until:
            self.send()
            if self.outbox:
                time.sleep(0.2)

    def send(self) -> None:
        """Send the outbox once; what is acknowledged or refused leaves it."""
        if not self.outbox:
            return
        batch = self.outbox[:50]
        trouble = self.rng.choice(TROUBLES) if self.rng.random() < self.troubled else None
        self.troubles += trouble is not None
        match trouble:
            case "dropped":
                return
            case "delayed":
                self.late.append(batch)
                return
            case "reordered":
                batch = self.rng.sample(batch, len(batch))
            case "doubled":
                self._take(self._answers(batch))
        reply = self._answers(batch)
        if trouble != "reply lost":
            self._take(reply)
        if self.late and self.rng.random() < 0.5:
            self._take(self._answers(self.late.pop(0)))

    def _answers(self, batch: list[dict[str, Any]]) -> dict[str, Any] | None:
        return self._post("answers", {"answers": batch})

    def _take(self, reply: dict[str, Any] | None) -> None:
        waiting = {answer["request_id"]: answer for answer in self.outbox}
        for receipt in (reply or {}).get("receipts", ()):
            answer = waiting.pop(receipt["request_id"], None)
            if answer is None:
                continue
            if receipt["ok"]:
                self.acknowledged[receipt["request_id"]] = (answer["item_id"], answer["label"])
            else:
                self.refused.append(str(receipt["reason"]))
        self.outbox = list(waiting.values())

    def _refill(self) -> None:
        if len(self.queue) >= REFILL_BELOW:
            return
        reply = self._post("reserve", {"n": AHEAD, "release": []})
        mine = {item for item, _text in self.queue} | self.shown
        for item in (reply or {}).get("items", ()):
            if item["id"] not in mine:
                self.queue.append((item["id"], item["text"]))

    def _post(self, verb: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """The server's reply; None where there is none that helps."""
        status, reply = self._once(verb, body)
        if status == 401:
            renewed, reply = self._once("token", {})
            # the desk asks to reload the page where its token cannot be renewed
            self.token = reply["token"] if renewed == 200 else issue_token(User(self.name), self.uid)
            status, reply = self._once(verb, body)
        if status != 200:
            self.failures += 1
            return None
        return reply

    def _once(self, verb: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request("POST", f"/api/{self.uid}/{verb}", json.dumps({"tab": self.name, **body}), headers)
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())
        except (OSError, http.client.HTTPException, ValueError):
            return 0, {}
        finally:
            connection.close()


def run(annotators: list[Annotator], seconds: float, pace: float) -> None:
    """All work at once for so long, each in a thread."""
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=a.work, args=(until, pace)) for a in annotators]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def flush(annotators: list[Annotator], seconds: float) -> None:
    """All send what they have left."""
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=a.flush, args=(until,)) for a in annotators]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
