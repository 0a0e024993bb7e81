"""The labeling desk, as a person uses it."""

import pytest

from labeler.core.items import NewItem
from labeler.core.settings import LabelingConfig, QueryConfig
from labeler.projects import project as projects
from tests.support.accessibility import go_dark
from tests.support.desk import all_saved, item_on_screen, press, press_late, ready_item, stage
from tests.support.fill import rank
from tests.support.samples import text_config
from tests.support.server import wait_for

pytestmark = pytest.mark.browser

TEXTS = [f"문장 {i}: 배송이 빨라서 좋았어요. The sentence number {i}." for i in range(60)]
ATTACK = "<img src=x onerror=\"document.title='attacked'\">"


@pytest.fixture
def desk(server, own_home):
    """A served project of sixty texts; the first one tries to be HTML. No round is due while the test runs."""
    config = text_config(query=QueryConfig(seed_size=1000, batch=1000), labeling=LabelingConfig(reservation_seconds=60))
    project = projects.create(own_home / "reviews", config)
    with project.store() as store:
        store.items.add(
            [NewItem(f"{i:032x}", f"row {i}", text=t, split="pool") for i, t in enumerate([ATTACK, *TEXTS])]
        )
    return project, server


def answers(project) -> list[tuple[int, str, str]]:
    with project.store() as store:
        return [(r["item_id"], r["annotator"], r["label"]) for r in store.answers.export()]


def test_keys_label_and_nothing_else_does(desk, open_page):
    project, server = desk
    page = open_page(f"{server.url}/?annotator=kim")
    assert ready_item(page) == 1
    assert page.locator(".text").inner_text() == ATTACK  # as text, never as HTML
    assert page.title() != "attacked"

    page.keyboard.down("1")
    page.wait_for_timeout(300)
    for _ in range(5):
        page.keyboard.down("1")  # Chromium marks these as repeats, as it does for a held key
    page.keyboard.up("1")
    assert item_on_screen(page) == 2
    press_late(page, "2", ms=60_000)  # it was meant for the item before
    assert item_on_screen(page) == 2
    for combination in ("Control+2", "Alt+2", "Meta+2", "9", "Enter", "Tab"):
        page.keyboard.press(combination)
    page.evaluate(
        """() => { for (const init of [{isComposing: true}, {keyCode: 229}])
             document.dispatchEvent(new KeyboardEvent('keydown', {key: '2', bubbles: true, ...init})); }"""
    )
    name = page.get_by_role("textbox", name="Working as")
    name.click()
    page.keyboard.type("12")
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    assert item_on_screen(page) == 2
    name.press("Escape")
    page.locator(".text").click()
    assert press(page, "2") == 2
    ready_item(page)
    page.locator(".class", has_text="good").click()
    all_saved(page)
    assert answers(project) == [(1, "kim", "good"), (2, "kim", "bad"), (3, "kim", "good")]
    assert "3 by you" in page.locator(".counts").inner_text()


SLOW = """
() => {
    const fast = window.fetch;
    window.fetch = async (url, options) => {
        const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
        if (String(url).endsWith('/answers')) await wait(300);    // slow on the way there
        const reply = await fast(url, options);
        if (String(url).endsWith('/reserve')) await wait(1200);   // slow on the way back
        return reply;
    };
}
"""


def test_on_a_slow_network_no_item_is_shown_again(desk, open_page):
    """The server is asked for items before it has the answers, and its reply comes after it has them."""
    project, server = desk
    page = open_page(f"{server.url}/?annotator=kim")
    item_on_screen(page)
    page.evaluate(SLOW)
    # More items are asked for from the ninth answer on; one that came again would stand some twenty items behind.
    given = [press(page, "1") for _ in range(34)]
    assert len(set(given)) == 34
    all_saved(page)
    assert len(answers(project)) == 34


WATCH = """
() => {
    const stages = [...document.querySelectorAll('*')].map((host) => host.shadowRoot?.querySelector('.stage'));
    const stage = stages.find(Boolean);
    window.shown = [stage.dataset.item];
    new MutationObserver(() => stage.dataset.item && window.shown.push(stage.dataset.item))
        .observe(stage, {attributes: true, attributeFilter: ['data-item']});
}
"""


def test_a_newer_ranking_never_changes_what_is_shown(desk, open_page):
    """A person answers several items while the server's reply, made for a newer ranking, is on its way."""
    project, server = desk
    page = open_page(f"{server.url}/?annotator=kim")
    item_on_screen(page)
    page.evaluate(SLOW)
    page.evaluate(WATCH)
    given = [press(page, "1") for _ in range(2)]
    newest = list(range(61, 40, -1))
    with project.store() as store:
        rank(store, newest)
    while len(set(given) & set(newest)) < 4:
        assert len(given) < 24, "the newer ranking never came"
        given.append(press(page, "1"))
        page.wait_for_timeout(100)
    all_saved(page)
    given.append(item_on_screen(page))
    assert [int(item) for item in page.evaluate("window.shown")] == given  # each once, and nothing between two answers
    assert [item for item, _, _ in answers(project)] == given[:-1]
    after = [item for item in given if item in newest]
    assert after == newest[: len(after)]  # the newer ranking came, in its order
    assert len(after) >= 4


def test_two_people_and_two_tabs_never_share_an_item(desk, open_page):
    project, server = desk
    pages = [open_page(f"{server.url}/?annotator={name}") for name in ("kim", "lee")]
    second = pages[0].context.new_page()
    second.goto(f"{server.url}/?annotator=kim")
    pages.append(second)
    given: list[int] = []
    for _ in range(4):
        given += [press(page, "1") for page in pages]
    for page in pages:
        all_saved(page)
    assert len(given) == len(set(given)) == 12
    assert sorted(item for item, _, _ in answers(project)) == sorted(given)


def test_answers_given_while_the_server_is_gone_are_kept_and_sent(desk, open_page):
    project, server = desk
    page = open_page(f"{server.url}/?annotator=kim")
    press(page, "1")
    all_saved(page)
    server.kill_app()
    for _ in range(5):
        press(page, "2")
    page.locator(".status.offline").wait_for()
    assert "kept in this browser" in page.locator(".status").inner_text()
    before = item_on_screen(page)
    wait_for(server.answers)
    all_saved(page)
    page.locator("[data-test-connection-state=CONNECTED][data-test-script-state=notRunning]").wait_for()
    page.wait_for_timeout(500)  # Streamlit is connected again, and draws the page anew
    assert item_on_screen(page) == before
    given = answers(project)
    assert len(given) == 6
    assert len({item for item, _, _ in given}) == 6


def test_the_end_is_calm_and_ends_by_itself(server, own_home, open_page):
    project = projects.create(own_home / "reviews", text_config())
    with project.store() as store:
        store.items.add([NewItem("0" * 32, "row", text="only one", split="pool")])
    page = open_page(f"{server.url}/?annotator=kim")
    press(page, "1")
    page.get_by_text("Every item is labeled.").wait_for()
    with project.store() as store:
        store.items.add([NewItem("1" * 32, "row", text="one more", split="pool")])
    page.locator(".text", has_text="one more").wait_for()


def test_nothing_leaves_this_machine(desk, open_page):
    _, server = desk
    page = open_page("about:blank")
    outside: list[str] = []
    page.on(
        "request", lambda r: outside.append(r.url) if not r.url.startswith((server.url, "blob:", "data:")) else None
    )
    page.goto(f"{server.url}/?annotator=kim")
    for link, text in {"Label": "Skip", "Progress": "Until the next round", "Project": "Retrain now"}.items():
        page.get_by_role("link", name=link, exact=True).click()
        page.get_by_text(text).first.wait_for()
        page.locator("[data-test-script-state=notRunning]").wait_for()
        page.wait_for_load_state("networkidle")
    assert outside == []


def test_the_desk_fits_a_phone(desk, open_page):
    _, server = desk
    page = open_page(f"{server.url}/?annotator=kim", has_touch=True)
    page.set_viewport_size({"width": 390, "height": 844})
    stage(page).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    go_dark(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    ready_item(page)
    page.locator(".class", has_text="good").tap()
    all_saved(page)
