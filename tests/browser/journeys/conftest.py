"""Each journey starts a server of its own, because the start is part of what it measures."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page


@pytest.fixture
def open_separate(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Pages of people who have never been here. An error on any of them fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_one(url: str, **options: Any) -> Page:
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 850}, accept_downloads=True, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert errors == []
