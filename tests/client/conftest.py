"""A home that is served in this process: the client's requests reach the app without a network."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from labeler.access import api_tokens
from labeler.api.v1.app import routes_of_v1
from labeler.client import session
from labeler.jobs.rounds import BESIDE, work_once
from labeler.jobs.takeouts import take_out_once
from labeler.projects import project as projects

SERVER = "http://labels.example"


class InProcess(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Gives requests to an app of this process."""

    def __init__(self, app: Any) -> None:
        self._app = httpx.ASGITransport(app, raise_app_exceptions=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return asyncio.run(self._whole(request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return await self._whole(request)

    async def _whole(self, request: httpx.Request) -> httpx.Response:
        reply = await self._app.handle_async_request(request)
        return httpx.Response(reply.status_code, headers=reply.headers, content=await reply.aread())


@pytest.fixture
def server(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a server without accounts, whose worker works whenever the client waits for it."""
    own_home.mkdir(exist_ok=True)
    transport = InProcess(Starlette(routes=routes_of_v1))

    def through(kind: Callable[..., Any]) -> Callable[..., Any]:
        return lambda **options: kind(**options | {"transport": transport})

    monkeypatch.setattr(session.httpx, "Client", through(httpx.Client))
    monkeypatch.setattr(session.httpx, "AsyncClient", through(httpx.AsyncClient))
    # of the client alone: the server sleeps as ever
    monkeypatch.setattr(session, "time", SimpleNamespace(sleep=lambda _seconds: work(own_home)))

    async def later(_seconds: float) -> None:
        await asyncio.to_thread(work, own_home)

    monkeypatch.setattr(session, "asyncio", SimpleNamespace(sleep=later))
    monkeypatch.setenv("LABELER_TOKEN", api_tokens.signed("kim", "a test", "administer", ["*"], 1))
    return SERVER


def work(home: Path) -> None:
    """What a worker of the home would do now."""
    for folder in projects.in_home(home):
        project = projects.open_project(folder)
        work_once(project)
        for run in (take_out_once, *BESIDE):
            run(project)
