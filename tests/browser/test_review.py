"""A lead reviews labels in a browser: filters, decides by key, takes a decision back."""

import pytest

from labeler.core.items import Answer, NewItem
from labeler.core.settings import ClassDetail, QueryConfig
from labeler.projects import project as projects
from tests.support.desk import press_late
from tests.support.samples import text_config
from tests.support.server import wait_for

pytestmark = pytest.mark.browser


@pytest.fixture
def filled(own_home, request):
    """Items 1 to 4 were answered otherwise by two people, 5 was flagged, 6 is unsure.

    It has a name of its own: the page keeps the queue of a folder and its settings.
    """
    quiet = QueryConfig(seed_size=1000, batch=1000)
    name, details = request.node.name, {"bad": ClassDetail(key="q")}
    project = projects.create(own_home / "reviews", text_config(name=name, query=quiet, class_details=details))
    with project.store() as store:
        store.items.add([NewItem(f"{i:032x}", f"row {i}", text=f"sentence {i}", split="pool") for i in range(1, 9)])
        for item in range(1, 5):
            for who, label in (("ann", "good"), ("bob", "bad")):
                store.answers.add(who, [Answer(f"{who}{item}", item, "label", label)])
        store.answers.add("ann", [Answer("f", 5, "flag", note="not a sentence")])
        store.answers.add("ann", [Answer("u", 6, "label", "good", unsure=True)])
    return project


def decisions(project) -> list[tuple]:
    with project.store() as store:
        return [(d["item_id"], d["by"], d["label"], d["undone"]) for d in store.decisions.latest()]


def shows(page, item: int) -> None:
    """Wait until this item is there, and for so long that it has been seen."""
    page.get_by_text(f"sentence {item}", exact=True).wait_for()
    page.locator(f".st-key-review-{item}-next").wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_timeout(500)


def test_filter_decide_by_key_and_undo(server, open_page, filled):
    page = open_page(f"{server.url}/review?project=reviews&annotator=lead")
    shows(page, 5)  # without a label it comes first
    page.get_by_text("not a sentence").wait_for()
    page.get_by_text("disagreement · 4").click()
    shows(page, 1)
    page.keyboard.press("q")
    shows(page, 2)
    assert decisions(filled) == [(1, "lead", "bad", 0)]
    page.keyboard.press("1")
    shows(page, 3)
    assert decisions(filled)[0] == (2, "lead", "good", 0)
    page.keyboard.press("u")
    shows(page, 2)
    assert decisions(filled)[0] == (2, "lead", "good", 1)
    page.keyboard.press("ArrowRight")
    shows(page, 3)
    page.keyboard.press("ArrowLeft")
    shows(page, 2)
    page.get_by_role("button", name="Last decisions").or_(page.get_by_text("Last decisions")).first.click()
    page.wait_for_timeout(500)  # while it opens, its buttons move
    page.locator("[class*=st-key-review-undo-]").get_by_role("button", name="Undo").click()
    shows(page, 1)
    assert decisions(filled)[-1] == (1, "lead", "bad", 1)
    with filled.store() as store:
        assert store.decisions.count() == 0


def test_a_double_press_does_not_decide_about_the_next_item(server, open_page, filled):
    page = open_page(f"{server.url}/review?project=reviews&annotator=lead")
    shows(page, 5)
    page.keyboard.press("1")
    page.keyboard.press("1")
    wait_for(lambda: decisions(filled))
    shows(page, 1)
    assert [d[0] for d in decisions(filled)] == [5]


def test_a_press_that_a_busy_browser_tells_late_decides_about_no_item_that_came_after_it(server, open_page, filled):
    page = open_page(f"{server.url}/review?project=reviews&annotator=lead")
    shows(page, 5)
    press_late(page, "1", ms=60_000)  # before the page was there
    page.wait_for_timeout(1000)
    assert decisions(filled) == []
    buttons = page.locator(".st-key-deciders-5")
    buttons.evaluate("e => e.classList.replace('st-key-deciders-5', 'st-key-deciders-1')")
    for press in (lambda: page.keyboard.press("1"), lambda: buttons_of(page, 1).first.click()):
        press()  # the next item's buttons are there before it is
        page.wait_for_timeout(1000)
        assert decisions(filled) == []
    page.locator(".st-key-deciders-1").evaluate("e => e.classList.replace('st-key-deciders-1', 'st-key-deciders-5')")
    page.keyboard.press("1")
    wait_for(lambda: decisions(filled))
    shows(page, 1)
    buttons_of(page, 1).first.click()
    wait_for(lambda: len(decisions(filled)) == 2)
    assert [d[0] for d in decisions(filled)] == [1, 5]


def buttons_of(page, item: int):
    return page.locator(f".st-key-deciders-{item} button")
