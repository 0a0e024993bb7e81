"""The served app: a stranger is refused; below a path too, pages load nothing that people wrote."""

import base64
import http.client
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from tests.support.desk import ready_item
from tests.support.server import Server, serving
from tests.support.texts_of_people import SIGNS, fill

pytestmark = pytest.mark.browser

BELOW = "/labeler"


@dataclass
class Visit:
    """A lead's visit to the app: what the browser asked others for, and what it complained about."""

    server: Server
    page: Page
    url: str  # of a picture that people wrote about
    asked_others: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def note_request(self, request: Request) -> None:
        if not request.url.startswith((self.server.url.removesuffix(BELOW), "data:", "blob:")):
            self.asked_others.append(request.url)

    def note_message(self, message: ConsoleMessage) -> None:
        if "Content Security" in message.text:
            self.violations.append(message.text)

    def go_to(self, page: str) -> None:
        self.page.locator("[data-testid=stSidebarNavLink]").get_by_text(page, exact=True).click()
        self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


@pytest.fixture(scope="module")
def lead_visit(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    home = tmp_path_factory.mktemp("people") / "home"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LABELER_HOME", str(home))
        picture = "http://127.0.0.1:9/pic.png"
        fill(home / "p", picture)
        with serving(home, "--base-path", BELOW, below=BELOW) as server:
            page = browser.new_page(viewport={"width": 1280, "height": 850})
            visited = Visit(server, page, picture)
            page.on("request", visited.note_request)
            page.on("console", visited.note_message)
            page.goto(f"{server.url}/?annotator=lead")
            yield visited
            page.close()


@pytest.mark.thorough
def test_pages_keep_to_the_policy_and_show_what_people_wrote_letter_for_letter(lead_visit):
    ready_item(lead_visit.page)  # the desk, its script and its routes
    for name in ("Items", "Progress", "Review", "Team", "Strategies", "Project"):
        lead_visit.go_to(name)
        if name in ("Progress", "Project"):
            lead_visit.page.locator("h1", has_text="title").wait_for()
            shown = lead_visit.page.locator("h1").inner_text().replace("\u2060", "")
            assert SIGNS.format(url=lead_visit.url) in shown
    assert lead_visit.violations == []
    assert lead_visit.asked_others == []


def test_a_handshake_of_a_stranger_is_refused_and_asks_nobody_outside(server, outward):
    """Streamlit asked an address service outside where it did not know the Origin."""
    own = server.url.removeprefix("http://")
    pairs = {
        (own, f"http://{own}"): 101,
        (own, "http://evil.example"): 403,
        (own, "null"): 403,
        ("evil.example", "http://evil.example"): 421,
    }
    assert {pair: handshake(own, *pair) for pair in pairs} == pairs
    with pytest.raises(BlockingIOError):
        outward.accept()  # nothing has connected


def test_a_body_that_is_too_large_is_refused_while_it_is_still_sent(server):
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
    connection.putrequest("POST", "/api/reviews/answers")
    connection.putheader("Content-Length", str(300 * 1024**2))
    connection.endheaders()
    reply = connection.getresponse()
    assert (reply.status, reply.headers["Connection"]) == (413, "close")
    connection.close()


def handshake(own: str, host: str, origin: str) -> int:
    """The status of the reply to a WebSocket's handshake."""
    connection = http.client.HTTPConnection(own, timeout=20)
    key = base64.b64encode(os.urandom(16)).decode()
    headers = {"Host": host, "Origin": origin, "Connection": "Upgrade", "Upgrade": "websocket"}
    headers |= {"Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13"}
    connection.request("GET", "/_stcore/stream", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status
