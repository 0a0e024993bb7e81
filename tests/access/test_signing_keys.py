"""The ring of signing keys: of one home, never an empty one, and renewed before anybody notices."""

import json
import time

import pytest

from labeler.access import signing_keys as ring
from labeler.access.signing_keys import DAY, KeysError, signing_keys
from labeler.access.tokens import Token, check_token, issue_token
from labeler.access.users import User
from labeler.core.errors import AccessError


def test_the_keys_belong_to_one_home_and_only_their_owner_can_read_them(own_home, monkeypatch, tmp_path):
    token = issue_token(User("kim"), "p")
    assert (own_home / ".secret").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("LABELER_HOME", str(tmp_path / "other"))
    with pytest.raises(AccessError):
        check_token(token, "p")


EMPTY, SHORT = b'[{"made_at": 1, "key": ""}]', b'[{"made_at": 9e9, "key": "abcd"}]'


@pytest.mark.parametrize("content", [b"", b"\0" * 64, b"[]", b"ab" * 32, EMPTY, SHORT])
def test_a_file_that_was_not_written_whole_is_never_taken_for_keys(own_home, content):
    own_home.mkdir()
    (own_home / ".secret").write_bytes(content)
    (key,) = signing_keys()
    assert (len(key), signing_keys()) == (64, [key])


def test_keys_that_cannot_be_read_are_an_error_that_names_the_file(own_home):
    (own_home / ".secret").mkdir(parents=True)
    with pytest.raises(KeysError, match=r"\.secret cannot be read"):
        signing_keys()


def test_a_new_key_signs_after_a_week_and_the_old_one_stays_until_its_tokens_have_expired(own_home, monkeypatch):
    token = issue_token(User("kim"), "p")
    (first,) = signing_keys()
    now = time.time()
    monkeypatch.setattr(ring.time, "time", lambda: now + 8 * DAY)
    assert signing_keys()[0] == first
    assert len(signing_keys()) == 2
    monkeypatch.undo()
    monkeypatch.setenv("LABELER_HOME", str(own_home))
    assert check_token(token, "p") == Token(User("kim"))


def test_keys_whose_tokens_have_all_expired_go(own_home):
    own_home.mkdir()
    now = time.time()
    kept = [{"made_at": now - age * DAY, "key": f"{age:064x}"} for age in (40, 12)]
    (own_home / ".secret").write_text(json.dumps(kept))
    assert [key[-2:] for key in signing_keys()][:-1] == ["0c"]
    assert len(signing_keys()) == 2


def test_a_clock_that_goes_back_keeps_the_key(own_home, monkeypatch):
    keys, now = signing_keys(), time.time()
    monkeypatch.setattr(ring.time, "time", lambda: now - 3600)
    assert signing_keys() == keys
