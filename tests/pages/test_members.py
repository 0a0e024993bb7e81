"""The Members page: roles, invitations, accounts."""

import pytest
from streamlit.testing.v1 import AppTest

from labeler.access import accounts as access
from labeler.access.users import User
from labeler.core.actor import Actor
from labeler.projects import project as projects
from tests.support.fill import add
from tests.support.pages import elements, everything, visit, widget
from tests.support.people import people_of
from tests.support.samples import text_config


@pytest.fixture
def people(own_home):
    project = projects.create(own_home / "reviews", text_config())
    with project.store() as store:
        add(store, 3)
        store.team.join("민지")
    return people_of(project) | {"project": project}


def as_visitor(monkeypatch, user):
    monkeypatch.setattr("pages.shared.access.visitor", lambda: user)
    return visit("members")


def test_without_accounts_there_is_no_such_page_and_leads_read_how_to_make_the_first(own_home):
    projects.create(own_home / "reviews", text_config())
    app = visit("team")
    assert "labeler users add HOME NAME --admin" in everything(app)
    with pytest.raises(ValueError, match="Could not find a navigation page"):
        app.switch_page("members/page.py")


def test_a_lead_gives_a_role_and_invites_somebody_who_answered_before(people, monkeypatch):
    app = as_visitor(monkeypatch, people["lead"])
    assert "Accounts of this labeler" not in [e.value for e in app.subheader]
    stranger = people["stranger"].account
    app.selectbox(key="member").select(stranger).run()
    app.selectbox(key=f"member-role-{stranger}").select("reviewer")
    widget(app, "button", "Save").click().run()
    members = access.accounts().members
    assert members.role_of(stranger, people["project"].uid) == "reviewer"
    assert app.selectbox(key="invite-name").options == ["민지"]
    app.selectbox(key="invite-name").select("민지")
    app.selectbox(key="invite-role").select("lead")
    widget(app, "button", "Make a link").click().run()
    link = elements(app, "code")[0].value
    invited = access.invitation(link.rpartition("/")[2])
    assert (invited.name, invited.role, invited.by) == ("민지", "lead", "the lead")
    widget(app, "button", "Take back").click().run()
    assert not access.accounts().invitations.open_ones(people["project"].uid, 0)
    assert "Take back" not in [button.label for button in app.button]


def test_a_lead_ends_the_membership_of_a_disabled_account_and_gives_it_no_other_role(people, monkeypatch):
    annotator, uid = people["annotator"], people["project"].uid
    access.disable(access.account_named(annotator.name), Actor("the admin"))
    app = as_visitor(monkeypatch, people["lead"])
    app.selectbox(key="member").select(annotator.account).run()
    assert f"{annotator.name} (disabled)" in app.selectbox(key="member").options
    app.selectbox(key=f"member-role-{annotator.account}").select("reviewer")
    widget(app, "button", "Save").click().run()
    assert f"The account of {annotator.name} is disabled" in everything(app)
    app.selectbox(key=f"member-role-{annotator.account}").select("")
    widget(app, "button", "Save").click().run()
    assert access.accounts().members.role_of(annotator.account, uid) is None


def test_a_lead_keeps_the_own_role(people, monkeypatch):
    app = as_visitor(monkeypatch, people["lead"])
    lead = people["lead"].account
    app.selectbox(key="member").select(lead).run()
    assert app.selectbox(key=f"member-role-{lead}").value == "lead"
    app.selectbox(key=f"member-role-{lead}").select("annotator")
    widget(app, "button", "Save").click().run()
    assert "You cannot take your own role away" in everything(app)
    assert access.accounts().members.role_of(people["lead"].account, people["project"].uid) == "lead"


def test_an_admin_disables_an_account_and_makes_another_one_admin(people, monkeypatch):
    app = as_visitor(monkeypatch, people["admin"])
    annotator = people["annotator"]
    app.selectbox(key="account").select(annotator.account).run()
    app.button(key="account-disable").click().run()
    assert access.user_of_session(annotator.session) is None
    app.button(key="account-disable").click().run()
    assert not access.accounts().accounts.by_id(annotator.account).disabled_at
    app.button(key="account-reset").click().run()
    assert access.invitation(elements(app, "code")[0].value.rpartition("/")[2]).account == annotator.account
    app.selectbox(key="account").select(people["admin"].account).run()
    app.button(key="account-admin").click().run()
    assert "is the only admin" in everything(app)
    by = {(row.action, row.by) for row in access.accounts().audit.rows()}
    assert ("account disabled", "the admin") in by


def test_a_part_of_a_page_that_reruns_by_itself_stops_when_the_log_in_has_ended(monkeypatch):
    def script() -> None:
        import streamlit as st  # a script of its own, as the test runner takes it

        from pages.shared.language import fragment

        fragment(lambda: st.session_state.setdefault("drawn", []).append(1))()

    user = User("minji", 1, False, "s")
    monkeypatch.setattr("pages.shared.access.visitor", lambda: user)
    app = AppTest.from_function(script).run()
    assert app.session_state["drawn"] == [1]
    monkeypatch.setattr("pages.shared.access.visitor", lambda: None)
    app.run()
    assert app.session_state["drawn"] == [1]
    assert [title.value for title in app.title] == ["Log in"]
