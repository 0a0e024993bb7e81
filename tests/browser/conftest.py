"""One Chromium and one `labeler serve` for all browser tests of a process; each test has a project of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.machine import CHROMIUM
from tests.support.server import Server, serving, wait_for

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served") / "home"


@pytest.fixture(scope="session")
def shared_server(shared_home: Path) -> Iterator[Server]:
    with serving(shared_home) as started:
        yield started


@pytest.fixture
def own_home(shared_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The home that is served, empty as the test begins; what the test left there goes when it ends."""
    monkeypatch.setenv("LABELER_HOME", str(shared_home))
    yield shared_home
    for path in shared_home.iterdir() if shared_home.is_dir() else ():
        path.rename(tmp_path / f"{path.name}-left")  # at once, whoever is still writing there


@pytest.fixture
def server(shared_server: Server) -> Server:
    """The server, once it answers: the test before may have killed its app."""
    wait_for(shared_server.answers)
    return shared_server


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Pages of separate people: each has its own storage. An error on any of them fails the test."""
    contexts, errors = [], []

    def open_one(url: str, **options: Any) -> Page:
        settings: dict[str, Any] = {"viewport": {"width": 1280, "height": 850}, **options}
        contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert errors == []
