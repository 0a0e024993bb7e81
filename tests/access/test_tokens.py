"""Tokens: for one person, session and project, not to be forged, and not for long."""

from datetime import UTC, datetime, timedelta

import pytest

from labeler.access import tokens
from labeler.access.accounts import accounts, add_account, begin_session, disable, log_out, user_of_secret
from labeler.access.tokens import RENEWABLE, Token, check_token, issue_token
from labeler.access.users import User
from labeler.core.actor import Actor
from labeler.core.errors import AccessError


@pytest.fixture
def clock(monkeypatch):
    """A function that moves the clock by which tokens are checked."""

    def move(by: timedelta) -> None:
        class Moved(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(UTC) + by

        monkeypatch.setattr(tokens, "datetime", Moved)

    return move


def test_a_token_identifies_its_user():
    assert check_token(issue_token(User("김지수"), "p"), "p") == Token(User("김지수"))
    assert check_token(issue_token(User("김지수"), "p", 7), "p") == Token(User("김지수"), 7)


def test_a_token_is_valid_for_its_project_only():
    with pytest.raises(AccessError, match="for another project"):
        check_token(issue_token(User("kim"), "p"), "q")


@pytest.mark.parametrize("spoil", [lambda t: "", lambda t: t[:-2], lambda t: "x" + t, lambda t: "a.b.c"])
def test_a_changed_token_is_refused(spoil):
    with pytest.raises(AccessError, match="no valid token"):
        check_token(spoil(issue_token(User("kim"), "p")), "p")


@pytest.mark.parametrize(
    ("by", "is_taken"),
    [
        (timedelta(minutes=14), True),
        (timedelta(minutes=16), False),
        (timedelta(seconds=-50), True),  # a clock that went back
        (timedelta(seconds=-120), False),
    ],
)
def test_a_token_lives_a_quarter_of_an_hour_and_a_clock_may_go_back_a_little(clock, by, is_taken):
    token = issue_token(User("kim"), "p")
    clock(by)
    if is_taken:
        assert check_token(token, "p").user == User("kim")
    else:
        with pytest.raises(AccessError, match="open for too long"):
            check_token(token, "p")


def test_a_token_can_be_renewed_after_a_night(clock):
    token = issue_token(User("kim"), "p")
    clock(timedelta(hours=14))
    assert check_token(token, "p", RENEWABLE).user == User("kim")
    clock(timedelta(days=8))
    with pytest.raises(AccessError, match="open for too long"):
        check_token(token, "p", RENEWABLE)


@pytest.mark.parametrize("name", ["import", "Import", " SYSTEM ", "system"])
def test_nobody_works_under_a_reserved_name(name):
    with pytest.raises(AccessError, match="is reserved"):
        issue_token(User(name), "p")


@pytest.fixture
def kim(own_home):
    """Somebody who is logged in, in a home with accounts."""
    own_home.mkdir()
    (own_home / "access.toml").write_text("mode = 'local'")
    return user_of_secret(begin_session(add_account("kim"), "127.0.0.1"))


def disabled(user: User) -> None:
    disable(accounts().accounts.by_id(user.account), Actor("lee"))


@pytest.mark.parametrize("end", [log_out, disabled])
def test_a_token_ends_with_its_session(kim, end):
    token = issue_token(kim, "p")
    assert check_token(token, "p").user == kim
    end(kim)
    for lives in (tokens.TOKEN_LIVES, RENEWABLE):
        with pytest.raises(AccessError, match="not logged in any more"):
            check_token(token, "p", lives)


def test_a_token_without_a_session_is_nothing_where_there_are_accounts(kim):
    with pytest.raises(AccessError, match="not logged in any more"):
        check_token(issue_token(User("kim"), "p"), "p")
