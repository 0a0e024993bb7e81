"""Tokens: for one person and one project, not to be forged, not for ever. What is shown about people."""

import pandas as pd
import pytest

from labeler.access import access
from labeler.access.access import User, check_token, issue_token
from labeler.core.errors import AccessError
from labeler.core.settings import Config, TeamConfig
from labeler.progress import effort
from tests.support.samples import text_config


def test_a_token_says_who_holds_it():
    assert check_token(issue_token(User("김지수"), "p"), "p") == User("김지수")


def test_a_token_is_for_one_project():
    with pytest.raises(AccessError, match="not for the project 'q'"):
        check_token(issue_token(User("kim"), "p"), "q")


@pytest.mark.parametrize("spoil", [lambda t: "", lambda t: t[:-2], lambda t: "x" + t, lambda t: "a.b.c"])
def test_a_spoilt_token_is_refused(spoil):
    with pytest.raises(AccessError, match="no valid token"):
        check_token(spoil(issue_token(User("kim"), "p")), "p")


def test_an_old_token_is_refused(monkeypatch):
    token = issue_token(User("kim"), "p")
    monkeypatch.setattr(access, "TOKEN_SECONDS", -1)
    with pytest.raises(AccessError, match="open for too long"):
        check_token(token, "p")


def test_the_secret_is_this_homes_own_and_for_its_owner_only(own_home, monkeypatch, tmp_path):
    token = issue_token(User("kim"), "p")
    assert (own_home / ".secret").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("LABELER_HOME", str(tmp_path / "other"))
    with pytest.raises(AccessError):
        check_token(token, "p")


# ---------------------------------------------------------------- what is shown about people

TABLE = pd.DataFrame({"annotator": ["kim", "lee"], "day": 1, **{name: [1, 2] for name in effort.COLUMNS}})


def team(**settings: object) -> Config:
    return text_config(team=TeamConfig(**settings))


def test_everybody_leads_where_nobody_is_named():
    assert access.is_lead(User("kim"), team())
    assert access.is_lead(User("kim"), team(leads=("kim", "lee")))
    assert not access.is_lead(User("park"), team(leads=("kim", "lee")))
    assert not access.is_lead(User("Kim"), team(leads=("kim",)))


def test_annotators_see_their_own_row_only():
    assert access.visible(TABLE, User("lee"), team(leads=("kim",)))["annotator"].tolist() == ["lee"]
    assert access.visible(TABLE, User("kim"), team(leads=("kim",)))["annotator"].tolist() == ["kim", "lee"]
    assert len(access.visible(TABLE, User("park"), team(leads=("kim",)))) == 0


@pytest.mark.parametrize("kind", access.ABOUT_PEOPLE)
@pytest.mark.parametrize("user", ["kim", "lee"])
def test_what_a_project_leaves_out_nobody_sees(kind, user):
    show = tuple(one for one in access.ABOUT_PEOPLE if one != kind)
    found = access.visible(TABLE, User(user), team(leads=("kim",), show=show))
    assert set(TABLE) - set(found) == set(access.ABOUT_PEOPLE[kind])
    nothing = access.visible(TABLE, User(user), team(leads=("kim",), show=()))
    assert list(nothing) == ["annotator", "day"]


def test_every_figure_about_people_can_be_left_out():
    assert {name for names in access.ABOUT_PEOPLE.values() for name in names} == set(effort.COLUMNS)
