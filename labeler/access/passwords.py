"""Passwords: what they must be, and their hashes by argon2id."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from labeler.core.errors import AccessError

SHORTEST, LONGEST = 10, 200  # characters; the longest keeps a request from costing seconds


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # argon2id with the parameters of RFC 9106 for little memory


def hashed(password: str, name: str) -> str:
    """The hash of a new password for the account `name`.

    Raises: AccessError: it is too short or too long, or easily guessed.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccessError(
            "A password has {shortest} to {longest} characters. Several words make a good one.",
            shortest=SHORTEST,
            longest=LONGEST,
        )
    if len(set(password)) < 5 or name.casefold() in password.casefold():
        raise AccessError("This password is easily guessed: it repeats few characters, or holds the name.")
    return _hasher().hash(password)


def is_right(password: str, stored: str | None) -> bool:
    """Whether a password has the stored hash. It takes as long where there is none, so that names cannot be guessed."""
    try:
        return _hasher().verify(stored or _of_nobody(), password[:LONGEST]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with weaker parameters than today's, so that it is made anew at a log-in."""
    return _hasher().check_needs_rehash(stored)


@cache
def _of_nobody() -> str:
    return _hasher().hash("a password that no account has")
