"""A project that is made anew under the same name: no old picture, no old answer; what is not sent is kept and said."""

import json
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page

from labeler.access.signing_keys import FILE
from labeler.core.settings import QueryConfig
from labeler.projects import project as projects
from labeler.projects.importer import import_source
from labeler.projects.project import Project
from tests.support.desk import all_saved, press, ready_item
from tests.support.samples import text_config
from tests.support.server import wait_for

pytestmark = pytest.mark.browser

RED, BLUE = (200, 0, 0), (0, 0, 200)


def made(home: Path, folder: Path, colour: tuple[int, int, int]) -> Project:
    """A project of four images of one colour, in the folder `scans`."""
    quiet = QueryConfig(seed_size=1000, batch=1000)
    project = projects.create(home / "scans", text_config(name="Scans", modality="image", query=quiet))
    folder.mkdir()
    for i in range(4):
        Image.new("RGB", (64, 64), (*colour[:1], 10 * i, *colour[2:])).save(folder / f"{i}.png")
    import_source(project, folder, asks_round=False)
    with project.store() as store:
        store.db.execute("UPDATE items SET split = 'pool'")
        store.db.connection.commit()
    return project


def colour_of(page: Page) -> list[int]:
    """Red and blue of the picture on screen."""
    return page.locator(".plane img.image").evaluate(
        """image => {
            const canvas = document.createElement('canvas');
            canvas.width = canvas.height = 1;
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            const [red, , blue] = context.getImageData(0, 0, 1, 1).data;
            return [red, blue];
        }"""
    )


def stored(project: Project) -> list[tuple[int, str]]:
    with project.store() as store:
        return [(row["item_id"], row["label"]) for row in store.answers.export()]


def refused_of(project: Project) -> list[str]:
    with project.store() as store:
        return [refused.request_id for refused in store.refused.all()]


def test_a_project_made_anew_gets_nothing_of_the_one_before(server, own_home, open_page, tmp_path):
    before = made(own_home, tmp_path / "red", RED)
    page = open_page(f"{server.url}/?annotator=kim")
    ready_item(page)
    assert colour_of(page) == [RED[0], RED[2]]
    page.route("**/answers", lambda route: route.abort())
    late = press(page, "1")
    page.locator(".status.offline").wait_for()

    before.folder.rename(tmp_path / "away")
    anew = made(own_home, tmp_path / "blue", BLUE)
    page.unroute("**/answers")
    page.goto(f"{server.url}/?annotator=kim")
    ready_item(page)
    assert colour_of(page) == [BLUE[0], BLUE[2]]
    page.get_by_role("button", name="Answers that were not stored: 1").click()
    row = page.locator("dialog li")
    assert f"Item {late}: good" in row.inner_text()
    assert "It was never sent: the project “Scans” is not here any more." in row.inner_text()
    page.get_by_role("button", name="Dismiss").click()
    page.locator("dialog").wait_for(state="detached")
    assert page.get_by_role("button", name="Answers that were not stored").count() == 0
    all_saved(page)
    assert stored(anew) == []

    refused = {"item_id": 1, "action": "label", "label": "no class", "request_id": "000000000000001-000000-1"}
    page.evaluate(
        "entry => localStorage.setItem(...entry)",
        [f"labeler/outbox/{anew.uid}/kim/{refused['request_id']}", json.dumps(refused)],
    )
    given = press(page, "1")
    all_saved(page)
    assert stored(anew) == [(given, "good")]  # what is refused holds up no other answer
    page.get_by_role("button", name="Answers that were not stored: 1").click()
    assert "is not a class of this project" in page.locator("dialog li").inner_text()
    page.get_by_role("button", name="Send again").click()  # it is refused once more, and said again
    page.get_by_role("button", name="Answers that were not stored: 1").click()
    page.get_by_role("button", name="Dismiss").click()
    page.locator("dialog").wait_for(state="detached")
    wait_for(lambda: not refused_of(anew))  # nor does the lead see it any more

    (own_home / FILE).unlink()  # no token is valid any more: the page itself brings another
    press(page, "2")
    all_saved(page)
    assert [label for _item, label in stored(anew)] == ["good", "bad"]
