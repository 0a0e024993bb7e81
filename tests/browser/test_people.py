"""Many at once: ten annotators whose server is shot again and again, and everybody's eyes."""

import time

import pytest

from labeler.core.items import NewItem
from labeler.core.settings import ClassDetail, LabelingConfig, QueryConfig
from labeler.projects import guidelines
from labeler.projects import project as projects
from tests.support.accessibility import COLOURS, go_dark, lasting_violations
from tests.support.desk import all_saved, press, ready_item
from tests.support.samples import text_config
from tests.support.server import wait_for

pytestmark = pytest.mark.browser
DESK = "[data-testid=stBidiComponentIsolated]"
ANNOTATORS = [f"annotator {i}" for i in range(10)]


def make(own_home, **changes):
    quiet = QueryConfig(seed_size=1000, batch=1000)
    project = projects.create(own_home / "reviews", text_config(query=quiet, **changes))
    with project.store() as store:
        store.items.add([NewItem(f"{i:032x}", f"row {i}", text=f"sentence {i}", split="pool") for i in range(400)])
    return project


@pytest.mark.thorough
def test_ten_annotators_lose_nothing_while_the_server_is_gone(server, own_home, open_page):
    project = make(own_home)
    pages = {name: open_page(f"{server.url}/?annotator={name}") for name in ANNOTATORS}
    given: dict[str, list[int]] = {name: [press(page, "1")] for name, page in pages.items()}
    for page in pages.values():
        all_saved(page)
    end = time.monotonic() + 10  # for so long every new server is shot as soon as it is there
    while time.monotonic() < end:
        server.kill_app(if_there=True)
        for name, page in pages.items():
            if len(given[name]) < 8:
                given[name].append(press(page, "2"))
    wait_for(server.answers)
    for page in pages.values():
        all_saved(page)
    with project.store() as store:
        stored = [(r["annotator"], r["item_id"]) for r in store.answers.export()]
        kept = store.db.value("SELECT COUNT(*) FROM annotations")
    expected = [(name, item) for name, items in given.items() for item in items]
    assert sorted(stored) == sorted(expected)
    assert kept == len(expected)  # not one was stored twice, superseding itself
    assert len({item for _, item in expected}) == len(expected)  # and nobody shared an item


def violations_in_both_schemes(page) -> list[str]:
    """What axe finds in the desk (and not in Streamlit's own frame around it), light and then dark."""
    page.emulate_media(color_scheme="light")
    light = lasting_violations(page, within=DESK)
    go_dark(page)
    return light + lasting_violations(page, COLOURS, within=DESK)


def test_axe_finds_nothing_serious(server, own_home, open_page):
    details = {
        "good": ClassDetail(colour="#1f77b4", description="Praise.", group="opinion"),
        "bad": ClassDetail(colour="#d62728", group="opinion"),
    }
    project = make(own_home, class_details=details, labeling=LabelingConfig(grid=True))
    guidelines.write(project, "# Rules\n\nRead [all](https://example.org) of it.")
    page = open_page(f"{server.url}/?annotator=kim")
    page.get_by_role("complementary", name="Guidelines").get_by_text("Rules").wait_for()
    assert violations_in_both_schemes(page) == []
    page.keyboard.press("Escape")
    press(page, "1")
    ready_item(page)
    assert violations_in_both_schemes(page) == []
    page.keyboard.press("f")
    page.get_by_role("dialog").wait_for()
    assert violations_in_both_schemes(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Break").click()
    page.get_by_text("Taking a break").wait_for()
    assert violations_in_both_schemes(page) == []
