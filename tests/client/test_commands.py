"""Commands work on a server's project as on a folder's."""

import json
import os
import time
from dataclasses import replace

import pandas as pd
import pytest
from click.testing import CliRunner

from labeler import Project
from labeler.access import accounts, api_tokens
from labeler.cli import main
from labeler.client import session
from labeler.core.actor import Actor
from labeler.core.settings import LearnerConfig
from labeler.feeds import folder as folders
from labeler.jobs import feeds
from labeler.projects import project as projects
from tests.support.samples import reviews

pytestmark = pytest.mark.slow


def test_a_project_on_a_server_is_filled_trained_and_taken_out_by_commands(server, tmp_path):
    def labeler(*arguments: object, code: int = 0) -> str:
        result = CliRunner().invoke(main, [str(a) for a in (*arguments, "--server", server)])
        assert result.exit_code == code, result.output
        return result.output

    table, out = tmp_path / "films.csv", tmp_path / "labels.csv"
    pd.DataFrame(reviews(60), columns=["text", "label"]).to_csv(table, index=False)
    assert "There is no project 'films' here" in labeler("status", "films", code=2)
    project = Project.create(f"{server}/films", ["good", "bad"])
    project.settings = replace(project.settings, learner=LearnerConfig(backbone="char_tfidf"))
    assert "60 items added, 0 already there" in labeler("import", "films", table, "--label-column", "label")
    assert "has no column 'body'" in labeler("import", "films", table, "--text-column", "body", code=2)
    assert labeler("round", "films").startswith("Round ")
    assert json.loads(labeler("status", "films", "--json"))["labeled"] == 51
    assert labeler("export", "films", out) == f"60 answers written to {out}.\n"
    assert len(pd.read_csv(out)) == 60
    assert pd.read_csv(out)["label"].notna().all()
    assert "good" in labeler("predict", "films", table)
    assert "Labels that change" in labeler("classes", "rename", "films", "good", "fine", "--yes")
    assert project.classes == ("fine", "bad")


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_webhooks_of_a_project_on_a_server_are_added_listed_and_removed(server, own_home):
    Project.create(f"{server}/films", ["good", "bad"])

    def webhooks(verb: str, *rest: object, code: int = 0) -> str:
        return run("webhooks", verb, "films", *rest, "--server", server, code=code)

    assert "whsec_" in webhooks("add", "https://example.org/secret-path", "--event", "member.joined")
    with projects.open_project(own_home / "films").store() as store:
        store.team.join("lee")
        (message,) = store.webhooks.deliveries()
        store.webhooks.record(message, "The answer was 500.", 0.0)
    assert webhooks("list") == "1  https://example.org/…  member.joined  (by kim)\n"
    assert "member.joined  1×  The answer was 500. – tried again" in webhooks("log")
    assert webhooks("send-again", message.id) == ""
    assert "member.joined  0×" in webhooks("log", "--last", 1)
    assert webhooks("remove", 1) == webhooks("list") == ""
    assert "There is no webhook 1." in webhooks("remove", 1, code=2)


@pytest.mark.parametrize("is_served", [False, True], ids=["folder", "server"])
def test_roles_are_given_by_command_on_a_server_and_in_a_folder(server, own_home, monkeypatch, is_served):
    Project.create(f"{server}/films", ["good", "bad"])
    (own_home / "access.toml").write_text("mode = 'local'")
    admin = accounts.add_account("kim", is_admin=True)
    accounts.add_account("lee/eun")
    monkeypatch.setenv("LABELER_TOKEN", api_tokens.make(admin, "a test", "administer", ["*"], 1, Actor("test")))
    if not is_served:
        monkeypatch.setenv("LABELER_HOME", "elsewhere")  # the folder says which home it is of
    where = ["films", "--server", server] if is_served else [own_home / "films"]
    assert run("members", "role", *where, "lee/eun", "reviewer") == ""
    assert run("members", "list", *where) == "lee/eun\treviewer\n"
    assert run("members", "role", *where, "lee/eun", "none") == run("members", "list", *where) == ""
    assert "no account with the name 'max'" in run("members", "role", *where, "max", "lead", code=2)


def test_feeds_of_a_project_on_a_server_are_added_pulled_changed_and_removed(server, own_home, tmp_path, monkeypatch):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.csv").write_text("text\none\ntwo\n", encoding="utf-8")
    os.utime(inbox / "a.csv", (time.time() - 60, time.time() - 60))
    monkeypatch.setenv(folders.VARIABLE, str(inbox))
    Project.create(f"{server}/films", ["good", "bad"])
    # what the worker does meanwhile
    monkeypatch.setattr(session.time, "sleep", lambda _: feeds.look_once(projects.open_project(own_home / "films")))

    def of_feeds(verb: str, *rest: object, code: int = 0) -> str:
        return run("feeds", verb, "films", *rest, "--server", server, code=code)

    assert of_feeds("add", "mail", "folder", inbox, "--every", 5) == ""
    assert of_feeds("pull").startswith("mail  2 items, the latest 2 at ")
    assert "2 items, 0 refused" in of_feeds("looks", "mail")
    assert of_feeds("change", "mail", "--every", 7) == of_feeds("pause", "mail") == ""
    assert "The feed mail is paused" in of_feeds("pull", "mail", code=2)
    assert f"mail  folder  {inbox}  paused  2 items" in of_feeds("list")
    assert of_feeds("resume", "mail") == ""
    assert "every 7 min" in of_feeds("list")
    assert of_feeds("remove", "mail") == of_feeds("list") == ""
    assert "There is no feed mail in this project." in of_feeds("remove", "mail", code=2)


@pytest.mark.parametrize("is_served", [False, True], ids=["folder", "server"])
def test_accounts_are_invited_listed_and_disabled_in_a_home_and_on_a_server(server, own_home, monkeypatch, is_served):
    Project.create(f"{server}/films", ["good", "bad"])
    (own_home / "access.toml").write_text("mode = 'local'")
    admin = accounts.add_account("kim", is_admin=True)
    accounts.add_account("lee/eun")
    monkeypatch.setenv("LABELER_TOKEN", api_tokens.make(admin, "a test", "administer", ["*"], 1, Actor("test")))
    place = server if is_served else own_home
    secret = run("users", "invite", place, "max", "--project", "films", "--role", "lead").strip().rpartition("/")[2]
    assert accounts.invitation(secret).role == "lead"
    assert run("users", "disable", place, "lee/eun") == run("users", "admin", place, "lee/eun") == ""
    assert run("users", "list", place) == "kim\tadmin\nlee/eun\tadmin, disabled\n"
    assert run("users", "reset", place, "kim").startswith("account/invitation/")
    assert "is the only admin" in run("users", "admin", place, "kim", "--take-away", code=2)
    assert "no account with the name 'max'" in run("users", "disable", place, "max", code=2)
