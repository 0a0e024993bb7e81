"""What the desk does besides one key an answer: looking back, notes, doubts, guidelines, breaks, many at once."""

from dataclasses import replace

import pytest

from labeler.core.items import NewItem, Prediction
from labeler.core.rounds import FinishedRound, Ranked, RoundResult
from labeler.core.settings import ClassDetail, LabelingConfig, QueryConfig
from labeler.projects import guidelines
from labeler.projects import project as projects
from labeler.store.desk import LEAVING_SECONDS
from labeler.store.foreign import NewForeign
from labeler.store.leases import lease_time
from tests.support.desk import all_saved, item_on_screen, press, press_late, ready_item, stage
from tests.support.fill import forget_audits, rank
from tests.support.samples import text_config
from tests.support.server import wait_for

pytestmark = pytest.mark.browser
QUIET = QueryConfig(seed_size=1000, batch=1000)  # no round is due while the test runs


def make(own_home, n: int = 30, **changes):
    project = projects.create(own_home / "reviews", text_config(**({"query": QUIET} | changes)))
    with project.store() as store:
        store.items.add([NewItem(f"{i:032x}", f"row {i}", text=f"sentence {i}", split="pool") for i in range(n)])
    return project


def finish_round(project, forecasts: list[tuple[int, str, float]]) -> None:
    """Finish a round that ranks these items; its model predicts a label of each, with a confidence."""
    items = [item for item, _, _ in forecasts]
    result = RoundResult(0, "margin", 7, None, tuple(Ranked(i, "margin", 1.0) for i in items), 0.1, 0.2)
    with project.store() as store, store.write():
        store.rounds.request("test")
        job = store.rounds.claim()
        predictions = [Prediction(label, confidence) for _, label, confidence in forecasts]
        store.rounds.finish(job, FinishedRound(store.rounds.next_number(), result, items, predictions))
        forget_audits(store)


def rows(project) -> list[dict]:
    with project.store() as store:
        return store.answers.export()


def test_guidelines_are_shown_once_and_again_by_key(server, own_home, open_page):
    project = make(own_home, class_details={"good": ClassDetail(key="p", colour="#1f77b4", description="Praise.")})
    guidelines.write(project, "# How to read\n\nPress **1** for praise.")
    page = open_page(f"{server.url}/?annotator=kim")
    panel = page.get_by_role("complementary", name="Guidelines")
    panel.get_by_text("How to read").wait_for()
    panel.get_by_text("Praise.", exact=True).wait_for()
    ready_item(page)
    beside, middle = panel.bounding_box(), stage(page).bounding_box()
    assert beside["x"] >= middle["x"] + middle["width"]  # it covers nothing
    assert press(page, "p") == 1  # the class's own key, and no click was needed
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    all_saved(page)
    page.reload()
    ready_item(page)
    page.wait_for_timeout(500)
    assert not panel.is_visible()
    page.keyboard.press("g")
    panel.get_by_text("How to read").wait_for()
    assert [r["label"] for r in rows(project)] == ["good"]


def add_other_model(project, *predictions: NewForeign) -> None:
    with project.store() as store:
        model = store.foreign.begin("GPT-like", "4", "gpt.csv", 0)
        store.foreign.put(model, predictions)
        store.foreign.finish([model])


def test_the_models_opinion_after_the_answer(server, own_home, open_page):
    project = make(own_home, labeling=LabelingConfig(reveal="after"))
    finish_round(project, [(1, "bad", 0.83), (2, "bad", 0.7), (3, "good", 0.6)])
    add_other_model(project, NewForeign(1, "good", confidence=0.6))
    page = open_page(f"{server.url}/?annotator=kim")
    ready_item(page)
    assert "bad" not in page.locator(".opinion").inner_text()
    assert "GPT-like" not in page.content()
    press(page, "1")
    page.get_by_text("the model had said bad (83%). U takes it back. · GPT-like 4: good, 60%").wait_for()
    assert page.locator(".chip .differs").count() == 1
    page.keyboard.press("u")
    page.locator(".stage[data-item='1'][data-ready]").wait_for()
    press(page, "2")
    page.get_by_text("the model said the same.").wait_for()
    all_saved(page)
    (row,) = rows(project)
    assert (row["label"], row["predicted"], row["reveal"]) == ("bad", "bad", "after")


def test_the_models_opinion_before_the_answer(server, own_home, open_page):
    project = make(own_home, labeling=LabelingConfig(reveal="before"))
    finish_round(project, [(1, "bad", 0.83)])
    add_other_model(project, NewForeign(1, "bad"), NewForeign(2, "good", confidence=0.6))
    page = open_page(f"{server.url}/?annotator=kim")
    ready_item(page)
    assert page.locator(".opinion").inner_text() == "The model: bad, 83% · GPT-like 4: bad"
    press(page, "1")
    page.get_by_text("GPT-like 4: good, 60%", exact=True).wait_for()
    press(page, "1")
    press(page, "1")  # nobody has predicted the third one
    all_saved(page)
    assert [r["reveal"] for r in rows(project)] == ["before", "before", "never"]


def test_many_like_predictions_are_confirmed_at_once(server, own_home, open_page):
    project = make(own_home, labeling=LabelingConfig(grid=True))
    finish_round(project, [(i, "good" if i < 6 else "bad", 0.9 - i / 100) for i in range(1, 8)])
    page = open_page(f"{server.url}/?annotator=kim")
    ready_item(page)
    wait_for(lambda: page.locator(".progress .counts").inner_text() != "")
    with project.store() as store:  # what the tab holds already is not offered
        held = {r["item_id"] for r in store.db.rows("SELECT item_id FROM reservations")}
    assert held >= {1, 2, 3, 4, 5, 6, 7}
    later = open_page(f"{server.url}/?annotator=lee")
    ready_item(later)
    with project.store() as store:
        rank(store, [])
    finish_round(project, [(i, "good", 0.9) for i in range(21, 28)] + [(28, "bad", 0.9)])
    with project.store() as store, store.write():
        store.db.execute("DELETE FROM reservations WHERE item_id > 20")
    later.get_by_role("button", name="Many at once").click()
    later.locator(".cell").first.wait_for()
    cells = later.locator(".cell").count()
    assert 2 <= cells <= 7
    later.locator(".cell input").first.uncheck()
    press_late(later, "Enter", ms=60_000)  # pressed before anybody could look
    assert later.locator(".cell").count() == cells
    later.wait_for_timeout(150)  # an Enter that opens the grid and is pressed twice confirms nothing
    later.keyboard.press("Enter")
    ready_item(later)
    all_saved(later)
    given = [r for r in rows(project) if r["annotator"] == "lee"]
    assert len(given) == cells - 1
    assert {(r["label"], r["reveal"]) for r in given} == {("good", "before")}
    assert item_on_screen(later) not in {r["item_id"] for r in given}  # the unticked one waits for an answer of its own


@pytest.mark.thorough
def test_a_break_frees_the_items_and_ends_by_a_click(server, own_home, open_page):
    project = make(own_home, n=6)
    page = open_page(f"{server.url}/?annotator=kim")
    ready_item(page)
    press(page, "2")
    page.get_by_role("button", name="Break").click()
    page.get_by_text("Taking a break").wait_for()
    page.keyboard.press("1")
    page.keyboard.press("u")  # an answer can be looked at again, and then the break goes on
    page.locator(".stage[data-item='1'][data-ready]").wait_for()
    page.keyboard.press("1")
    page.get_by_text("Taking a break").wait_for()
    all_saved(page)
    other = open_page(f"{server.url}/?annotator=lee")
    assert ready_item(other) == 2  # within seconds, though one tab could hold them all
    press(other, "1")
    page.get_by_role("button", name="Go on").click()
    assert ready_item(page) not in (1, 2, item_on_screen(other))  # the other tab gives back what it held ahead
    all_saved(other)
    assert [(r["item_id"], r["label"]) for r in rows(project)] == [(1, "good"), (2, "good")]


def test_nobody_is_without_an_item_while_another_holds_many(server, own_home, open_page):
    project = make(own_home, n=6)
    first = open_page(f"{server.url}/?annotator=kim")
    ready_item(first)
    second = open_page(f"{server.url}/?annotator=lee")
    second.get_by_text("Others are answering").wait_for()
    press(first, "1")  # its tab hears that somebody waits, and gives back what it holds ahead
    given = [ready_item(second)]
    given += [press(second, "1")]
    assert item_on_screen(first) not in given
    all_saved(second)
    all_saved(first)
    assert len({r["item_id"] for r in rows(project)}) == 2


def test_a_closed_tab_frees_its_items(server, own_home, open_page):
    project = make(own_home, n=2, labeling=LabelingConfig(reservation_seconds=3600))
    first = open_page(f"{server.url}/?annotator=kim")
    ready_item(first)
    second = open_page(f"{server.url}/?annotator=lee")
    second.get_by_text("Others are answering").wait_for()

    def seconds_held() -> float:
        with project.store() as store:
            return store.db.value("SELECT MAX(expires_at) FROM reservations") - lease_time()

    assert seconds_held() > 3000
    first.close()
    wait_for(lambda: seconds_held() <= LEAVING_SECONDS)
    with project.store() as store, store.write():  # as if that time had passed
        store.db.execute("UPDATE reservations SET expires_at = expires_at - ?", [LEAVING_SECONDS])
    second.locator(".stage[data-item]").wait_for()


def test_many_classes_are_found_by_typing(server, own_home, open_page):
    names = tuple(f"종류 {i:03d}" for i in range(150))
    project = make(own_home, classes=("good", "bad", *names))
    page = open_page(f"{server.url}/?annotator=kim")
    ready_item(page)
    page.keyboard.press("/")
    page.keyboard.type("종류 04")
    assert page.locator(".class:visible").count() == 10
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    page.locator(".stage[data-item='2']").wait_for()
    press(page, "1")  # the search is over, keys label again
    all_saved(page)
    assert [r["label"] for r in rows(project)] == ["종류 047", "good"]


def test_several_classes_are_toggled_and_confirmed(server, own_home, open_page):
    project = make(own_home, answers="several", classes=("지연", "refund", "praise"))
    page = open_page(f"{server.url}/?annotator=kim")
    ready_item(page)
    for key in "3121":  # the last one takes the second back
        page.keyboard.press(key)
    assert page.locator(".class[aria-pressed=true]").all_inner_texts() == ["2\nrefund", "3\npraise"]
    assert press(page, "Enter") == 1
    assert page.locator(".class[aria-pressed=true]").count() == 0
    ready_item(page)
    page.keyboard.press("Enter")
    page.get_by_text("Enter again confirms that.").wait_for()
    assert press(page, "Enter") == 2
    page.locator(".chip", has_text="refund, praise").click()
    page.locator(".stage[data-item='1'][data-ready]").wait_for()
    page.keyboard.press("2")
    assert press(page, "Enter") == 1
    all_saved(page)
    assert {r["item_id"]: r["label"] for r in rows(project)} == {1: '["praise"]', 2: "[]"}
    assert "none of them" in page.locator(".history").inner_text()


def test_paused_by_the_lead_and_going_on_by_itself(server, own_home, open_page):
    project = make(own_home)
    paused = project.save(replace(project.config, labeling=LabelingConfig(paused=True)))
    page = open_page(f"{server.url}/?annotator=kim")
    page.get_by_text("Labeling is paused").wait_for()
    paused.save(replace(project.config, labeling=LabelingConfig()))
    ready_item(page)
