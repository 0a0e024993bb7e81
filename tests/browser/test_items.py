"""A lead searches the items, labels one by hand, and has others asked next: an open desk shows them after its own."""

import numpy as np
import pytest

from labeler.core.items import NewItem
from labeler.core.settings import QueryConfig
from labeler.jobs.maps import state_of
from labeler.projects import pool_map
from labeler.projects import project as projects
from labeler.projects.pool_map import PoolMap
from tests.support.desk import all_saved, press, ready_item
from tests.support.fill import rank
from tests.support.samples import text_config
from tests.support.server import wait_for

pytestmark = pytest.mark.browser


@pytest.fixture
def letters(own_home, request):
    """Forty letters; every eighth asks for a refund, and these lie in the upper right corner of the map."""
    quiet = QueryConfig(seed_size=1000, batch=1000)
    project = projects.create(own_home / "letters", text_config(name=request.node.name, query=quiet))
    texts = [f"환불 부탁드립니다 {i}" if i % 8 == 0 else f"letter {i}" for i in range(1, 41)]
    with project.store() as store:
        store.items.add([NewItem(f"{i:032x}", f"row {i}", text, split="pool") for i, text in enumerate(texts, 1)])
        rank(store, list(range(1, 41)))
        store.db.execute("DELETE FROM jobs WHERE state <> 'done'")
        store.db.connection.commit()
        store.maps.request(state_of(store), "lead")  # no other map is asked for while the test runs
        store.maps.finish(store.maps.claim().id, {})
    ids = np.arange(1, 41)
    corner = np.stack([np.where(ids % 8, 0.1, 0.9), np.where(ids % 8, 0.1, 0.9)], axis=1)
    pool_map.keep(project, PoolMap(ids, corner, 40, "key"))
    return project


def shows(page, text: str) -> None:
    """Wait until this is there, and the page is drawn: a click meets no button of the drawing before."""
    page.get_by_text(text).first.wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_timeout(300)


def test_search_open_label_by_hand_and_ask_next(server, open_page, letters):
    desk = open_page(f"{server.url}/?project=letters&annotator=ann")
    assert ready_item(desk) == 1
    page = open_page(f"{server.url}/items?project=letters&annotator=lead")
    search = page.get_by_label("Search in texts and names")
    search.fill("환불")
    search.press("Enter")
    shows(page, "5 items · search: 환불")

    page.get_by_role("button", name="Item 16").click()
    shows(page, "2 of 5")
    shows(page, "환불 부탁드립니다 16")
    page.keyboard.press("2")  # the key of the class bad
    shows(page, "chosen by hand")
    with letters.store() as store:
        assert (store.items.labels(), store.items.chosen_by_hand()) == ({16: "bad"}, {16})

    page.get_by_role("button", name="Back to the list").click()
    shows(page, "5 items · search: 환불")
    page.get_by_role("button", name="Ask next").click()
    shows(page, "4 items wait to be asked next")

    def asked(n: int) -> bool:
        with letters.store() as store:
            return sum(reserved.first for reserved in store.desk.reserve("ann", tab, 0)) == n

    with letters.store() as store:
        tab = store.db.value("SELECT tab FROM reservations WHERE annotator = 'ann' LIMIT 1")
    wait_for(lambda: asked(4))  # without a click at the desk
    desk.wait_for_timeout(500)
    assert press(desk, "1") == 1  # what was on screen stays
    assert [press(desk, "1") for _ in range(4)] == [8, 24, 32, 40]
    assert ready_item(desk) == 2
    all_saved(desk)
    with letters.store() as store:
        chosen = {row["item_id"]: row["chosen"] for row in store.answers.export()}
    assert chosen == {16: "hand", 1: None, 8: "next", 24: "next", 32: "next", 40: "next"}


def test_a_region_of_the_map_is_selected_by_a_drag(server, open_page, letters):
    page = open_page(f"{server.url}/items?project=letters&annotator=lead")
    page.get_by_text("Map", exact=True).click()
    shows(page, "40 items: no label: 40")
    canvas = page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.97 * box["width"], box["y"] + 0.08 * box["height"], steps=5)
    page.mouse.up()
    shows(page, "5 items: no label: 5")
    page.get_by_role("button", name="Ask next").click()
    shows(page, "5 items wait to be asked next")
    with letters.store() as store:
        (selection,) = store.asked_next.waiting()
    assert str(selection.what) == "all items · a region of the map"
