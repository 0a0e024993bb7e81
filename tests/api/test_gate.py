"""The gate: without a session nothing of Streamlit is reached, and nobody forges the header of a proxy."""

import re
from html import unescape

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from labeler.access import accounts as access
from labeler.api import account
from labeler.api.account import COOKIE, local_address
from labeler.api.gate import Gate, ProxyIdentity

pytestmark = pytest.mark.usefixtures("quick_hashes")
WORDS = "maple river seven"
HTML = {"Accept": "text/html,*/*"}


async def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"page of {request.headers.get('x-forwarded-user', 'nobody')}")


async def stream(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


def client_of(address: str = "1.2.3.4") -> TestClient:
    streamlit = [Route("/{path:path}", page), WebSocketRoute("/_stcore/stream", stream)]
    middleware = [Middleware(ProxyIdentity), Middleware(Gate)]
    return TestClient(
        Starlette(routes=[*account.routes, *streamlit], middleware=middleware),
        follow_redirects=False,
        client=(address, 1),
    )


@pytest.fixture
def client(own_home):
    own_home.mkdir()
    (own_home / "access.toml").write_text('mode = "local"\n')
    access.add_account("minji", WORDS)
    return client_of()


def log_in(client: TestClient, **fields: str):
    return client.post("/account/login", data={"name": "minji", "password": WORDS} | fields)


def test_a_stranger_is_sent_to_the_log_in_and_gets_nothing_else(client):
    reply = client.get("/review?project=p", headers=HTML)
    assert (reply.status_code, reply.headers["location"]) == (303, "/account/login?next=%2Freview%3Fproject%3Dp")
    assert client.get("/media/secret.png").status_code == 401
    assert client.put("/_stcore/upload_file/s/f", content=b"x").status_code == 401
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream"):
        pass
    for open_to_all in ("/account/login", "/static/app.js", "/_stcore/health"):
        assert client.get(open_to_all).status_code == 200


def test_after_the_log_in_the_page_that_was_asked_for_opens(client):
    reply = log_in(client, next="/review?project=p")
    assert (reply.status_code, reply.headers["location"]) == (303, "../review?project=p")
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert client.get("/review", headers=HTML).text == "page of nobody"
    with client.websocket_connect("/_stcore/stream") as socket:
        assert socket.receive_text() == "hello"


def test_a_session_that_has_ended_opens_nothing(client):
    log_in(client)
    cookie = client.cookies[COOKIE]
    assert client.post("/account/logout").headers["location"].startswith("login?")
    client.cookies.set(COOKIE, cookie)
    assert client.get("/", headers=HTML).status_code == 303
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream"):
        pass


def test_a_wrong_password_is_refused_and_the_name_stays_in_the_form(client):
    reply = log_in(client, password="wrong words here")
    assert reply.status_code == 403
    assert COOKIE not in client.cookies
    assert "The name or the password is wrong." in reply.text
    assert 'value="minji"' in reply.text


def test_what_people_type_is_text_in_the_pages_of_accounts(client):
    reply = log_in(client, name='"><script>alert(1)</script>', password="wrong words here")
    assert "<script>" not in reply.text


@pytest.mark.parametrize(
    "address", ["https://elsewhere.org", "//elsewhere.org/x", "/\\elsewhere.org", "javascript:alert(1)", "/a\tb"]
)
def test_the_log_in_leads_nowhere_else(address):
    assert local_address(address) == "../"


def test_wrong_settings_let_nobody_in(client, own_home):
    (own_home / "access.toml").write_text("mode = local")
    page = client.get("/", headers=HTML)
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert 'role="alert"' in page.text
    problem = client.get("/api/v1/projects")
    assert (problem.status_code, problem.headers["content-type"]) == (503, "application/problem+json")
    assert problem.json()["detail"] in unescape(page.text)
    assert client.get("/media/secret.png").headers["content-type"].startswith("text/plain")


def test_damaged_accounts_let_nobody_in_and_are_said(client, own_home):
    log_in(client)
    accounts = own_home / "accounts.sqlite"
    accounts.write_bytes(b"\xa5" * accounts.stat().st_size)
    for log in own_home.glob("accounts.sqlite-*"):
        log.unlink()
    page = client.get("/review", headers=HTML)
    assert (page.status_code, "accounts.sqlite is damaged" in page.text) == (503, True)
    assert client.get("/media/secret.png").status_code == 503
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream"):
        pass


@pytest.mark.parametrize(("address", "known"), [("10.0.0.2", "kim"), ("10.0.0.3", "nobody")])
def test_only_the_proxy_says_who_somebody_is(own_home, address, known):
    own_home.mkdir()
    (own_home / "access.toml").write_text('mode = "proxy"\n[proxy]\npeers = ["10.0.0.2"]\n')
    assert client_of(address).get("/", headers={"X-Forwarded-User": "kim"}).text == f"page of {known}"


def test_an_invitation_ends_on_the_desk_with_a_new_account(client):
    secret = access.invite(access.Actor("root"), name="jun")
    form = client.get(f"/account/invitation/{secret}")
    assert 'value="jun"' in form.text
    assert "readonly" in form.text
    reply = client.post(f"/account/invitation/{secret}", data={"name": "somebody else", "password": WORDS})
    assert reply.headers["location"] == "../../"
    assert client.get("/account/").text.count("jun") == 2  # title and head
    assert client.get(f"/account/invitation/{secret}").status_code == 404


def test_a_link_that_was_used_leads_to_the_log_in(client):
    reply = client.get("/account/invitation/used", headers={"Accept-Language": "ko"})
    assert 'href="../login?language=ko"' in reply.text


def test_the_pages_of_accounts_keep_the_language_that_was_chosen(client):
    reply = client.get("/account/login", params={"next": "/progress?project=p&language=ko"})
    assert '<html lang="ko">' in reply.text
    assert 'name="language" value="ko"' in reply.text
    assert '<html lang="ko">' in log_in(client, password="wrong words here", language="ko").text
    log_in(client)
    reply = client.post("/account/logout", data={"language": "ko"})
    assert '<html lang="ko">' in client.get(f"/account/{reply.headers['location']}").text


def test_the_first_field_that_is_empty_has_the_focus(client):
    focused = re.compile(r'<input id="(\w+)"[^>]*autofocus')
    assert focused.findall(client.get("/account/login").text) == ["name"]
    assert focused.findall(log_in(client, password="wrong words here").text) == ["password"]


def test_the_password_is_changed_with_the_present_one(client):
    log_in(client)
    assert client.post("/account/password", data={"old": "x", "new": "another good phrase"}).status_code == 403
    assert client.post("/account/password", data={"old": WORDS, "new": "another good phrase"}).status_code == 200
    assert access.user_of_secret(access.log_in("minji", "another good phrase", ""))
