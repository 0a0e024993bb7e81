"""A data scientist from modAL: labels known, a query function of modAL's chosen, the same project in a notebook."""

import time

import pandas as pd
import pytest
from playwright.sync_api import expect

import labeler
from labeler.projects import project as projects
from tests.browser.journeys.steps import DATA, Clock, label, stored, take_out, wait_for_the_curve
from tests.support.server import serving

pytestmark = [pytest.mark.browser, pytest.mark.shared, pytest.mark.thorough]


@pytest.fixture
def reviews(tmp_path):
    """A table of 600 sentences, all with labels."""
    frame = pd.read_csv(DATA / "reviews_en.csv").drop_duplicates("text").head(600)[["text", "label"]]
    frame.to_csv(tmp_path / "reviews.csv", index=False)
    return tmp_path / "reviews.csv", frame["label"].tolist()


def test_from_modal_to_a_curve_and_a_notebook(tmp_path, open_separate, reviews):
    table, truth = reviews
    clock = Clock("data scientist")
    with serving(tmp_path / "home") as server:
        page = open_separate(server.url)
        clock.mark("server and first page")
        page.get_by_role("link", name="Create a project").click()
        page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(table)
        expect(page.get_by_label("Classes, one a line")).not_to_have_value("")
        assert page.get_by_role("checkbox", name="Keep only the holdout's known labels").is_checked()
        page.get_by_test_id("stMain").get_by_role("textbox", name="Your name").fill("Sam")
        page.get_by_role("button", name="Create project and import").click()
        page.get_by_text("600 items added").wait_for()
        page.get_by_role("link", name="Strategies").click()
        page.get_by_role("button", name="Use from the next round").first.click()
        page.get_by_text("is the query strategy from the next round on").wait_for()
        page.get_by_role("link", name="Label", exact=True).click()
        project = projects.open_project(tmp_path / "home" / "reviews")
        key = {name: str(place) for place, name in enumerate(project.config.classes, 1)}
        rows = {item: int(source.rsplit(" ", 1)[1]) - 2 for item, source in stored(project).items()}
        label(page, project, 1, lambda item: key[truth[rows[item]]])
        clock.mark("first label")
        label(page, project, 19, lambda item: key[truth[rows[item]]])
        answered = time.monotonic()
        page.get_by_role("link", name="Progress").click()
        wait_for_the_curve(page, "95%:")
        clock.mark("20th label to curve", answered)
        page.get_by_role("link", name="Project", exact=True).click()
        frame = take_out(page, "Take the labels out", "CSV", tmp_path / "labels.csv")
        clock.mark("labels taken out")
        notebook = labeler.Project(project.folder)
        for item in notebook.next_items("Sam", 2):
            notebook.answer("Sam", item, truth[rows[item.id]])
    clock.write()
    with project.store() as store:
        assert store.items.counts().labeled == 22
    assert frame["label"].notna().sum() == 20 + project_holdout(frame)
    assert labeler.Project(project.folder).curve()["labels"].max() == 20


def project_holdout(frame: pd.DataFrame) -> int:
    """The items whose labels came with the table and measure the models."""
    return int((frame["split"] == "holdout").sum())
