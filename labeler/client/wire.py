"""The bytes of calls and replies: what is sent of a call, and what is made of a reply as it comes."""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from labeler.client.calls import Call, Reply
from labeler.core.items import Progress
from labeler.core.whole_files import whole_file


class Counted(io.FileIO):
    """A file that is sent, which tells how far it is."""

    def __init__(self, path: Path, on_progress: Progress | None) -> None:
        super().__init__(path)
        self._tell, self._total = on_progress, path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        part = super().read(-1 if size is None else size)
        if self._tell and part:
            self._tell(self.tell(), self._total)
        return part


@contextmanager
def request_of(call: Call) -> Iterator[dict[str, Any]]:
    """What httpx takes to send a call."""
    request = {"method": call.method, "url": call.path, "params": call.params, "headers": call.headers}
    if call.upload is not None:
        with Counted(call.upload, call.on_progress) as file:
            part = (call.upload.name, file, "application/octet-stream")
            yield request | {"data": call.fields, "files": {"file": part}}
    elif call.form is not None:
        yield request | {"data": call.fields}
    else:
        yield request | ({"json": call.body} if call.body is not None else {})


class Received:
    """The content of a reply: kept in memory, or written into the file that the call names, once it is there whole."""

    def __init__(self, call: Call, status: int, headers: Mapping[str, str]) -> None:
        self.call, self.status, self.headers = call, status, headers
        self._file: IO[bytes] | None = None
        self._memory = bytearray()
        self._stack = ExitStack()

    def __enter__(self) -> "Received":
        if self.call.into is not None and self.status < 300:
            self._file = self._stack.enter_context(self._stack.enter_context(whole_file(self.call.into)).open("wb"))
        self._done = 0
        return self

    def take(self, part: bytes) -> None:
        """The next part of the content."""
        if self._file is None:
            self._memory += part
            return
        self._file.write(part)
        self._done += len(part)
        if self.call.on_progress:
            self.call.on_progress(self._done, int(self.headers.get("content-length", 0)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def reply(self) -> Reply:
        """The reply, once all parts were taken."""
        if self._file is not None:
            return Reply(self.status, self.headers, self.headers)
        return Reply(self.status, self.headers, self._content())

    def _content(self) -> Any:
        kind = self.headers.get("content-type", "").partition(";")[0]
        if kind == "application/json" or kind.endswith("+json"):
            try:
                return json.loads(self._memory)
            except ValueError:  # of a proxy, say: the status tells what it is
                return bytes(self._memory)
        return bytes(self._memory)
