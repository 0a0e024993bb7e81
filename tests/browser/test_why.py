"""The panel "Why this item?": what it tells, that it never stands in the way, and that it is for everybody."""

import json
from dataclasses import replace

import numpy as np
import pytest

from labeler.core.blinding import is_blind
from labeler.core.items import NewItem
from labeler.core.settings import Config, LabelingConfig, LearnerConfig, QueryConfig
from labeler.explain.evidence import Evidence
from labeler.jobs.explanations import _result
from labeler.jobs.rounds import work_once
from labeler.projects import project as projects
from labeler.projects.importer import import_source
from tests.support.desk import all_saved, item_on_screen, press, ready_item, stage
from tests.support.fill import rank
from tests.support.samples import reviews, text_config
from tests.support.scan_files import write_dicom
from tests.support.server import wait_for

pytestmark = pytest.mark.browser

EMOJI = "a 😀 superb and warm film, 영화가 좋아요"


@pytest.fixture
def films(own_home, tmp_path):
    """Sixty film reviews after a round that was trained on forty; the ranking begins with an emoji.

    The project moves to where it is served once all this is done: the server's worker would run the round itself.
    """
    config = text_config(
        query=QueryConfig(strategy="margin", seed_size=4, batch=1000, random_share=0.0),
        labeling=LabelingConfig(reveal="before"),
    )
    project = projects.create(tmp_path / "reviews", config)
    texts = [*reviews(60)[:59], (EMOJI, "good")]
    with project.store() as store:
        store.items.add(
            [
                NewItem(f"{i:032x}", f"row {i}", text=text, label=label if i < 40 else None, split="pool")
                for i, (text, label) in enumerate(texts)
            ]
        )
        store.rounds.request("import")
    work_once(project)
    with project.store() as store:  # in an order that the test knows
        store.db.execute("UPDATE queries SET rank = -rank")
        store.db.execute("UPDATE queries SET rank = 61 - item_id")
        store.db.connection.commit()
    return projects.open_project(project.folder.rename(own_home / "reviews"))


def test_why_this_item_and_what_the_model_saw_in_a_text(server, films, open_page):
    page = open_page(f"{server.url}/?annotator=kim")
    panel = page.get_by_role("complementary", name="Why this item?")
    assert ready_item(page) == 60
    assert not panel.is_visible()
    page.keyboard.press("w")
    panel.wait_for()
    panel.get_by_text("For leads: the query strategy").click()
    panel.get_by_text("uncertainty sampling").wait_for()
    panel.locator(".why-list li").nth(4).wait_for()
    assert panel.locator(".why-label").first.inner_text() in ("good", "bad")

    texts = panel.locator(".why-saw figure")
    texts.nth(1).wait_for(timeout=120_000)  # the explainer loads torch first
    assert texts.locator(".why-text").first.inner_text() == EMOJI
    assert texts.first.locator("figcaption").inner_text().startswith("good")
    words = texts.first.locator(".why-text > span")
    assert "".join(words.all_inner_texts()) == "".join(EMOJI.split())
    shades = [float(w.evaluate("e => e.style.getPropertyValue('--weight')")) for w in words.all()]
    assert max(shades) == pytest.approx(1)
    panel.get_by_text("evidence, not a cause").wait_for()

    panel.get_by_role("button", name="Explain by hiding parts").click()
    panel.locator(".why-local figure").nth(1).wait_for(timeout=60_000)
    panel.get_by_text("hidden at random").wait_for()

    # Answers go on while it is open, and it follows; the focus stays where it was.
    before = panel.locator(".why-facts").text_content()
    assert press(page, "1") == 60
    wait_for(lambda: panel.locator(".why-facts").count() and panel.locator(".why-facts").text_content() != before)
    assert panel.is_visible()
    assert press(page, "2") == 59
    all_saved(page)
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    assert press(page, "1") == 58
    page.get_by_role("button", name="Why this?").focus()
    page.keyboard.press("Enter")
    panel.get_by_role("button", name="Close").focus()
    page.keyboard.press("Enter")
    panel.wait_for(state="hidden")
    focused = page.evaluate(
        "[...document.querySelectorAll('*')].map(e => e.shadowRoot?.activeElement?.innerText).find(Boolean)"
    )
    assert "Why this?" in focused  # back where it was
    all_saved(page)
    with films.store() as store:
        assert [(r["item_id"], r["label"]) for r in store.answers.export() if r["annotator"] == "kim"] == [
            (60, "good"), (59, "bad"), (58, "good")
        ]  # fmt: skip


def test_by_default_the_models_opinion_stays_hidden(server, films, open_page):
    films.save(replace(films.config, labeling=LabelingConfig()))
    page = open_page(f"{server.url}/?annotator=kim")
    ready_item(page)
    page.keyboard.press("w")
    page.get_by_text("This project does not show the model's predictions").wait_for()
    assert page.locator(".why-saw figure").count() == 0
    assert page.get_by_role("button", name="Explain by hiding parts").count() == 0
    with films.store() as store:
        assert not store.explanations.waiting()


@pytest.fixture
def scans(own_home, tmp_path):
    """Twelve grey stacks of four slices, asked about by a model whose explanation of each is known already.

    The project moves to where it is served once all this is done: the server's worker and explainer would run the round
    and the explanations themselves.
    """
    (tmp_path / "in").mkdir()
    for i in range(12):
        pixels = np.full((4, 90, 120), 15 * i, dtype=np.uint8)
        pixels[3, 20:50, 20:60] = 255
        write_dicom(tmp_path / "in" / f"{i:02d}.dcm", pixels)
    config = Config(
        "Scans", ("spot", "no spot", "unclear"), labeling=LabelingConfig(reveal="before", holdout_share=0.0),
        learner=LearnerConfig(input_size=32),
    )  # fmt: skip
    project = projects.create(tmp_path / "scans", config)
    import_source(project, tmp_path / "in", asks_round=False)
    project.models.mkdir()
    (project.models / "m.safetensors").touch()
    maps = np.zeros((3, 6, 8))
    maps[0, 1:3, 1:4], maps[1, 1:3, 1:4], maps[2, 4:, 5:] = 1.0, -0.8, 0.5
    zeros, proba = np.zeros(3), np.array([0.7, 0.2, 0.1])
    evidence = Evidence(np.arange(3), proba, zeros, zeros, maps, slice=(4, 4), attention=np.eye(6, 8))
    result = _result(list(config.classes), evidence)
    with project.store() as store:
        ids = [item.id for item in store.items.all() if not is_blind(item)]
        rank(store, ids)
        for item in store.items.all():
            store.explanations.get_or_request(item.content_hash, "models/m.safetensors", "saw")
            store.explanations.finish(store.explanations.claim(), json.loads(json.dumps(result)))
    return projects.open_project(project.folder.rename(own_home / "scans"))


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_maps_lie_over_the_image_and_the_slider_leaves_the_keys_alone(server, scans, open_page, width, scheme):
    page = open_page(f"{server.url}/?annotator=kim", color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 850})
    stage(page).wait_for()
    first = ready_item(page)
    page.get_by_role("button", name="Why this?").click()
    maps = page.locator(".why-map")
    maps.nth(2).wait_for(timeout=120_000)  # the explainer loads torch first
    assert maps.first.get_attribute("alt") == "Where the image speaks for and against spot"
    for _ in range(2):
        box, over = page.locator(".why-picture").first.bounding_box(), maps.first.bounding_box()
        assert box == pytest.approx(over, abs=1)
    slider = page.get_by_role("slider", name="Strength of the colours")
    slider.focus()
    before = float(maps.first.evaluate("e => getComputedStyle(e).opacity"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    assert float(maps.first.evaluate("e => getComputedStyle(e).opacity")) == 1 > before
    page.get_by_text("Slice 4 of 4 speaks most for spot").wait_for()
    assert page.locator(".slices").inner_text() == "Slice 3 of 4"  # the middle one
    page.get_by_role("button", name="Show this slice").click()
    assert page.locator(".slices").inner_text() == "Slice 4 of 4"
    page.get_by_role("button", name="Show attention").click()
    page.get_by_text("That a part was attended to does not prove that it decided.").wait_for()
    page.get_by_role("img", name="Where the network gathered what it read").wait_for()
    assert item_on_screen(page) == first
    assert press(page, "2") == first  # a class key answers, wherever the focus in the panel is
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    panel, middle = page.locator(".why-panel").bounding_box(), page.locator(".stage").bounding_box()
    if width > 1000:
        assert panel["x"] > middle["x"] + middle["width"] - 1
        assert panel["height"] == pytest.approx(middle["height"], abs=2)
    else:
        assert panel["y"] > middle["y"] + middle["height"] - 1
    all_saved(page)
