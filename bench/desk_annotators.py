"""Annotators for `bench.desk_latency`: pages in one headless Chromium, and HTTP clients that do what the desk does.

Each labels at a human pace, or as fast as it gets items, and notes milliseconds for each answer.
"""

import asyncio
import http.client
import json
import random
import shutil
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from bench.desk_server import Served, Usage
from labeler.access import User, issue_token

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WATCH = Path(__file__).with_name("desk_watch.js")

# As in the desk, see pages/desk/desk.js: it takes no answer to what was just drawn, and holds the next items.
VISIBLE_MS = 140
AHEAD, REFILL_BELOW = 20, 12


@dataclass
class Seen:
    """What the annotators of one run saw; milliseconds, one for each answer."""

    usage: dict[str, float] = field(default_factory=dict)
    first_screen: float = 0.0  # seconds from the start of the server
    in_page: list[float] = field(default_factory=list)
    shown: list[float] = field(default_factory=list)
    acknowledged: list[float] = field(default_factory=list)
    reserved: list[float] = field(default_factory=list)  # HTTP clients: asking for items
    media: list[float] = field(default_factory=list)  # HTTP clients: an image
    answered: set[tuple[str, int]] = field(default_factory=set)
    unanswered: int = 0  # keys after which nothing happened


def pause(pace: float, rng: random.Random) -> float:
    """Seconds that a person looks at an item: `pace` on average."""
    return pace * rng.uniform(0.5, 1.5)


# ---------------------------------------------------------------- pages


def in_browser(served: Served, annotators: int, seconds: float, pace: float) -> Seen:
    """`annotators` pages, each of a person of its own, press keys for `seconds`."""
    return asyncio.run(_in_browser(served, annotators, seconds, pace))


async def _in_browser(served: Served, annotators: int, seconds: float, pace: float) -> Seen:
    seen = Seen()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        names = [f"annotator{n}" for n in range(annotators)]
        pages = [await _open(browser, served, names[0])]  # nothing is cached yet
        seen.first_screen = time.perf_counter() - served.started
        pages += [await _open(browser, served, name) for name in names[1:]]
        usage = Usage(served.app())
        usage.begin()
        end = time.perf_counter() + seconds
        pressed = await asyncio.gather(*(_press(page, end, pace, random.Random(n)) for n, page in enumerate(pages)))
        seen.usage = usage.end(sum(pressed))
        for name, page in zip(names, pages, strict=True):
            await page.wait_for_function("deskWatch.saved()")
            for answer in await page.evaluate("deskWatch.answers"):
                if "shown" not in answer or "acknowledged" not in answer:
                    seen.unanswered += 1
                    continue
                seen.answered.add((name, int(answer["item"])))
                seen.in_page.append(answer["inPage"])
                seen.shown.append(answer["shown"])
                seen.acknowledged.append(answer["acknowledged"])
        await browser.close()
    return seen


async def _open(browser: Browser, served: Served, name: str) -> Page:
    """The desk of one annotator in a context of its own, once its first item is visible."""
    context: BrowserContext = await browser.new_context(viewport={"width": 1280, "height": 850})
    context.set_default_timeout(120_000)
    await context.add_init_script(path=WATCH)
    page = await context.new_page()
    await asyncio.to_thread(served.wait)
    await page.goto(f"{served.url}/?annotator={name}", wait_until="commit")
    await page.evaluate("deskWatch.begin()")
    return page


async def _press(page: Page, end: float, pace: float, rng: random.Random) -> int:
    """How many keys were pressed until the end."""
    keys = 0
    while True:
        await asyncio.sleep(pause(pace, rng))
        left = end - time.perf_counter()
        if left <= 0 or not await page.evaluate(f"deskWatch.ready({VISIBLE_MS}, {1000 * left:.0f})"):
            return keys
        await page.keyboard.press(rng.choice("123456789"))
        keys += 1


# ---------------------------------------------------------------- HTTP clients


def over_http(served: Served, annotators: int, seconds: float, pace: float) -> Seen:
    """`annotators` clients without browsers, a thread and a connection each, answer for `seconds`."""
    served.wait()
    clients = [_Client(served, f"annotator{n}", random.Random(n)) for n in range(annotators)]
    with ThreadPoolExecutor(annotators) as pool:
        list(pool.map(_Client.begin, clients))
        usage = Usage(served.app())
        usage.begin()
        end = time.perf_counter() + seconds
        list(pool.map(lambda client: client.work(end, pace), clients))
    seen = Seen(usage.end(sum(len(c.acknowledged) for c in clients)))
    for client in clients:
        seen.acknowledged += client.acknowledged
        seen.reserved += client.reserved
        seen.media += client.media
        seen.answered |= {(client.name, item) for item in client.answered}
    return seen


class _Client:
    """One annotator's desk, as the server sees it."""

    def __init__(self, served: Served, name: str, rng: random.Random) -> None:
        self.name, self.rng, self.slug = name, rng, served.project.slug
        self.classes = served.project.config.classes
        self.connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
        self.headers = {"Authorization": f"Bearer {issue_token(User(name), self.slug)}"}
        self.queue: list[int] = []
        self.answered: list[int] = []
        self.acknowledged: list[float] = []
        self.reserved: list[float] = []
        self.media: list[float] = []

    def begin(self) -> None:
        """Hold the first items; the server may still be starting, so this is not measured."""
        self._refill()
        self.reserved.clear()
        self.media.clear()

    def work(self, end: float, pace: float) -> None:
        while self.queue:
            time.sleep(pause(pace, self.rng))
            if time.perf_counter() > end:
                return
            item = self.queue.pop(0)
            answer = {"request_id": uuid.uuid4().hex, "item_id": item, "action": "label", "seconds": pace}
            body = {"tab": self.name, "answers": [answer | {"label": self.rng.choice(self.classes)}]}
            reply = json.loads(self._timed(self.acknowledged, "POST", f"/api/{self.slug}/answers", body))
            if not all(receipt["ok"] for receipt in reply["receipts"]):
                raise SystemExit(f"An answer was refused: {reply}")
            self.answered.append(item)
            if len(self.queue) < REFILL_BELOW:
                self._refill()

    def _refill(self) -> None:
        body = {"tab": self.name, "n": AHEAD, "release": []}
        reply = json.loads(self._timed(self.reserved, "POST", f"/api/{self.slug}/reserve", body))
        known = set(self.queue) | set(self.answered)
        for item in reply["items"]:
            if item["id"] not in known:
                self._timed(self.media, "GET", item["media"])
                self.queue.append(item["id"])

    def _timed(self, into: list[float], method: str, path: str, body: object = None) -> bytes:
        """What the server replies; the milliseconds that it took go `into` a list."""
        sent = None if body is None else json.dumps(body).encode()
        began = time.perf_counter()
        try:
            self.connection.request(method, path, sent, self.headers)
            reply = self.connection.getresponse()
        except ConnectionError:  # the server closes connections that are idle for some seconds; browsers do the same
            self.connection.close()
            self.connection.request(method, path, sent, self.headers)
            reply = self.connection.getresponse()
        content = reply.read()
        if reply.status != 200:
            raise SystemExit(f"{method} {path} was answered with {reply.status}: {content.decode(errors='replace')}")
        into.append(1000 * (time.perf_counter() - began))
        return content
