"""What the resources of the public API do, each through the call that a program makes."""

import json
from dataclasses import replace

import pytest

from labeler.access.accounts import accounts, add_account, give_role
from labeler.access.api_tokens import make
from labeler.access.serving import Serving
from labeler.api.v1 import items
from labeler.core.actor import Actor
from labeler.core.items import Answer
from labeler.core.rounds import FinishedRound, Metrics, RoundResult
from labeler.core.settings_file import load
from labeler.store.foreign import NewForeign
from tests.support.fill import add
from tests.support.programs import bearer, program

P = "/projects/reviews"


@pytest.fixture
def client(project):
    return program()


def answer(request_id: str = "r", item: int = 1, **fields):
    return {"request_id": request_id, "item_id": item, "label": "good"} | fields


def ok(reply, status: int = 200):
    assert reply.status_code == status, reply.text
    return reply.json() if reply.content else None


# ---------------------------------------------------------------- projects and settings


def test_a_project_is_created_listed_and_archived(client, own_home):
    reply = client.post("/projects", json={"name": "Brain MRI", "classes": ["glioma", "none"], "modality": "image"})
    made = ok(reply, 201)
    assert reply.headers["location"] == f"/api/v1/projects/{made['uid']}"
    assert (made["folder"], made["role"], made["classes"]) == ("brain-mri", "lead", ["glioma", "none"])
    first = ok(client.get("/projects?limit=1"))
    rest = ok(client.get("/projects", params={"limit": 1, "cursor": first["next"]}))
    assert [page["items"][0]["folder"] for page in (first, rest)] == ["brain-mri", "reviews"]
    assert rest["next"] is None
    ok(client.delete("/projects/brain-mri"), 204)
    assert client.get("/projects/brain-mri").status_code == 404
    assert (own_home / ".archive" / "brain-mri").is_dir()


def test_addresses_in_replies_lie_below_the_path_of_the_app(client, monkeypatch):
    for name, value in Serving(base_path="/labels").as_environment().items():
        monkeypatch.setenv(name, value)
    reply = client.post("/projects", json={"name": "Brain MRI", "classes": ["glioma", "none"], "modality": "image"})
    assert reply.headers["location"] == f"/labels/api/v1/projects/{ok(reply, 201)['uid']}"


def test_a_name_that_is_taken_is_a_conflict(client):
    reply = client.post("/projects", json={"name": "Reviews", "classes": ["a", "b"]})
    assert reply.status_code == 409
    assert "already a project" in reply.json()["detail"]


def test_settings_change_through_history_and_audit(client, project):
    changed = ok(client.patch(f"{P}/settings", json={"query": {"batch": 33}, "budget": 77}))
    assert (changed["query"]["batch"], changed["budget"]) == (33, 77)
    assert ok(client.get(f"{P}/settings")) == json.loads(json.dumps(load(project.folder / "project.toml").as_dict()))
    with project.store() as store:
        row = store.settings_log.history()[0]
    assert (row.by, row.how, row.after) == ("kim", "api", {"query.batch": 33, "budget": 77})
    ok(client.patch(f"{P}/settings", json={"budget": None}))
    assert ok(client.get(f"{P}/settings"))["budget"] != 77


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"query": {"batch": "many"}}, 422),
        ({"query": {"btach": 5}}, 422),
        ({"query": {"strategy": "astrology"}}, 422),
        ({"classes": ["a", "b"]}, 422),
        ({"query": 5}, 422),
    ],
)
def test_a_wrong_setting_changes_nothing(client, project, change, status):
    before = (project.folder / "project.toml").read_bytes()
    reply = client.patch(f"{P}/settings", json={"budget": 5} | change)
    assert reply.status_code == status
    assert reply.json()["detail"]
    assert (project.folder / "project.toml").read_bytes() == before


def test_classes_are_renamed_with_their_labels_after_a_preview(client, project):
    with project.store() as store:
        add(store, 2)
        store.answers.add("kim", [Answer("r", 1, "label", "good")])
    asked = {"kind": "rename", "old": ["good"], "new": ["fine"]}
    preview = ok(client.post(f"{P}/classes/changes", json=asked | {"preview": True}))
    assert (preview["number"], preview["answers"]) == (None, 1)
    assert [each["name"] for each in ok(client.get(f"{P}/classes"))["items"]] == ["good", "bad"]
    assert ok(client.post(f"{P}/classes/changes", json=asked))["number"] == 1
    classes = ok(client.get(f"{P}/classes"))
    assert (classes["items"][0]["name"], classes["items"][0]["pool_labels"]) == ("fine", 1)
    assert classes["change"] == 1
    assert client.post(f"{P}/classes/changes", json={"kind": "retire", "old": ["nothing"]}).status_code == 422


# ---------------------------------------------------------------- items


def test_texts_are_added_once_searched_and_paged(client, project):
    texts = ["a quiet film", "a loud film", "a loud play", "a quiet film"]
    items = [{"text": text, "metadata": {"site": "Seoul"}} for text in texts]
    added = ok(client.post(f"{P}/items", json={"items": items}), 201)
    assert (added["added"], added["duplicates"], added["problems"]) == (3, 1, [])
    listed, cursor = [], None
    while True:
        page = ok(client.get(f"{P}/items", params={"limit": 2} | ({"cursor": cursor} if cursor else {})))
        listed += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(listed) + added["holdout"] == 3  # of the holdout, nothing is listed before it has a label
    assert {each["metadata"]["site"] for each in listed} <= {"Seoul"}
    with project.store() as store:
        everything = {item.text for item in store.items.all()}
    found = ok(client.get(f"{P}/items", params={"search": "loud"}))["items"]
    assert {each["text"] for each in found} <= {text for text in everything if "loud" in text}


def test_texts_do_not_wait_for_an_import_that_takes_long(client, project, monkeypatch):
    monkeypatch.setattr(items, "PATIENCE", 0.0)
    with project.lock("import.lock"):
        reply = client.post(f"{P}/items", json={"items": [{"text": "fine"}]})
    assert (reply.status_code, "retry-after" in reply.headers) == (409, True)
    assert client.get(f"{P}/items").json()["items"] == []


def test_labels_that_are_known_come_with_the_texts(client):
    items = [{"text": f"text {n}", "label": "good", "split": "pool"} for n in range(3)]
    items += [{"text": "held out", "label": "bad", "split": "holdout"}, {"text": "open", "split": "pool"}]
    assert ok(client.post(f"{P}/items", json={"items": items}), 201)["labels_added"] == 4
    labeled = ok(client.get(f"{P}/items", params={"state": "labeled"}))["items"]
    assert {(each["label"], each["split"]) for each in labeled} == {("good", "pool"), ("bad", "holdout")}
    assert [each["text"] for each in ok(client.get(f"{P}/items?label=bad"))["items"]] == ["held out"]


def test_metadata_changes_and_the_audit_log_keeps_it(client, project):
    with project.store() as store:
        add(store, 1)
        version = store.version()
    ok(client.patch(f"{P}/items/1", json={"metadata": {"site": "Busan", "age": "41"}}))
    changed = ok(client.patch(f"{P}/items/1", json={"metadata": {"age": None}}))
    assert changed["metadata"] == {"site": "Busan"}
    with project.store() as store:
        assert store.version() != version
        rows = store.audit.rows(action="metadata changed")
        assert (rows[0].by, rows[0].what) == ("kim", {"item": 1})
    assert client.patch(f"{P}/items/99", json={"metadata": {}}).status_code == 404
    assert client.get(f"{P}/items/1/picture").status_code == 404  # of a text


# ---------------------------------------------------------------- labeling


def test_items_are_asked_answered_once_listed_and_undone(client, project):
    with project.store() as store:
        add(store, 5)
    asked = ok(client.post(f"{P}/next", json={"n": 2}))
    again = ok(client.post(f"{P}/next", json={"n": 2}))
    assert [each["id"] for each in asked["items"]] == [each["id"] for each in again["items"]]
    item = asked["items"][0]["id"]
    body = {"answers": [answer("kim/1", item), answer("two", 99), answer("three", item, label="astonishing")]}
    receipts = ok(client.post(f"{P}/answers", json=body))["receipts"]
    assert [receipt["ok"] for receipt in receipts] == [True, False, False]
    assert ok(client.post(f"{P}/answers", json={"answers": [answer("kim/1", item)]}))["receipts"][0]["ok"]
    (stored,) = ok(client.get(f"{P}/answers"))["items"]
    assert (stored["request_id"], stored["annotator"], stored["label"]) == ("kim/1", "kim", "good")
    for _ in range(2):
        assert ok(client.delete(f"{P}/answers/kim%2F1"))["receipts"][0]["ok"]
    assert ok(client.get(f"{P}/answers"))["items"] == []
    assert client.delete(f"{P}/answers/never").status_code == 404


@pytest.mark.parametrize("reveal", ["before", "after", "never"])
def test_other_models_say_what_the_project_shows_and_when_it_does(client, project, reveal):
    project.save(replace(project.config, labeling=replace(project.config.labeling, reveal=reveal)))
    with project.store() as store:
        add(store, 1)
        model = store.foreign.begin("GPT-like", "4", "gpt.csv", 0)
        store.foreign.put(model, [NewForeign(1, "good", confidence=0.9)])
        store.foreign.finish([model])
    says = [{"model": "GPT-like 4", "label": "good", "confidence": 0.9}]
    (asked,) = ok(client.post(f"{P}/next", json={}))["items"]
    assert asked["others"] == (says if reveal == "before" else [])
    (receipt,) = ok(client.post(f"{P}/answers", json={"answers": [answer()]}))["receipts"]
    assert receipt["others"] == ([] if reveal == "never" else says)


def test_nothing_that_an_annotator_gets_differs_between_pool_and_holdout(project, own_home):
    items = [{"text": f"text {n}", "split": "holdout" if n % 2 else "pool"} for n in range(6)]
    ok(program().post(f"{P}/items", json={"items": items}), 201)
    with project.store() as store:
        splits = {item.id: item.split for item in store.items.all()}
    annotator = people_log_in(project)["annotator"]
    asked = ok(annotator.post(f"{P}/next", json={"n": 6}))["items"]
    seen = {splits[each["id"]]: {name: type(value) for name, value in each.items()} for each in asked}
    assert seen["pool"] == seen["holdout"]
    for each in asked:
        facts = ok(annotator.get(f"{P}/items/{each['id']}"))
        assert (facts["split"], facts["label"], facts["labels"], facts["source"]) == (None, None, None, None)
    assert annotator.get(f"{P}/items").status_code == 403
    progress = ok(annotator.post(f"{P}/next", json={}))["progress"]
    told = [progress["until_round"], ok(annotator.get(f"{P}/rounds/state"))["labels_missing"]]
    assert {number % 5 for number in told if number != progress["batch"]} <= {0}


def people_log_in(project):
    """A client for an annotator and a lead of a home that has accounts from now on."""
    (project.folder.parent / "access.toml").write_text("mode = 'local'")
    by, clients = Actor("test"), {}
    for role in ("annotator", "lead"):
        account = add_account(f"the {role}")
        give_role(account, project.uid, role, by)
        token = make(account, "a test", "administer", ["*"], 1, by)
        clients[role] = program({"Authorization": f"Bearer {token}"})
    assert accounts().accounts.by_name("the lead")
    return clients


def test_with_accounts_nobody_answers_in_another_name_or_reads_others_answers(project):
    with project.store() as store:
        add(store, 2)
    assert ok(program().post(f"{P}/answers", json={"annotator": "lee", "answers": [answer()]}))["receipts"][0]["ok"]
    clients = people_log_in(project)
    body = {"annotator": "the annotator", "answers": [answer("s", 2)]}
    assert clients["lead"].post(f"{P}/answers", json=body).status_code == 403
    assert [each["annotator"] for each in ok(clients["lead"].get(f"{P}/answers"))["items"]] == ["lee"]
    assert ok(clients["annotator"].get(f"{P}/answers"))["items"] == []
    assert clients["annotator"].get(f"{P}/answers?annotator=lee").status_code == 403


def test_an_answer_of_a_reserved_name_or_a_wrong_form_stores_nothing(client, project):
    with project.store() as store:
        add(store, 1)
    for body in ({"annotator": "import", "answers": [answer()]}, {"answers": [answer(seconds=-1), answer("s")]}):
        assert client.post(f"{P}/answers", json=body).status_code == 400
    assert ok(client.get(f"{P}/answers"))["items"] == []


# ---------------------------------------------------------------- rounds


def test_a_round_that_cannot_run_says_why_and_one_is_asked_for_once(client, project):
    reply = client.post(f"{P}/rounds")
    assert (reply.status_code, reply.json()["detail"][:22]) == (409, "There are no items yet")
    with project.store() as store:
        add(store, 4)
        store.answers.add("kim", [Answer(str(n), n, "label", ("good", "bad")[n % 2]) for n in range(1, 5)])
        store.db.execute("DELETE FROM jobs")  # the one that was due
    for _ in range(2):
        assert ok(client.post(f"{P}/rounds"), 202)["job"]["state"] == "queued"
    with project.store() as store:
        assert store.db.value("SELECT COUNT(*) FROM jobs") == 1
    assert ok(client.get(f"{P}/rounds")) == {"items": [], "next": None}
    assert client.get(f"{P}/rounds/1").status_code == 404


def test_rounds_curve_and_evidence_are_those_of_the_pages(client, project):
    with project.store() as store:
        add(store, 8)
        for number, accuracy in ((1, 0.7), (2, 0.8)):
            metrics = Metrics(50, accuracy, accuracy - 0.1, accuracy + 0.1, accuracy)
            store.rounds.request("test")
            result = RoundResult(10 * number, "margin", 7, metrics, (), 0.1, 0.2)
            store.rounds.finish(store.rounds.claim(), FinishedRound(number, result))
    rounds = ok(client.get(f"{P}/rounds"))["items"]
    assert [(each["number"], each["metrics"]["accuracy"]) for each in rounds] == [(1, 0.7), (2, 0.8)]
    one = ok(client.get(f"{P}/rounds/2"))
    assert one["metrics"]["low"] < 0.8 < one["metrics"]["high"]
    curve = ok(client.get(f"{P}/curve"))
    assert [point["accuracy"] for point in curve["items"]] == [0.7, 0.8]
    assert curve["outlook"]
    evidence = ok(client.get(f"{P}/evidence", headers={"Accept-Language": "ko"}))
    assert {each["rule"] for each in evidence["rules"]} == {
        "target",
        "budget",
        "stable",
        "confident",
        "gain",
        "exhausted",
    }
    assert evidence["stopped"] is None


def test_a_token_that_labels_leaves_settings_alone(project):
    reply = program(bearer("label")).patch(f"{P}/settings", json={"budget": 1})
    assert reply.status_code == 403
