"""Tokens: for one person and one project, not to be forged, not for ever."""

import pytest

from labeler.access import tokens
from labeler.access.tokens import check_token, issue_token
from labeler.access.users import User
from labeler.core.errors import AccessError


def test_a_token_identifies_its_user():
    assert check_token(issue_token(User("김지수"), "p"), "p") == User("김지수")


def test_a_token_is_valid_for_its_project_only():
    with pytest.raises(AccessError, match="not for the project 'q'"):
        check_token(issue_token(User("kim"), "p"), "q")


@pytest.mark.parametrize("spoil", [lambda t: "", lambda t: t[:-2], lambda t: "x" + t, lambda t: "a.b.c"])
def test_a_changed_token_is_refused(spoil):
    with pytest.raises(AccessError, match="no valid token"):
        check_token(spoil(issue_token(User("kim"), "p")), "p")


def test_an_expired_token_is_refused(monkeypatch):
    token = issue_token(User("kim"), "p")
    monkeypatch.setattr(tokens, "TOKEN_SECONDS", -1)
    with pytest.raises(AccessError, match="open for too long"):
        check_token(token, "p")


def test_the_secret_belongs_to_one_home_and_only_its_owner_can_read_it(own_home, monkeypatch, tmp_path):
    token = issue_token(User("kim"), "p")
    assert (own_home / ".secret").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("LABELER_HOME", str(tmp_path / "other"))
    with pytest.raises(AccessError):
        check_token(token, "p")
