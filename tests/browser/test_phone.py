"""On a phone: the menu covers nothing that is chosen, pages are not wider than it, and a finger meets what it wants."""

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


# What a finger hardly meets (WCAG 2.2, 2.5.8: 24 pixels or more).
SMALL = """() => [...document.querySelectorAll(
    '.stMain [data-testid=stTooltipHoverTarget] > button, .stMain [data-testid=stRadioOption]'
)].filter((e) => e.offsetHeight && e.offsetHeight < 24).map((e) => e.outerHTML)"""

# How strongly the edge of each circle that is not chosen differs from a white page (WCAG 2.2, 1.4.11: 3 or more).
EDGES = """() => [...document.querySelectorAll(
    '[data-testid=stRadioOption]:not([data-selected]) > div > div:first-child'
)].map((circle) => {
    const style = getComputedStyle(circle);
    if (style.outlineStyle === "none") return 1;
    const channels = style.outlineColor.match(/[\\d.]+/g).map(Number);
    const opacity = channels[3] ?? 1;
    const light = channels.slice(0, 3).map((c) => (opacity * c + (1 - opacity) * 255) / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 1.05 / (0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2] + 0.05);
})"""


def right_edge(place) -> float:
    box = place.bounding_box()
    return box["x"] + box["width"]


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
        page.get_by_text(text).first.wait_for(timeout=90_000)  # the first visit of a page loads what it needs
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name
        assert page.evaluate(OVERFLOWS) == [], name
        assert page.evaluate(SMALL) == [], name
        titles = page.locator(".stMain h1").all()
        assert [title for title in titles if title.bounding_box()["y"] >= 100] == [], name  # little space above
    page.goto(f"{server.url}/items?annotator=kim&language=en")
    card = page.locator(".st-key-text-cards > div").first
    card.wait_for()
    search = page.locator(".stMain [data-testid=stTextInput]").first
    wait_for(lambda: abs(right_edge(card) - right_edge(search)) <= 2)
    page.goto(f"{server.url}/project?annotator=kim&language=en")
    page.locator("summary").get_by_text("Import", exact=True).click()
    page.get_by_text("Upload a folder").first.wait_for()
    assert min(page.evaluate(EDGES)) >= 3
    assert page.evaluate(SMALL) == []
    page.goto(f"{server.url}/progress?annotator=kim&language=en&part=Report")
    tab = page.get_by_role("tab", name="Report")
    tab.wait_for()
    wait_for(lambda: tab.evaluate("tab => tab.getBoundingClientRect().right") <= 390)
