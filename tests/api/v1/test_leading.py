"""What leads and admins do through the public API: review, members, the audit log, backups; and explanations."""

import pytest

from labeler.access import accounts as access
from labeler.access import api_tokens
from labeler.access.accounts import accounts
from labeler.core.actor import Actor
from labeler.core.items import Answer, NewItem
from labeler.core.running import Board
from labeler.projects.backing_up import back_up
from tests.support.people import home_of_people
from tests.support.programs import bearer, program

P = "/projects/reviews"


@pytest.fixture
def client(project):
    with project.store() as store:
        store.items.add([NewItem(str(i), f"row {i}", f"text {i}", split="pool") for i in range(3)])
        store.answers.add("lee", [Answer(f"l{i}", i, "label", "good") for i in (1, 2, 3)])
        store.answers.add("kim", [Answer("k1", 1, "label", "bad"), Answer("k2", 2, "label", "bad", unsure=True)])
    return program()


def test_the_queue_of_the_review_comes_in_pages_and_a_decision_takes_a_case_out(client):
    first = client.get(f"{P}/review", params={"limit": 1}).json()
    rest = client.get(f"{P}/review", params={"limit": 1, "cursor": first["next"]}).json()
    assert {case["item_id"] for page in (first, rest) for case in page["items"]} == {1, 2}
    assert rest["next"] is None
    (case,) = client.get(f"{P}/review", params={"reason": "unsure"}).json()["items"]
    assert (case["item_id"], case["reasons"]) == (2, ["disagreement", "unsure"])
    assert [(a["annotator"], a["label"], a["unsure"]) for a in case["answers"]] == [
        ("lee", "good", False),
        ("kim", "bad", True),
    ]
    made = client.post(f"{P}/decisions", json={"item_id": 2, "action": "label", "label": "good", "reason": "clear"})
    assert made.status_code == 201
    assert {name: made.json()[name] for name in ("by", "label", "before", "reason", "undone")} == {
        "by": "kim",
        "label": "good",
        "before": "bad",
        "reason": "clear",
        "undone": False,
    }
    assert [case["item_id"] for case in client.get(f"{P}/review").json()["items"]] == [1]
    assert client.delete(f"{P}/decisions/{made.json()['id']}").status_code == 204
    assert len(client.get(f"{P}/review").json()["items"]) == 2
    (undone,) = client.get(f"{P}/decisions").json()["items"]
    assert undone["undone"]
    assert client.delete(f"{P}/decisions/{made.json()['id']}").status_code == 404


@pytest.mark.parametrize(
    ("decision", "status"),
    [
        ({"item_id": 1, "action": "label", "label": "odd"}, 422),
        ({"item_id": 1, "action": "label"}, 422),
        ({"item_id": 1, "action": "exclude", "label": "good"}, 422),
        ({"item_id": 99, "action": "exclude"}, 422),
        ({"item_id": 1, "action": "delete"}, 400),
        ({"item_id": 1, "action": "label", "label": ["good", "bad"]}, 422),
    ],
)
def test_a_decision_that_is_none_is_refused(client, decision, status):
    assert client.post(f"{P}/decisions", json=decision).status_code == status
    assert client.get(f"{P}/decisions").json()["items"] == []


def test_a_decision_that_is_sent_twice_under_its_id_is_one(client):
    decision = {"item_id": 1, "action": "exclude", "request_id": "mine"}
    first, second = (client.post(f"{P}/decisions", json=decision).json() for _ in range(2))
    assert first == second
    assert len(client.get(f"{P}/decisions").json()["items"]) == 1


@pytest.mark.parametrize("cursor", ["W10", "WyJhIl0", "WzEsMiwzLDRd", "MQ"])
def test_a_cursor_that_the_queue_did_not_give_is_refused(client, cursor):
    assert client.get(f"{P}/review", params={"cursor": cursor}).status_code == 422


def test_an_explanation_is_the_desks(client, project):
    told = client.get(f"{P}/items/3/explanation").json()
    assert told["saw"] == {"state": "hidden", "hidden": "never"}
    assert told["neighbours"] == {"hidden": "no model", "items": []}
    assert client.get(f"{P}/items/3/explanation", params={"part": "local"}).json()["saw"] is None
    assert client.get(f"{P}/items/99/explanation").status_code == 404


def test_the_audit_log_comes_in_pages_and_by_action(client):
    for action in ("exclude", "return"):
        assert client.post(f"{P}/decisions", json={"item_id": 1, "action": action}).status_code == 201
    client.delete(f"{P}/decisions/2")
    first = client.get(f"{P}/audit", params={"limit": 2}).json()
    rest = client.get(f"{P}/audit", params={"limit": 500, "cursor": first["next"]}).json()
    actions = [row["action"] for row in (*first["items"], *rest["items"])]
    assert actions[:3] == ["decision undone", "decided", "decided"]
    assert rest["next"] is None
    decided = client.get(f"{P}/audit", params={"action": "decided", "by": "kim"}).json()["items"]
    assert [(row["how"], row["what"]["decision"]) for row in decided] == [("api", "return"), ("api", "exclude")]


def test_without_accounts_there_are_no_members(client):
    assert client.get(f"{P}/members").status_code == 422


def test_roles_are_given_and_taken_and_nobody_takes_their_own(tmp_path, own_home):
    with home_of_people(tmp_path / "home", 1) as people:
        lead = accounts().accounts.by_name("the lead")
        token = api_tokens.make(lead, "a test", "administer", [people["project"].uid], 1, Actor("test"))
        client = program({"Authorization": f"Bearer {token}"})
        names = [member["name"] for member in client.get(f"{P}/members").json()["items"]]
        assert names == ["the annotator", "the auditor", "the lead", "the reviewer"]
        put = client.put(f"{P}/members/The Stranger", json={"role": "reviewer"})
        assert put.json() == {"name": "the stranger", "role": "reviewer"}
        assert client.delete(f"{P}/members/the stranger").status_code == 204
        assert client.delete(f"{P}/members/the stranger").status_code == 404
        assert client.put(f"{P}/members/nobody", json={"role": "lead"}).status_code == 404
        own = client.put(f"{P}/members/the lead", json={"role": "annotator"})
        assert (own.status_code, own.json()["detail"][:27]) == (403, "You cannot take your own ro")
        assert client.delete(f"{P}/members/the lead").status_code == 403
        assert len(client.get(f"{P}/members").json()["items"]) == 4


def test_the_members_are_all_on_their_pages_whatever_their_letters(tmp_path, own_home):
    with home_of_people(tmp_path / "home", 1) as people:
        uid, by = people["project"].uid, Actor("test")
        lead = accounts().accounts.by_name("the lead")
        for name in ("Éb", "éa", "Éa"):  # the last two differ in case alone, which SQLite does not see
            access.give_role(access.add_account(name, by=by), uid, "annotator", by)
        token = api_tokens.make(lead, "a test", "administer", [uid], 1, by)
        client = program({"Authorization": f"Bearer {token}"})
        names: list[str] = []
        cursor = None
        while cursor or not names:
            page = client.get(f"{P}/members", params={"limit": 1} | ({"cursor": cursor} if cursor else {})).json()
            names += [member["name"] for member in page["items"]]
            cursor = page["next"]
        assert names[-3:] == ["Éa", "éa", "Éb"]
        assert len(names) == 7


def test_backups_are_listed_and_asked_for_where_the_server_makes_them(client, own_home):
    assert client.get("/backups").json() == {"items": [], "next": None, "is_asked": False, "failed": None}
    assert client.post("/backups").status_code == 422
    made = back_up(own_home)
    (listed,) = client.get("/backups").json()["items"]
    assert (listed["name"], listed["files"]) == (made.folder.name, len(made.manifest.files))
    Board(own_home).show([])
    assert client.post("/backups").json() == {"is_asked": True}
    assert client.get("/backups").json()["is_asked"]
    assert client.get("/backups", headers=bearer("manage")).status_code == 403


def test_an_admin_invites_somebody_who_makes_an_account_and_disables_it(tmp_path, own_home, quick_hashes):
    with home_of_people(tmp_path / "home", 1) as people:
        admin = accounts().accounts.by_name("the admin")
        token = api_tokens.make(admin, "a test", "administer", ["*"], 1, Actor("test"))
        client = program({"Authorization": f"Bearer {token}"})
        link = client.post("/invitations", json={"name": "su/a", "project": "reviews", "role": "reviewer"}).json()[
            "link"
        ]
        session = access.accept(link.rpartition("/")[2], "", "maple river seven", "", set())
        (account,) = [entry for entry in client.get("/accounts").json()["items"] if entry["name"] == "su/a"]
        uid = people["project"].uid
        assert account["roles"] == [{"project": uid, "folder": "reviews", "role": "reviewer"}]
        assert access.user_of_secret(session)
        assert client.patch("/accounts/su/a", json={"is_disabled": True}).json()["is_disabled"]
        assert access.user_of_secret(session) is None
        refused = client.patch("/accounts/the admin", json={"is_admin": False})
        assert (refused.status_code, refused.json()["detail"][:27]) == (422, "the admin is the only admin")
        assert client.post("/password-links", json={"name": "su/a"}).json()["link"].startswith("account/invitation/")
        assert client.post("/password-links", json={"name": "nobody"}).status_code == 404
        assert client.post("/invitations", json={"name": "su/a"}).status_code == 422
        assert client.post("/invitations", json={"project": "none"}).status_code == 404


def test_an_admins_token_for_some_projects_reaches_no_account_and_no_backup(tmp_path, own_home):
    with home_of_people(tmp_path / "home", 1) as people:
        admin = accounts().accounts.by_name("the admin")
        token = api_tokens.make(admin, "a test", "administer", [people["project"].uid], 1, Actor("test"))
        client = program({"Authorization": f"Bearer {token}"})
        assert client.get(f"{P}/members").status_code == 200
        replies = [
            client.get("/accounts"),
            client.patch("/accounts/the lead", json={"is_admin": True}),
            client.post("/invitations", json={"is_admin": True}),
            client.post("/password-links", json={"name": "the admin"}),
            client.get("/backups"),
            client.post("/backups"),
        ]
        assert [reply.status_code for reply in replies] == [403] * 6
        assert "for some projects" in replies[0].json()["detail"]
