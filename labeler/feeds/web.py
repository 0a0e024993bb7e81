"""Records of an address in the web: JSON with pages or without, JSON Lines, CSV, RSS and Atom."""

import csv
import html
import io
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, urljoin, urlsplit
from xml.etree import ElementTree

from labeler.core.errors import LabelerError
from labeler.core.items import Problem
from labeler.events.addresses import checked, shown
from labeler.events.requests import request
from labeler.feeds.look import MOST_BYTES as MOST_BYTES_A_LOOK
from labeler.feeds.look import MOST_ROWS, Brought, FeedError, Look, table_of
from labeler.files.column_guesses import IMAGE_SUFFIXES
from labeler.files.sources import SourceColumns
from labeler.i18n.messages import Message

TOKENS = "LABELER_FEED_TOKENS"  # host=token, with spaces between: sent to that host alone
SINCE = "{since}"
MOST_BYTES = 64 << 20  # of a page, or of an image
MOST_PAGES = 100
SECONDS = 300.0  # that all pages of a look may take
LISTS = ("items", "results", "data", "records", "entries", "rows")  # in which an answer may have its records
NEXTS = ("next", "next_url", "next_page")
ADDRESSES = ("image", "image_url", "url")  # columns in which the address of an image may be
# A document type stands before the first element of XML, and nowhere else: a text may speak of one.
_DOCTYPE = re.compile(r"(?>(?:\s|<\?.*?\?>|<!--.*?-->)*)<!DOCTYPE", re.DOTALL | re.IGNORECASE)
Record = dict[str, Any]


def check_address(place: str) -> None:
    """Refuse an address that the server may not ask. Raises: WebhookError: says why."""
    checked(place.replace(SINCE, "0"))


def pages(look: Look) -> Brought:
    """The records of all pages behind the largest value of the cursor so far.

    Raises: FeedError: what comes is in no form that is known, or is too much. WebhookError: the address may not be
            asked. LabelerError: it does not answer.
    """
    feed, until = look.feed, time.monotonic() + SECONDS
    records, is_more = _all_pages(look, until)
    if not feed.cursor:  # the address gives the same records each time
        unread = look.unread({_name(record): "" for record in records})
        records = [record for record in records if _name(record) in unread]
    table, problems, failed = table_of(look, records), list[Problem](), set[str]()
    if look.modality == "image":
        images = _Images(look, until)
        records = records[: images.fetch(records)]
        table, problems, is_more = images.table(), images.problems, is_more or images.is_more
        failed = {_name(record) for record in images.failed}  # they are tried again
    if not feed.cursor:
        read = {name: "" for record in records if (name := _name(record)) not in failed}
        return Brought(table, None, read, problems, is_more and bool(read))  # else the same ones fail again at once
    largest = _largest(records, feed.cursor, look.cursor)
    if is_more and records and largest != records[-1].get(feed.cursor):
        raise FeedError(
            "{place} has many new records, and not the oldest first: ask for them so.", place=shown(feed.place)
        )
    return Brought(table, largest, {}, problems, is_more and largest != look.cursor)


def _all_pages(look: Look, until: float) -> tuple[list[Record], bool]:
    """The records of all pages as far as one look brings them, and whether there are more."""
    feed, records, asked = look.feed, list[Record](), set[str]()
    since = feed.start if look.cursor is None else str(look.cursor)
    url: str | None = feed.place.replace(SINCE, quote(since, safe=""))
    while url and url not in asked:
        if len(asked) == MOST_PAGES or len(records) >= MOST_ROWS or time.monotonic() > until:
            if feed.cursor:
                return records, True
            raise FeedError(
                "{place} has more than {n:,} records, or takes longer than {seconds} s: name the cursor, and put"
                " {since} into the address, so that only new ones come.",
                place=shown(feed.place),
                n=len(records),
                seconds=int(SECONDS),
                since=SINCE,
            )
        asked.add(url)
        page, following = _page(url)
        records += page
        url = urljoin(url, following) if following else None
    return records, False


def _name(record: Record) -> str:
    """What tells a record from others, by its content."""
    return sha256(json.dumps(record, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


# ---------------------------------------------------------------- an answer → records


def _page(url: str) -> tuple[list[Record], str | None]:
    """The records of an answer, and the address of the next page."""
    content = _get(url)
    text = content.decode("utf-8-sig", "replace").strip()
    if not text:
        return [], None
    if text.startswith("<"):
        return _entries(text, url), None
    if text[0] in "[{":
        return _json(text, url)
    return [dict(row) for row in csv.DictReader(io.StringIO(text))], None


def _get(url: str) -> bytes:
    reply = request("GET", url, _token(url), most=MOST_BYTES + 1, seconds=SECONDS)
    if reply.status != 200:
        raise FeedError("{host} answered {status}.", host=urlsplit(url).netloc, status=reply.status)
    if len(reply.content) > MOST_BYTES:
        raise FeedError("{host} answered with more than {n} MiB.", host=urlsplit(url).netloc, n=MOST_BYTES >> 20)
    return reply.content


def _token(url: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The header that proves to a host who asks, if whoever runs the server has given a token for it."""
    entries = (entry.partition("=") for entry in environment.get(TOKENS, "").split())
    token = {host.lower(): token for host, _, token in entries}.get(urlsplit(url).netloc.lower())
    return {"Authorization": f"Bearer {token}"} if token else {}


def _json(text: str, url: str) -> tuple[list[Record], str | None]:
    try:
        whole = json.loads(text)
    except ValueError:
        return [_record(json.loads(line), url) for line in _lines(text, url)], None
    if isinstance(whole, list):
        return [_record(entry, url) for entry in whole], None
    for name in LISTS:
        if isinstance(whole.get(name), list):
            return [_record(entry, url) for entry in whole[name]], _next(whole)
    return [_record(whole, url)], None  # JSON Lines with one line


def _lines(text: str, url: str) -> Iterator[str]:
    for line in text.split("\n"):
        if line.strip():
            try:
                json.loads(line)
            except ValueError:
                raise FeedError("{host} answered with JSON that is broken.", host=urlsplit(url).netloc) from None
            yield line


def _record(entry: Any, url: str) -> Record:
    if not isinstance(entry, dict):
        raise FeedError("{host} answered with entries that are no records.", host=urlsplit(url).netloc)
    return entry


def _next(whole: Mapping[str, Any]) -> str | None:
    links = whole.get("links") or whole.get("_links")
    places = [whole, links if isinstance(links, dict) else {}]
    values = [place.get(name) for place in places for name in NEXTS]
    values += [value["href"] for value in values if isinstance(value, dict) and "href" in value]
    return next((value for value in values if isinstance(value, str) and value), None)


def _entries(text: str, url: str) -> list[Record]:
    """The entries of RSS or Atom: their text, title, address and time."""
    if _DOCTYPE.match(text):  # its entities could unfold to anything
        raise FeedError("{host} answered with a page, not with a feed.", host=urlsplit(url).netloc)
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        raise FeedError("{host} answered with XML that is broken.", host=urlsplit(url).netloc) from None
    found = [element for element in root.iter() if _tag(element) in ("item", "entry")]
    return [_entry(element) for element in found]


def _entry(element: ElementTree.Element) -> Record:
    parts: dict[str, str] = {}
    for part in element:
        value = (part.text or "").strip() or part.get("href", "") or "".join(part.itertext()).strip()
        parts.setdefault(_tag(part), value)
    body = next((parts[name] for name in ("encoded", "content", "description", "summary") if parts.get(name)), "")
    title = _plain(parts.get("title", ""))
    record = {
        "text": "\n\n".join(filter(None, (title, _plain(body)))),
        "title": title,
        "link": parts.get("link", ""),
        "id": parts.get("guid") or parts.get("id") or parts.get("link", ""),
        "published": next((parts[n] for n in ("published", "updated", "pubDate", "date") if parts.get(n)), ""),
    }
    return {name: value for name, value in record.items() if value}


def _tag(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _plain(markup: str) -> str:
    """The text of HTML, without its tags."""
    return re.sub(r"[ \t]+", " ", html.unescape(re.sub(r"<[^>]*>", " ", markup))).strip()


def _largest(records: Sequence[Record], cursor: str, before: Any) -> Any:
    """The largest value of the cursor: as numbers where all are, else as texts, such as times."""
    values = [record[cursor] for record in records if record.get(cursor) not in (None, "")]
    if records and not values:
        raise FeedError("No record has a value of {column}, which is the cursor.", column=cursor)
    values += [before] if before is not None else []
    if not values:
        return None
    if all(_is_number(value) for value in values):
        return max(values, key=lambda value: Decimal(str(value)))  # floats cannot tell large numbers apart
    return max(values, key=str)


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and bool(re.fullmatch(r"-?\d+(\.\d+)?", str(value)))


# ---------------------------------------------------------------- images


class _Images:
    """The images that records name by addresses in the web, fetched as far as one look brings them."""

    def __init__(self, look: Look, until: float) -> None:
        self.look, self.until = look, until
        self.column = look.feed.image or "image"  # of the table in which the records name their images
        self.records: list[Record] = []
        self.failed: list[Record] = []
        self.problems: list[Problem] = []
        self.bytes, self.is_more = 0, False

    def fetch(self, records: Sequence[Record]) -> int:
        """The number of records whose images were fetched, or cannot be, which is said."""
        for number, record in enumerate(records):
            if self.bytes > MOST_BYTES_A_LOOK or (number and time.monotonic() > self.until):
                self.is_more = True
                return number
            try:
                self.records.append(self._with_image(number, record))
            except LabelerError as error:
                self.failed.append(record)
                self.problems.append(Problem(f"{self.look.name} {number + 1}", Message.of(error)))
        return len(records)

    def _with_image(self, number: int, record: Record) -> Record:
        names = (self.look.feed.image,) if self.look.feed.image else ADDRESSES
        address = next((str(record[name]) for name in names if record.get(name)), "")
        if urlsplit(address).scheme not in ("http", "https"):
            return record | {self.column: address}  # of a store, or it is refused as any other
        content = _get(address)
        suffix = PurePosixPath(urlsplit(address).path).suffix.lower()
        file = f"{number}{suffix if suffix in IMAGE_SUFFIXES else '.img'}"
        (self.look.target / file).write_bytes(content)
        self.bytes += len(content)
        return record | {self.column: file, "address": address}

    def table(self) -> list[tuple[Path, SourceColumns]]:
        return [(path, replace(columns, image=self.column)) for path, columns in table_of(self.look, self.records)]
