"""Keys, the strip of latest answers and the fields beside them on the desk: the tests of this file share one visit."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from labeler.core.items import Answer, NewItem
from labeler.core.settings import QueryConfig
from labeler.projects import project as projects
from labeler.projects.project import Project
from tests.support.api import api
from tests.support.desk import all_saved, item_on_screen, press, ready_item
from tests.support.samples import text_config
from tests.support.server import Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def own_home(kept_home: Path) -> Path:
    return kept_home


@dataclass(frozen=True)
class Visit:
    """The desk of a project, open in a browser, and the number of answers before the test."""

    project: Project
    page: Page
    before: int = 0

    def rows(self) -> list[dict]:
        """The answers that the test gave, once all are saved."""
        all_saved(self.page)
        with self.project.store() as store:
            return store.answers.export()[self.before :]


@pytest.fixture(scope="module")
def opened(own_home: Path, shared_server: Server, open_kept: Callable[..., Page]) -> Visit:
    """Eighty texts, about which kim is asked one after the other. No round is due while the tests run."""
    quiet = QueryConfig(seed_size=1000, batch=1000)
    project = projects.create(own_home / "reviews", text_config(query=quiet))
    with project.store() as store:
        store.items.add([NewItem(f"{i:032x}", f"row {i}", text=f"sentence {i}", split="pool") for i in range(80)])
    return Visit(project, open_kept(f"{shared_server.url}/?annotator=kim"))


@pytest.fixture
def visit(opened: Visit) -> Visit:
    """The visit with an item on screen that can be answered."""
    ready_item(opened.page)
    return Visit(opened.project, opened.page, len(opened.rows()))


def test_an_answer_that_comes_too_soon_is_not_taken(visit):
    page, first = visit.page, item_on_screen(visit.page)
    # within one task of the browser: the second key comes before the second item can have been looked at
    page.evaluate(
        """() => { for (let i = 0; i < 2; i++)
             document.dispatchEvent(new KeyboardEvent('keydown', {key: '1', bubbles: true})); }"""
    )
    page.locator(f".stage[data-item='{first + 1}']").wait_for()
    assert [r["item_id"] for r in visit.rows()] == [first]
    press(page, "2")  # a moment later it is
    assert [(r["item_id"], r["label"]) for r in visit.rows()] == [(first, "good"), (first + 1, "bad")]


def test_a_flag_takes_a_note_and_typing_it_labels_nothing(visit):
    page, flagged = visit.page, item_on_screen(visit.page)
    page.keyboard.press("f")
    page.get_by_role("dialog").wait_for()
    page.keyboard.type("12 su")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    assert ready_item(page) == flagged
    page.wait_for_timeout(100)  # no hand is faster
    page.keyboard.press("f")  # keys are alive again without a click
    page.keyboard.type("두 편의 영화,")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("1 of 2")
    page.keyboard.press("Enter")
    page.locator(f".stage[data-item='{flagged + 1}']").wait_for()
    press(page, "1")
    first, second = visit.rows()
    assert (first["item_id"], first["action"], first["note"]) == (flagged, "flag", "두 편의 영화,\n1 of 2")
    assert (second["item_id"], second["label"]) == (flagged + 1, "good")


def test_a_doubt_is_stored_with_the_answer_and_does_not_stick(visit):
    page, doubts = visit.page, visit.page.locator(".chip.unsure").count()
    page.keyboard.press("n")
    press(page, "1")
    press(page, "1")
    assert [r["unsure"] for r in visit.rows()] == [1, 0]
    assert page.locator(".chip.unsure").count() == doubts + 1


def test_an_earlier_answer_is_changed_from_the_strip_and_work_goes_on(visit):
    page, first = visit.page, item_on_screen(visit.page)
    for _ in range(3):
        press(page, "1")
    page.locator(".chip").nth(2).click()  # the first answer
    page.locator(f".stage[data-item='{first}'][data-ready]").wait_for()
    assert "good" in page.locator(".class.current").inner_text()
    page.keyboard.press("Escape")  # only looked
    page.locator(f".stage[data-item='{first + 3}']").wait_for()
    page.locator(".chip").nth(2).click()
    page.locator(f".stage[data-item='{first}'][data-ready]").wait_for()
    page.keyboard.press("2")
    page.locator(f".stage[data-item='{first + 3}']").wait_for()
    all_saved(page)
    chips = page.locator(".chip").all_inner_texts()
    page.reload()
    ready_item(page)
    assert page.locator(".chip").all_inner_texts() == chips
    assert {r["item_id"]: r["label"] for r in visit.rows()} == {first: "bad", first + 1: "good", first + 2: "good"}


def test_undo_and_skip_also_after_a_reload(visit):
    page, first = visit.page, item_on_screen(visit.page)
    for key in "112":
        press(page, key)
    assert press(page, "u") == first + 3
    assert item_on_screen(page) == first + 2
    press(page, "s")
    all_saved(page)
    page.reload()
    assert item_on_screen(page) == first + 3
    page.keyboard.press("u")  # the skip
    page.locator(f".stage[data-item='{first + 2}']").wait_for()
    page.keyboard.press("u")
    page.locator(f".stage[data-item='{first + 1}']").wait_for()
    press(page, "2")
    assert item_on_screen(page) == first + 2
    assert [(r["item_id"], r["label"]) for r in visit.rows()] == [(first, "good"), (first + 1, "bad")]


def test_undo_leaves_the_newer_answer_of_another_tab_and_says_so(visit):
    page, first = visit.page, press(visit.page, "1")
    all_saved(page)
    with visit.project.store() as store:
        store.answers.add("kim", [Answer("in another tab", first, "label", "bad")])
    page.keyboard.press("u")
    page.get_by_text("Not taken back: you have given another answer to this item since").wait_for()
    page.locator(f".stage[data-item='{first + 1}'][data-ready]").wait_for()  # it is not asked again
    assert [(r["item_id"], r["label"]) for r in visit.rows()] == [(first, "bad")]
    assert "bad" in page.locator(".history").inner_text()


def test_a_damaged_entry_of_the_browser_harms_no_answer(visit):
    page, first = visit.page, item_on_screen(visit.page)
    outbox = f"labeler/outbox/{visit.project.uid}/kim"
    page.evaluate("name => localStorage.setItem(name, '{')", f"{outbox}/000000000000001-1")
    press(page, "1")
    assert [(r["item_id"], r["label"]) for r in visit.rows()] == [(first, "good")]
    page.reload()
    ready_item(page)
    page.get_by_role("button", name="Answers that were not stored: 1").click()
    assert "is damaged" in page.locator("dialog li").inner_text()
    page.get_by_role("button", name="Dismiss").click()
    page.locator("dialog").wait_for(state="detached")
    assert page.evaluate("() => localStorage.getItem('labeler/persistence')") == "asked"


def test_a_refused_answer_that_is_dismissed_without_network_leaves_the_leads_list_later(visit):
    page, item = visit.page, item_on_screen(visit.page)
    with visit.project.store() as store:
        store.refused.record("kim", "000000000000009-1", item, {"action": "label", "label": "odd"}, "not a class")
    page.evaluate(
        "([name, entry]) => localStorage.setItem(name, entry)",
        [f"labeler/denied/{visit.project.uid}/kim/000000000000009-1", f'{{"item_id": {item}, "action": "label"}}'],
    )
    page.reload()
    ready_item(page)
    page.route("**/api/**", lambda route: route.abort())
    page.get_by_role("button", name="Answers that were not stored: 1").click()
    page.get_by_role("button", name="Dismiss").click()
    page.locator("dialog").wait_for(state="detached")
    with visit.project.store() as store:
        assert len(store.refused.all()) == 1
        page.unroute("**/api/**")
        page.reload()
        with page.expect_response("**/kept"):
            ready_item(page)
        assert store.refused.all() == []


def test_unsent_answers_stand_in_the_strip_after_a_reload(visit):
    page, first = visit.page, item_on_screen(visit.page)
    press(page, "1")
    all_saved(page)
    page.route("**/answers", lambda route: route.abort())
    press(page, "2")
    page.locator(".status.offline").wait_for()
    chips = page.locator(".chip").all_inner_texts()
    assert chips[:2] == ["bad", "good"]
    page.reload()
    page.locator(".chip").nth(1).wait_for()
    assert page.locator(".chip").all_inner_texts() == chips
    assert page.locator(".chip.waiting").all_inner_texts() == ["bad"]
    page.unroute("**/answers")
    all_saved(page)
    assert page.locator(".chip").all_inner_texts() == chips
    assert page.locator(".chip.waiting").count() == 0
    assert [(r["item_id"], r["label"]) for r in visit.rows()] == [(first, "good"), (first + 1, "bad")]


def test_keys_of_the_hangul_layout_are_those_of_their_place(visit):
    page, first = visit.page, item_on_screen(visit.page)
    jamo = "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'ㄴ', code: 'KeyS', bubbles: true, ...%s}))"
    page.evaluate(jamo % "{isComposing: true}")
    assert item_on_screen(page) == first
    page.evaluate(jamo % "{}")
    page.locator(f".stage[data-item='{first + 1}']").wait_for()
    assert [(r["item_id"], r["action"]) for r in visit.rows()] == [(first, "skip")]


def test_typing_beside_the_desk_ends_with_enter_and_keys_label_again(visit):
    page = visit.page
    field = page.get_by_role("textbox", name="Working as")
    field.click()
    page.keyboard.type("1")
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)  # Streamlit may draw the page anew
    page.locator("[data-test-script-state=notRunning]").wait_for()
    press(page, "1")
    assert len(visit.rows()) == 1


FOCUSED = """() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    return element?.innerText ?? '';
}"""


def test_the_desk_works_without_a_mouse(visit):
    page = visit.page
    for _ in range(60):
        page.keyboard.press("Tab")
        if "bad" in page.evaluate(FOCUSED):
            break
    before = item_on_screen(page)
    page.keyboard.press("Enter")  # the focused button, as everywhere
    page.locator(f".stage:not([data-item='{before}'])").wait_for()
    assert [r["label"] for r in visit.rows()] == ["bad"]


def test_a_page_that_another_site_opens_cannot_answer(visit):
    status = visit.page.evaluate(
        """address => fetch(address, {method: 'POST', credentials: 'include', body: JSON.stringify(
            {tab: 't', answers: [{request_id: 'x', item_id: 1, action: 'label', label: 'good'}]})})
            .then(r => r.status)""",
        api("answers"),
    )
    assert status == 401
    assert visit.rows() == []


def test_a_page_closed_between_key_and_receipt_has_its_answer_stored_once(visit):
    page, first, address = visit.page, item_on_screen(visit.page), visit.page.url
    taken = []
    page.route("**/answers", lambda route: taken.append(route.fetch().json()["receipts"]))  # the receipt stays away
    page.keyboard.press("1")
    page.locator(f".stage[data-item='{first + 1}']").wait_for()
    for _ in range(1000):  # the loop of a Playwright page turns only while it is waited in
        if taken:
            break
        page.wait_for_timeout(50)
    assert [receipt["ok"] for receipt in taken[0]] == [True]
    page.goto("about:blank")
    page.unroute("**/answers")
    page.goto(address)
    ready_item(page)
    assert [(r["item_id"], r["label"]) for r in visit.rows()] == [(first, "good")]
    with visit.project.store() as store:
        stored = store.db.rows("SELECT request_id FROM annotations WHERE item_id = ?", [first])
    assert len(stored) == 1
