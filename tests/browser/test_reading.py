"""Reading texts on the desk: searched, scrolled by keys, in large letters. The tests of this file share one visit."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from labeler.core.items import NewItem
from labeler.core.settings import LabelingConfig, QueryConfig
from labeler.projects import project as projects
from tests.support.desk import item_on_screen, press, ready_item
from tests.support.samples import text_config
from tests.support.server import Server

pytestmark = pytest.mark.browser

LONG = "\n".join(f"Line {i}: the parcel came after a delay of {i} days." for i in range(200))


@pytest.fixture(scope="module")
def own_home(kept_home: Path) -> Path:
    return kept_home


@pytest.fixture(scope="module")
def desk(own_home: Path, shared_server: Server, open_kept: Callable[..., Page]) -> Page:
    """The desk with a long text, a Korean one, and both again."""
    quiet = QueryConfig(seed_size=1000, batch=1000)
    labeling = LabelingConfig(reservation_seconds=60, keywords=("DELAY", "parcel"))
    project = projects.create(own_home / "texts", text_config(query=quiet, labeling=labeling))
    texts = [LONG, "한국어 문장", f"{LONG}\n", "다른 문장", "x"]
    with project.store() as store:
        store.items.add([NewItem(f"{i:032x}", f"row {i}", text=text, split="pool") for i, text in enumerate(texts)])
    return open_kept(f"{shared_server.url}/?annotator=kim")


@pytest.fixture
def page(desk: Page) -> Page:
    """The desk with a long text on screen."""
    while ready_item(desk) not in (1, 3):
        press(desk, "1")
    return desk


HIGHLIGHTED = "name => [...(CSS.highlights.get(name) ?? [])].map(String)"


def test_searching_within_a_text_labels_nothing(page):
    first = item_on_screen(page)
    assert page.evaluate(HIGHLIGHTED, "labeler-keyword") == ["delay"] * 200 + ["parcel"] * 200

    page.keyboard.press("Control+f")
    page.keyboard.type("of 12")
    count = page.get_by_role("search").locator(".count")
    assert count.inner_text() == "1 of 11"
    assert page.evaluate(HIGHLIGHTED, "labeler-found") == ["of 12"] * 11
    for key, place in (("Enter", 2), ("Enter", 3), ("Shift+Enter", 2)):
        page.keyboard.press(key)
        assert count.inner_text() == f"{place} of 11"
    assert page.locator(".page").evaluate("page => page.scrollTop") > 0
    page.keyboard.type("!")
    assert count.inner_text() == "No match"
    assert item_on_screen(page) == first  # 1 and 2 were typed, and labeled nothing

    page.keyboard.press("Escape")
    assert page.get_by_role("search").count() == 0
    assert page.evaluate(HIGHLIGHTED, "labeler-found") == []
    assert press(page, "1") == first  # without a click
    assert page.locator(".text").get_attribute("lang") == "ko"
    assert page.evaluate(HIGHLIGHTED, "labeler-keyword") == []


def test_a_long_text_scrolls_by_keys_and_its_size_is_remembered(page):

    def top() -> float:
        return page.locator(".page").evaluate("page => page.scrollTop")

    places = [top()]
    for key in ("ArrowDown", "PageDown", " ", "End"):
        page.keyboard.press(key)
        places.append(top())
    assert places == sorted(set(places))
    page.keyboard.press("PageUp")
    assert top() < places[-1]
    page.keyboard.press("Home")
    assert top() == 0

    def letters() -> float:
        return page.locator(".text").evaluate("text => parseFloat(getComputedStyle(text).fontSize)")

    before = letters()
    page.keyboard.press("+")
    page.get_by_role("button", name="Larger text").click()
    larger = letters()
    assert larger == pytest.approx(before * 1.1**2, rel=1e-2)
    first = item_on_screen(page)
    page.reload()
    assert item_on_screen(page) == first
    assert letters() == pytest.approx(larger, rel=1e-2)
