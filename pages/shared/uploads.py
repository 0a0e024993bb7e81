"""Uploaded files lie on the disk from their first bytes on. Streamlit keeps what it gets in memory: it gets a stand-in.

A file's place follows from the session and the id that Streamlit gives it, so that a page finds it again.
"""

import hashlib
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from labeler.access.home import home
from labeler.core.errors import SourceError
from labeler.files.disk import Room, room
from labeler.i18n.messages import Message as Sentence
from labeler.i18n.messages import dump, load, mark

FOLDER = ".uploads"  # in the home, so that an import links to a file and need not copy it
KEPT_SECONDS = 86_400.0  # of what a session has left
AT_ONCE = 1 << 20  # bytes that are written together
STAND_IN = b"labeler: this file lies on the disk."
REFUSED = b"labeler: this file was not taken: "  # and the message
_PATH = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)")


def folder() -> Path:
    """The folder of uploaded files."""
    path = home() / FOLDER
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def path_of(file: UploadedFile) -> Path:
    """Where an uploaded file lies.

    Raises: SourceError: it was not taken, or was removed since.
    """
    context = get_script_run_ctx()
    place = _place(folder(), context.session_id if context else "", file.file_id)
    if place.exists():
        return place
    content = file.getbuffer()
    if bytes(content[: len(REFUSED)]) == REFUSED:
        raise SourceError("{reason}", reason=load(bytes(content[len(REFUSED) :]).decode()))
    if bytes(content) == STAND_IN:
        raise SourceError("{name} is not on the server any more: choose it once more.", name=file.name)
    place.write_bytes(content)  # it did not come by this server's door
    return place


def _place(folder: Path, session: str, file: str) -> Path:
    return folder / hashlib.sha256(f"{session}/{file}".encode()).hexdigest()


class ToDisk:
    """An ASGI app before Streamlit: uploaded files are written to the disk as they arrive.

    One for which there is no room is read to its end and not kept, so that the page can say why.
    """

    def __init__(self, app: ASGIApp, base_path: str = "") -> None:
        self.app, self.base_path = app, base_path.rstrip("/")
        self._cleared_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        of_upload = _PATH.fullmatch(scope.get("path", "").removeprefix(self.base_path))
        if scope["type"] != "http" or not of_upload or scope["method"] not in ("PUT", "DELETE"):
            await self.app(scope, receive, send)
            return
        session, file = of_upload.groups()
        place = _place(folder(), session, file)
        if scope["method"] == "DELETE":
            await self.app(scope, receive, send)
            place.unlink(missing_ok=True)
            return
        if not _is_open(session) or not _fits(scope):  # Streamlit refuses it before it reads any of it
            await self.app(scope, receive, send)
            return
        await run_in_threadpool(self._clear)
        await self._take(place, scope, receive, send)

    async def _take(self, place: Path, scope: Scope, receive: Receive, send: Send) -> None:
        """Bring the file of a request onto the disk, and hand the request on with the stand-in."""
        headers = Headers(scope=scope)
        part = place.with_suffix(".part")
        is_taken = False

        async def noted(message: Message) -> None:
            nonlocal is_taken
            if message["type"] == "http.response.start":
                is_taken = message["status"] < 300
                if is_taken and part.exists():
                    part.replace(place)
            await send(message)

        try:
            upload = Incoming(headers.get("content-type", ""))
            reason = await upload.save(part, receive, int(headers.get("content-length") or 0))
            body = upload.with_content(STAND_IN if reason is None else REFUSED + dump(reason).encode())
            changed = [(name, value) for name, value in scope["headers"] if name not in _OF_BODY]
            changed.append((b"content-length", str(len(body)).encode()))
            await self.app({**scope, "headers": changed}, _once(body), noted)
        except GoneError:  # nobody waits for an answer
            return
        finally:
            part.unlink(missing_ok=True)

    def _clear(self) -> None:
        """Remove what was left by sessions that ended long ago; looked for once an hour."""
        if time.monotonic() - self._cleared_at < 3600 and self._cleared_at:
            return
        self._cleared_at = time.monotonic()
        for path in folder().iterdir():
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


class GoneError(Exception):
    """The browser has gone before its file was there."""


_OF_BODY = (b"content-length", b"transfer-encoding")


@dataclass
class Incoming:
    """A request with one file, of which little is in memory. head: of the file's part, as it came."""

    content_type: str
    head: list[tuple[bytes, bytes]] = field(default_factory=list)
    parts: int = 0

    def __post_init__(self) -> None:
        _kind, options = parse_options_header(self.content_type)
        self.boundary = options.get(b"boundary", b"")
        self._name, self._value, self._pending = b"", b"", bytearray()

    async def save(self, path: Path, receive: Receive, length: int) -> Sentence | None:
        """Write the file; why it was not kept, None: it was.

        Args:   length: of the request as it says itself.
        Raises: GoneError.
        """
        if not self.boundary:
            return mark("The browser sent no file.")
        left = room(path.parent)
        reason = _no_room(left, length)
        parser = MultipartParser(
            self.boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._add_name(data[start:end]),
                "on_header_value": lambda data, start, end: self._add_value(data[start:end]),
                "on_header_end": self._end_header,
                "on_part_data": lambda data, start, end: self._add(data[start:end]),
            },
            max_size=float("inf"),
        )
        received = 0
        with path.open("wb") as file:
            async for chunk in _chunks(receive):
                received += len(chunk)
                parser.write(chunk)
                if received > _most_bytes():
                    reason = reason or mark("The file is larger than {most:,} MB.", most=_most_bytes() >> 20)
                if len(self._pending) >= AT_ONCE:
                    reason = reason or await run_in_threadpool(self._write, file)
                    self._pending.clear()
            reason = reason or await run_in_threadpool(self._write, file)
        if reason is not None:
            path.unlink()
        return reason

    def _write(self, file) -> Sentence | None:  # type: ignore[no-untyped-def]
        """Write what has come; why it cannot be written."""
        try:
            pending = self._pending
            file.write(pending)
            file.flush()
        except OSError:
            return _no_room(room(Path(file.name).parent), len(self._pending), always=True)
        return _no_room(room(Path(file.name).parent), 0)

    def with_content(self, content: bytes) -> bytes:
        """The body of a request with the same file, but this content."""
        head = b"".join(name + b": " + value + b"\r\n" for name, value in self.head)
        return b"--%b\r\n%b\r\n%b\r\n--%b--\r\n" % (self.boundary, head, content, self.boundary)

    # ------------------------------------------------------------ what the parser finds

    def _begin(self) -> None:
        self.parts += 1

    def _add_name(self, data: bytes) -> None:
        self._name += data

    def _add_value(self, data: bytes) -> None:
        self._value += data

    def _end_header(self) -> None:
        if self.parts == 1:
            self.head.append((self._name, self._value))
        self._name, self._value = b"", b""

    def _add(self, data: bytes) -> None:
        if self.parts == 1:
            self._pending += data


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


def _once(body: bytes) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def _no_room(left: Room, more: int, always: bool = False) -> Sentence | None:
    """That a file does not fit beside what answers and rounds need; None: it does."""
    if not always and not Room(left.free - more, left.total).is_little:
        return None
    return mark(
        "The server's disk has {free:,} MB left, too little for this file beside what answers and rounds need: free"
        " space on it, then choose the file once more.",
        free=left.free >> 20,
    )


def _is_open(session: str) -> bool:
    return exists() and get_instance().is_active_session(session)


def _most_bytes() -> int:
    return int(config.get_option("server.maxUploadSize")) << 20


def _fits(scope: Scope) -> bool:
    length = Headers(scope=scope).get("content-length", "0")
    return length.isdecimal() and int(length) <= _most_bytes()
