"""Records of an address in the web: JSON with pages or without, JSON Lines, CSV, RSS and Atom."""

import csv
import html
import io
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise
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
SHORTEST = 1.0  # seconds that an answer may take in any case
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
    """The records of all pages behind the largest value of the cursor so far, as far as one look brings them.

    Raises: FeedError: what comes is in no form that is known, or is too much. WebhookError: the address may not be
            asked. LabelerError: it does not answer.
    """
    read, cursor = _Pages(look), look.feed.cursor
    read.read()
    each = {_name(record): record for record in read.records}
    unread = look.unread({name: _version(record, cursor) for name, record in each.items()})
    records = [record for name, record in each.items() if name in unread]
    table, problems, failed, is_cut = table_of(look, records), list[Problem](), set[str](), False
    if look.modality == "image":
        images = _Images(look, read.bytes)
        count = images.fetch(records)
        is_cut = count < len(records)
        if is_cut:  # what comes behind that image is read once more
            read.keep_before(records[count])
        records = records[:count]
        table, problems = images.table(), images.problems
        failed = {_name(record) for record in images.failed}  # they are tried again
    brought = Brought(table, None, {}, problems, bytes=read.bytes)
    resume = {"next": read.following} if read.following else {}
    if cursor:
        return _behind_cursor(look, read, replace(brought, is_more=bool(records)), is_cut)
    versions = {name: "" for record in records if (name := _name(record)) not in failed}
    # where nothing is new, neither images that fail are asked for again at once, nor pages without end
    return replace(brought, versions=versions, is_more=bool(versions) and (is_cut or bool(resume)), resume=resume)


def _behind_cursor(look: Look, read: "_Pages", brought: Brought, is_cut: bool) -> Brought:
    """What a look with a cursor has brought, and from where the next one goes on.

    The next one asks for what lies behind the largest value but one: later records may have the largest value as well.
    Those of this value that were read are known by their content.

    Args: brought: `is_more` says whether anything is new. is_cut: whether images of the pages were left.
    """
    cursor, is_whole = look.feed.cursor, not (is_cut or read.following)
    largest = _largest(read.records, cursor, look.cursor)
    since, values = _since(look), [record[cursor] for record in read.records if _has(record, cursor)]
    order = [record[cursor] for record in (*read.records, *read.left) if _has(record, cursor)]
    key = _key_of([*order, *(value for value in (largest, since, look.cursor) if value is not None)])
    is_sorted = all(key(one) <= key(other) for one, other in pairwise(order))
    if is_cut and not is_sorted:
        raise FeedError(
            "{place} has many new records, and not the oldest first: ask for them so.", place=shown(look.feed.place)
        )
    if values and (is_whole or is_sorted):
        end = key(largest if is_whole else values[-1])
        lower = [value for value in (*values, since, look.cursor) if value is not None and key(value) < end]
        since = max(lower, key=key, default=since)
    versions = {_name(r): _version(r, cursor) for r in read.records if _version(r, cursor) == str(largest)}
    resume = {"since": since} | ({"next": read.following} if read.following else {})
    is_further = (resume, largest) != (look.resume, look.cursor)
    if read.forgotten and read.following and not is_further:  # it would read the same pages for ever
        raise read.forgotten
    return replace(
        brought,
        cursor=largest,
        versions=versions,
        kept_version=None if largest is None else str(largest),
        is_more=brought.is_more if is_cut else not is_whole and is_further,
        resume=resume,
    )


def _since(look: Look) -> Any:
    """The value behind which records are asked for; None: that of the settings."""
    return look.resume.get("since", look.cursor)


class _Pages:
    """The pages of an address, read as far as one look brings them.

    records: of all of them. left: records behind these that were not taken. following: the address of the page behind
    them; None: there is none. forgotten: the error of an address from which this look was to go on. bytes: of them.
    """

    def __init__(self, look: Look) -> None:
        self.look = look
        self.records: list[Record] = []
        self.left: list[Record] = []
        self.following: str | None = None
        self.forgotten: FeedError | None = None
        self.bytes = 0

    def read(self) -> None:
        """Read from where the look before has ended. Raises: as `pages`."""
        where = self.look.resume.get("next")
        if where:
            try:
                self._read_from(where)
                return
            except FeedError as error:
                if not 400 <= int(str(error.fields.get("status", 0))) < 500:
                    raise
                self.forgotten = error
        self._read_from(self._beginning())  # also where the address of a page has been forgotten

    def _beginning(self) -> str:
        since = _since(self.look)
        since = self.look.feed.start if since is None else str(since)
        return self.look.feed.place.replace(SINCE, quote(since, safe=""))

    def _read_from(self, url: str) -> None:
        asked, following = set[str](), url or None
        while following and following not in asked:
            if asked and (len(asked) >= MOST_PAGES or len(self.records) >= MOST_ROWS or self.look.is_over):
                self.following = following
                return
            asked.add(following)
            content = _get(following, self.look.until)
            self.bytes += len(content)
            page, behind = _page(content, following)
            self.records += page
            self.look.tell(len(self.records), 0, self.bytes)
            following = urljoin(following, behind) if behind else None

    def keep_before(self, record: Record) -> None:
        """Leave a record and those behind it."""
        place = self.records.index(record)
        self.records, self.left, self.following = self.records[:place], self.records[place:], None


def _name(record: Record) -> str:
    """What tells a record from others, by its content."""
    return sha256(json.dumps(record, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _version(record: Record, cursor: str) -> str:
    """The value of the cursor as text; without a cursor records have no versions."""
    return str(record.get(cursor)) if cursor else ""


# ---------------------------------------------------------------- an answer → records


def _page(content: bytes, url: str) -> tuple[list[Record], str | None]:
    """The records of an answer, and the address of the next page."""
    text = content.decode("utf-8-sig", "replace").strip()
    if not text:
        return [], None
    if text.startswith("<"):
        return _entries(text, url), None
    if text[0] in "[{":
        return _json(text, url)
    return [dict(row) for row in csv.DictReader(io.StringIO(text))], None


def _get(url: str, until: float) -> bytes:
    seconds = max(until - time.monotonic(), SHORTEST)
    reply = request("GET", url, _token(url), most=MOST_BYTES + 1, seconds=seconds)
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
    values = [record[cursor] for record in records if _has(record, cursor)]
    if records and not values:
        raise FeedError("No record has a value of {column}, which is the cursor.", column=cursor)
    values += [before] if before is not None else []
    return max(values, key=_key_of(values), default=None)


def _has(record: Record, cursor: str) -> bool:
    return record.get(cursor) not in (None, "")


def _key_of(values: Sequence[Any]) -> Callable[[Any], Any]:
    """What values are compared by."""
    if all(_is_number(value) for value in values):
        return lambda value: Decimal(str(value))  # floats cannot tell large numbers apart
    return str


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and bool(re.fullmatch(r"-?\d+(\.\d+)?", str(value)))


# ---------------------------------------------------------------- images


class _Images:
    """The images that records name by addresses in the web, fetched as far as one look brings them."""

    def __init__(self, look: Look, read: int) -> None:
        """
        Args: read: bytes of the pages.
        """
        self.look, self.read = look, read
        self.column = look.feed.image or "image"  # of the table in which the records name their images
        self.records: list[Record] = []
        self.failed: list[Record] = []
        self.problems: list[Problem] = []
        self.bytes = 0

    def fetch(self, records: Sequence[Record]) -> int:
        """The number of records whose images were fetched, or cannot be, which is said."""
        for number, record in enumerate(records):
            if self.bytes > MOST_BYTES_A_LOOK or (number and self.look.is_over):
                return number
            self.look.tell(number, len(records), self.read + self.bytes)
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
        content = _get(address, self.look.until)
        suffix = PurePosixPath(urlsplit(address).path).suffix.lower()
        file = f"{number}{suffix if suffix in IMAGE_SUFFIXES else '.img'}"
        (self.look.target / file).write_bytes(content)
        self.bytes += len(content)
        return record | {self.column: file, "address": address}

    def table(self) -> list[tuple[Path, SourceColumns]]:
        return [(path, replace(columns, image=self.column)) for path, columns in table_of(self.look, self.records)]
