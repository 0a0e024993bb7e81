"""What a newcomer does in the browser: the name is asked once, labels are taken out, a project is put away."""

import pandas as pd
import pytest

from labeler.core.items import Answer, NewItem
from labeler.core.settings import QueryConfig
from labeler.projects import project as projects
from tests.support.desk import all_saved, press
from tests.support.samples import text_config

pytestmark = pytest.mark.browser


@pytest.fixture
def served(server, own_home):
    project = projects.create(own_home / "reviews", text_config(query=QueryConfig(seed_size=1000, batch=1000)))
    with project.store() as store:
        store.items.add([NewItem(f"{i:032x}", f"row {i}", text=f"sentence {i}", split="pool") for i in range(30)])
        store.answers.add("lee", [Answer("a", 30, "label", "bad")])
    return project


def test_the_name_is_asked_once_in_a_browser(server, served, open_page):
    page = open_page(server.url)
    name = page.get_by_role("textbox", name="Your name")
    name.wait_for()
    name.fill("김지수")
    page.get_by_role("button", name="Start labeling").click()
    press(page, "1")
    all_saved(page)
    again = page.context.new_page()  # another tab, whose address names nobody
    again.set_default_timeout(30_000)
    again.goto(server.url)
    press(again, "2")
    all_saved(again)
    with served.store() as store:
        assert [(row["annotator"], row["label"]) for row in store.answers.export()] == [
            ("lee", "bad"),
            ("김지수", "good"),
            ("김지수", "bad"),
        ]


def test_the_lead_takes_the_labels_out(server, served, open_page, tmp_path):
    page = open_page(f"{server.url}/project?annotator=lead", accept_downloads=True)
    page.locator("summary").get_by_text("Take the labels out").click()
    page.get_by_text("Excel").click()
    page.get_by_text("times are in UTC").wait_for()
    with page.expect_download() as download:
        page.get_by_test_id("stDownloadButton").get_by_role("button").click()
    assert download.value.suggested_filename.startswith("reviews-items-")
    download.value.save_as(tmp_path / "labels.xlsx")
    frame = pd.read_excel(tmp_path / "labels.xlsx")
    assert len(frame) == 30
    assert frame["label"].fillna("").tolist() == [""] * 29 + ["bad"]


def test_a_project_is_archived_and_brought_back(server, served, open_page):
    page = open_page(f"{server.url}/project?annotator=lead")
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()  # what is typed is lost meanwhile
    page.get_by_text("Rename, archive or delete the project").click()
    field = page.get_by_role("textbox", name="To confirm, type the project's name").first
    field.fill("Reviews")
    field.press("Enter")
    page.get_by_role("button", name="Archive the project").click()
    page.get_by_role("heading", name="Create a project").wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()  # a click is lost meanwhile
    page.get_by_text("Archived and deleted projects").click()
    page.get_by_role("button", name="Bring back").click()
    page.get_by_role("heading", name="Reviews").wait_for()
    assert projects.in_home(served.folder.parent) == [served.folder]
