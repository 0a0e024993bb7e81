"""Driving the desk in a browser: what it shows, keys, what is saved."""

from playwright.sync_api import Locator, Page


def stage(page: Page) -> Locator:
    return page.locator(".stage[data-item]")


def item_on_screen(page: Page) -> int:
    """The id of the item that is visible, once there is one."""
    return int(stage(page).get_attribute("data-item"))


def ready_item(page: Page) -> int:
    """The id of the item that is visible, once it has been for so long that an answer counts."""
    page.locator(".stage[data-ready]").wait_for()
    return item_on_screen(page)


def press(page: Page, key: str) -> int:
    """Press a key on the visible item, wait until another one is there, give back the first one's id."""
    before = ready_item(page)
    page.keyboard.press(key)
    page.wait_for_function(
        """before => [...document.querySelectorAll('*')].some(host => {
            const stage = host.shadowRoot?.querySelector('.stage');
            return stage && stage.dataset.item !== before;
        })""",
        arg=str(before),
    )
    return before


def press_late(page: Page, key: str, ms: int) -> None:
    """Let the page hear a key that was pressed `ms` milliseconds ago, as a busy browser tells it."""
    page.evaluate(
        """([key, ms]) => {
            const code = key.length === 1 ? `Digit${key}` : key;
            const event = new KeyboardEvent("keydown", { key, code, bubbles: true });
            Object.defineProperty(event, "timeStamp", { value: performance.now() - ms });
            document.body.dispatchEvent(event);
        }""",
        [key, ms],
    )


def all_saved(page: Page) -> None:
    page.locator(".desk[data-unsent='0']").wait_for()
