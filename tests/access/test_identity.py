"""Accounts of people whom a provider or a proxy knows."""

import pytest

from labeler.access import accounts as access
from labeler.access.identity import user_of_provider, user_of_proxy
from labeler.core.actor import Actor
from labeler.core.errors import AccessError

CLAIMS = {"iss": "https://id.example", "sub": "s-1", "iat": 1, "preferred_username": "소라", "groups": ["readers"]}


@pytest.fixture(autouse=True)
def home(own_home):
    own_home.mkdir()
    return own_home


def log_in(claims, names=frozenset(), uids=None):
    return user_of_provider(claims, "", lambda: names, lambda: uids or {})


def test_the_key_is_issuer_and_subject_and_not_the_name():
    first = log_in(CLAIMS)
    assert first.name == "소라"
    assert log_in(CLAIMS | {"preferred_username": "another", "iat": 2}).account == first.account
    other = log_in(CLAIMS | {"sub": "s-2"})
    assert (other.name, other.account != first.account) == ("소라 2", True)


def test_nobody_new_gets_a_name_under_which_answers_are_stored():
    assert log_in(CLAIMS, names={"소라"}).name == "소라 2"


def test_an_account_made_for_an_identity_keeps_its_name():
    access.add_account("sora", identity=("https://id.example", "s-1"))
    assert log_in(CLAIMS, names={"sora"}).name == "sora"


def test_a_log_in_that_was_ended_here_is_not_taken_again():
    user = log_in(CLAIMS)
    access.log_out(user)
    assert log_in(CLAIMS) is None
    assert log_in(CLAIMS | {"iat": 2}).account == user.account


def test_a_disabled_account_stays_out_with_a_new_log_in():
    user = log_in(CLAIMS)
    access.disable(access.accounts().accounts.by_id(user.account), Actor("root"))
    assert log_in(CLAIMS | {"iat": 2}) is None


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ('readers = "p:reviewer"', {"uid p": "reviewer"}),
        ('readers = "auditor"', {"uid p": "auditor", "uid q": "auditor"}),
        ('others = "p:lead"', {}),
        ('readers = "gone:lead"', {}),
        ('readers = "p:emperor"', {}),
    ],
)
def test_claims_give_roles(home, roles, expected):
    (home / "access.toml").write_text(f'mode = "oidc"\n[oidc.roles]\n{roles}\n')
    user = log_in(CLAIMS, uids={"p": "uid p", "q": "uid q"})
    assert access.accounts().members.roles_of(user.account) == expected
    assert not user.is_admin


def test_claims_make_admins_and_take_that_away(home):
    (home / "access.toml").write_text('mode = "oidc"\n[oidc.roles]\nreaders = "admin"\n')
    assert log_in(CLAIMS).is_admin
    assert not log_in(CLAIMS | {"groups": [], "iat": 2}).is_admin


@pytest.mark.parametrize("missing", ["iss", "sub"])
def test_a_token_without_issuer_or_subject_is_nobodys(missing):
    with pytest.raises(AccessError, match="does not say who you are"):
        log_in({name: value for name, value in CLAIMS.items() if name != missing})


@pytest.mark.parametrize("name", ["import", "", "a\u200b"])
def test_a_name_that_no_account_may_have_is_replaced(name):
    assert log_in(CLAIMS | {"preferred_username": name}).name not in ("import", "a\u200b", "")


def test_a_proxy_names_a_person_who_keeps_a_session(home):
    (home / "access.toml").write_text('mode = "proxy"\nadmins = ["kim"]\n[proxy]\npeers = ["10.0.0.2"]\n')
    user = user_of_proxy("kim", "", frozenset)
    assert (user.name, user.is_admin) == ("kim", True)
    assert user_of_proxy("kim", "", frozenset).session == user.session
    access.disable(access.add_account("lee", identity=("proxy", "lee")), Actor("root"))
    assert user_of_proxy("lee", "", frozenset) is None
