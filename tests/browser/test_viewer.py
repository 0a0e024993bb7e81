"""Seeing well: large images and stacks, by fingers, and on the page of reviews."""

from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from labeler.core.items import Answer
from labeler.core.settings import LabelingConfig, QueryConfig
from labeler.files.sources import SourceColumns
from labeler.projects import project as projects
from labeler.projects.importer import import_source
from tests.support.desk import item_on_screen
from tests.support.fill import rank
from tests.support.samples import text_config
from tests.support.scan_files import write_dicom
from tests.support.server import wait_for
from tests.support.viewer import grey_of, turned, zoom

pytestmark = pytest.mark.browser

SHOWN = LabelingConfig(show_columns=("ward",))
NO_ROUND = QueryConfig(seed_size=1000, batch=1000)
LARGE = (4600, 3450)  # pixels: two levels of tiles, the lower one of 9 by 7


@pytest.fixture
def scans(server, own_home, tmp_path, request):
    """A photograph, of the size that the test asks for or a small one, then two scans of 16 bit."""
    folder = tmp_path / "in"
    folder.mkdir()
    noise = Image.effect_noise((460, 345), 90).convert("RGB")
    photograph = noise.resize(getattr(request, "param", (920, 690)), Image.Resampling.NEAREST)
    photograph.save(folder / "a.png", compress_level=1)
    values = (np.arange(400 * 300).reshape(300, 400) // 2).astype(np.uint16)
    for name in ("b", "c"):
        Image.fromarray(values + ord(name)).save(folder / f"{name}.png")
    (folder / "t.csv").write_text("file,ward\na.png,<b>3</b>\nb.png,4\nc.png,5\n")
    project = projects.create(own_home / "scans", text_config(modality="image", query=NO_ROUND, labeling=SHOWN))
    import_source(project, folder / "t.csv", SourceColumns(image="file"), asks_round=False)
    with project.store() as store:
        store.db.execute("UPDATE items SET split = 'pool'")
        store.db.connection.commit()
        rank(store, [1, 2, 3])
    return server


@pytest.mark.parametrize("scans", [LARGE], indirect=True, ids=["16 megapixels"])
def test_a_large_picture_is_shown_whole_and_closer_by_tiles(scans, open_page):
    page = open_page(f"{scans.url}/?annotator=kim")
    assert item_on_screen(page) == 1
    whole = zoom(page)
    box = page.locator(".viewport").bounding_box()
    assert whole == pytest.approx(min(box["width"] / LARGE[0], box["height"] / LARGE[1]), rel=0.01)
    assert page.locator(".plane .image").evaluate("image => [image.naturalWidth, image.complete]") == [2048, True]
    assert page.locator(".tile").count() == 0  # the picture shows all that the screen can

    page.keyboard.press(".")
    assert zoom(page) == 1
    page.locator(".tile[data-tile^='0/']").first.wait_for()
    page.wait_for_function(
        """() => [...document.querySelectorAll('*')].map((host) => host.shadowRoot?.querySelector('.viewport'))
            .filter(Boolean).every((viewport) => {
                const box = viewport.getBoundingClientRect();
                const tiles = [...viewport.querySelectorAll('.tile')].map((tile) => tile.getBoundingClientRect());
                const covers = (x, y) => tiles.some((t) => t.left <= x && x <= t.right && t.top <= y && y <= t.bottom);
                return [0.02, 0.5, 0.98].every((across) => [0.02, 0.5, 0.98].every((down) =>
                    covers(box.left + across * box.width, box.top + down * box.height)));
            })"""
    )
    assert page.locator(".tile").count() < 30  # those that are visible, not the 63 that there are
    middle = page.locator(".plane").get_attribute("style")
    page.keyboard.press("ArrowRight")
    assert page.locator(".plane").get_attribute("style") != middle

    page.keyboard.press(",")
    assert turned(page) == "rotate(90deg)"
    page.keyboard.press("Home")
    assert turned(page) == "rotate(0deg)"
    assert zoom(page) == whole
    for key in "++":
        page.keyboard.press(key)
    assert zoom(page) == pytest.approx(whole * 1.25**2, rel=1e-2)
    page.keyboard.press("-")
    page.locator(".viewport").dblclick()
    assert zoom(page) == whole
    page.locator(".viewport").hover()
    page.mouse.wheel(0, -200)
    page.wait_for_function(
        """whole => [...document.querySelectorAll('*')].some((host) =>
            Number(host.shadowRoot?.querySelector('.viewport')?.dataset.zoom) > 1.2 * whole)""",
        arg=whole,
    )

    page.keyboard.press("'")
    assert page.locator(".details").inner_text().split("\n")[-1] == "<b>3</b>"  # as text, never as HTML
    assert item_on_screen(page) == 1  # and nothing of all that was an answer


def test_two_fingers_zoom_and_one_moves(scans, open_page):
    page = open_page(f"{scans.url}/?annotator=kim", has_touch=True)
    assert item_on_screen(page) == 1
    whole = zoom(page)
    page.get_by_role("button", name="Zoom in").tap()
    wait_for(lambda: zoom(page) > whole)
    page.get_by_role("button", name="Reset the view").tap()
    wait_for(lambda: zoom(page) == whole)
    box = page.locator(".viewport").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x + right, "y": y + down, "id": n} for n, (right, down) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", (-40, 0), (40, 0))
    for apart in (60, 90, 120):
        fingers("touchMove", (-apart, 0), (apart, 0))
    fingers("touchEnd")
    assert zoom(page) == pytest.approx(3 * whole, rel=0.05)
    before = page.locator(".plane").get_attribute("style")
    fingers("touchStart", (0, 0))
    fingers("touchMove", (50, 30))
    fingers("touchEnd")
    assert page.locator(".plane").get_attribute("style") != before
    assert zoom(page) == pytest.approx(3 * whole, rel=0.05)


def test_review_has_the_viewer_of_the_desk(scans, open_page, own_home):
    project = projects.open_project(own_home / "scans")
    with project.store() as store:
        store.answers.add("ann", [Answer("f", 1, "flag", note="blurred")])
    page = open_page(f"{scans.url}/review?project=scans&annotator=lead")
    before = zoom(page)
    page.keyboard.press("+")
    wait_for(lambda: zoom(page) > before)
    page.keyboard.press(",")
    assert turned(page) == "rotate(90deg)"
    page.keyboard.press(";")
    page.locator(".full-screen").wait_for()
    page.keyboard.press("Escape")
    page.locator(".full-screen").wait_for(state="detached")


def test_the_slices_of_a_stack_are_scrolled(server, own_home, tmp_path, open_page):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(9):
        values = np.full((64, 64), 100 * number, dtype=np.int16)
        place: dict[str, Any] = {"ImagePositionPatient": [0, 0, number], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        drawn = {"SeriesInstanceUID": "1.2.3", "Modality": "CT", "WindowCenter": 400, "WindowWidth": 800}
        write_dicom(folder / f"{number}.dcm", values, **(place | drawn))
    project = projects.create(own_home / "stacks", text_config(modality="image", query=NO_ROUND))
    import_source(project, folder, asks_round=False)
    with project.store() as store:
        store.db.execute("UPDATE items SET split = 'pool'")
        store.db.connection.commit()
        rank(store, [1])
    page = open_page(f"{server.url}/?annotator=kim")
    item_on_screen(page)
    slider, said = page.get_by_label("Slice", exact=True), page.locator(".slices span")
    assert said.inner_text() == "Slice 5 of 9"
    middle = grey_of(page)
    page.keyboard.press("PageDown")
    page.mouse.move(*_middle_of(page))
    page.mouse.wheel(0, 80)  # two slices further
    assert said.inner_text() == "Slice 8 of 9"
    wait_for(lambda: grey_of(page) > middle + 80)
    zoomed = zoom(page)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    assert zoom(page) > zoomed
    assert said.inner_text() == "Slice 8 of 9"
    slider.fill("1")
    assert said.inner_text() == "Slice 1 of 9"
    wait_for(lambda: grey_of(page) < middle - 80)


def _middle_of(page: Page) -> tuple[float, float]:
    box = page.locator(".viewport").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
