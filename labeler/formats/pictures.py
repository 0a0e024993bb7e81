"""Values in files of other tools → images: paths below a folder, addresses of a store, images in the text itself."""

import base64
import binascii
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from labeler.files.sources import Embedded, Picture, image_named
from labeler.i18n.messages import mark

_UPLOADED = "/data/upload/"  # of Label Studio: where its server has the files that were uploaded


def picture_of(folder: Path, value: str) -> Picture | str:
    """The image that a value names, or why there is none.

    Args: folder: in which the file lies that has the value; images are below it.
    """
    value = value.strip()
    if value.startswith("data:"):
        return _embedded(value)
    if value.startswith(("http://", "https://")):
        return mark("the image lies on a web server: download it, and name it by its path")
    named = image_named(folder, _path_of(value))
    if not isinstance(named, str):
        return named
    for part in _usual_places(value):
        other = image_named(folder, part)
        if not isinstance(other, str):
            return other
    return named


def _path_of(value: str) -> str:
    """The path in the address of a file that the other tool serves."""
    if "/local-files/" in value and "d=" in value:
        return parse_qs(urlsplit(value).query).get("d", [""])[0].lstrip("/")
    return unquote(value.removeprefix(_UPLOADED)) if value.startswith(_UPLOADED) else value


def _usual_places(value: str) -> list[str]:
    """Other paths under which other tools put the image into a folder when they write one."""
    name = _path_of(value).replace("\\", "/").rpartition("/")[2]
    shorter = name[9:] if len(name) > 9 and name[8] == "-" else name  # Label Studio puts a number before names
    return [place for n in dict.fromkeys((name, shorter)) if n for place in (n, f"images/{n}", f"upload/{n}")]


def _embedded(value: str) -> Picture | str:
    """The image in a data URI."""
    head, _, content = value.partition(",")
    if ";base64" not in head:
        return mark("the image in the text is not in Base64")
    try:
        return Embedded("image", base64.b64decode(content, validate=True))
    except (binascii.Error, ValueError):
        return mark("the image in the text is not in Base64")
