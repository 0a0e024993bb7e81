"""Log-in as people do it: passwords, invitations, somebody who is disabled in the middle, an identity provider."""

import re

import oidc_provider_mock
import pytest
from playwright.sync_api import Page, expect

from labeler.access import accounts as access
from labeler.access.settings import FILE, OIDC_FILE
from labeler.core.actor import Actor
from tests.support.desk import all_saved, press, ready_item
from tests.support.fill import add
from tests.support.server import wait_for

pytestmark = pytest.mark.browser
WORDS = "maple river seven"
ADMIN = Actor("root")


def with_items(project, n: int) -> None:
    with project.store() as store:
        add(store, n)


def with_passwords(home, project) -> None:
    """Make the home one of two annotators and an admin."""
    (home / FILE).write_text('mode = "local"\n')
    access.add_account("root", WORDS, is_admin=True)
    for name in ("minji", "jun"):
        access.give_role(access.add_account(name, WORDS), project.uid, "annotator", ADMIN)


def log_in(page: Page, name: str, password: str = WORDS) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def labels(project) -> dict[str, int]:
    """How many answers each annotator has."""
    with project.store() as store:
        rows = store.answers.export()
    return {name: sum(row["annotator"] == name for row in rows) for name in ("minji", "jun")}


def test_two_people_label_and_the_one_who_is_disabled_is_refused_and_loses_nothing(
    server, own_home, project, open_page
):
    with_items(project, 30)
    with_passwords(own_home, project)
    minji, jun = open_page(f"{server.url}/?language=en"), open_page(server.url)
    assert re.search("/account/login", minji.url)
    log_in(minji, "minji", "not the password")
    expect(minji.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    for page, name in ((minji, "minji"), (jun, "jun")):
        log_in(page, name)
        press(page, "1")
        all_saved(page)
    expect(minji.get_by_role("link", name="Project")).to_have_count(0)  # annotators have no such page
    assert labels(project) == {"minji": 1, "jun": 1}

    access.disable(access.accounts().accounts.by_name("jun"), ADMIN)
    press(jun, "1")
    jun.get_by_text("You are not logged in, or not any more. No answer is lost.").wait_for()
    press(minji, "1")
    all_saved(minji)
    assert labels(project) == {"minji": 2, "jun": 1}
    jun.goto(server.url)
    log_in(jun, "jun")
    expect(jun.get_by_role("alert")).to_have_text("The name or the password is wrong.")

    access.disable(access.accounts().accounts.by_name("jun"), ADMIN, is_disabled=False)
    log_in(jun, "jun")
    ready_item(jun)
    all_saved(jun)
    wait_for(lambda: labels(project) == {"minji": 2, "jun": 2})


def test_an_admin_invites_somebody_who_logs_in_by_the_link(server, own_home, project, open_page):
    with_items(project, 10)
    with_passwords(own_home, project)
    root = open_page(f"{server.url}/members?language=en")
    log_in(root, "root")
    root.get_by_role("button", name="Make a link").click()
    root.get_by_text("The link is shown only now.").wait_for()
    link = root.locator("code").first.inner_text()
    guest = open_page(link)
    guest.get_by_label("Name").fill("hana")
    guest.get_by_label("Password").fill(WORDS)
    guest.get_by_role("button", name="Go on").click()
    press(guest, "1")
    all_saved(guest)
    root.goto(f"{server.url}/audit?language=en")
    root.get_by_role("radio", name="Accounts of this labeler").click()
    root.get_by_text(re.compile(r"^\d+ rows")).first.wait_for()
    assert "invited" in {row.action for row in access.accounts().audit.rows()}
    guest.goto(f"{server.url}/account/")
    guest.get_by_role("button", name="Log out", exact=True).click()
    guest.get_by_role("button", name="Log in").wait_for()


def test_somebody_logs_in_at_an_identity_provider(server, own_home, project, open_page):
    with_items(project, 10)
    person = oidc_provider_mock.User(sub="s-1", claims={"preferred_username": "소라", "groups": ["readers"]})
    with oidc_provider_mock.run_server_in_thread(user_claims=(person,)) as provider:
        (own_home / FILE).write_text(f'mode = "oidc"\n[oidc.roles]\nreaders = "{project.slug}:reviewer"\n')
        (own_home / OIDC_FILE).write_text(
            f"""
            [auth]
            redirect_uri = "{server.url}/oauth2callback"
            cookie_secret = "of this test alone"
            client_id = "labeler"
            client_secret = "of this test alone"
            server_metadata_url = "http://127.0.0.1:{provider.server_port}/.well-known/openid-configuration"
            """
        )
        page = open_page(f"{server.url}/?language=en")
        page.get_by_role("button", name="Log in").click()
        page.get_by_placeholder("sub").fill("s-1")
        page.get_by_role("button", name="Authorize").click()
        press(page, "1")
        all_saved(page)
        expect(page.get_by_text("소라")).to_be_visible()
        expect(page.get_by_role("link", name="Review")).to_be_visible()
        account = access.accounts().accounts.by_name("소라")
        assert (account.subject, access.accounts().members.role_of(account.id, project.uid)) == ("s-1", "reviewer")

        cookies = page.context.cookies()
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url(re.compile("end_session"))  # where the provider asks whether it is to forget the person, too
        page.goto(server.url)
        page.get_by_role("button", name="Log in").wait_for()
        page.context.add_cookies(cookies)  # whoever kept the cookie is not let in again
        page.goto(server.url)
        page.get_by_role("button", name="Log in").wait_for()
