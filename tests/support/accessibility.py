"""What axe finds on a page that people with poor eyes, or without a mouse, would stumble over."""

import time

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

STANDARDS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
COLOURS = ("color-contrast",)  # the one rule whose verdict a colour scheme can change
SERIOUS = ("serious", "critical")

# The channels of the page's background, 0 to 255.
BACKGROUND = "getComputedStyle(document.querySelector('.stApp')).backgroundColor.match(/\\d+/g).map(Number)"

_AXE = Axe()


def violations(page: Page, rules: tuple[str, ...] = STANDARDS, within: str | None = None) -> list[str]:
    """Each serious violation with its element, and why it is one.

    Args:
        rules: names of rules, or of the standards that they belong to.
        within: the element that is looked into; the whole page without one.
    """
    results = _AXE.run(page, context=within, options={"runOnly": list(rules), "resultTypes": ["violations"]})
    return [
        f"{violation['id']}: {node['target']} {node['html'][:200]} {node.get('failureSummary', '')}"
        for violation in results.response["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


def lasting_violations(page: Page, rules: tuple[str, ...] = STANDARDS, within: str | None = None) -> list[str]:
    """The violations that do not go by themselves: what is being drawn anew is pale for a moment."""
    end = time.monotonic() + 20
    while (serious := violations(page, rules, within)) and time.monotonic() < end:
        time.sleep(0.1)
    return serious


def go_dark(page: Page) -> None:
    """Switch the open page to the dark colour scheme, and wait until it has followed."""
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"() => {BACKGROUND}.every((channel) => channel < 64)")


def go_light(page: Page) -> None:
    """Switch the open page to the light colour scheme, and wait until it has followed."""
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"() => {BACKGROUND}.every((channel) => channel > 192)")
