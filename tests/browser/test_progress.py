"""The Progress page in a browser: a click on a cell of the confusion matrix shows its items, and more of a slice."""

import numpy as np
import pytest

from bench.lead.project import make
from labeler.core.items import NewItem
from labeler.core.rounds import FinishedRound, Forecast, Ranked, RoundResult
from labeler.projects import project as projects
from tests.support.accessibility import COLOURS, go_dark, go_light, lasting_violations
from tests.support.fill import forget_audits, no_jobs
from tests.support.samples import reviews
from tests.support.server import wait_for

pytestmark = pytest.mark.browser

HELD = 60


@pytest.fixture
def measured(project):
    """Sixty labeled holdout items from two sites; the model takes every fifth "good" one for "bad", all of site B."""
    texts = reviews(HELD + 40)
    with project.store() as store:
        store.items.add(
            [
                NewItem(
                    f"{i:032x}",
                    f"row {i}",
                    text=text,
                    split="holdout" if i < HELD else "pool",
                    label=label if i < HELD else None,
                    metadata={"site": "B" if i % 10 == 0 else "A"},
                )
                for i, (text, label) in enumerate(texts)
            ]
        )
        good = np.array([0.9 if texts[i][1] == "good" and i % 10 else 0.2 for i in range(HELD)])
        forecast = Forecast(np.arange(1, HELD + 1), np.stack([good, 1 - good], axis=1).astype(np.float32))
        result = RoundResult(20, "margin", 7, None, (Ranked(0, "margin", 1.0),), 0.1, 0.2)
        with store.write():
            store.rounds.request("test")
            job = store.rounds.claim()
            store.rounds.finish(job, FinishedRound(1, result, [HELD + 1], forecasts={"holdout": forecast}))
            forget_audits(store)
    return project


def test_a_click_on_a_cell_shows_its_items_and_a_weak_slice_gets_more(server, measured, open_page):
    wrong = [text for i, (text, label) in enumerate(reviews(HELD)) if label == "good" and i % 10 == 0]
    page = open_page(f"{server.url}/progress?project={measured.slug}&part=Holdout")
    page.get_by_text("A click on a cell shows its items.").wait_for()
    cells = page.locator("[data-testid=stVegaLiteChart]").first.locator("svg g.mark-rect path")
    cells.first.wait_for(state="attached")
    assert cells.count() == 3  # nothing "bad" is taken for "good"
    cells.and_(page.locator("[aria-label='good, taken for bad: 6']")).click()
    page.get_by_text("good, predicted as bad (6): the most confident predictions first.").wait_for()
    for text in wrong:
        page.get_by_text(text, exact=True).wait_for()
    page.get_by_text("label good, predicted bad (80%).").first.wait_for()

    # another cell: its first twelve of thirty, and the next page
    cells.and_(page.locator("[aria-label='bad, taken for bad: 30']")).click()
    page.get_by_text("bad, predicted correctly (30)").wait_for()
    items = page.get_by_text("label bad, predicted bad (80%).")
    wait_for(lambda: items.count() == 12)
    first = items.first.text_content()
    page.get_by_role("button", name="Page 3").click()
    wait_for(lambda: items.count() == 6)
    assert items.first.text_content() != first

    page.get_by_role("tab", name="Slices").click()
    page.get_by_text("Weaker than the rest, beyond what chance explains: B.").wait_for()
    page.get_by_role("textbox", name="Your name").fill("lead")  # looking needed none
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("combobox", name="Items with").press_sequentially("site=B")
    page.get_by_role("option", name="site=B").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save from the next round on").click()
    page.get_by_text("From the next round on, more items with site=B are queried.").wait_for()
    assert projects.open_project(measured.folder).config.query.more_of == ("site=B",)


def test_axe_finds_nothing_serious_in_what_leads_see(server, own_home, tmp_path, open_page):
    project = make(tmp_path / "letters", 5, items=1000)
    with no_jobs(project):  # the server's worker sees the project once its jobs are held back
        project.folder.rename(own_home / "letters")
        page = open_page(f"{server.url}/progress?part=Holdout&annotator=lead")
        for number, (role, name, ready) in enumerate(
            (
                ("tab", "Holdout", "A click on a cell shows its items."),
                ("tab", "Report", "Make the report"),
                ("link", "Items", "of the holdout are listed once they have a label"),
                ("link", "Review", "Last decisions"),
                ("link", "Team", "Agreement with others does not show who is right."),
            )
        ):
            page.get_by_role(role, name=name, exact=True).click()
            page.get_by_text(ready).wait_for()
            assert lasting_violations(page) == [], name
            (go_light if number % 2 else go_dark)(page)  # the next page begins in the scheme that this one ends in
            assert lasting_violations(page, COLOURS) == [], name
