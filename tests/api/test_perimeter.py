"""The perimeter: whom the server answers, what it reads, how often, and what a browser may do with the answer."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket
from streamlit import net_util
from streamlit.web.server.starlette import starlette_websocket

from labeler.access.serving import ON_THIS_MACHINE, Serving
from labeler.api import perimeter
from labeler.api.gate import ProxyIdentity
from labeler.api.perimeter import Perimeter, RefusalError, check_origin
from labeler.api.problems import V1
from labeler.api.rates import Buckets, Rate
from labeler.api.requests import MOST_BYTES
from labeler.api.routes import routes
from labeler.api.v1.app import make

OWN = "http://127.0.0.1:8501"
STREAM = "ws://127.0.0.1:8501/stream"


async def read(request: Request) -> Response:
    return JSONResponse({"bytes": len(await request.body()), "client": request.client and request.client.host})


async def whole(request: Request) -> Response:
    return JSONResponse({"host": request.url.netloc, "scheme": request.url.scheme, "headers": dict(request.headers)})


async def page(request: Request) -> Response:
    return HTMLResponse("<p>")


async def picture(request: Request) -> Response:
    return FileResponse(Path(__file__), media_type="image/png", headers={"Cache-Control": "private, immutable"})


async def cookie(request: Request) -> Response:
    reply = Response()
    reply.set_cookie("as-streamlit-does", "x")
    reply.set_cookie("as-we-do", "x", secure=True)
    return reply


async def broken(request: Request) -> Response:
    raise ValueError("broken")


async def stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


def client(rules: Serving = ON_THIS_MACHINE, base: str = OWN, peer: str = "127.0.0.1", **options: object) -> TestClient:
    paths = [Route("/read", read, methods=["GET", "POST"]), Route("/account/log-in", read, methods=["POST"])]
    paths += [Route("/whole", whole), Route("/page", page), Route("/picture", picture), Route("/broken", broken)]
    paths += [Route("/cookie", cookie)]
    app = Starlette(routes=[*paths, WebSocketRoute("/stream", stream)], middleware=[Middleware(Perimeter, rules=rules)])
    return TestClient(app, base_url=base, client=(peer, 50_000), **options)  # type: ignore[arg-type]


def status(host: str, rules: Serving = ON_THIS_MACHINE) -> int:
    return client(rules).get("/page", headers={"Host": host}).status_code


# ---------------------------------------------------------------- Host and Origin


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8501", "LOCALHOST:8501", "[::1]:8501"])
def test_the_server_answers_under_the_names_of_this_machine(host):
    assert status(host) == 200


@pytest.mark.parametrize(
    "host", ["evil.example:8501", "127.0.0.1:80", "localhost", "127.0.0.1.evil.example:8501", "", "a@localhost:8501"]
)
def test_the_server_answers_under_no_other_name(host):
    reply = client().get("/page", headers={"Host": host})
    assert reply.status_code == 421
    assert "--host-name" in reply.json()["error"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [("labels.org", 200), ("labels.org:8501", 200), ("labels.org:443", 200), ("labels.org:9", 421), ("org", 421)],
)
def test_a_configured_name_is_answered_on_its_usual_ports(host, expected):
    assert status(host, Serving(host_names=("labels.org",))) == expected


def test_a_configured_port_is_the_only_one():
    rules = Serving(host_names=("labels.org:8443",))
    assert [status(host, rules) for host in ("labels.org:8443", "labels.org", "labels.org:443")] == [200, 421, 421]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "file://", ""])
def test_a_page_of_another_server_is_refused(origin):
    assert client().post("/read", headers={"Origin": origin}).status_code == 403
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client().websocket_connect(STREAM, headers={"Origin": origin, "Host": "127.0.0.1:8501"}),
    ):
        pass
    assert refused.value.status_code == 403
    assert refused.value.headers["Content-Security-Policy"]


def test_a_websocket_under_a_strangers_name_is_refused():
    """DNS rebinding: the browser sends the foreign name as Host and as Origin, which are the same."""
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client().websocket_connect(
            "/stream", headers={"Host": "evil.example:8501", "Origin": "http://evil.example:8501"}
        ),
    ):
        pass
    assert refused.value.status_code == 421


def test_own_pages_are_let_in():
    assert client().post("/read", headers={"Origin": OWN}).status_code == 200
    with client().websocket_connect(STREAM, headers={"Origin": OWN, "Host": "127.0.0.1:8501"}) as socket:
        assert socket.receive_text() == "hello"


def test_behind_tls_an_origin_without_it_is_refused():
    rules = Serving(proxies=("10.0.0.2",), host_names=("labels.org",))
    headers = {"Host": "labels.org", "X-Forwarded-Proto": "https"}
    for origin, expected in (("https://labels.org", 200), ("http://labels.org", 403)):
        reply = client(rules, peer="10.0.0.2").post("/read", headers={**headers, "Origin": origin})
        assert reply.status_code == expected


HOSTS = st.sampled_from(["127.0.0.1:8501", "localhost:8501", "labels.org", "LABELS.org", "evil.example"])
ORIGINS = st.builds("{}://{}".format, st.sampled_from(["http", "https", "HTTP", "ftp"]), HOSTS)


@settings(max_examples=60, deadline=None)
@given(host=HOSTS, origin=ORIGINS | st.text(max_size=12))
def test_streamlit_asks_no_address_service_whatever_passes(host, origin):
    """It asks one where it does not know an Origin: no such request may reach it."""
    headers = [(b"host", host.encode()), (b"origin", origin.encode())]
    try:
        check_origin({"scheme": "ws", "headers": headers})
    except RefusalError:
        return
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(net_util, "get_external_ip", lambda: pytest.fail("an address service was asked"))
        assert starlette_websocket._is_origin_allowed(origin, host)


# ---------------------------------------------------------------- sizes


def test_a_body_of_the_largest_size_is_read():
    assert client().post("/read", content=b"x" * MOST_BYTES).json()["bytes"] == MOST_BYTES


def test_a_larger_body_is_refused_before_a_byte_of_it_is_read():
    assert asyncio.run(posted({"content-length": str(MOST_BYTES + 1)}, [])) == (413, 0)


def test_a_body_in_chunks_is_read_no_further_than_to_the_limit():
    chunks = [b"x" * 400_000] * 100
    code, chunks_read = asyncio.run(posted({"transfer-encoding": "chunked"}, chunks))
    assert (code, chunks_read) == (413, MOST_BYTES // 400_000 + 1)
    assert asyncio.run(posted({"transfer-encoding": "chunked"}, [b"x" * 400_000] * 2)) == (200, 2)


def test_a_strangers_body_is_not_read_at_all(store):
    """The desk's routes: 300 MB without a token took 590 MB of memory."""
    app = Starlette(routes=routes, middleware=[Middleware(Perimeter)])
    headers = {"authorization": "Bearer x", "transfer-encoding": "chunked"}
    assert asyncio.run(posted(headers, [b"{}"], app, "/api/reviews/answers")) == (401, 0)


def test_an_upload_of_a_file_is_left_to_streamlit():
    paths = [Route("/_stcore/upload_file/a/b", read, methods=["PUT"])]
    app = Starlette(routes=paths, middleware=[Middleware(Perimeter)])
    reply = TestClient(app, base_url=OWN).put("/_stcore/upload_file/a/b", content=b"x" * (MOST_BYTES + 1))
    assert reply.json()["bytes"] == MOST_BYTES + 1


async def posted(headers: dict[str, str], chunks: list[bytes], app=None, path: str = "/read") -> tuple[int, int]:
    """The status of a POST request, and how many chunks of its body were read."""
    left, sent = list(chunks), []

    async def receive():
        if not left:
            pytest.fail("more was read than there is")
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
        "scheme": "http",
        "server": ("127.0.0.1", 8501), "client": ("127.0.0.1", 1), "http_version": "1.1", "root_path": "",
        "headers": [(k.encode(), v.encode()) for k, v in ({"host": "127.0.0.1:8501"} | headers).items()],
    }  # fmt: skip
    await (app or client().app)(scope, receive, send)
    return sent[0]["status"], len(chunks) - len(left)


# ---------------------------------------------------------------- rates


def test_an_address_that_asks_too_often_waits_and_others_do_not(monkeypatch):
    monkeypatch.setattr(perimeter, "USUAL", Rate(3, 0.1))
    http = client()
    assert [http.get("/page").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = http.post("/read", content=b"x")
    assert refused.headers["Retry-After"] == "10"
    assert TestClient(http.app, base_url=OWN, client=("10.1.1.1", 1)).get("/page").status_code == 200


def test_log_ins_are_counted_apart_and_more_strictly(monkeypatch):
    monkeypatch.setattr(perimeter, "LOG_IN", Rate(2, 0.1))
    http = client()
    assert [http.post("/account/log-in").status_code for _ in range(3)] == [200, 200, 429]
    assert http.get("/page").status_code == 200


def test_a_bucket_fills_up_again_and_never_beyond_its_rim():
    now = [0.0]
    buckets = Buckets(Rate(at_once=2, a_second=0.5), lambda: now[0])
    assert [buckets.seconds_to_wait("a") for _ in range(3)] == [0, 0, 2]
    now[0] = 2.0
    assert [buckets.seconds_to_wait("a") for _ in range(2)] == [0, 2]
    now[0] = 1000.0
    assert [buckets.seconds_to_wait("a") for _ in range(3)] == [0, 0, 2]


def test_addresses_of_one_network_of_ipv6_share_a_bucket():
    buckets = Buckets(Rate(1, 0.1), lambda: 0.0)
    assert [buckets.seconds_to_wait(f"2001:db8::{i}") for i in (1, 2)] == [0, 10]
    assert buckets.seconds_to_wait("2001:db8:0:1::1") == 0


def test_a_hundred_annotators_behind_one_address_are_not_kept_waiting():
    """Each opens the desk, about a hundred requests, and then asks ten times a second."""
    now = [0.0]
    buckets = Buckets(perimeter.USUAL, lambda: now[0])
    for _minute in range(100):  # one after the other, in five minutes
        assert not any(buckets.seconds_to_wait("a") for _ in range(100))
        now[0] += 3.0
    for _second in range(10):
        assert not any(buckets.seconds_to_wait("a") for _ in range(1_000))
        now[0] += 1.0


# ---------------------------------------------------------------- proxies


FORWARDED = {"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "labels.org"}


def test_what_a_named_proxy_forwards_counts():
    http = client(Serving(proxies=("10.0.0.0/24",), host_names=("labels.org",)), peer="10.0.0.2")
    reply = http.get("/whole", headers=FORWARDED).json()
    assert (reply["host"], reply["scheme"]) == ("labels.org", "https")
    assert http.get("/read", headers=FORWARDED).json()["client"] == "9.9.9.9"


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.0.1.2"])
def test_what_anybody_else_says_to_forward_does_not(peer):
    http = client(Serving(proxies=("10.0.0.0/24",), host_names=("labels.org",)), peer=peer)
    reply = http.get("/whole", headers=FORWARDED).json()
    assert (reply["host"], reply["scheme"]) == ("127.0.0.1:8501", "http")
    assert not [name for name in reply["headers"] if "forwarded" in name]
    assert http.get("/read", headers=FORWARDED).json()["client"] == peer


def test_who_somebody_is_only_a_configured_proxy_says(own_home):
    """Nobody else's header arrives, whatever address the request is forwarded for."""
    own_home.mkdir()
    (own_home / "access.toml").write_text('mode = "proxy"\n[proxy]\npeers = ["10.0.0.2"]\nheader = "X-User"\n')
    rules = Serving(proxies=("10.0.0.2", "10.0.0.3"))
    app = ProxyIdentity(client(rules).app)
    for peer, expected in (("10.0.0.2", "kim"), ("10.0.0.3", None), ("9.9.9.9", None)):
        http = TestClient(app, base_url=OWN, client=(peer, 1))
        reply = http.get("/whole", headers={"X-User": "kim", "X-Forwarded-For": "10.0.0.2"})
        assert reply.json()["headers"].get("x-user") == expected


def test_of_several_forwarded_addresses_the_last_that_no_proxy_gave_counts():
    http = client(Serving(proxies=("10.0.0.2", "10.0.0.3")), peer="10.0.0.2")
    reply = http.get("/read", headers={"X-Forwarded-For": "6.6.6.6, 9.9.9.9, 10.0.0.3"})
    assert reply.json()["client"] == "9.9.9.9"


# ---------------------------------------------------------------- headers


@pytest.fixture(scope="module")
def answers():
    http = client(raise_server_exceptions=False)
    http.app.router.routes.append(Mount("/nothing", routes=[]))  # type: ignore[attr-defined]
    paths = {"page": "/page", "json": "/whole", "picture": "/picture", "missing": "/nowhere", "error": "/broken"}
    replies = {name: http.get(path) for name, path in paths.items()}
    replies["refused"] = http.get("/page", headers={"Host": "x"})
    return replies


@pytest.mark.parametrize("name", ["page", "json", "picture", "missing", "error", "refused"])
def test_every_answer_has_the_headers(answers, name):
    headers = answers[name].headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("name", "kept"),
    [("page", "no-store"), ("json", "no-store"), ("picture", "private, immutable"), ("error", "no-store")],
)
def test_what_is_about_people_is_not_kept_and_pictures_are(answers, name, kept):
    assert answers[name].headers["Cache-Control"] == kept


def test_an_error_that_nobody_expected_is_a_sentence(answers):
    assert answers["error"].status_code == 500
    assert answers["error"].json()["error"].startswith("The server met an error")


def test_the_policy_names_no_other_host_and_no_eval():
    policy = client().get("/page").headers["Content-Security-Policy"]
    assert "://" not in policy
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]


def test_pages_that_may_show_the_app_in_a_frame_are_named():
    policy = client(Serving(embedded_in=("https://intranet.org",))).get("/page").headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors https://intranet.org")


def test_cookies_go_over_tls_alone_where_a_named_proxy_ends_it():
    rules = Serving(proxies=("10.0.0.2",), host_names=("labels.org",))
    headers = {"Host": "labels.org", "X-Forwarded-Proto": "https"}
    kept = client(rules, peer="10.0.0.2").get("/cookie", headers=headers).headers.get_list("set-cookie")
    assert [cookie.lower().count("; secure") for cookie in kept] == [1, 1]
    kept = client(rules, peer="10.0.0.3").get("/cookie", headers=headers).headers.get_list("set-cookie")
    assert [cookie.lower().count("; secure") for cookie in kept] == [0, 1]


def test_forms_say_their_origin():
    """With "no-referrer" a browser sends a form with `Origin: null`, which is refused."""
    assert client().post("/account/log-in").headers["Referrer-Policy"] == "same-origin"


def test_a_named_front_end_may_use_the_public_api_and_nothing_else(monkeypatch):
    rules = Serving(front_ends=("https://front.example.org",))
    for name, value in rules.as_environment().items():
        monkeypatch.setenv(name, value)
    paths = [Mount(V1, make()), Route("/read", read, methods=["GET", "POST"])]
    app = Starlette(routes=paths, middleware=[Middleware(Perimeter, rules=rules)])
    asked = TestClient(app, base_url=OWN, client=("127.0.0.1", 50_000))
    wish = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}

    def status(path: str, origin: str, method: str = "GET", **headers: str) -> int:
        return asked.request(method, path, headers={"Origin": origin, **headers}).status_code

    assert status(f"{V1}/projects", "https://front.example.org", "OPTIONS", **wish) == 200
    assert status(f"{V1}/me", "https://front.example.org") == 401  # let in by the perimeter, and not without a token
    assert status(f"{V1}/projects", "https://other.example.org", "OPTIONS", **wish) == 403
    assert status("/read", "https://front.example.org") == 403
    reply = asked.get(f"{V1}/me", headers={"Origin": "https://front.example.org"})
    assert reply.headers["Access-Control-Allow-Origin"] == "https://front.example.org"
    assert "Access-Control-Allow-Credentials" not in reply.headers
