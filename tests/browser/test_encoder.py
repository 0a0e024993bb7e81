"""An encoder that is better on the project's labels is proposed, and switched, while two people label."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from labeler.backbones import choose
from labeler.core.items import NewItem
from labeler.core.settings import LearnerConfig, QueryConfig
from labeler.jobs.encoder_comparisons import Comparison, request_of
from labeler.jobs.runner import LOCK
from labeler.projects import project as projects
from tests.support.desk import all_saved, press, ready_item
from tests.support.encoders import Known
from tests.support.samples import reviews, text_config
from tests.support.server import wait_for

pytestmark = pytest.mark.browser
LABELED = 56


@pytest.fixture
def labeled(own_home):
    """150 texts, 56 of them labeled; an encoder reads them that sees nothing but their length."""
    learner = LearnerConfig(kind="frozen", backbone="letters")
    query = QueryConfig(strategy="margin", seed_size=LABELED + 8, batch=8)
    project = projects.create(own_home / "reviews", text_config(learner=learner, query=query))
    with project.store() as store:
        store.items.add(
            [
                NewItem(f"{i:032x}", f"row {i}", text=text, split="pool", label=label if i < LABELED else None)
                for i, (text, label) in enumerate(reviews(150))
            ]
        )
    return project


def compare(project, monkeypatch) -> None:
    """Compare the two encoders in this process, as the worker would; it is kept out meanwhile."""
    load = choose.load_encoder

    def known(learner, *rest):
        return Known("letters") if learner.backbone == "letters" else load(learner, *rest)

    monkeypatch.setattr(choose, "load_encoder", known)
    monkeypatch.setattr("labeler.cycle.snapshot.load_encoder", known)
    monkeypatch.setattr("labeler.backbones.auto.available", lambda modality: ["char_tfidf"])
    with project.lock(LOCK), project.store() as store:
        number = store.encoder_comparisons.request(request_of(project, store), "")
        job = store.encoder_comparisons.claim()
        store.encoder_comparisons.finish(number, Comparison(project, store, job.request, lambda *step: None).run())


def test_an_encoder_is_proposed_and_switched_while_two_people_label(server, labeled, open_page, monkeypatch):
    people = {name: open_page(f"{server.url}/?annotator={name}") for name in ("kim", "lee")}
    given: dict[str, list[int]] = {name: [press(page, "1"), press(page, "2")] for name, page in people.items()}
    compare(labeled, monkeypatch)
    given["kim"].append(press(people["kim"], "1"))

    lead = open_page(f"{server.url}/project?annotator=lead")
    expect(lead.get_by_text("char_tfidf is better than letters on this project's labels")).to_be_visible()
    given["lee"].append(press(people["lee"], "1"))
    lead.get_by_role("button", name="Switch from the next round on").click()
    lead.get_by_text("Saved: char_tfidf reads the items from the next round on.").wait_for()
    assert projects.open_project(labeled.folder).config.learner == replace(
        labeled.config.learner, backbone="char_tfidf"
    )

    def rounds() -> dict[int, str]:
        with labeled.store() as store:
            return store.rounds.backbones()

    assert rounds() == {}
    for name, page in people.items():
        given[name] += [press(page, "2"), press(page, "1")]  # the batch is whole: a round is due
    wait_for(lambda: rounds() == {1: "char_tfidf"})
    for name, page in people.items():
        given[name].append(press(page, "1"))
        ready_item(page)  # and there is a next one
        all_saved(page)
    with labeled.store() as store:
        stored = [(row["annotator"], row["item_id"]) for row in store.answers.export() if row["annotator"] in given]
        job = store.rounds.latest_job()
    assert sorted(stored) == sorted((name, item) for name, items in given.items() for item in items)
    assert len({item for _name, item in stored}) == len(stored) == 2 * 6
    assert job.state == "done"
