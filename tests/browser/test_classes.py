"""The classes change while people label: open desks hear of it, and no answer is lost."""

import pytest

from labeler.core.class_changes import ClassChange
from labeler.core.items import NewItem
from labeler.core.settings import QueryConfig
from labeler.cycle.class_changes import change_classes
from labeler.projects import project as projects
from tests.support.desk import all_saved, press, ready_item
from tests.support.samples import text_config
from tests.support.server import wait_for

pytestmark = pytest.mark.browser


@pytest.fixture
def served(server, own_home):
    project = projects.create(own_home / "reviews", text_config(query=QueryConfig(seed_size=1000, batch=1000)))
    with project.store() as store:
        store.items.add([NewItem(f"{i:032x}", f"row {i}", text=f"sentence {i}", split="pool") for i in range(30)])
    return project


def answers(project) -> dict[int, str | None]:
    with project.store() as store:
        return {row["item_id"]: row["label"] for row in store.answers.export()}


def test_answers_that_wait_while_the_classes_change_are_stored_under_the_new_names(server, served, open_page):
    page = open_page(f"{server.url}/?annotator=kim")
    page.route("**/answers", lambda route: route.abort())
    press(page, "1")
    press(page, "2")
    project, _ = change_classes(served, ClassChange("rename", ("good",), ("positive",)), "lead")
    project, _ = change_classes(project, ClassChange("split", ("bad",), ("dull", "ugly")), "lead")
    page.locator(".class", has_text="ugly").wait_for(timeout=10_000)
    page.unroute("**/answers")
    all_saved(page)
    assert answers(project) == {1: "positive", 2: None}


def test_the_leads_reason_for_stopping_reaches_an_open_desk(server, served, open_page):
    page = open_page(f"{server.url}/?annotator=kim")
    ready_item(page)
    page.wait_for_timeout(3000)  # the desk has heard once that labeling goes on
    with served.store() as store:
        store.stops.stop("lead", "The scanner was replaced.")
    page.get_by_text("lead: “The scanner was replaced.”").wait_for(timeout=10_000)
    with served.store() as store:
        store.stops.lift("lead")
    ready_item(page)


def test_the_lead_renames_a_class_and_an_open_desk_hears_of_it_and_keeps_its_item(server, served, open_page):
    desk = open_page(f"{server.url}/?annotator=kim")
    press(desk, "1")
    all_saved(desk)
    before = ready_item(desk)
    page = open_page(f"{server.url}/project?annotator=lead")
    page.get_by_text("Change the classes").first.click()
    page.get_by_role("radio", name="Rename").click()
    which = page.get_by_role("combobox", name="Class", exact=True)
    which.wait_for()
    page.locator("[data-test-script-state=notRunning]").wait_for()
    good = page.get_by_role("option", name="good")

    def is_open() -> bool:
        if not good.is_visible():  # Streamlit closes a list at the edge of the window, and when the page is drawn again
            which.evaluate("field => field.scrollIntoView({block: 'center'})")
            which.click()
            page.wait_for_timeout(300)
        return good.is_visible()

    wait_for(is_open)
    good.click()
    page.get_by_role("textbox", name="New name").fill("positive")
    page.keyboard.press("Enter")
    page.get_by_text("The classes are then: positive, bad.").wait_for()
    page.get_by_text("The label of 1 item changes (1 in the pool, 0 in the holdout).").wait_for()
    page.get_by_role("button", name="Change the classes now").click()
    page.get_by_text("Changes so far").wait_for()
    assert answers(projects.open_project(served.folder)) == {1: "positive"}
    desk.locator(".class", has_text="positive").wait_for()
    desk.get_by_text("The classes have changed: they are now positive, bad.").wait_for()
    assert ready_item(desk) == before
    desk.locator(".chip", has_text="positive").wait_for()  # the earlier answer as it reads now
    press(desk, "1")
    all_saved(desk)
    assert answers(projects.open_project(served.folder)) == {1: "positive", 2: "positive"}
