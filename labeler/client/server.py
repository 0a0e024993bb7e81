"""A server itself, and not one of its projects: for code that waits for the replies, and for code that awaits them."""

from labeler.client.methods import awaiting, waiting
from labeler.client.session import AsyncSession, Session
from labeler.client.verbs.accounts import AccountVerbs


class Server:
    """The accounts of a server, for admins; for code that waits for the replies."""

    def __init__(self, address: str | None = None, token: str | None = None) -> None:
        """
        Args:   address, token: by default those in LABELER_SERVER and LABELER_TOKEN.
        Raises: LabelerError: no server is given, or it is no address.
        """
        self.session = Session(address, token)
        self.verbs = AccountVerbs()

    accounts = waiting(AccountVerbs.accounts)
    change_account = waiting(AccountVerbs.change_account)
    invite = waiting(AccountVerbs.invite)
    password_link = waiting(AccountVerbs.password_link)


class AsyncServer:
    """The accounts of a server, for admins; for code that awaits the replies."""

    def __init__(self, address: str | None = None, token: str | None = None) -> None:
        """As `Server`."""
        self.session = AsyncSession(address, token)
        self.verbs = AccountVerbs()

    accounts = awaiting(AccountVerbs.accounts)
    change_account = awaiting(AccountVerbs.change_account)
    invite = awaiting(AccountVerbs.invite)
    password_link = awaiting(AccountVerbs.password_link)

    async def __aenter__(self) -> "AsyncServer":
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.session.close()
