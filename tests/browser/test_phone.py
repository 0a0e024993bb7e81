"""On a phone: what is chosen in the menu is not covered by the menu."""

import pytest

from labeler.projects import project as projects
from tests.support.fill import add
from tests.support.samples import text_config
from tests.support.server import wait_for

pytestmark = pytest.mark.browser


def test_the_menu_closes_after_a_choice(server, own_home, open_page):
    with projects.create(own_home / "reviews", text_config()).store() as store:
        add(store, 3)
    page = open_page(f"{server.url}/team?annotator=kim", viewport={"width": 390, "height": 844})
    menu = page.get_by_test_id("stSidebar")

    def right() -> float:
        return menu.evaluate("menu => menu.getBoundingClientRect().right")

    page.get_by_test_id("stExpandSidebarButton").click()
    wait_for(lambda: right() > 200)
    page.get_by_role("link", name="Progress").click()
    wait_for(lambda: right() <= 0)
    page.get_by_test_id("stExpandSidebarButton").click()
    wait_for(lambda: right() > 200)
    page.get_by_text("한국어", exact=True).click()
    wait_for(lambda: right() <= 0)
