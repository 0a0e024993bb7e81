"""The Strategies page in a browser: comparisons beside a running server, and a strategy file mended meanwhile."""

from contextlib import suppress

import pandas as pd
import psutil
import pytest

from labeler.projects import project as projects
from tests.support.samples import reviews
from tests.support.server import wait_for

pytestmark = pytest.mark.browser

GOOD = (
    "from strategies.base import scores\n"
    "@scores(needs='proba')\n"
    "def mine(c, rng):\n"
    '    """Where the first class is likely. Source: me."""\n'
    "    return c.proba[:, 0]\n"
)


def states(project) -> list[str]:
    with project.store() as store:
        return [c.state for c in store.comparisons.all()]


def simulating(server) -> list[psutil.Process]:
    """The processes that compare, below the server's worker."""
    processes = []
    for process in psutil.Process(server.process.pid).children(recursive=True):
        with suppress(psutil.Error):  # it has ended meanwhile
            if "spawn_main" in " ".join(process.cmdline()):
                processes.append(process)
    return processes


def number(page, label: str, value: int) -> None:
    field = page.get_by_role("spinbutton", name=label)
    field.fill(str(value))
    field.press("Tab")


def start(page, table, runs: int, reach: int) -> None:
    """Ask for a comparison on an uploaded table."""
    page.get_by_text("An upload").click()
    page.locator("input[type=file]").set_input_files(table)
    page.get_by_text(table.name, exact=True).wait_for()
    number(page, "Runs of each strategy", runs)
    number(page, "Labels to reach", reach)
    page.get_by_role("button", name="Start comparison").click()
    page.get_by_role("button", name="Cancel").wait_for()


@pytest.mark.thorough
def test_compare_on_a_table_use_the_winner_and_cancel_another(server, project, tmp_path, open_page):
    table = tmp_path / "films.csv"
    pd.DataFrame(reviews(240), columns=["text", "label"]).to_csv(table, index=False)
    page = open_page(f"{server.url}/strategies?project={project.slug}&annotator=lead")
    page.get_by_role("tab", name="Compare").click()
    start(page, table, runs=15, reach=60)
    page.get_by_text(" rounds, ").wait_for()  # progress, while it runs
    page.get_by_role("button", name="Download the report").wait_for(timeout=120_000)
    assert states(project) == ["done"]
    page.get_by_text("192 pool items, 48 held-out items, 2 classes; 4 to 61 labels, 15 runs").wait_for()
    charts = page.locator("[data-testid=stVegaLiteChart]")
    charts.nth(1).locator("svg, canvas").first.wait_for(state="attached")
    assert charts.count() == 2
    page.get_by_text("the control", exact=True).first.wait_for()

    # the row of the control: `margin` is what the project uses already
    page.locator(".stMain").get_by_role("button", name="Use from the next round").locator("visible=true").click()
    page.get_by_text("random is the query strategy from the next round on.").wait_for()
    assert projects.open_project(project.folder).config.query.strategy == "random"
    assert 'strategy = "random"' in (project.folder / "project.toml").read_text()

    page.get_by_text("Start a comparison", exact=True).click()
    start(page, table, runs=60, reach=190)
    page.get_by_text(" rounds, ").wait_for()
    assert simulating(server)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Comparison 2 is cancelled.").wait_for()
    assert states(project) == ["cancelled", "done"]
    wait_for(lambda: not simulating(server), 20)
    assert list(project.comparisons.iterdir()) == []
    page.get_by_text("the control", exact=True).first.wait_for()  # the earlier result is there


def test_a_strategy_file_is_picked_up_breaks_and_is_mended_without_a_restart(server, project, open_page):
    project.strategies.mkdir()
    own = project.strategies / "mine.py"
    own.write_text(GOOD)
    page = open_page(f"{server.url}/strategies?project={project.slug}")

    def look_again() -> None:
        page.get_by_role("link", name="Team", exact=True).click()
        page.get_by_role("heading", name="Team").wait_for()
        page.get_by_role("link", name="Strategies", exact=True).click()
        page.get_by_role("heading", name="Strategies").wait_for()
        page.get_by_text("Each picture is a small pool").wait_for()

    def wait_for_its_picture() -> None:
        page.get_by_text("custom", exact=True).click()
        page.get_by_text("Where the first class is likely.").wait_for()
        page.get_by_role("img", name="The points that mine chooses").wait_for()

    wait_for_its_picture()
    own.write_text(GOOD.replace("return", "retrun"))
    look_again()
    page.get_by_text("Strategy file mine.py: line 5: SyntaxError").wait_for()
    assert page.get_by_text("custom", exact=True).count() == 0
    own.write_text(GOOD)
    look_again()
    wait_for_its_picture()
    assert page.get_by_text("Strategy file mine.py").count() == 0
