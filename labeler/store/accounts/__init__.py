"""The database of a home's accounts: people, log-ins, memberships, invitations. Projects' data never enter it."""

from labeler.store.accounts.accounts import Account
from labeler.store.accounts.database import Accounts

__all__ = ["Account", "Accounts"]
