"""Accounts: log-in, sessions, invitations, and the limit of attempts."""

import stat

import pytest

from labeler.access import accounts as access
from labeler.core.actor import Actor
from labeler.core.errors import AccessError

WORDS = "maple river seven"
ADMIN = Actor("admin")


@pytest.fixture(autouse=True)
def a_home(tmp_path, monkeypatch, quick_hashes):
    monkeypatch.setenv("LABELER_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def minji():
    return access.add_account("민지", WORDS)


def test_a_log_in_begins_a_session_that_ends_at_log_out(minji):
    secret = access.log_in("민지", WORDS, "10.0.0.1")
    user = access.user_of_secret(secret)
    assert user is not None
    assert (user.name, user.account, user.is_admin) == ("민지", minji.id, False)
    assert access.user_of_session(user.session) == user
    access.log_out(user)
    assert access.user_of_secret(secret) is None
    assert access.user_of_session(user.session) is None


def test_the_database_holds_neither_passwords_nor_secrets_and_is_its_owners_alone(minji, a_home):
    secret = access.log_in("민지", WORDS, "")
    link = access.invite(ADMIN)
    path = a_home / access.FILE
    content = b"".join(p.read_bytes() for p in a_home.glob("accounts.sqlite*"))
    assert not [word for word in (WORDS, secret, link) if word.encode() in content]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(("name", "password"), [("민지", "wrong words here"), ("nobody", WORDS), ("민지", "")])
def test_a_wrong_name_and_a_wrong_password_are_refused_with_the_same_sentence(minji, name, password):
    with pytest.raises(AccessError, match="The name or the password is wrong"):
        access.log_in(name, password, "")


def test_a_disabled_account_loses_its_sessions_and_cannot_log_in(minji):
    secret = access.log_in("민지", WORDS, "")
    access.disable(minji, ADMIN)
    assert access.user_of_secret(secret) is None
    with pytest.raises(AccessError):
        access.log_in("민지", WORDS, "")
    access.disable(minji, ADMIN, is_disabled=False)
    assert access.user_of_secret(secret) is None
    assert access.user_of_secret(access.log_in("민지", WORDS, ""))


def test_a_changed_password_ends_all_other_sessions(minji):
    here, there = access.log_in("민지", WORDS, ""), access.log_in("민지", WORDS, "")
    user = access.user_of_secret(here)
    with pytest.raises(AccessError):
        access.change_password(user, "not the password", "another good phrase")
    access.change_password(user, WORDS, "another good phrase")
    assert access.user_of_secret(here)
    assert access.user_of_secret(there) is None
    assert access.log_in("민지", "another good phrase", "")


def test_a_session_ends_when_it_is_not_used_for_too_long(minji):
    secret = access.log_in("민지", WORDS, "", at=1000.0)
    week = 168 * 3600
    assert access.user_of_secret(secret, at=1000.0 + week - 1)
    assert access.user_of_secret(secret, at=1000.0 + 2 * week - 10)  # it was used in between
    assert access.user_of_secret(secret, at=1000.0 + 4 * week) is None


def test_each_further_wrong_password_doubles_the_wait(minji):
    def fails(at, address="1.1.1.1", password="wrong words here"):
        with pytest.raises(AccessError) as error:
            access.log_in("민지", password, address, at=at)
        return str(error.value)

    for attempt in range(access.FREE_OF_BOTH):
        assert "wrong." in fails(1000.0 + attempt)
    last = 1000.0 + access.FREE_OF_BOTH - 1
    assert "try again in 1 seconds" in fails(last + 0.5, password=WORDS)  # even the right one has to wait
    assert "wrong." in fails(last + 1.5)
    assert "try again in 2 seconds" in fails(last + 1.6)
    assert access.log_in("민지", WORDS, "2.2.2.2", at=last + 1.6)  # from elsewhere nobody waits
    assert access.log_in("민지", WORDS, "1.1.1.1", at=last + 5)
    assert "wrong." in fails(last + 5.1)  # counted anew


def test_an_address_that_tries_many_names_waits(minji):
    for attempt in range(access.FREE_OF_ADDRESS):
        with pytest.raises(AccessError, match="wrong"):
            access.log_in(f"name {attempt}", "wrong words here", "1.1.1.1", at=1000.0)
    with pytest.raises(AccessError, match="try again"):
        access.log_in("민지", WORDS, "1.1.1.1", at=1000.1)


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaa", "I am 민지 and nobody else", "x" * 201])
def test_weak_passwords_are_refused(password):
    with pytest.raises(AccessError, match=r"password"):
        access.add_account("민지", password)
    assert access.accounts().accounts.by_name("민지") is None


@pytest.mark.parametrize("name", ["", "import", "System", "a\u200bb", "a\nb", "a  b", "x" * 61])
def test_impossible_names_are_refused(name):
    with pytest.raises(AccessError):
        access.add_account(name, WORDS)


def test_names_that_differ_in_case_alone_are_one_person():
    access.add_account("Kim", WORDS)
    with pytest.raises(AccessError, match="already"):
        access.add_account("kim", WORDS)
    assert access.user_of_secret(access.log_in("KIM", WORDS, "")).name == "Kim"


def test_an_invitation_makes_one_account_with_its_role():
    secret = access.invite(ADMIN, project="uid", role="reviewer")
    with pytest.raises(AccessError):
        access.accept(secret, "jun", "short", "", set())
    session = access.accept(secret, "jun", WORDS, "", set())
    user = access.user_of_secret(session)
    assert access.accounts().members.role_of(user.account, "uid") == "reviewer"
    with pytest.raises(AccessError, match="used already"):
        access.accept(secret, "another", WORDS, "", set())
    assert access.accounts().accounts.by_name("another") is None


def test_answers_of_an_earlier_name_go_only_to_whom_an_invitation_names():
    with pytest.raises(AccessError, match="Answers are stored"):
        access.accept(access.invite(ADMIN), "Jun", WORDS, "", {"jun"})
    session = access.accept(access.invite(ADMIN, name="jun"), "somebody", WORDS, "", {"jun"})
    assert access.user_of_secret(session).name == "jun"


def test_a_reset_gives_a_new_password_and_ends_all_sessions(minji):
    old = access.log_in("민지", WORDS, "")
    new = access.accept(access.reset_link(ADMIN, minji), "", "another good phrase", "", set())
    assert access.user_of_secret(old) is None
    assert access.user_of_secret(new).name == "민지"


def test_an_invitation_expires(minji, monkeypatch):
    monkeypatch.setattr(access, "INVITATION_SECONDS", -1.0)
    with pytest.raises(AccessError, match="expired"):
        access.invitation(access.invite(ADMIN))


def test_the_only_admin_stays_one():
    admin = access.add_account("root", WORDS, is_admin=True)
    with pytest.raises(AccessError, match="only admin"):
        access.disable(admin, ADMIN)
    other = access.add_account("other", WORDS)
    with pytest.raises(AccessError, match="only admin"):
        access.set_admin(admin, False, ADMIN)
    access.set_admin(other, True, ADMIN)
    access.disable(admin, ADMIN)
    assert [account.name for account in access.accounts().accounts.admins()] == ["other"]


def test_the_audit_log_says_what_happened_to_accounts(minji):
    user = access.user_of_secret(access.log_in("민지", WORDS, "10.0.0.1"))
    with pytest.raises(AccessError):
        access.log_in("민지", "wrong words here", "10.0.0.1")
    access.give_role(minji, "uid", "reviewer", ADMIN)
    access.log_out(user, address="10.0.0.1")
    access.disable(minji, ADMIN)
    by_action = {row.action: row for row in access.accounts().audit.rows()}
    assert list(by_action)[::-1] == [
        "account made",
        "logged in",
        "log-in refused",
        "role given",
        "logged out",
        "account disabled",
    ]
    assert (by_action["logged in"].by, by_action["logged in"].address) == ("민지", "10.0.0.1")
    assert (by_action["role given"].by, by_action["role given"].after) == ("admin", "reviewer")
    assert access.accounts().audit.verify().holds


def test_an_erased_account_leaves_neither_its_name_nor_its_password(minji, a_home):
    access.add_account("root", WORDS, is_admin=True)
    access.give_role(minji, "uid", "lead", ADMIN)
    session = access.log_in("민지", WORDS, "10.9.8.7")
    with pytest.raises(AccessError):
        access.log_in("민지", "wrong words here", "10.9.8.7")
    opaque = access.erase(access.accounts().accounts.by_name("민지"), ADMIN)
    assert access.user_of_secret(session) is None
    assert access.accounts().accounts.by_name("민지") is None
    assert access.accounts().accounts.by_name(opaque).disabled_at
    assert access.accounts().audit.verify().holds
    content = b"".join(path.read_bytes() for path in a_home.glob("accounts.sqlite*"))
    assert "민지".encode() not in content
    assert b"10.9.8.7" not in content
    with pytest.raises(AccessError, match="only admin"):
        access.erase(access.accounts().accounts.by_name("root"), ADMIN)
