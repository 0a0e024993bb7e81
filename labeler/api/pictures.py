"""Routes that serve the pictures of items, whole or in tiles."""

import math
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from labeler.access.users import User
from labeler.api.endpoint import Drawing, route
from labeler.api.requests import Nothing, RequestError
from labeler.core.errors import LabelerError
from labeler.files.renditions import Rendition, Renditions, Wish
from labeler.projects.project import Project

# An image is named by the hash of its content, so it never changes. With nosniff no browser takes it for a page.
_FOR_GOOD = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@route("media/{item_id:int}", "GET")
def media(request: Request, project: Project, user: User, body: Nothing) -> Response | Drawing:
    path, key = _image(request, project)
    wish, renditions = _wish(request), Renditions(project.renditions)
    ready = renditions.ready(path, key, wish)
    return _picture(ready) if ready else lambda: _picture(renditions.draw(path, key, wish))


@route("media/{item_id:int}/tile/{level:int}/{x:int}/{y:int}", "GET")
def tile(request: Request, project: Project, user: User, body: Nothing) -> Response | Drawing:
    path, key = _image(request, project)
    place = [request.path_params[name] for name in ("level", "x", "y")]
    draw = partial(Renditions(project.renditions).tile, path, key, _wish(request), *place)
    return lambda: Response(draw(), media_type="image/png", headers=_FOR_GOOD)


def _image(request: Request, project: Project) -> tuple[Path, str]:
    """The path and the content hash of the image that the address names."""
    with project.store() as store:
        item = store.items.get(request.path_params["item_id"])
    path = project.input_of(item) if item else None
    if item is None or not isinstance(path, Path) or not path.is_file():
        raise LabelerError("The image is not in the project's folder any more.")
    return path, item.content_hash


def _picture(rendition: Rendition) -> Response:
    headers = _FOR_GOOD | {"X-Image": rendition.about.as_json()}
    if isinstance(rendition.content, Path):
        return FileResponse(rendition.content, media_type=rendition.media_type, headers=headers)
    return Response(rendition.content, media_type=rendition.media_type, headers=headers)


def _wish(request: Request) -> Wish:
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
