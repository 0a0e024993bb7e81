"""On a phone: what is chosen in the menu is not covered by the menu, and pages in Korean are not wider than it."""

import pytest

from labeler.projects import project as projects
from tests.support.fill import add
from tests.support.samples import text_config
from tests.support.server import wait_for

pytestmark = pytest.mark.browser

OVERFLOWS = """() => {
    const wide = document.documentElement.clientWidth;
    const clipped = (e) => {
        for (let p = e; p; p = p.parentElement ?? p.getRootNode().host) {
            if (/auto|scroll|hidden|clip/.test(getComputedStyle(p).overflowX)) return true;
        }
        return false;
    };
    return [...document.querySelectorAll('.stMain *')].filter((e) => {
        const box = e.getBoundingClientRect();
        return box.width && e.childElementCount === 0 && e.textContent.trim() && box.right > wide + 1 && !clipped(e);
    }).map((e) => e.textContent.trim().slice(0, 60));
}"""


def test_the_menu_closes_after_a_choice_and_korean_fits(server, own_home, open_page):
    with projects.create(own_home / "reviews", text_config()).store() as store:
        add(store, 30)
    page = open_page(f"{server.url}/team?annotator=kim", viewport={"width": 390, "height": 844})
    menu = page.get_by_test_id("stSidebar")

    def right() -> float:
        return menu.evaluate("menu => menu.getBoundingClientRect().right")

    def choose(choice) -> None:
        page.get_by_test_id("stExpandSidebarButton").click()
        wait_for(lambda: right() > 200)
        choice.click()
        wait_for(lambda: right() <= 0)

    choose(page.get_by_role("link", name="Progress"))
    choose(page.get_by_text("한국어", exact=True))
    pages = {"진행 상황": "다음 라운드까지", "전략": "전략의 동작", "프로젝트": "지금 다시 학습", "라벨링": "건너뛰기"}
    for name, text in pages.items():
        choose(page.get_by_role("link", name=name, exact=True))
        page.get_by_text(text).first.wait_for()
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name
        assert page.evaluate(OVERFLOWS) == [], name
    page.goto(f"{server.url}/progress?annotator=kim&language=en&part=Report")
    tab = page.get_by_role("tab", name="Report")
    tab.wait_for()
    wait_for(lambda: tab.evaluate("tab => tab.getBoundingClientRect().right") <= 390)
