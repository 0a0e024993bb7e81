"""Addresses in the web: the forms of answers, pages, cursors, tokens, images, and what is refused."""

import json
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.core.errors import LabelerError
from labeler.core.items import Modality
from labeler.core.settings import FeedConfig
from labeler.events.addresses import VARIABLE
from labeler.feeds import web
from labeler.feeds.look import Brought, FeedError, Look
from labeler.feeds.read import look_at
from tests.support.objects import picture


@dataclass
class Server:
    """A server on loopback. answers: by path and query. asked: what it was asked, with the token."""

    host: str = ""
    answers: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"


@pytest.fixture(scope="module")
def listening() -> Iterator[Server]:
    there = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there.asked.append((self.path, self.headers.get("Authorization")))
            content = there.answers.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    there.host = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield there
    server.shutdown()
    server.server_close()


@pytest.fixture
def there(listening, monkeypatch) -> Server:
    listening.answers.clear()
    listening.asked.clear()
    monkeypatch.setenv(VARIABLE, listening.host)
    return listening


def records(
    tmp_path, feed: FeedConfig, cursor: Any = None, modality: Modality = "text", **look: Any
) -> tuple[list[dict[str, Any]], Brought]:
    brought = look_at(Look("api", feed, modality, tmp_path, tmp_path, cursor, **look))
    lines = [line for path, _ in brought.sources for line in path.read_text(encoding="utf-8").splitlines()]
    return [json.loads(line) for line in lines], brought


RSS = b"""<?xml version="1.0"?><rss><channel><title>Press</title>
<item><title>Rain &amp; sun</title><description>&lt;p&gt;It rains.&lt;/p&gt;</description><guid>7</guid>
<link>https://example.org/7</link><pubDate>Fri, 27 Nov 2026</pubDate></item></channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>Rain</title><id>7</id>
<link href="https://example.org/7"/><content>It rains.</content><updated>2026-11-27</updated></entry></feed>"""


@pytest.mark.parametrize(
    ("answer", "first"),
    [
        (b'[{"id": 1, "text": "a"}]', {"id": 1, "text": "a"}),
        (b'{"results": [{"id": 1, "text": "a"}], "count": 1}', {"id": 1, "text": "a"}),
        (b'{"id": 1, "text": "a"}\n{"id": 2, "text": "b"}\n', {"id": 1, "text": "a"}),
        (b'{"id": 1, "text": "a"}', {"id": 1, "text": "a"}),
        ("id,text\n1,눈\n".encode("utf-8-sig"), {"id": "1", "text": "눈"}),
        (
            RSS,
            {
                "text": "Rain & sun\n\nIt rains.",
                "title": "Rain & sun",
                "link": "https://example.org/7",
                "id": "7",
                "published": "Fri, 27 Nov 2026",
            },
        ),
        (
            ATOM,
            {
                "text": "Rain\n\nIt rains.",
                "title": "Rain",
                "link": "https://example.org/7",
                "id": "7",
                "published": "2026-11-27",
            },
        ),
    ],
)
def test_a_form_is_found_by_its_content(there, tmp_path, answer, first):
    there.answers["/feed"] = answer
    found, brought = records(tmp_path, FeedConfig("web", there.url("/feed")))
    assert found[0] == first
    assert len(brought.versions) == len(found)
    assert records(tmp_path, FeedConfig("web", there.url("/feed")), unread=lambda versions: set())[1].sources == []


def test_pages_are_followed_and_the_cursor_is_the_largest_number(there, tmp_path, monkeypatch):
    there.answers["/t?after=9"] = json.dumps({"data": [{"id": 10, "text": "a"}], "links": {"next": "/t?p=2"}}).encode()
    there.answers["/t?p=2"] = json.dumps({"data": [{"id": 11, "text": "b"}], "next": "/t?after=9"}).encode()
    monkeypatch.setenv(web.TOKENS, f"example.org=no {there.host}=sesame")
    found, brought = records(tmp_path, FeedConfig("web", there.url("/t?after={since}"), cursor="id", start="9"))
    assert [record["text"] for record in found] == ["a", "b"]
    assert (brought.cursor, brought.is_more) == (11, False)
    assert there.asked == [("/t?after=9", "Bearer sesame"), ("/t?p=2", "Bearer sesame")]


def test_what_is_too_much_for_a_look_goes_on_from_the_cursor(there, tmp_path, monkeypatch):
    monkeypatch.setattr(web, "MOST_PAGES", 1)
    pages = {"items": [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}], "next": "/t?p=2"}
    there.answers["/t?after=0"] = json.dumps(pages).encode()
    there.answers["/t?p=2"] = b'[{"id": 3, "text": "c"}]'
    for cursor in ("id", ""):
        feed = FeedConfig("web", there.url("/t?after={since}" if cursor else "/t?after=0"), cursor=cursor)
        brought = records(tmp_path, feed)[1]
        assert brought.is_more
        rest, last = records(tmp_path, feed, brought.cursor, resume=brought.resume)
        assert ([record["text"] for record in rest], last.is_more, last.resume.get("next")) == (["c"], False, None)


def test_images_that_do_not_come_oldest_first_are_refused_where_they_are_too_much_for_a_look(
    there, tmp_path, monkeypatch
):
    monkeypatch.setattr(web, "MOST_BYTES_A_LOOK", 0)
    listed = [{"id": number, "url": there.url("/1.png")} for number in (3, 2, 1)]
    there.answers |= {"/feed": json.dumps(listed).encode(), "/1.png": picture(1)}
    with pytest.raises(FeedError, match="not the oldest first"):
        records(tmp_path, FeedConfig("web", there.url("/feed"), cursor="id"), modality="image")


Value = int
Given = list[tuple[Value, int]]  # values of the cursor, with what tells records of one value apart


@dataclass
class Address:
    """An address in the web with pages. expires: whether each page's own address can be asked for but once."""

    records: Given
    page: int
    is_strict: bool
    expires: bool = False
    is_in_a_row: bool = False

    def get(self, url: str, until: float) -> bytes:
        query = {name: int(value) for name, (value,) in parse_qs(urlsplit(url).query).items()}
        if self.expires and query.get("skip") and not self.is_in_a_row:
            raise FeedError("{host} answered {status}.", host="there", status=410)
        self.is_in_a_row = True
        behind = [r for r in self.records if r[0] > query["after"] or (not self.is_strict and r[0] == query["after"])]
        skip = query.get("skip", 0)
        answer: dict[str, Any] = {"items": [{"at": at, "text": f"{n}"} for at, n in behind[skip : skip + self.page]]}
        if len(behind) > skip + self.page:
            answer["next"] = f"?after={query['after']}&skip={skip + self.page}"
        return json.dumps(answer).encode()


def all_of(address: Address, state: dict[str, Any], target: Path) -> set[str]:
    """What comes of looks until there is no more. state: what is kept between looks."""
    came: set[str] = set()
    for _ in range(500):
        seen: dict[str, str] = state.setdefault("seen", {})

        def unread(versions: Mapping[str, str], seen: dict[str, str] = seen) -> set[str]:
            return {name for name, version in versions.items() if seen.get(name) != version}

        address.is_in_a_row = False
        feed = FeedConfig("web", "http://there/?after={since}", cursor="at")
        kept = state.get("cursor"), state.get("resume", {})
        brought = look_at(Look("api", feed, "text", target, target, *kept, unread=unread))
        for path, _columns in brought.sources:
            came |= {json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()}
        state["seen"] = {n: v for n, v in seen.items() if v == brought.kept_version} | dict(brought.versions)
        state["cursor"], state["resume"] = brought.cursor, json.loads(json.dumps(brought.resume))
        if not brought.is_more:
            return came
    raise AssertionError("the looks do not end")


@given(
    st.lists(st.lists(st.integers(0, 4), max_size=12), min_size=1, max_size=4),
    st.integers(1, 4),
    st.integers(1, 3),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_each_record_comes_whatever_the_pages_their_order_and_equal_values(steps, page, pages, strict, random):
    """A later record may have the value of the largest before, and no smaller one."""
    address, state, came, total, least = Address([], page, strict), dict[str, Any](), set[str](), 0, 1
    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory() as folder:
        patched.setattr(web, "MOST_PAGES", pages)
        patched.setattr(web, "_get", address.get)
        for step in steps:
            new = [(least + more, total + number) for number, more in enumerate(sorted(step))]
            total, least = total + len(new), max([at for at, _ in new], default=least)
            address.records += new
            if random.random() < 0.5:  # this address gives records in no order
                random.shuffle(address.records)
            came |= all_of(address, state, Path(folder))
            assert came == {f"{number}" for number in range(total)}
        assert all_of(address, state, Path(folder)) <= came


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(3, 5), st.integers(1, 3), st.booleans())
def test_no_record_is_passed_over_where_the_address_of_a_page_is_forgotten(values, page, pages, strict):
    """As long as the records of two values fit into a look."""
    records = [
        (at + 1, n) for n, at in enumerate(sorted(values)) if sorted(values)[:n].count(at) < (page * pages - 1) // 2
    ]
    address = Address(records, page, strict, expires=True)
    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory() as folder:
        patched.setattr(web, "MOST_PAGES", pages)
        patched.setattr(web, "_get", address.get)
        assert all_of(address, {}, Path(folder)) == {f"{number}" for _, number in records}


def test_images_are_fetched_and_those_that_cannot_be_are_said(there, tmp_path):
    there.answers["/1.png"] = picture(1)
    listed = [
        {"image": there.url("/1.png"), "site": "Seoul"},
        {"image": there.url("/2.png")},
        {"image": "s3://b/3.png"},
    ]
    there.answers["/feed"] = json.dumps(listed).encode()
    found, brought = records(tmp_path, FeedConfig("web", there.url("/feed")), modality="image")
    assert found == [{"image": "0.png", "site": "Seoul", "address": there.url("/1.png")}, {"image": "s3://b/3.png"}]
    assert (tmp_path / "0.png").read_bytes() == picture(1)
    assert [str(problem.reason) for problem in brought.problems] == [f"{there.host} answered 404."]
    assert brought.sources[0][1].image == "image"
    assert len(brought.versions) == 2, "one that failed is tried again"


def test_images_that_are_too_much_for_a_look_come_with_the_next_one(there, tmp_path, monkeypatch):
    monkeypatch.setattr(web, "MOST_BYTES_A_LOOK", 0)
    there.answers |= {f"/{number}.png": picture(number) for number in (1, 2)}
    listed = [{"id": number, "url": there.url(f"/{number}.png")} for number in (1, 2)]
    there.answers["/feed"] = json.dumps(listed).encode()
    found, brought = records(tmp_path, FeedConfig("web", there.url("/feed"), cursor="id"), modality="image")
    assert [record["image"] for record in found] == ["0.png"]
    assert (brought.cursor, brought.is_more) == (1, True)


def test_an_answer_that_does_not_end_is_left(there, tmp_path, monkeypatch):
    monkeypatch.setattr(web, "SHORTEST", -1.0)
    there.answers["/feed"] = b"[]"
    with pytest.raises(LabelerError, match="does not end"):
        web._get(there.url("/feed"), 0.0)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (None, "answered 404"),
        (b'{"items": [1]}', "entries that are no records"),
        (b'{"items": [{]}', "JSON that is broken"),
        (b"<!DOCTYPE html><html></html>", "a page, not with a feed"),
        (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><rss/>', "a page, not with a feed"),
        (b"<rss><item>", "XML that is broken"),
        (b'[{"text": "a"}]', "No record has a value of id"),
    ],
)
def test_an_answer_is_refused(there, tmp_path, answer, says):
    if answer is not None:
        there.answers["/feed"] = answer
    with pytest.raises(FeedError, match=says):
        records(tmp_path, FeedConfig("web", there.url("/feed"), cursor="id"))


def test_a_host_that_nobody_has_named_is_not_asked(there, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "example.org")
    for url in (there.url("/feed"), there.url("/feed").replace("http:", "https:"), "file:///etc/passwd"):
        with pytest.raises(LabelerError, match=r"without encryption|not in the public network|no web address"):
            records(tmp_path, FeedConfig("web", url))
    assert there.asked == []


def test_a_text_may_speak_of_a_document_type(there, tmp_path):
    there.answers["/feed"] = b"<rss><item><description><![CDATA[Use <!DOCTYPE html>]]></description></item></rss>"
    assert len(records(tmp_path, FeedConfig("web", there.url("/feed")))[0]) == 1


def test_numbers_that_floats_cannot_tell_apart_are_compared(there, tmp_path):
    large = [(1 << 60) + number for number in range(3)]
    there.answers["/feed"] = json.dumps([{"id": number, "text": f"{number}"} for number in large]).encode()
    assert records(tmp_path, FeedConfig("web", there.url("/feed"), cursor="id"))[1].cursor == large[-1]


def test_images_that_cannot_be_had_are_not_asked_for_again_at_once(there, tmp_path, monkeypatch):
    def fails(url: str, until: float) -> bytes:
        if url.endswith("/feed"):
            return json.dumps([{"url": there.url(f"/{n}.png")} for n in (1, 2)]).encode()
        raise LabelerError("no answer")

    monkeypatch.setattr(web, "_get", fails)
    feed = FeedConfig("web", there.url("/feed"))
    brought = records(tmp_path, feed, modality="image", until=time.monotonic() - 1)[1]
    assert (len(brought.problems), brought.is_more) == (1, False)


def test_a_message_holds_no_more_of_an_address_than_its_host(there, tmp_path):
    with pytest.raises(FeedError) as refused:
        records(tmp_path, FeedConfig("web", there.url("/feed?token=sesame")))
    assert "sesame" not in str(refused.value)


def test_a_host_of_a_token_may_be_in_capitals():
    assert web._token("https://api.example.org/", {web.TOKENS: "API.example.org=abc="}) == {
        "Authorization": "Bearer abc="
    }


def test_an_address_that_forgets_its_pages_and_has_too_many_equal_values_is_told(tmp_path, monkeypatch):
    address = Address([(1, n) for n in range(6)], 2, True, expires=True)
    monkeypatch.setattr(web, "MOST_PAGES", 1)
    monkeypatch.setattr(web, "_get", address.get)
    with pytest.raises(FeedError, match="there answered 410"):
        all_of(address, {}, tmp_path)
