"""A hospital's lead: a folder of scans with a list of patients, from an empty home to labels in a file."""

import csv
import shutil

import pytest
from playwright.sync_api import expect

from labeler.projects import project as projects
from tests.browser.journeys.steps import DATA, Clock, label_twenty_and_take_out, right_classes
from tests.support.server import serving

pytestmark = [pytest.mark.browser, pytest.mark.shared, pytest.mark.thorough]
CLASSES = ("ship", "bird", "frog")


@pytest.fixture
def scans(tmp_path):
    """A folder of 400 images with a table: the diagnosis of every fifth is known, and set aside for the test."""
    folder = tmp_path / "scans"
    (folder / "images").mkdir(parents=True)
    with (DATA / "cifar10" / "labels.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] in CLASSES][:400]
    with (folder / "scans.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "patient", "age", "diagnosis", "split"])
        for number, row in enumerate(rows):
            shutil.copy(DATA / "cifar10" / row["file"], folder / "images")
            known = [row["label"], "test"] if number % 5 == 0 else ["", "train"]
            table.writerow([row["file"], f"P{number // 2:04d}", 30 + number % 50, *known])
    return folder, [row["label"] for row in rows]


def test_from_a_folder_of_scans_to_labels_in_a_file(tmp_path, open_separate, scans):
    folder, truth = scans
    clock = Clock("hospital")
    with serving(tmp_path / "home") as server:
        page = open_separate(server.url)
        clock.mark("server and first page")
        page.get_by_role("link", name="Create a project").click()
        page.get_by_text("Upload a folder").click()
        uploader = page.get_by_test_id("stFileUploader").filter(has_text="A folder of images")
        uploader.locator("input[type=file]").set_input_files(folder)
        expect(page.get_by_label("Classes, one a line")).not_to_have_value("", timeout=90_000)
        assert set(page.get_by_label("Classes, one a line").input_value().split()) == {*CLASSES}
        page.get_by_label("Name", exact=True).fill("Chest scans")
        page.get_by_role("textbox", name="Guidelines (Markdown)").fill("# Rules\n\nThe largest finding counts.")
        page.get_by_test_id("stMain").get_by_role("textbox", name="Your name").fill("Dr. Weber")
        page.get_by_role("button", name="Create project and import").click()
        page.get_by_text("400 items added").wait_for(timeout=90_000)
        page.get_by_role("button", name="Start labeling").click()
        page.get_by_role("button", name="Start labeling").wait_for(state="detached")
        project = projects.open_project(tmp_path / "home" / "chest-scans")
        frame = label_twenty_and_take_out(page, project, right_classes(project, truth), clock)
    clock.write()
    assert len(frame) == 400
    right = frame.dropna(subset=["label"])
    assert len(right) == 100  # 20 by the lead, and the 80 that were known
    assert [truth[int(source.rsplit(" ", 1)[1]) - 2] for source in right["source"]] == right["label"].tolist()
    assert {"patient", "age"} <= {*frame.columns}
