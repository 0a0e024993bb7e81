"""A data scientist from modAL: labels known, a query function of modAL's chosen, the same project in a notebook."""

import pandas as pd
import pytest
from playwright.sync_api import expect

import labeler
from labeler.projects import project as projects
from tests.browser.journeys.steps import DATA, Clock, label_twenty_and_take_out, right_classes
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
        right = right_classes(project, truth)
        frame = label_twenty_and_take_out(page, project, right, clock)
        notebook = labeler.Project(project.folder)
        for item in notebook.next_items("Sam", 2):
            notebook.answer("Sam", item, right[item.id])
    clock.write()
    with project.store() as store:
        assert store.items.counts().labeled == 22
    assert frame["label"].notna().sum() == 20 + project_holdout(frame)
    assert labeler.Project(project.folder).curve()["labels"].max() == 20


def project_holdout(frame: pd.DataFrame) -> int:
    """The items whose labels came with the table and measure the models."""
    return int((frame["split"] == "holdout").sum())
