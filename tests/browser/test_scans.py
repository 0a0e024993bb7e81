"""Scans on the desk: brightness, the whole screen, the latest answers. The tests of this file share one visit."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Route

from labeler.core.settings import LabelingConfig, QueryConfig
from labeler.files.sources import SourceColumns
from labeler.projects import project as projects
from labeler.projects.importer import import_source
from tests.support.desk import all_saved, item_on_screen, press, ready_item
from tests.support.fill import rank
from tests.support.samples import text_config
from tests.support.server import Server
from tests.support.viewer import grey_of

pytestmark = pytest.mark.browser

WINDOWED = re.compile(r"/media/\d+/\w+\?.*low=")  # a scan that is asked for through a window of its own
PHOTOGRAPH = 1  # the first item; all others are scans


@pytest.fixture(scope="module")
def own_home(kept_home: Path) -> Path:
    return kept_home


@pytest.fixture(scope="module")
def desk(
    own_home: Path, shared_server: Server, open_kept: Callable[..., Page], tmp_path_factory: pytest.TempPathFactory
) -> Page:
    """The desk with a photograph, then nine scans of 16 bit."""
    folder = tmp_path_factory.mktemp("in")
    Image.effect_noise((460, 345), 90).convert("RGB").save(folder / "a.png")
    values = (np.arange(400 * 300).reshape(300, 400) // 2).astype(np.uint16)
    names = "bcdefghij"
    for name in names:
        Image.fromarray(values + ord(name)).save(folder / f"{name}.png")
    (folder / "t.csv").write_text("file,ward\na.png,3\n" + "".join(f"{name}.png,4\n" for name in names))
    quiet, shown = QueryConfig(seed_size=1000, batch=1000), LabelingConfig(show_columns=("ward",))
    # a name of its own: the browser keeps the pictures of a project by their addresses
    project = projects.create(own_home / "wards", text_config(modality="image", query=quiet, labeling=shown))
    import_source(project, folder / "t.csv", SourceColumns(image="file"), asks_round=False)
    with project.store() as store:
        store.db.execute("UPDATE items SET split = 'pool'")
        store.db.connection.commit()
        rank(store, list(range(1, 11)))
    return open_kept(f"{shared_server.url}/?annotator=kim")


@pytest.fixture
def page(desk: Page) -> Page:
    """The desk with an item on screen that can be answered."""
    ready_item(desk)
    return desk


def test_escape_closes_what_was_opened_last_and_the_whole_screen_in_its_turn(page):
    whole, details, why = page.locator(".full-screen"), page.locator(".details"), page.locator(".why-panel")
    page.keyboard.press("'")
    page.keyboard.press(";")
    page.keyboard.press("w")
    why.wait_for()
    assert (whole.count(), details.count()) == (1, 1)
    assert page.locator(".full-screen .class").first.is_visible()  # classes are answered there as well
    page.keyboard.press("Escape")
    why.wait_for(state="hidden")
    assert (whole.count(), details.count()) == (1, 1)
    page.keyboard.press("Escape")
    whole.wait_for(state="detached")
    assert details.count() == 1
    page.keyboard.press("Escape")
    details.wait_for(state="detached")


def test_the_window_of_a_scan_changes_what_is_drawn_and_stays(page):
    if item_on_screen(page) == PHOTOGRAPH:
        press(page, "1")
    scan = ready_item(page)
    before = grey_of(page)
    assert before == pytest.approx(127.5, abs=4)
    held: list[Route] = []  # what the server draws comes once the filter has been looked at
    page.route(WINDOWED, lambda route: held.append(route))
    for _ in range(4):
        page.keyboard.press("]")  # brighter: shown at once by a filter, then drawn by the server
    assert page.locator(".plane").evaluate("plane => plane.style.filter") != "none"
    for route in held:
        route.continue_()
    page.unroute(WINDOWED)
    page.wait_for_function(
        """() => [...document.querySelectorAll('*')].some((host) =>
            host.shadowRoot?.querySelector('.plane')?.style.filter === 'none')"""
    )
    brighter = grey_of(page)
    assert brighter > before + 20
    page.keyboard.press("\\")
    page.keyboard.press("#")
    page.keyboard.press("+")

    assert press(page, "1") == scan  # the next one: as bright, inverted and with a grid, but whole again
    assert grey_of(page) == pytest.approx(brighter, abs=4)
    assert page.locator(".plane").evaluate("plane => plane.style.filter") == "invert(1)"
    assert page.locator(".grid").count() == 1
    assert page.locator(".viewport.closer").count() == 0

    page.get_by_role("button", name="Brightness and contrast").click()
    page.get_by_role("button", name="Full range").click()
    page.get_by_role("button", name="Reset the view").click()
    page.wait_for_function(
        """() => [...document.querySelectorAll('*')].some((host) =>
            host.shadowRoot?.querySelector('.plane')?.style.filter === 'none')"""
    )
    assert grey_of(page) == pytest.approx(before, abs=4)


def test_the_latest_answers_have_small_pictures_also_after_a_reload(page):
    press(page, "1")
    press(page, "2")
    page.locator(".history .thumbnail canvas").nth(1).wait_for()
    all_saved(page)
    page.reload()
    page.locator(".history .thumbnail canvas").nth(1).wait_for()
    drawn = (
        page.locator(".history .thumbnail canvas")
        .nth(1)
        .evaluate("canvas => new Set(canvas.getContext('2d').getImageData(0, 0, 64, 64).data).size")
    )
    assert drawn > 20  # the pixels of the picture itself
