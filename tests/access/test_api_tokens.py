"""API tokens: shown once, stored as hashes, for chosen projects and a while; revoked at once."""

import pytest
import sqlite_utils
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.testclient import TestClient

from labeler.access import api_tokens
from labeler.access.accounts import accounts, add_account, disable
from labeler.access.users import User
from labeler.api.routes import routes
from labeler.cli.users import users
from labeler.core.actor import Actor
from labeler.core.errors import AccessError
from labeler.projects.project import Project
from labeler.store.accounts.api_tokens import ApiToken
from labeler.store.accounts.schema import migrations
from tests.support.api import api, uid_of
from tests.support.fill import add

LEE = Actor("lee")


@pytest.fixture
def home(own_home, project: Project) -> Project:
    """A project of two texts in a home with accounts, in which kim annotates."""
    (own_home / "access.toml").write_text("mode = 'local'")
    add_account("lee", is_admin=True)
    accounts().members.set_role(add_account("kim").id, project.uid, "annotator")
    with project.store() as store:
        add(store, 2)
    return project


def made(scope: api_tokens.Scope = "label", projects: tuple[str, ...] | None = None, days: float = 30) -> str:
    kim = accounts().accounts.by_name("kim")
    return api_tokens.make(kim, "nightly export", scope, projects or (uid_of(),), days, LEE)


def only() -> ApiToken:
    (token,) = accounts().api_tokens.all()
    return token


def reserve(token: str) -> int:
    client = TestClient(Starlette(routes=routes))
    bearer = {"Authorization": f"Bearer {token}"}
    return client.post(api("reserve"), json={"tab": "t"}, headers=bearer).status_code


def test_a_program_labels_with_a_token_in_somebodys_name(home):
    assert reserve(made()) == 200
    with home.store() as store:
        assert store.db.value("SELECT annotator FROM reservations LIMIT 1") == "kim"
    assert only().used_at > only().created_at


def test_only_the_hash_of_a_token_is_stored_and_the_log_tells_of_it(home):
    token = made()
    written = b"".join(path.read_bytes() for path in accounts().db.path.parent.glob("accounts.sqlite*"))
    assert token.encode() not in written
    assert only().purpose.encode() in written
    latest = next(iter(accounts().audit.rows()))
    assert (latest.by, latest.action) == ("lee", "API token made")


def test_a_token_that_reads_changes_nothing(home):
    token = made("read")
    assert reserve(token) == 403
    client = TestClient(Starlette(routes=routes))
    assert client.get(api("news"), headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_a_token_opens_its_projects_alone_and_is_not_renewed(home):
    assert reserve(made(projects=("f" * 32,))) == 401
    client = TestClient(Starlette(routes=routes))
    assert client.post(api("token"), headers={"Authorization": f"Bearer {made()}"}).status_code == 403


def test_a_token_ends_by_revoking_by_its_time_and_with_its_account(home, monkeypatch):
    token = made(days=1)
    assert reserve(token) == 200
    now = api_tokens.time.time()
    with monkeypatch.context() as later:
        later.setattr(api_tokens.time, "time", lambda: now + 2 * api_tokens.DAY)
        assert reserve(token) == 401
    kim = accounts().accounts.by_name("kim")
    disable(kim, LEE)
    assert reserve(token) == 401
    disable(kim, LEE, is_disabled=False)
    assert reserve(token) == 200
    api_tokens.revoke(only(), LEE)
    assert reserve(token) == 401
    with pytest.raises(AccessError, match="revoked before"):
        api_tokens.revoke(only(), LEE)


def test_a_project_is_not_there_for_somebody_who_is_no_member_any_more(home):
    token = made()
    accounts().members.set_role(accounts().accounts.by_name("kim").id, home.uid, None)
    assert reserve(token) == 404


def test_a_token_is_nothing_where_there_are_no_accounts(home, own_home):
    token = made()
    (own_home / "access.toml").unlink()
    assert reserve(token) == 401


@pytest.mark.parametrize("wrong", [{"days": 0}, {"days": 400}, {"purpose": " "}, {"projects": ()}])
def test_a_token_without_purpose_project_or_end_is_refused(home, wrong):
    values = {"purpose": "export", "scope": "read", "projects": ("a",), "days": 30, **wrong}
    with pytest.raises(AccessError, match="A token needs a purpose"):
        api_tokens.make(accounts().accounts.by_name("kim"), **values, by=LEE)


def test_the_commands_make_list_and_revoke(home, own_home):
    def run(*words: str) -> str:
        result = CliRunner().invoke(users, [words[0], str(own_home), *words[1:]])
        assert result.exit_code == 0, result.output
        return result.output

    token = run("token", "kim", "--for", "nightly export", "--project", "reviews").strip()
    assert token.startswith("labeler_")
    assert "1  kim  nightly export  read  until" in run("tokens")
    run("revoke", "1")
    assert "revoked  never used" in run("tokens")


def test_a_token_for_all_projects_opens_those_that_are_made_later(home):
    token = made(projects=(api_tokens.ALL_PROJECTS,))
    assert api_tokens.bearer(token).opens("made later")
    assert not api_tokens.bearer(made()).opens("made later")


def test_a_wider_scope_includes_the_narrower_ones():
    bearers = [api_tokens.Bearer(User("kim"), scope, (), "") for scope in api_tokens.SCOPES]
    assert [[bearer.may_use(scope) for scope in api_tokens.SCOPES] for bearer in bearers] == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, True],
    ]


def test_a_home_without_accounts_signs_its_tokens_and_makes_no_database_of_accounts(own_home, project):
    run = CliRunner().invoke(
        users, ["token", str(own_home), "kim", "--for", "a notebook", "--project", "reviews", "--scope", "manage"]
    )
    token = run.output.strip()
    assert api_tokens.user_of_api_token(token, project.uid) == (User("kim"), "manage")
    assert reserve(token) == 200
    with pytest.raises(AccessError, match="for other projects"):
        api_tokens.user_of_api_token(token, "another")
    assert not (own_home / "accounts.sqlite").exists()


def test_a_signed_token_ends_with_its_time_with_the_keys_and_where_people_log_in(own_home, monkeypatch):
    token = api_tokens.signed("kim", "a notebook", "read", ["*"], 1)
    assert api_tokens.bearer(token).user == User("kim")
    with monkeypatch.context() as later:
        now = api_tokens.time.time()
        later.setattr(api_tokens.time, "time", lambda: now + 1.1 * api_tokens.DAY)
        assert_unknown(token)
    keys = (own_home / ".secret").read_bytes()
    (own_home / ".secret").unlink()
    assert_unknown(token)
    (own_home / ".secret").write_bytes(keys)
    assert api_tokens.bearer(token)
    (own_home / "access.toml").write_text("mode = 'local'")
    assert_unknown(token)


@pytest.mark.parametrize(("name", "days"), [("import", 1), ("kim", api_tokens.SIGNED_DAYS + 1), ("kim", 0)])
def test_a_token_that_cannot_be_signed_is_refused(own_home, name, days):
    with pytest.raises(AccessError):
        api_tokens.signed(name, "a notebook", "read", ["*"], days)


def test_tokens_of_an_earlier_version_stay_valid(home):
    token, db = made(), accounts().db
    with db.write():
        db.execute("CREATE TABLE kept AS SELECT * FROM api_tokens")
        db.execute("DROP TABLE api_tokens")
        db.execute("DELETE FROM _sqlite_migrations WHERE name IN ('a003_api_tokens', 'a004_scopes_of_api_tokens')")
        migrations.known().apply(sqlite_utils.Database(db.connection), stop_before="a004_scopes_of_api_tokens")
        db.execute("INSERT INTO api_tokens SELECT * FROM kept")
        migrations.known().apply(sqlite_utils.Database(db.connection))
    assert api_tokens.bearer(token).scope == "label"
    assert api_tokens.bearer(made("administer")).scope == "administer"


def assert_unknown(token: str) -> None:
    with pytest.raises(AccessError, match="unknown or has ended"):
        api_tokens.bearer(token)
