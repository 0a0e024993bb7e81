"""`labeler.Project` for a project on a server: for code that waits for the replies, and for code that awaits them."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from labeler.client.methods import awaiting, waiting
from labeler.client.records import Picture
from labeler.client.session import AsyncSession, Session
from labeler.client.verbs import Verbs, created
from labeler.core.errors import LabelerError
from labeler.core.items import ClassesAnItem, Modality
from labeler.core.settings import Config


class _OfWaiting(Verbs):
    """Verbs whose images are read while the code waits."""

    def __init__(self, name: str, session: Session) -> None:
        super().__init__(name)
        self._session = session

    def _picture(self, item: dict[str, Any]) -> Picture:
        return Picture(item["source"] or item["picture"], lambda: self._session.run(self.picture(item["id"])))


class Project:
    """A project on a server, with the methods of `labeler.Project`, for code that waits for the replies."""

    def __init__(self, place: str, token: str | None = None) -> None:
        """
        Args:   place: the server's address with the project's folder or uid as its last part, such as
                `https://labels.example.org/films`. token: an API token; by default that of LABELER_TOKEN.
        Raises: LabelerError: the server is not there, or the project is not there for this token.
        """
        server, name = parts_of(place)
        self.place = place
        self.session = Session(server, token)
        self.verbs = _OfWaiting(name, self.session)
        self.classes  # noqa: B018  # so that what is not there is told now

    @classmethod
    def create(  # wide: as for a folder
        cls,
        place: str,
        classes: Sequence[str],
        modality: Modality = "text",
        answers: ClassesAnItem = "one",
        name: str | None = None,
        token: str | None = None,
    ) -> "Project":
        """A new project.

        Args:   place: its address; the last part becomes its folder. classes: names, at least two. modality: text or
                image. answers: classes that an item has: one, or several. name: that people see; by default the
                folder's. token: an API token; by default that of LABELER_TOKEN.
        Raises: LabelerError: there is such a project, or the classes cannot be used.
        """
        server, folder = parts_of(place)
        session = Session(server, token)
        try:
            session.run(created(folder, classes, modality, answers, name))
        finally:
            session.close()
        return cls(place, token)

    @property
    def settings(self) -> Config:
        """The settings; `project.settings = replace(project.settings, budget=500)` saves others."""
        return self.session.run(self.verbs.settings())

    @settings.setter
    def settings(self, settings: Config) -> None:
        self.session.run(self.verbs.save(settings))

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.session.run(self.verbs.classes())

    change_classes = waiting(Verbs.change_classes)
    preview_classes = waiting(Verbs.preview_classes)
    status = waiting(Verbs.status)
    import_ = waiting(Verbs.import_)
    start_import = waiting(Verbs.start_import)
    import_predictions = waiting(Verbs.import_predictions)
    feeds = waiting(Verbs.feeds)
    add_feed = waiting(Verbs.add_feed)
    change_feed = waiting(Verbs.change_feed)
    remove_feed = waiting(Verbs.remove_feed)
    pull_feed = waiting(Verbs.pull_feed)
    feed_looks = waiting(Verbs.feed_looks)
    next_items = waiting(Verbs.next_items)
    picture = waiting(Verbs.picture)
    answer = waiting(Verbs.answer)
    run_round = waiting(Verbs.run_round)
    curve = waiting(Verbs.curve)
    compare = waiting(Verbs.compare)
    export = waiting(Verbs.export)
    write = waiting(Verbs.write)
    write_for = waiting(Verbs.write_for)
    predict = waiting(Verbs.predict)
    members = waiting(Verbs.members)
    give_role = waiting(Verbs.give_role)
    webhooks = waiting(Verbs.webhooks)
    add_webhook = waiting(Verbs.add_webhook)
    remove_webhook = waiting(Verbs.remove_webhook)
    webhook_messages = waiting(Verbs.webhook_messages)
    send_again = waiting(Verbs.send_again)

    def __repr__(self) -> str:
        return f"labeler.Project({self.place!r})"


class AsyncProject:
    """A project on a server, for code that awaits the replies. The pictures of items are got with `picture`."""

    def __init__(self, place: str, token: str | None = None) -> None:
        """As `Project`, but that nothing is asked before the first verb."""
        server, name = parts_of(place)
        self.place = place
        self.session = AsyncSession(server, token)
        self.verbs = Verbs(name)

    settings = awaiting(Verbs.settings)
    save = awaiting(Verbs.save)
    classes = awaiting(Verbs.classes)
    change_classes = awaiting(Verbs.change_classes)
    preview_classes = awaiting(Verbs.preview_classes)
    status = awaiting(Verbs.status)
    import_ = awaiting(Verbs.import_)
    start_import = awaiting(Verbs.start_import)
    import_predictions = awaiting(Verbs.import_predictions)
    feeds = awaiting(Verbs.feeds)
    add_feed = awaiting(Verbs.add_feed)
    change_feed = awaiting(Verbs.change_feed)
    remove_feed = awaiting(Verbs.remove_feed)
    pull_feed = awaiting(Verbs.pull_feed)
    feed_looks = awaiting(Verbs.feed_looks)
    next_items = awaiting(Verbs.next_items)
    picture = awaiting(Verbs.picture)
    answer = awaiting(Verbs.answer)
    run_round = awaiting(Verbs.run_round)
    curve = awaiting(Verbs.curve)
    compare = awaiting(Verbs.compare)
    export = awaiting(Verbs.export)
    write = awaiting(Verbs.write)
    write_for = awaiting(Verbs.write_for)
    predict = awaiting(Verbs.predict)
    members = awaiting(Verbs.members)
    give_role = awaiting(Verbs.give_role)
    webhooks = awaiting(Verbs.webhooks)
    add_webhook = awaiting(Verbs.add_webhook)
    remove_webhook = awaiting(Verbs.remove_webhook)
    webhook_messages = awaiting(Verbs.webhook_messages)
    send_again = awaiting(Verbs.send_again)

    async def __aenter__(self) -> "AsyncProject":
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.session.close()

    def __repr__(self) -> str:
        return f"labeler.client.AsyncProject({self.place!r})"


def parts_of(place: str) -> tuple[str, str]:
    """The server and the project's name in an address. Raises: LabelerError: it names no project."""
    server, _, name = place.rstrip("/").rpartition("/")
    if server.endswith(":/"):
        raise LabelerError(
            "{place} names no project: add its folder's name, as in https://labels.example.org/films.", place=place
        )
    return server, unquote(name)
