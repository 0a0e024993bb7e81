"""What the journeys share: a clock, the clicks of a lead and of an annotator, and the file that is taken out."""

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
from playwright.sync_api import Page

from labeler.projects.project import Project
from tests.support.desk import all_saved, item_on_screen, press
from tests.support.machine import SHARED
from tests.support.server import wait_for

DATA = SHARED / "data"
PACE = 1.0  # seconds that an expert looks at an item


class Clock:
    """Seconds since the server was started, printed and added to the file that LABELER_JOURNEYS names."""

    def __init__(self, journey: str) -> None:
        self.journey, self.began = journey, time.monotonic()
        self.times: dict[str, float] = {}

    def mark(self, what: str, since: float | None = None) -> None:
        self.times[what] = round(time.monotonic() - (self.began if since is None else since), 1)

    def write(self) -> None:
        line = {"journey": self.journey} | self.times | {"load": round(os.getloadavg()[0], 1)}
        print(line)
        if path := os.environ.get("LABELER_JOURNEYS"):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")


def stored(project: Project) -> dict[int, str]:
    """The source of each item, by its id: what an expert recognises."""
    with project.store() as store:
        return {item.id: item.source for item in store.items.all()}


def label(page: Page, project: Project, n: int, key_of: Callable[[int], str]) -> None:
    """Answer items by key until the project has so many more pool labels.

    Args: key_of: the key of the right class, by the item's id.
    """
    with project.store() as store:
        start = store.items.counts().labeled
        while store.items.counts().labeled < start + n:
            page.wait_for_timeout(1000 * PACE)
            press(page, key_of(item_on_screen(page)))
            all_saved(page)


def wait_for_the_curve(page: Page, interval: str) -> None:
    """Wait until Progress shows the accuracy with its interval, and a chart."""
    page.get_by_text(interval).first.wait_for(timeout=60_000)
    page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg").first.wait_for(
        state="attached", timeout=60_000
    )


def take_out(page: Page, title: str, format_: str, path: Path) -> pd.DataFrame:
    """The labels as they are taken out on the Project page, in a format by its name."""
    page.locator("summary").get_by_text(title).click()
    page.get_by_text(format_, exact=True).click()
    page.wait_for_timeout(300)
    wait_for(lambda: page.locator("[data-testid=stApp][data-test-script-state=notRunning]").count())
    with page.expect_download() as download:
        page.get_by_test_id("stDownloadButton").get_by_role("button", name=title).click()
    download.value.save_as(path)
    return pd.read_excel(path) if path.suffix == ".xlsx" else pd.read_csv(path)


def right_classes(project: Project, truth: Sequence[str]) -> dict[int, str]:
    """The right class of each item, by its id.

    Args: truth: the right class of each row of the imported table.
    """
    return {item: truth[int(source.rsplit(" ", 1)[1]) - 2] for item, source in stored(project).items()}


def label_twenty_and_take_out(page: Page, project: Project, right: dict[int, str], clock: Clock) -> pd.DataFrame:
    """Label one item and 19 more, look at the curve, and take the labels out: the table that was taken out.

    Args: right: the right class of each item, by its id.
    """
    key = {name: str(place) for place, name in enumerate(project.config.classes, 1)}
    label(page, project, 1, lambda item: key[right[item]])
    clock.mark("first label")
    label(page, project, 19, lambda item: key[right[item]])
    answered = time.monotonic()
    page.get_by_role("link", name="Progress").click()
    wait_for_the_curve(page, "95%:")
    clock.mark("20th label to curve", answered)
    page.get_by_role("link", name="Project", exact=True).click()
    frame = take_out(page, "Take the labels out", "CSV", project.folder.parent.parent / "labels.csv")
    clock.mark("labels taken out")
    return frame
