"""Two processes answer for one home on one port: people log in and label while each process is killed in turn."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from labeler.projects import project as projects
from tests.browser.test_accounts import labels, log_in, with_items, with_passwords
from tests.support.desk import all_saved, press
from tests.support.samples import text_config
from tests.support.server import Server, serving, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.thorough]


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    monkeypatch.setenv("LABELER_HOME", str(home))
    return home


@pytest.fixture
def several(own_home) -> Iterator[Server]:
    own_home.mkdir()
    with serving(own_home, "--processes", "2") as server:
        yield server


@pytest.fixture
def open_one(browser: Browser, several: Server) -> Iterator[Callable[[], Page]]:
    contexts = []

    def opened() -> Page:
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 850}))
        page = contexts[-1].new_page()
        page.set_default_timeout(30_000)
        page.goto(f"{several.url}/?language=en")
        return page

    yield opened
    for context in contexts:
        context.close()


def test_two_people_label_while_each_process_is_killed(several, own_home, open_one):
    project = projects.create(own_home / "reviews", text_config())
    with_items(project, 60)
    with_passwords(own_home, project)
    minji, jun = open_one(), open_one()
    for page, name in ((minji, "minji"), (jun, "jun")):
        log_in(page, name)
        press(page, "1")
        all_saved(page)
    given: list[int] = []
    for killed in ("desk-1", "desk-2", "streamlit"):
        several.kill(killed)
        for _ in range(4):
            given += [press(page, "1") for page in (minji, jun)]
        for page in (minji, jun):
            all_saved(page)
    assert len(given) == len(set(given)) == 24
    assert labels(project) == {"minji": 13, "jun": 13}
    wait_for(several.answers)
    for page in (minji, jun):  # the session is known to whichever process is asked
        page.reload()
        press(page, "1")
        all_saved(page)
    expect(minji.get_by_role("link", name="Project")).to_have_count(0)
    assert labels(project) == {"minji": 14, "jun": 14}
