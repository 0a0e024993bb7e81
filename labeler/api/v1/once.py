"""Changes that are made once, however often they are sent: the header `Idempotency-Key`.

The first reply is kept for a day, and who sends the same request again gets it; one with a secret has the header
`Cache-Control: no-store` and is not kept. A request that was refused has changed
nothing, so its key is free again. Where the server was killed before it had kept the reply, the audit log knows whether
the change was made: it has the key's digest, in the transaction of the change. Answers have their `request_id`. What
the log does not know, such as jobs, is asked for again; that costs time alone.
"""

import asyncio
import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labeler.access.home import home
from labeler.api.problems import ProblemResponse
from labeler.api.requests import RequestError
from labeler.core.errors import DamagedError, ProjectError
from labeler.i18n.messages import _
from labeler.store.replies import FILE, RUNNING, Claim, Replies, Reply, opened, set_aside

HEADER = "Idempotency-Key"
NO_STORE = "no-store"  # `Cache-Control` of a reply with a secret
REPLAYED = "Idempotent-Replayed"  # header of a reply that was given before
LONGEST_KEY = 200
SIGN_OF_LIFE = RUNNING / 4  # seconds between two signs that a change is still being made

_open = threading.local()


def replies() -> Replies:
    """The calling thread's connection to the replies of this home, which stays open."""
    path = home() / FILE
    file = (path, path.stat().st_ino) if path.exists() else None
    if file is None or file != getattr(_open, "file", None):
        if getattr(_open, "replies", None):
            _open.replies.close()
        _open.replies = opened(path)
        _open.file = (path, path.stat().st_ino)
    connection: Replies = _open.replies
    return connection


def name_of(token: str, key: str) -> str:
    """What stands in the audit log for a request under a key."""
    return hashlib.sha256(f"{token}\n{key}".encode("utf-8", "surrogatepass")).hexdigest()[:24]


# wide: who asks, what, and the two answers to it
async def answered(
    request: Request,
    token: str,
    key: str,
    answer: Callable[[Request], Coroutine[Any, Any, Response]],
    was_made: Callable[[str], bool],
) -> Response:
    """The reply to a change under a key: the first one, if it was made before.

    Args:   was_made: whether the audit log has a request by its `name_of`.
    Raises: RequestError: no such key can be used. OtherBodyError, BusyError: see `Replies.begin`. ProjectError: the
            change was made, and its reply is lost.
    """
    if not 0 < len(key) <= LONGEST_KEY:
        raise RequestError("'Idempotency-Key' must be a text of 1 to {most} characters.", most=LONGEST_KEY)
    claim = Claim(token, key, await _digest(request), time.time())
    kept, is_lost = await run_in_threadpool(_begun, claim)
    if is_lost and await run_in_threadpool(was_made, name_of(token, key)):
        raise ProjectError(
            "The change of this Idempotency-Key was made, but the server ended before it could answer: nothing was"
            " changed again. Read what you changed to go on."
        )
    if kept:
        headers = {REPLAYED: "true"} | ({"Location": kept.location} if kept.location else {})
        return Response(kept.body, kept.status, headers, kept.kind or None)
    signs = asyncio.create_task(_give_signs_of_life(claim))
    try:
        response = await answer(request)
        is_made = response.status_code < 300
    except BaseException:
        await run_in_threadpool(lambda: replies().forget(claim))
        raise
    finally:
        signs.cancel()
    if is_made:
        await run_in_threadpool(lambda: replies().finish(claim, _kept(response)))
    else:
        await run_in_threadpool(lambda: replies().forget(claim))
    return response


def _kept(response: Response) -> Reply:
    """What is answered when the request comes again: the same, or that it had a secret, which is not kept."""
    location = response.headers.get("location", "")
    if response.headers.get("cache-control") == NO_STORE:
        response = ProblemResponse(
            409,
            _(
                "The change of this Idempotency-Key was made, and nothing was changed again. Its reply had a secret,"
                " which is not shown twice: remove what was added, and add it again under a new key."
            ),
        )
    return Reply(response.status_code, response.headers.get("content-type", ""), location, bytes(response.body))


def _begun(claim: Claim) -> tuple[Reply | None, bool]:
    """The reply that was kept, and whether one was lost. A damaged file of replies is set aside."""
    try:
        return replies().begin(claim), replies().was_lost(claim)
    except DamagedError:
        set_aside(home() / FILE)
        return replies().begin(claim), False


async def _give_signs_of_life(claim: Claim) -> None:
    """Say that a change is being made for as long as it is: a large upload takes minutes."""
    while True:
        await asyncio.sleep(SIGN_OF_LIFE)
        with contextlib.suppress(Exception):  # the next sign may succeed, and the change itself is another matter
            await run_in_threadpool(lambda: replies().is_alive(claim))


async def _digest(request: Request) -> str:
    """What tells the request from others. Uploaded files count by their size, since they are not read twice."""
    is_upload = request.headers.get("content-type", "").startswith("multipart/")
    body = request.headers.get("content-length", "").encode() if is_upload else await request.body()
    address = f"{request.method} {request.url.path}?{request.url.query}\n"
    return hashlib.sha256(address.encode("utf-8", "surrogatepass") + body).hexdigest()
