"""One Chromium and one `labeler serve` for all browser tests of a process; each test has a project of its own."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.machine import CHROMIUM
from tests.support.server import Server, serving, wait_for

Contexts = dict[str, list[BrowserContext]]

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


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Contexts:
    """Browser contexts that no test uses at the moment, by their options: they keep the app's scripts compiled."""
    return defaultdict(list)


@pytest.fixture
def open_page(browser: Browser, contexts: Contexts, shared_server: Server) -> Iterator[Callable[..., Page]]:
    """Pages of separate people: each has its own storage, empty at first. An error on any of them fails the test."""
    in_use: list[tuple[str, BrowserContext]] = []
    errors: list[str] = []

    def open_one(url: str, **options: Any) -> Page:
        settings: dict[str, Any] = {"viewport": {"width": 1280, "height": 850}, **options}
        free = contexts[repr(settings)]
        context = free.pop() if free else browser.new_context(**settings)
        in_use.append((repr(settings), context))
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        return page

    yield open_one
    for settings, context in in_use:
        forget(context, shared_server.url)
        contexts[settings].append(context)
    assert errors == []


def forget(context: BrowserContext, url: str) -> None:
    """Close the pages of a person, and delete all that the site has stored in their browser."""
    for page in context.pages:
        page.close()
    context.clear_cookies()
    blank = context.new_page()
    context.new_cdp_session(blank).send("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "all"})
    blank.close()
