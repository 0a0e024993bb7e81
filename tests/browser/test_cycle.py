"""The whole cycle as its users see it: label images by key, a round trains meanwhile, the curve grows."""

import csv

import pytest
from playwright.sync_api import expect

from labeler.core.settings import Config, LearnerConfig, QueryConfig
from labeler.files.sources import SourceColumns
from labeler.projects import project as projects
from labeler.projects.demo import write_digits
from labeler.projects.importer import import_source
from tests.support.desk import all_saved, item_on_screen, press
from tests.support.server import wait_for

pytestmark = pytest.mark.browser


@pytest.fixture
def digits(own_home, tmp_path):
    """A project of 160 digits with a labeled holdout, and the true label of each item."""
    (tmp_path / "digits").mkdir()
    with write_digits(tmp_path / "digits").open() as file:
        rows = list(csv.DictReader(file))[:160]
    with (tmp_path / "digits" / "some.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["file", "label"])
        table.writeheader()
        table.writerows(rows)
    config = Config(
        "Digits",
        tuple("1234567890"),
        query=QueryConfig(strategy="margin", seed_size=10, batch=10),
        learner=LearnerConfig(input_size=32),
    )
    project = projects.create(own_home / "digits", config)
    import_source(
        project, tmp_path / "digits" / "some.csv", SourceColumns(image="file", label="label"), keep_labels="holdout"
    )
    with project.store() as store:
        row_of = {item.id: int(item.source.rsplit(" ", 1)[1]) for item in store.items.all()}  # the header is row 1
    return project, {item: rows[row - 2]["label"] for item, row in row_of.items()}


def measured(project) -> list[int]:
    """The labels that each measured round was trained on: the points of the curve."""
    with project.store() as store:
        return [r.labels for r in store.rounds.all() if r.metrics]


def held_strategies(project) -> set[str]:
    """The strategies that chose the items which tabs hold."""
    with project.store() as store:
        return {
            row["strategy"]
            for row in store.db.rows("SELECT strategy FROM queries JOIN reservations ON query_id = queries.id")
        }


def test_two_rounds_of_images_by_key_with_the_server_killed_on_the_way(server, digits, open_page):
    project, truth = digits
    page = open_page(f"{server.url}/?annotator=kim")
    given: dict[int, str] = {}
    for number in range(24):
        if number == 6:
            server.kill_app()
        if number == 12:  # the first round knows 10 to 12 labels, and the second begins at 20 to 22
            wait_for(lambda: measured(project), seconds=120)
        if number == 14:  # a busy machine needs a moment to bring the new ranking to the tab
            all_saved(page)
            wait_for(lambda: "margin" in held_strategies(project))
        item = item_on_screen(page)
        assert press(page, truth[item]) == item
        given[item] = truth[item]
    wait_for(server.answers)
    all_saved(page)
    assert len(given) == 24  # no item was shown twice

    with project.store() as store:
        stored = [r for r in store.answers.export() if r["annotator"] == "kim"]
        assert {r["item_id"]: r["label"] for r in stored} == given  # which one is missing, and not that one is
        assert len(stored) == 24
        assert all(r["seconds"] >= 0 and r["round"] is not None for r in stored)
        assert "margin" in [r["strategy"] for r in stored[14:]]  # the new ranking replaced what the tab held
    wait_for(lambda: len(measured(project)) >= 2 and max(measured(project)) >= 20, seconds=60)
    points = measured(project)
    assert points == sorted(set(points))  # each round knows more labels than the one before

    page.get_by_role("link", name="Progress").click()
    page.get_by_text("95%:").first.wait_for()
    page.locator("[data-testid=stVegaLiteChart] svg, [data-testid=stVegaLiteChart] canvas").first.wait_for(
        state="attached"
    )
    page.get_by_text("Rounds", exact=True).click()
    page.get_by_role("link", name="Label", exact=True).click()
    assert item_on_screen(page) not in given  # and labeling goes on where it was


def test_a_project_from_nothing_in_the_browser(server, own_home, tmp_path, open_page):
    own_home.mkdir(exist_ok=True)
    table = tmp_path / "후기.csv"
    table.write_bytes("내용,분류\n배송이 빨라요,긍정\n너무 느려요,\n별로예요,\n최고예요,\n".encode("cp949"))
    page = open_page(server.url)
    page.get_by_role("link", name="Create a project").click()
    page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(table)
    name, classes = page.get_by_label("Name", exact=True), page.get_by_label("Classes, one a line")
    expect(name).to_have_value("후기")
    expect(classes).to_have_value("긍정")  # what is proposed last
    name.fill("고객 후기")
    classes.fill("긍정\n부정")
    page.get_by_test_id("stMain").get_by_role("textbox", name="Your name").fill("kim")
    page.get_by_role("button", name="Create project and import").click()
    page.get_by_text("4 items added").wait_for()
    project = projects.open_project(own_home / "고객-후기")
    with project.store() as store:
        counts = store.items.counts()
    pool, holdout = ("1 item" if n == 1 else f"{n} items" for n in (counts.pool, counts.holdout))
    header = f"pool {pool}, {counts.labeled} labeled · holdout {holdout}"
    page.get_by_text(header).wait_for()
    page.get_by_role("button", name="Start labeling").click()
    item_on_screen(page)
    press(page, "2")
    all_saved(page)
    with project.store() as store:
        assert sorted(r["label"] for r in store.answers.export()) == ["긍정", "부정"]
