"""A package index and a hub of models on 127.0.0.1, whose connections can be cut."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.support.loopback import Quiet, answering

COMMIT = "c" * 40


@dataclass
class Shelf:
    """What is served, and what was asked for.

    files: by their path. cut: bytes after which each connection breaks off. ranges: of the requests for parts of files.
    lies: whether the hub states other checksums than its files have.
    """

    files: Mapping[str, bytes]
    url: str = ""
    cut: int | None = None
    lies: bool = False
    ranges: list[str] = field(default_factory=list)

    def about(self, repository: str) -> bytes:
        """What the hub tells of a repository."""
        own = {path: content for path, content in self.files.items() if path.startswith(f"/{repository}/")}
        siblings = [
            {
                "rfilename": path.rpartition("/")[2],
                "size": len(content),
                "lfs": {
                    "sha256": "0" * 64 if self.lies else hashlib.sha256(content).hexdigest(),
                    "size": len(content),
                    "pointerSize": 100,
                },
            }
            for path, content in own.items()
        ]
        return json.dumps({"id": repository, "sha": COMMIT, "siblings": siblings}).encode()

    def index(self, project: str) -> bytes:
        """The page of a project in the package index."""
        names = [path.rpartition("/")[2] for path in self.files if path.endswith(".whl")]
        return "".join(f'<a href="/packages/{name}">{name}</a>' for name in names).encode()


@contextmanager
def shelf(files: Mapping[str, bytes]) -> Iterator[Shelf]:
    """A running server of these files, by their path."""
    served = Shelf(files)

    class Handler(Quiet, BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            path, content = self.path.partition("?")[0], None
            if path.startswith("/api/models/"):
                content = served.about("/".join(path.split("/")[3:5]))
            elif path.startswith("/simple/"):
                content = served.index(path.split("/")[2])
            else:
                content = served.files.get(path.replace(f"/resolve/{COMMIT}/", "/"))
            if content is None:
                self.send_error(404)
                return
            start, given = 0, self.headers.get("Range")
            if given:
                served.ranges.append(given)
                start = int(given.removeprefix("bytes=").partition("-")[0])
            self.send_response(206 if given else 200)
            self.send_header("Content-Type", "text/html" if path.startswith("/simple/") else "application/json")
            self.send_header("Content-Length", str(len(content) - start))
            self.send_header("Accept-Ranges", "bytes")
            if given:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if not body:
                return
            rest = content[start:]
            if served.cut is not None and len(rest) > served.cut and not path.startswith(("/api/", "/simple/")):
                rest, self.close_connection = rest[: served.cut], True
            self.wfile.write(rest)

    with answering(Handler) as host:
        served.url = f"http://{host}"
        yield served
