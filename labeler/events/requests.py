"""Requests to servers that a lead has named: to the address that was checked, without redirects."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpcore

from labeler.core.errors import LabelerError
from labeler.events.addresses import address_of, checked

SECONDS = 10.0  # that a server has to connect, and to go on answering
MOST_BYTES = 256 << 20  # of an answer
MOST_SECONDS = 1800.0  # until an answer is there whole


@dataclass(frozen=True)
class Reply:
    """What a server answered."""

    status: int
    content: bytes


def request(  # wide: the parts of a request, and its limits
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: bytes = b"",
    most: int = MOST_BYTES,
    seconds: float = MOST_SECONDS,
) -> Reply:
    """What a server answers.

    The address that was checked is the one that is connected to: a name may mean another one a moment later.

    Args:   most: bytes of the answer that are read; what comes after them is left. seconds: that it may take to come
            whole, however steadily it comes.
    Raises: WebhookError: it may not be reached. LabelerError: it cannot be reached.
    """
    parts = checked(url)
    sent: dict[bytes | str, bytes | str] = {"Host": parts.netloc, "User-Agent": "labeler"}
    sent.update(headers.items())
    if content or method != "GET":
        sent["Content-Length"] = str(len(content))
    timeout = dict.fromkeys(("connect", "read", "write", "pool"), SECONDS)
    extensions: dict[str, Any] = {"timeout": timeout, "sni_hostname": parts.hostname}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    place = httpcore.URL(scheme=parts.scheme, host=address_of(parts), port=parts.port, target=target)
    try:
        with (
            httpcore.ConnectionPool() as pool,
            pool.stream(method, place, headers=sent, content=content, extensions=extensions) as response,
        ):
            chunks, size, until = [], 0, time.monotonic() + seconds
            for chunk in response.iter_stream():
                if size >= most:
                    break
                if time.monotonic() > until:
                    raise LabelerError("The answer of {host} does not end.", host=parts.netloc)
                chunks.append(chunk)
                size += len(chunk)
            return Reply(response.status, b"".join(chunks)[:most])
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
        raise LabelerError("There is no answer: {error}.", error=str(error) or type(error).__name__) from error
