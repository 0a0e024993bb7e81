"""How calls are sent: again where that may help, with the same key, and never to another server."""

import asyncio
import json
from collections.abc import Callable, Iterator
from email.utils import formatdate

import httpx
import pytest

from labeler.client import calls, session
from labeler.client.calls import Call, Steps
from labeler.client.errors import RefusedError, UnreachableError
from labeler.client.session import AsyncSession, Session
from labeler.core.errors import AccessError, ForbiddenError, LabelerError

SERVER = "https://labels.example.org/labels"
Handler = Callable[[httpx.Request], httpx.Response]


def once(call: Call) -> Steps[object]:
    return (yield call)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, none of which takes time."""
    made: list[float] = []

    async def later(seconds: float) -> None:
        made.append(seconds)

    monkeypatch.setattr(session.time, "sleep", made.append)
    monkeypatch.setattr(session.asyncio, "sleep", later)
    return made


def waiting(handler: Handler, call: Call, **options: float) -> object:
    return Session(SERVER, "labeler_secret", transport=httpx.MockTransport(handler), **options).run(once(call))


def awaiting(handler: Handler, call: Call, **options: float) -> object:
    made = AsyncSession(SERVER, "labeler_secret", transport=httpx.MockTransport(handler), **options)
    return asyncio.run(made.run(once(call)))


BOTH = pytest.mark.parametrize("run", [waiting, awaiting])


def answering(*outcomes: httpx.Response | Exception) -> tuple[list[httpx.Request], Handler]:
    """The requests that come, and a server that answers them with these outcomes."""
    requests: list[httpx.Request] = []
    left: Iterator[httpx.Response | Exception] = iter(outcomes)

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        outcome = next(left)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return requests, handle


@BOTH
def test_a_call_carries_token_body_and_key_to_the_path_below_the_server(run):
    requests, handler = answering(httpx.Response(200, json={"made": 1}))
    assert run(handler, Call("POST", "/projects", body={"name": "films"})) == {"made": 1}
    (request,) = requests
    assert str(request.url) == f"{SERVER}/api/v1/projects"
    assert request.headers["Authorization"] == "Bearer labeler_secret"
    assert json.loads(request.content) == {"name": "films"}
    assert len(request.headers["Idempotency-Key"]) == 32


@BOTH
def test_a_change_is_sent_again_with_the_same_key(run, pauses):
    lost = (httpx.ConnectError("refused"), httpx.ReadError("cut"))
    bad: list[httpx.Response | Exception] = [httpx.Response(502), *lost, httpx.Response(503)]
    requests, handler = answering(*bad, httpx.Response(200, json="done"))
    assert run(handler, Call("POST", "/x")) == "done"
    assert len({request.headers["Idempotency-Key"] for request in requests}) == 1
    assert len(pauses) == 4
    assert all(0 < earlier <= 2.0**n for n, earlier in enumerate(pauses))


@BOTH
@pytest.mark.parametrize("status", [409, 429, 503])
def test_the_server_says_when_to_come_again(run, pauses, status):
    _, handler = answering(httpx.Response(status, headers={"Retry-After": "7"}), httpx.Response(200, json=1))
    run(handler, Call("GET", "/x"))
    assert pauses == [7.0]


def test_the_time_to_come_again_may_be_a_date(monkeypatch, pauses):
    monkeypatch.setattr(calls.time, "time", lambda: 1_000_000.0)
    headers = {"Retry-After": formatdate(1_000_009, usegmt=True)}
    _, handler = answering(httpx.Response(503, headers=headers), httpx.Response(200, json=1))
    waiting(handler, Call("GET", "/x"))
    assert pauses == [9.0]


@BOTH
def test_patience_ends_with_the_last_outcome(run, pauses):
    _, handler = answering(*[httpx.Response(503, json={"detail": "Later."}) for _ in range(99)])
    with pytest.raises(RefusedError, match="Later") as raised:
        run(handler, Call("GET", "/x"), patience=20)
    assert raised.value.status == 503
    assert 8 < sum(pauses) <= 20
    _, handler = answering(*[httpx.ConnectError("no route") for _ in range(99)])
    with pytest.raises(UnreachableError, match=f"{SERVER} does not answer: no route"):
        run(handler, Call("GET", "/x"), patience=1)


def test_patience_ends_with_a_server_that_asks_for_no_pause(pauses):
    _, handler = answering(*[httpx.Response(503, headers={"Retry-After": "0"}) for _ in range(99)])
    with pytest.raises(RefusedError):
        waiting(handler, Call("GET", "/x"), patience=5)
    assert 0 < sum(pauses) <= 5


@pytest.mark.parametrize(
    ("status", "kind"), [(401, AccessError), (403, ForbiddenError), (404, RefusedError), (422, RefusedError)]
)
def test_a_refusal_is_not_sent_again_and_has_the_sentence_of_the_server(status, kind):
    problem = httpx.Response(
        status, json={"detail": "{item} is 50% wrong."}, headers={"content-type": "application/problem+json"}
    )
    requests, handler = answering(problem)
    with pytest.raises(kind) as raised:
        waiting(handler, Call("POST", "/x"))
    assert str(raised.value) == "{item} is 50% wrong."
    assert len(requests) == 1


def test_what_another_program_answers_is_told_by_its_status():
    _, handler = answering(httpx.Response(413, html="<h1>Too large</h1>"))
    with pytest.raises(RefusedError, match="status 413"):
        waiting(handler, Call("POST", "/x"))


@BOTH
def test_no_redirect_takes_the_token_to_another_server(run):
    requests, handler = answering(httpx.Response(307, headers={"Location": "https://elsewhere.example/api/v1/me"}))
    with pytest.raises(LabelerError, match=r"sends on to https://elsewhere\.example"):
        run(handler, Call("GET", "/me"))
    assert [request.url.host for request in requests] == ["labels.example.org"]


@BOTH
def test_an_upload_streams_tells_how_far_it_is_and_begins_again_whole(run, tmp_path, pauses):
    source = tmp_path / "large.csv"
    source.write_bytes(bytes(range(256)) * 3000)
    told: list[tuple[int, int]] = []
    requests, handler = answering(httpx.Response(503), httpx.Response(200, json=1))

    def tell(done: int, total: int) -> None:
        told.append((done, total))

    run(handler, Call("POST", "/x", form={"text": "review", "group": None}, upload=source, on_progress=tell))
    assert len({request.headers["Content-Length"] for request in requests}) == 1
    for request in requests:
        assert source.read_bytes() in request.content
        assert b'name="text"\r\n\r\nreview\r\n' in request.content
    assert told[-1] == (768_000, 768_000)
    assert len(told) > 6


class Cut(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A reply that ends too early."""

    def __iter__(self):
        yield b"a,b\n1,"
        raise httpx.RemoteProtocolError("incomplete")

    async def __aiter__(self):
        for part in self:
            yield part


@BOTH
def test_a_download_is_there_whole_or_not_at_all(run, tmp_path, pauses):
    out = tmp_path / "labels.csv"
    _, handler = answering(*[httpx.Response(200, stream=Cut()) for _ in range(9)])
    with pytest.raises(UnreachableError):
        run(handler, Call("GET", "/x", into=out), patience=1)
    assert list(tmp_path.iterdir()) == []
    _, handler = answering(httpx.Response(200, stream=Cut()), httpx.Response(200, content=b"a,b\n1,2\n"))
    assert run(handler, Call("GET", "/x", into=out))["content-length"] == "8"
    assert out.read_bytes() == b"a,b\n1,2\n"


def test_server_and_token_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("LABELER_SERVER", "http://127.0.0.1:8501/")
    monkeypatch.setenv("LABELER_TOKEN", "labeler_other")
    requests, handler = answering(httpx.Response(200, json=1))
    Session(transport=httpx.MockTransport(handler)).run(once(Call("GET", "/me")))
    assert str(requests[0].url) == "http://127.0.0.1:8501/api/v1/me"
    assert requests[0].headers["Authorization"] == "Bearer labeler_other"


@pytest.mark.parametrize("server", ["", "labels.example.org", "ftp://labels.example.org", "https://"])
def test_what_is_no_address_is_refused(server, monkeypatch):
    monkeypatch.delenv("LABELER_SERVER", raising=False)
    with pytest.raises(LabelerError, match="is no address of a server"):
        Session(server)
