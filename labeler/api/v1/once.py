"""Changes that are made once, however often they are sent: the header `Idempotency-Key`.

The first reply is kept for a day, and who sends the same request again gets it. A request that was refused has changed
nothing, so its key is free again. Answers are safe twice: their `request_id` makes them one even where the server was
killed between storing them and keeping the reply; other changes are then made again after `store.replies.RUNNING`.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labeler.access.home import home
from labeler.api.requests import RequestError
from labeler.store.replies import FILE, Claim, Replies, Reply

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"  # header of a reply that was given before
LONGEST_KEY = 200

_open = threading.local()


def replies() -> Replies:
    """The calling thread's connection to the replies of this home, which stays open."""
    path = home() / FILE
    file = (path, path.stat().st_ino) if path.exists() else None
    if file is None or file != getattr(_open, "file", None):
        if getattr(_open, "replies", None):
            _open.replies.close()
        _open.replies = Replies(path)
        _open.file = (path, path.stat().st_ino)
    opened: Replies = _open.replies
    return opened


async def answered(
    request: Request, token: str, key: str, answer: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    """The reply to a change under a key: the first one, if it was made before.

    Raises: RequestError: no such key can be used. OtherBodyError, BusyError: see `Replies.begin`.
    """
    if not 0 < len(key) <= LONGEST_KEY:
        raise RequestError("'Idempotency-Key' must be a text of 1 to {most} characters.", most=LONGEST_KEY)
    claim = Claim(token, key, await _digest(request), time.time())
    kept = await run_in_threadpool(lambda: replies().begin(claim))
    if kept:
        headers = {REPLAYED: "true"} | ({"Location": kept.location} if kept.location else {})
        return Response(kept.body, kept.status, headers, kept.kind or None)
    try:
        response = await answer(request)
        is_made = response.status_code < 300
    except BaseException:
        await run_in_threadpool(lambda: replies().forget(claim))
        raise
    if is_made:
        reply = Reply(
            response.status_code,
            response.headers.get("content-type", ""),
            response.headers.get("location", ""),
            bytes(response.body),
        )
        await run_in_threadpool(lambda: replies().finish(claim, reply))
    else:
        await run_in_threadpool(lambda: replies().forget(claim))
    return response


async def _digest(request: Request) -> str:
    """What tells the request from others. Uploaded files count by their size, since they are not read twice."""
    is_upload = request.headers.get("content-type", "").startswith("multipart/")
    body = request.headers.get("content-length", "").encode() if is_upload else await request.body()
    address = f"{request.method} {request.url.path}?{request.url.query}\n"
    return hashlib.sha256(address.encode("utf-8", "surrogatepass") + body).hexdigest()
