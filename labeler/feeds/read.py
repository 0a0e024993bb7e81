"""A look at a feed of any kind."""

from pathlib import Path

from labeler.core.settings import FeedConfig
from labeler.feeds.bucket import Bucket
from labeler.feeds.databases import check_query, database_url, rows
from labeler.feeds.files import bring
from labeler.feeds.folder import watched
from labeler.feeds.look import Brought, Look
from labeler.feeds.web import check_address, pages
from labeler.files.addresses import allowed


def look_at(look: Look) -> Brought:
    """What is new in a feed. Raises: LabelerError: it cannot be read, or may not be; says why."""
    match look.feed.kind:
        case "folder":
            return bring(watched(look.feed.place, look.home), look)
        case "bucket":
            return bring(Bucket(allowed(look.feed.place)), look)
        case "sql":
            return rows(look)
        case "web":
            return pages(look)


def check(feed: FeedConfig, home: Path) -> None:
    """Refuse a feed that may not be read, before it is. Raises: LabelerError: says why."""
    match feed.kind:
        case "folder":
            watched(feed.place, home)
        case "bucket":
            allowed(feed.place)
        case "sql":
            database_url(feed.place)
            check_query(feed.query)
        case "web":
            check_address(feed.place)
