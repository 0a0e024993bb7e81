"""Uploaded files are on the disk and not in memory: whole, found again by the page, or refused with a reason."""

import os
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from labeler.core.errors import SourceError
from labeler.files.disk import Room
from pages.shared import uploads
from pages.shared.uploads import REFUSED, STAND_IN, ToDisk

CONTENT = os.urandom(3_000_000) + b"\r\n--not-the-boundary\r\n"


@pytest.fixture
def kept(monkeypatch) -> dict[str, tuple[str | None, bytes]]:
    """What an app like Streamlit keeps in memory, by the file's id: its name and content."""
    monkeypatch.setattr(uploads, "_is_open", lambda session: session == "open")
    return {}


@pytest.fixture
def client(own_home, kept, monkeypatch) -> TestClient:
    async def upload(request: Request) -> Response:
        if request.method == "PUT":
            (file,) = (await request.form()).values()
            assert isinstance(file, UploadFile)
            kept[request.path_params["file"]] = (file.filename, await file.read())
        return Response(status_code=403 if request.path_params["file"] == "bad" else 204)

    app = Starlette(routes=[Route("/_stcore/upload_file/{session}/{file}", upload, methods=["PUT", "DELETE"])])
    monkeypatch.setattr(uploads, "get_script_run_ctx", lambda: SimpleNamespace(session_id="open"))
    return TestClient(ToDisk(app))


def put(client: TestClient, file: str = "f1", content: bytes = CONTENT, session: str = "open") -> int:
    files = {"file": ("리뷰 1.csv", content, "text/csv")}
    return client.put(f"/_stcore/upload_file/{session}/{file}", files=files).status_code


def chosen(kept: dict, file: str = "f1") -> Any:
    """The file as a page gets it from Streamlit."""
    return SimpleNamespace(file_id=file, name=kept[file][0], getbuffer=lambda: memoryview(kept[file][1]))


def left() -> int:
    return len([*uploads.folder().iterdir()])


def test_a_file_lies_on_the_disk_and_a_stand_in_in_memory(client, kept):
    assert put(client) == 204
    assert kept == {"f1": ("리뷰 1.csv", STAND_IN)}
    assert uploads.path_of(chosen(kept)).read_bytes() == CONTENT
    assert client.delete("/_stcore/upload_file/open/f1").status_code == 204
    assert left() == 0
    with pytest.raises(SourceError, match="not on the server any more"):
        uploads.path_of(chosen(kept))


def test_what_streamlit_refuses_is_not_kept(client, kept):
    assert put(client, "bad") == 403
    assert put(client, session="strange") == 204  # this stand-in for Streamlit takes it; it came as it was
    assert (kept["f1"][1] == CONTENT, left()) == (True, 0)


@pytest.mark.parametrize("room", [Room(1 << 20, 1 << 40), Room(0, 1 << 40)])
def test_a_file_for_which_there_is_no_room_is_refused_with_the_reason(client, kept, monkeypatch, room):
    monkeypatch.setattr(uploads, "room", lambda folder: room)
    assert put(client) == 204
    assert kept["f1"][1].startswith(REFUSED)
    with pytest.raises(SourceError, match="too little for this file"):
        uploads.path_of(chosen(kept))
    assert left() == 0


def test_a_file_that_grows_beyond_the_limit_is_not_kept(client, kept, monkeypatch):
    monkeypatch.setattr(uploads, "_fits", lambda scope: True)  # its length was not said, or not truly
    monkeypatch.setattr(uploads, "_most_bytes", lambda: 1 << 20)
    put(client)
    with pytest.raises(SourceError, match="larger than 1 MB"):
        uploads.path_of(chosen(kept))


def test_what_old_sessions_left_is_removed(client, kept):
    old = uploads.folder() / "old"
    old.mkdir()
    os.utime(old, (0, 0))
    put(client)
    assert [path.name for path in uploads.folder().iterdir()] == [uploads.path_of(chosen(kept)).name]
