"""Annotators for `bench.desk.latency` as pages of one headless Chromium, each of a person of its own."""

import asyncio
import random
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from bench.desk.server import Served, Usage

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WATCH = Path(__file__).with_name("watch.js")

VISIBLE_MS = 140  # the desk takes no answer to an item that has been visible for less than 120


@dataclass
class Measurements:
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


def in_browser(served: Served, annotators: int, seconds: float, pace: float) -> Measurements:
    """`annotators` pages, each of a person of its own, press keys for `seconds`."""
    return asyncio.run(_in_browser(served, annotators, seconds, pace))


async def _in_browser(served: Served, annotators: int, seconds: float, pace: float) -> Measurements:
    measurements = Measurements()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        names = [f"annotator{n}" for n in range(annotators)]
        pages = [await _open(browser, served, names[0])]  # nothing is cached yet
        measurements.first_screen = time.perf_counter() - served.started
        pages += [await _open(browser, served, name) for name in names[1:]]
        usage = Usage(served.app())
        usage.begin()
        end = time.perf_counter() + seconds
        pressed = await asyncio.gather(*(_press(page, end, pace, random.Random(n)) for n, page in enumerate(pages)))
        measurements.usage = usage.end(sum(pressed))
        for name, page in zip(names, pages, strict=True):
            await page.wait_for_function("() => deskWatch.saved()")
            for answer in await page.evaluate("deskWatch.answers"):
                if "shown" not in answer or "acknowledged" not in answer:
                    measurements.unanswered += 1
                    continue
                measurements.answered.add((name, int(answer["item"])))
                measurements.in_page.append(answer["inPage"])
                measurements.shown.append(answer["shown"])
                measurements.acknowledged.append(answer["acknowledged"])
        await browser.close()
    return measurements


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
