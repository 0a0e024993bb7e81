"""A stand-in for Label Studio's server: the few routes that are asked of it, with what 1.23.2 answers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.loopback import Quiet, answering

TOKEN = "token-of-label-studio"
CONFIGURATION = (
    '<View><Text name="item" value="$text"/><Choices name="label" toName="item" choice="single">'
    '<Choice value="good"/><Choice value="bad"/></Choices></View>'
)


@dataclass
class LabelStudio:
    """A project with the number 7 and its tasks. told: the predictions that came, in their order."""

    url: str = ""
    configuration: str = CONFIGURATION
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    told: list[list[dict[str, Any]]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)
    clock: int = 0

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def _now(self) -> str:
        self.clock += 1
        return f"2026-11-27T10:{self.clock // 60:02}:{self.clock % 60:02}.000000Z"

    def add(self, *data: dict[str, Any]) -> list[int]:
        """The numbers of new tasks."""
        numbers = range(101 + len(self.tasks), 101 + len(self.tasks) + len(data))
        for number, each in zip(numbers, data, strict=True):
            self.tasks[number] = {"id": number, "data": each, "annotations": [], "updated_at": self._now()}
        return list(numbers)

    def annotate(
        self, task: int, label: str | None, who: str = "kim@example.org", user: int | None = None
    ) -> dict[str, Any]:
        """Somebody's annotation of a task; None: skipped. It takes the place of the person's earlier one.

        Args: user: the person's number; None: the one of everybody of this name.
        """
        user = user or self.users.setdefault(who, 3 + len(self.users))
        now = self._now()
        choice = {"from_name": "label", "to_name": "item", "type": "choices", "value": {"choices": [label]}}
        annotations = self.tasks[task]["annotations"]
        mine = next((a for a in annotations if a["completed_by"] == user), None)
        if mine is None:
            mine = {
                "id": 9000 + self.clock,
                "created_username": f" {who}, {user}",
                "completed_by": user,
                "lead_time": 2.5,
            }
            annotations.append(mine)
        result = [] if label is None else [choice]
        mine |= {"result": result, "was_cancelled": label is None, "created_at": now, "updated_at": now}
        self.tasks[task]["updated_at"] = now
        return mine

    def delete(self, task: int) -> None:
        """Delete the annotations of a task."""
        self.tasks[task] |= {"annotations": [], "updated_at": self._now()}

    def order(self) -> list[int]:
        """The tasks in the order in which they are drawn: by the scores of the newest predictions."""
        newest = [p for told in self.told for p in told if p["model_version"] == self.settings["model_version"]]
        return [p["task"] for p in sorted(newest, key=lambda p: p["score"])]

    def answer(self, method: str, address: str, body: Any) -> Any:
        """The reply to a request; None: there is no such route."""
        parts = urlsplit(address)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match method, parts.path:
            case "GET", "/api/projects/7":
                return {"label_config": self.configuration, "task_number": len(self.tasks)}
            case "PATCH", "/api/projects/7":
                self.settings |= body
                return self.settings
            case "POST", "/api/projects/7/import/predictions":
                self.told.append(body)
                return {"created": len(body)}
            case "GET", path if path.removeprefix("/api/tasks/").isdecimal():
                return self.tasks.get(int(path.removeprefix("/api/tasks/")))
            case "GET", "/api/tasks":
                since = ""
                if "query" in query:
                    (condition,) = json.loads(query["query"])["filters"]["items"]
                    since = condition["value"]
                changed = [task for task in self.tasks.values() if task["updated_at"] >= since]
                first = (int(query["page"]) - 1) * int(query["page_size"])
                return {"tasks": changed[first : first + int(query["page_size"])], "total": len(changed)}
        return None


@contextmanager
def label_studio() -> Iterator[LabelStudio]:
    there = LabelStudio()

    class Handler(Quiet, BaseHTTPRequestHandler):
        def reply(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            is_let_in = self.headers["Authorization"] == f"Token {TOKEN}"
            file = there.files.get(self.path)
            found = there.answer(self.command, self.path, json.loads(content or b"null")) if is_let_in else None
            self.send_response(401 if not is_let_in else 200 if file is not None or found is not None else 404)
            sent = file if file is not None else json.dumps(found).encode()
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PATCH = reply  # noqa: N815 (the names that the server asks for)

    with answering(Handler) as host:
        there.url = f"http://{host}"
        yield there
