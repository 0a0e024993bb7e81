"""What the viewer of images shows in a browser."""

from playwright.sync_api import Page


def zoom(page: Page) -> float:
    """Screen pixels for an image pixel."""
    return float(page.locator(".viewport[data-zoom]").get_attribute("data-zoom"))


def turned(page: Page) -> str:
    return page.locator(".plane").evaluate("plane => /rotate\\(\\d+deg\\)/.exec(plane.style.transform)[0]")


def grey_of(page: Page) -> float:
    """How bright the picture is that the server drew, from 0 to 255, without the browser's filters."""
    return page.locator(".plane .image").evaluate(
        """image => {
            const [width, height] = [image.naturalWidth, image.naturalHeight];
            const context = Object.assign(document.createElement("canvas"), {width, height}).getContext("2d");
            context.drawImage(image, 0, 0);
            const values = context.getImageData(0, 0, width, height).data.filter((value, index) => index % 4 === 0);
            return values.reduce((sum, value) => sum + value, 0) / values.length;
        }"""
    )
