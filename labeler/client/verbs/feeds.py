"""Feeds of new items."""

from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from labeler.client import records
from labeler.client.calls import POLL_SECONDS, Call, Pause, Steps
from labeler.client.verbs.base import ProjectVerbs
from labeler.core.feeds import Feed, FeedLook
from labeler.core.settings import FeedConfig


class FeedVerbs(ProjectVerbs):
    """Where new items come from by themselves."""

    def feeds(self) -> Steps[list[Feed]]:
        """The feeds, with what came of each; see docs/feeds.md."""
        return [records.feed_of(feed) for feed in (yield from self._all("feeds"))]

    def add_feed(self, name: str, feed: FeedConfig) -> Steps[None]:
        """Add a feed, which the app's worker looks at.

        Raises: LabelerError: there is one of this name, or it may not be read, or its settings are wrong.
        """
        yield Call("POST", f"{self.path}/feeds", body={"name": name, **asdict(feed)})

    def change_feed(self, name: str, **changes: Any) -> Steps[None]:
        """Change settings of a feed, such as `every=5`; `paused=True` pauses it. At another place it begins anew.

        Raises: LabelerError: there is no feed of this name, or it may not be read, or the settings are wrong.
        """
        yield Call("PATCH", self._feed(name), body=changes)

    def remove_feed(self, name: str) -> Steps[None]:
        """Remove a feed. Its items stay. Raises: LabelerError: there is none of this name."""
        yield Call("DELETE", self._feed(name))

    def pull_feed(self, name: str) -> Steps[Feed]:
        """A feed once it was looked at, and all that is new there has come.

        Raises: LabelerError: there is none of this name, or it is paused.
        """
        feed = yield Call("POST", f"{self._feed(name)}/look-now")
        while feed["is_due"]:
            yield Pause(POLL_SECONDS)
            feed = yield Call("GET", self._feed(name))
        return records.feed_of(feed)

    def feed_looks(self, name: str, most: int = 50) -> Steps[list[FeedLook]]:
        """The latest looks at a feed, the latest first. Raises: LabelerError: there is none of this name."""
        found = yield from self._all(f"feeds/{quote(name, safe='')}/looks", most)
        return [records.look_of(look) for look in found]

    def _feed(self, name: str) -> str:
        return f"{self.path}/feeds/{quote(name, safe='')}"
