"""`labeler users …`."""

import pytest
from click.testing import CliRunner

from labeler.access import accounts as access
from labeler.access.settings import FILE, access_mode
from labeler.cli import main
from labeler.projects import project as projects
from tests.support.samples import text_config

pytestmark = pytest.mark.usefixtures("quick_hashes")
WORDS = "maple river seven"


@pytest.fixture
def run(tmp_path, monkeypatch):
    home = tmp_path / "projects"
    monkeypatch.setenv("LABELER_HOME", str(home))
    projects.create(home / "reviews", text_config())

    def invoke(verb: str, *arguments: str, **more):
        return CliRunner().invoke(main, ["users", verb, str(home), *arguments], **more)

    return invoke


def test_the_first_account_gives_a_home_passwords(run):
    assert access_mode() == "none"
    result = run("add", "root", "--admin", input=f"{WORDS}\n{WORDS}\n")
    assert result.exit_code == 0, result.output
    assert access_mode() == "local"
    assert access.user_of_secret(access.log_in("root", WORDS, "")).is_admin
    assert WORDS not in result.output


def test_a_home_without_an_admin_says_how_there_is_one(run):
    assert "Nobody is an admin yet" in run("add", "kim", env={"LABELER_PASSWORD": WORDS}).output
    assert "Nobody is an admin yet" not in run("add", "root", "--admin", env={"LABELER_PASSWORD": WORDS}).output


def test_roles_are_given_listed_and_taken_away(run):
    run("add", "kim", env={"LABELER_PASSWORD": WORDS})
    assert run("role", "kim", "reviews", "reviewer").exit_code == 0
    assert run("list").output == "kim\treviews: reviewer\n"
    run("role", "kim", "reviews", "none")
    run("admin", "kim")
    assert run("list").output == "kim\tadmin\n"


def test_people_are_invited_disabled_and_given_a_new_password(run):
    secret = run("invite", "jun", "--project", "reviews", "--role", "lead").output.strip().rpartition("/")[2]
    session = access.accept(secret, "", WORDS, "", set())
    run("disable", "jun")
    assert access.user_of_secret(session) is None
    run("disable", "jun", "--enable")
    (access.home() / FILE).write_text('mode = "local"\n')
    link = run("reset", "jun").output.strip().rpartition("/")[2]
    assert access.accept(link, "", "another good phrase", "", set())
    assert run("list").output == "jun\treviews: lead\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("disable", "nobody"), "no account with the name 'nobody'"),
        (("role", "kim", "gone", "lead"), "There is no project"),
        (("add", "Import"), "is reserved"),
        (("add", "kim"), "already"),
    ],
)
def test_what_cannot_be_done_is_said(run, arguments, sentence):
    run("add", "kim", env={"LABELER_PASSWORD": WORDS})
    result = run(*arguments, env={"LABELER_PASSWORD": WORDS})
    assert result.exit_code == 2
    assert sentence in result.output
