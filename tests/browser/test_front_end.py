"""The example of a labeling page of one's own, served from another origin, labels over the public API."""

from functools import partial
from http.server import SimpleHTTPRequestHandler
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect

from labeler.access.api_tokens import signed
from labeler.projects import project as projects
from tests.support.fill import add
from tests.support.loopback import Quiet, answering
from tests.support.machine import ROOT
from tests.support.samples import text_config
from tests.support.server import serving, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.thorough]


class Files(Quiet, SimpleHTTPRequestHandler):
    pass


def test_a_page_of_ones_own_labels_over_the_api(tmp_path, monkeypatch, browser: Browser):
    home = tmp_path / "home"
    monkeypatch.setenv("LABELER_HOME", str(home))
    project = projects.create(home / "reviews", text_config())
    with project.store() as store:
        add(store, 5)
    token = signed("kim", "our page", "label", [project.uid], 1)
    with answering(partial(Files, directory=str(ROOT / "docs" / "examples"))) as host:
        origin = f"http://{host}"
        with serving(home, "--front-end", origin) as server:
            page = browser.new_context().new_page()
            told = urlencode({"server": server.url, "project": project.uid, "token": token})
            page.goto(f"{origin}/front-end.html#{told}")
            state = page.get_by_role("status")
            for n, label in enumerate(("good", "bad"), 1):
                page.get_by_role("button", name=label).click()
                expect(state).to_contain_text(f"{n} labels of yours")
            with project.store() as store:
                wait_for(lambda: len(store.answers.export()) == 2)
                assert {(row["annotator"], row["label"]) for row in store.answers.export()} == {
                    ("kim", "good"),
                    ("kim", "bad"),
                }
            page.context.close()
