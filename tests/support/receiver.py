"""A receiver of webhooks on loopback, which keeps what it gets and answers as it is told."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.loopback import Quiet, answering


@dataclass
class Receiver:
    """url: of the receiver. statuses: of its next answers; 200 after them. bodies, headers: of what it got."""

    url: str = ""
    host: str = ""
    statuses: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]


@contextmanager
def receiver() -> Iterator[Receiver]:
    got = Receiver()

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            got.headers.append({name.lower(): value for name, value in self.headers.items()})
            status = got.statuses.pop(0) if got.statuses else 200
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", got.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with answering(Handler) as got.host:
        got.url = f"http://{got.host}/hook?team=1"
        yield got
