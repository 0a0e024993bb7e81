"""One Chromium and one `labeler serve` for all browser tests of a process; each test has a project of its own."""

import socket
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

from labeler.projects import project as projects
from labeler.projects.project import Project
from tests.support.machine import CHROMIUM
from tests.support.samples import text_config
from tests.support.server import Server, serving, wait_for

FreePages = dict[str, list[Page]]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Nothing moves: drawing what moves takes the browser time, and no test looks at it.
USUAL = {"viewport": {"width": 1280, "height": 850}, "reduced_motion": "reduce"}


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
def outward() -> Iterator[socket.socket]:
    """The proxy through which the server would ask others for something: it takes connections, and answers none."""
    with socket.socket() as proxy:
        proxy.bind(("127.0.0.1", 0))
        proxy.listen()
        proxy.setblocking(False)
        yield proxy


@pytest.fixture(scope="session")
def shared_server(shared_home: Path, outward: socket.socket) -> Iterator[Server]:
    elsewhere = f"http://127.0.0.1:{outward.getsockname()[1]}"
    with serving(
        shared_home, variables={"http_proxy": elsewhere, "https_proxy": elsewhere, "no_proxy": "127.0.0.1"}
    ) as started:
        yield started
    with pytest.raises(BlockingIOError):
        outward.accept()  # whatever app, worker and explainer did in all tests, nothing has connected


@pytest.fixture
def own_home(shared_home: Path, tmp_path: Path) -> Iterator[Path]:
    """The home that is served, empty as the test begins; what the test left there goes when it ends."""
    with emptied(shared_home, tmp_path):
        yield shared_home


@pytest.fixture(scope="module")
def kept_home(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a file whose tests share a visit, which gives it back as its `own_home`: it is emptied once."""
    with emptied(shared_home, tmp_path_factory.mktemp("kept")):
        yield shared_home


@contextmanager
def emptied(home: Path, elsewhere: Path) -> Iterator[None]:
    """A block that begins with an empty home, which is that of this process too; what it leaves there goes."""
    empty(home, elsewhere / "before")  # the server may have written after the block before had ended
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LABELER_HOME", str(home))
        yield
    empty(home, elsewhere / "left")


def empty(home: Path, elsewhere: Path) -> None:
    """Move what is in the home elsewhere: at once, whoever is still writing there."""
    elsewhere.mkdir()
    for path in home.iterdir() if home.is_dir() else ():
        path.rename(elsewhere / path.name)


@pytest.fixture
def project(own_home: Path) -> Project:
    """An empty project of texts, made anew: the server tells it by its date from that of the test before."""
    return projects.create(own_home / "reviews", text_config())


@pytest.fixture
def server(shared_server: Server) -> Server:
    """The server, once it answers: the test before may have killed its app."""
    wait_for(shared_server.answers)
    return shared_server


@pytest.fixture(scope="session")
def free_pages(browser: Browser) -> FreePages:
    """Pages that no test uses at the moment, by the options of their contexts: they keep the app's scripts compiled,
    which a new page of the same context does not.
    """
    return defaultdict(list)


@pytest.fixture
def open_page(browser: Browser, free_pages: FreePages, shared_server: Server) -> Iterator[Callable[..., Page]]:
    """Pages of separate people: each has its own storage, empty at first. An error on any of them fails the test, and
    so does whatever the app's own Content-Security-Policy forbids.

    The options are those of a browser context.
    """
    with pages(browser, free_pages, shared_server) as open_one:
        yield open_one


@pytest.fixture(scope="module")
def open_kept(browser: Browser, free_pages: FreePages, shared_server: Server) -> Iterator[Callable[..., Page]]:
    """As `open_page`: pages that all tests of a file share."""
    wait_for(shared_server.answers)
    with pages(browser, free_pages, shared_server) as open_one:
        yield open_one


@contextmanager
def pages(browser: Browser, free_pages: FreePages, shared_server: Server) -> Iterator[Callable[..., Page]]:
    """A function that opens such pages, which are free again after the block."""
    in_use: list[tuple[Page, dict[str, Any]]] = []
    errors: list[str] = []

    def note(error: Error) -> None:
        errors.append(str(error))

    def note_violation(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            errors.append(message.text)

    def open_one(url: str, **options: Any) -> Page:
        settings: dict[str, Any] = {**USUAL, **options}
        free = free_pages[repr(settings)]
        page = free.pop() if free else browser.new_context(**settings).new_page()
        in_use.append((page, settings))
        page.set_default_timeout(30_000)
        page.on("pageerror", note)
        page.on("console", note_violation)
        page.goto(url)
        return page

    yield open_one
    for page, settings in in_use:
        if page.is_closed():
            page.context.close()
            continue
        page.remove_listener("pageerror", note)
        page.remove_listener("console", note_violation)
        forget(page, shared_server.url, settings)
        free_pages[repr(settings)].append(page)
    assert errors == []


def forget(page: Page, url: str, settings: dict[str, Any]) -> None:
    """Close the other pages of a person, and delete all that the site has stored in their browser."""
    for other in page.context.pages:
        if other is not page:
            other.close()
    page.unroute_all()
    page.route(f"{url}/empty", lambda route: route.fulfill(body="", content_type="text/html"))
    page.goto(f"{url}/empty")
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    page.unroute_all()
    page.context.clear_cookies()
    devtools = page.context.new_cdp_session(page)
    devtools.send("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "all"})
    devtools.detach()
    page.set_viewport_size(settings["viewport"])
    page.emulate_media(color_scheme=settings.get("color_scheme", "light"))
