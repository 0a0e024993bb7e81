"""Routes that serve the pictures of items, whole or in tiles."""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from labeler.access.roles import may
from labeler.access.users import User
from labeler.api.endpoint import Drawing, Later, route
from labeler.api.requests import Nothing, RequestError
from labeler.core.errors import LabelerError
from labeler.core.items import Item, picture_path
from labeler.files.object_cache import RemoteImage
from labeler.files.renditions import Rendition, Renditions, Wish
from labeler.projects.project import Project
from labeler.store import Store

# An address names the project by its uid and the image by the hash of its content, so what it shows never changes.
# With nosniff no browser takes it for a page.
_FOR_GOOD = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@route("media/{item_id:int}/{version}", "GET", None)
def media(request: Request, project: Project, user: User, body: Nothing) -> Response | Drawing | Later:
    return picture(project, *_image(request, project, user), wish_of(request))


def picture(project: Project, image: Path | RemoteImage, key: str, wish: Wish) -> Response | Drawing | Later:
    """The picture of an image, as somebody wishes to see it. Args: key: the content hash of the image."""
    renditions = Renditions(project.renditions)

    def reply() -> Response | Drawing:
        ready = renditions.ready(image, key, wish)
        return _picture(ready) if ready else lambda: _picture(renditions.draw(image, key, wish))

    return _once_here(image, reply)


@route("media/{item_id:int}/{version}/tile/{level:int}/{x:int}/{y:int}", "GET", None)
def tile(request: Request, project: Project, user: User, body: Nothing) -> Response | Drawing | Later:
    image, key = _image(request, project, user)
    place = [request.path_params[name] for name in ("level", "x", "y")]
    draw = partial(Renditions(project.renditions).tile, image, key, wish_of(request), *place)
    return _once_here(image, lambda: lambda: Response(draw(), media_type="image/png", headers=_FOR_GOOD))


def _once_here(image: Path | RemoteImage, reply: Callable[[], Response | Drawing]) -> Response | Drawing | Later:
    """The reply, after the image has come from its store."""
    return reply() if isinstance(image, Path) or image.is_here else Later(image.fetch(), reply)


def _image(request: Request, project: Project, user: User) -> tuple[Path | RemoteImage, str]:
    """The file and the content hash of the image that the address names.

    Raises: LabelerError: there is none, or the user has no right to see it; which of the two, nobody is told.
    """
    with project.store() as store:
        item = store.items.get(request.path_params["item_id"])
        version = request.path_params["version"]
        is_right = item is not None and picture_path(item.id, item.content_hash).endswith(f"/{version}")
        if item is None or not is_right or not _may_see(request, project, store, user, item):
            raise LabelerError("There is no such picture in this project.")
    return image_of(project, item)


def image_of(project: Project, item: Item) -> tuple[Path | RemoteImage, str]:
    """The image of an item and its content hash. Raises: LabelerError: its file is gone."""
    image = project.image_of(item)
    if isinstance(image, Path) and not image.is_file():
        raise LabelerError("The image is not in the project's folder any more.")
    return image, item.content_hash


def _may_see(request: Request, project: Project, store: Store, user: User, item: Item) -> bool:
    """Whether a user may see an item's picture: a page has shown it, or `may_see`."""
    if request.state.token.item is not None:
        return request.state.token.item == item.id
    return may_see(project, store, user, item)


def may_see(project: Project, store: Store, user: User, item: Item) -> bool:
    """Whether a user may see an item: it was given to them to be labeled, it may stand among the neighbours of such an
    item, or they look at all items.
    """
    if may(user, project, "review") or may(user, project, "see_items"):
        return True
    others = project.config.labeling.show_others
    return may(user, project, "label") and (
        store.desk.is_offered(user.name, item.id) or store.explanations.is_known(item.id, others)
    )


def _picture(rendition: Rendition) -> Response:
    headers = _FOR_GOOD | {"X-Image": rendition.about.as_json()}
    content = rendition.content
    if isinstance(content, Path):
        return FileResponse(content, media_type=rendition.media_type, headers=headers)
    content = content if isinstance(content, bytes) else content.read_bytes()
    return Response(content, media_type=rendition.media_type, headers=headers)


def wish_of(request: Request) -> Wish:
    """The window and the frame that a request asks for. Raises: RequestError."""
    values = request.query_params
    frame = values.get("frame", "")
    if frame and not frame.isdecimal():
        raise RequestError("'frame' must be a number.")
    at = int(frame) if frame else None
    if not {"low", "high"} & set(values):
        return Wish(values.get("window"), frame=at)
    try:
        low, high = float(values["low"]), float(values["high"])
    except (KeyError, ValueError):
        raise RequestError("'low' and 'high' must be two numbers.") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise RequestError("'low' must be less than 'high', and both finite.")
    return Wish(window=(low, high), unit=values.get("unit") or None, frame=at)
