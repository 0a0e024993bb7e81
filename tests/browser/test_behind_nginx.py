"""deploy/nginx.conf as people use it: TLS, a path, log-in by password and provider, WebSockets, an upload of 50 MB."""

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import oidc_provider_mock
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import Browser, Page, WebSocket, expect

from labeler.access import accounts as access
from labeler.access import api_tokens
from labeler.access.settings import FILE, OIDC_FILE
from labeler.core.actor import Actor
from labeler.projects import project as projects
from labeler.projects.project import Project
from tests.browser.conftest import USUAL
from tests.support.desk import all_saved, press, ready_item
from tests.support.fill import add
from tests.support.machine import ROOT
from tests.support.samples import text_config
from tests.support.server import Server, serving, wait_for

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough,
    pytest.mark.skipif(NGINX is None, reason="there is no nginx on this machine"),
]

NAME = "labels.localhost"  # which browsers look for on this machine without asking anybody
PROXY = "127.0.0.2"  # nginx connects from here, and from nowhere else what is forwarded counts
PERSON = "127.0.0.7"
PATH = "/labels"
PASSWORD = "maple river seven"
ADMIN = Actor("root")
# Around deploy/nginx.conf, for an nginx that touches nothing of the machine's own.
AROUND = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    proxy_bind {proxy};
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/labeler.conf;
}}
"""


@dataclass
class Site:
    """The app as people outside reach it. url: ends with the path."""

    url: str
    port: int
    home: Path
    project: Project
    server: Server


class Reply(NamedTuple):
    """An answer to a program."""

    status: int
    body: bytes


def self_signed(folder: Path) -> None:
    """Write a certificate of this name and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "privkey.pem").write_bytes(key.private_bytes(*form))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def nginx(folder: Path, port: int, upstream: int) -> Iterator[None]:
    """nginx with deploy/nginx.conf, of which names, paths and ports alone are replaced."""
    replaced = {
        "listen 80;": f"listen 127.0.0.1:{free_port()};",
        "listen 443": f"listen 127.0.0.1:{port}",
        "127.0.0.1:8501": f"127.0.0.1:{upstream}",
        "/etc/ssl/labels.example.org": str(folder),
        "labels.example.org": NAME,
    }
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    for before, after in replaced.items():
        assert before in text
        text = text.replace(before, after)
    self_signed(folder)
    (folder / "labeler.conf").write_text(text)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, proxy=PROXY, user=user))
    process = subprocess.Popen([NGINX, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")])
    try:
        wait_for((folder / "nginx.pid").exists, 20)
        yield
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module", params=[1, 2], ids=["one process", "two desk processes"])
def site(request, tmp_path_factory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("nginx")
    home, port = folder / "labels" / "home", free_port()
    home.parent.mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LABELER_HOME", str(home))
        project = projects.create(home / "reviews", text_config())
        with project.store() as store:
            add(store, 60)
        options = ["--host-name", f"{NAME}:{port}", "--behind-proxy", PROXY, "--base-path", PATH]
        with serving(home, *options, "--processes", str(request.param), below=PATH) as server:
            upstream = int(server.url.rpartition(":")[2].partition("/")[0])
            with nginx(folder, port, upstream):
                yield Site(f"https://{NAME}:{port}{PATH}", port, home, project, server)


@pytest.fixture(autouse=True)
def own_home(site: Site, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of this process is the served one: the tests make its accounts."""
    monkeypatch.setenv("LABELER_HOME", str(site.home))
    return site.home


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of somebody who takes the certificate. Whatever goes wrong on it fails the test."""
    options: dict[str, Any] = {**USUAL, "ignore_https_errors": True}
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(30_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    yield page
    context.close()
    assert errors == []


def with_passwords(site: Site) -> None:
    (site.home / FILE).write_text('mode = "local"\n')
    if access.accounts().accounts.by_name("root") is None:
        access.add_account("root", PASSWORD, is_admin=True)
        access.give_role(access.add_account("minji", PASSWORD), site.project.uid, "annotator", ADMIN)


def log_in(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def ask(site: Site, method: str, path: str, body: str = "", **headers: str) -> Reply:
    """The reply of nginx to a person at the address `PERSON`."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(
        "127.0.0.1", site.port, timeout=20, context=context, source_address=(PERSON, 0)
    )
    own = f"{NAME}:{site.port}"
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {"Host": own, "Origin": f"https://{own}", **names})
    reply = connection.getresponse()
    return Reply(reply.status, reply.read())


def test_somebody_logs_in_by_password_labels_and_the_tab_is_kept_open_by_tls(site, page):
    with_passwords(site)
    sockets: list[WebSocket] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    page.goto(f"{site.url.removesuffix(PATH)}{PATH}")  # without the slash
    log_in(page, "minji")
    for key in ("1", "2"):
        press(page, key)
    all_saved(page)
    with site.project.store() as store:
        assert [row["label"] for row in store.answers.export() if row["annotator"] == "minji"] == ["good", "bad"]
    assert {socket.url.partition("?")[0] for socket in sockets} == {f"wss://{NAME}:{site.port}{PATH}/_stcore/stream"}
    cookies = page.context.cookies()
    assert {"labeler-session"} <= {cookie["name"] for cookie in cookies}
    assert [cookie["name"] for cookie in cookies if not cookie["secure"] and cookie["name"] != "_streamlit_xsrf"] == []
    assert {cookie["path"] for cookie in cookies if cookie["name"] == "labeler-session"} == {PATH}


def test_links_of_invitations_are_those_that_people_outside_open(site, page):
    with_passwords(site)
    page.goto(f"{site.url}/members?language=en")
    log_in(page, "root")
    page.get_by_role("button", name="Make a link").click()
    page.get_by_text("The link is shown only now.").wait_for()
    link = page.locator("code").first.inner_text()
    assert link.startswith(f"{site.url}/account/invitation/")
    page.goto(link)
    page.get_by_text("invites you to").wait_for()


def test_fifty_megabytes_are_uploaded_and_imported(site, page, tmp_path):
    with_passwords(site)
    table = tmp_path / "letters.csv"
    words = "a word of an answer " * 50
    with table.open("w", encoding="utf-8") as file:
        file.write("text\n")
        file.writelines(f"letter {number}: {words}\n" for number in range(50_000))
    assert table.stat().st_size > 50e6
    page.goto(f"{site.url}/project?language=en")
    log_in(page, "root")
    page.locator("summary").get_by_text("Import", exact=True).click()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()  # a file is lost meanwhile
    page.get_by_test_id("stFileUploader").locator("input[type=file]").first.set_input_files(table)
    page.get_by_role("button", name="Import", exact=True).click(timeout=120_000)
    page.get_by_text("50,000 items added").wait_for(timeout=240_000)
    with site.project.store() as store:
        counts = store.items.counts()
    assert counts.pool + counts.holdout == 50_060


def test_the_audit_log_knows_the_address_of_the_person_and_not_of_the_proxy_or_of_a_liar(site):
    with_passwords(site)
    form = urlencode({"name": "minji", "password": "wrong", "next": "/"})
    kind = {"Content_Type": "application/x-www-form-urlencoded"}
    assert ask(site, "POST", f"{PATH}/account/login", form, **kind).status == 403
    assert ask(site, "POST", f"{PATH}/account/login", form, **kind, X_Forwarded_For="6.6.6.6").status == 403
    refused = access.accounts().audit.rows(action="log-in refused")
    assert [row.address for row in refused] == [PERSON, PERSON]


def test_programs_use_the_api_below_the_path(site):
    with_passwords(site)
    root = access.accounts().accounts.by_name("root")
    token = api_tokens.make(root, "a program", "manage", [site.project.uid], 1, ADMIN)
    bearer = {"Authorization": f"Bearer {token}"}
    assert ask(site, "GET", f"{PATH}/api/v1/me", **bearer).status == 200
    assert ask(site, "GET", f"{PATH}/api/v1/me").status == 401
    assert ask(site, "GET", "/api/v1/me", **bearer).status == 404
    below, kind = f"{PATH}/api/v1/projects/{site.project.slug}", {"Content_Type": "application/json"}
    given = json.loads(ask(site, "POST", f"{below}/next", json.dumps({"n": 1}), **bearer, **kind).body)["items"]
    answers = [{"request_id": "program-1", "item_id": given[0]["id"], "label": "good"}]
    reply = ask(site, "POST", f"{below}/answers", json.dumps({"answers": answers}), **bearer, **kind)
    assert [receipt["ok"] for receipt in json.loads(reply.body)["receipts"]] == [True]
    with site.project.store() as store:
        assert [row["label"] for row in store.answers.export() if row["annotator"] == "root"] == ["good"]


def test_strangers_are_refused_as_without_a_proxy(site):
    assert ask(site, "GET", f"{PATH}/healthz").status == 200
    assert ask(site, "GET", f"{PATH}/healthz", Host="evil.example").status == 421
    assert ask(site, "POST", f"{PATH}/account/login", Origin="https://evil.example").status == 403
    assert ask(site, "POST", f"{PATH}/account/login", Origin=f"http://{NAME}:{site.port}").status == 403
    assert ask(site, "GET", "/elsewhere").status == 404


def test_somebody_logs_in_at_an_identity_provider_that_sends_them_back_below_the_path(site, page):
    person = oidc_provider_mock.User(sub="s-1", claims={"preferred_username": "sora", "groups": ["readers"]})
    with oidc_provider_mock.run_server_in_thread(user_claims=(person,)) as provider:
        (site.home / FILE).write_text(f'mode = "oidc"\n[oidc.roles]\nreaders = "{site.project.slug}:reviewer"\n')
        (site.home / OIDC_FILE).write_text(
            f"""
            [auth]
            redirect_uri = "{site.url}/oauth2callback"
            cookie_secret = "of this test alone"
            client_id = "labeler"
            client_secret = "of this test alone"
            server_metadata_url = "http://127.0.0.1:{provider.server_port}/.well-known/openid-configuration"
            """
        )
        page.goto(f"{site.url}/?language=en")
        page.get_by_role("button", name="Log in").click()
        page.get_by_placeholder("sub").fill("s-1")
        page.get_by_role("button", name="Authorize").click()
        ready_item(page)
        assert page.url.startswith(f"{site.url}/")
        press(page, "1")
        all_saved(page)
        expect(page.get_by_text("sora")).to_be_visible()
        cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
        kept = cookies["_streamlit_user"]
        assert (kept["secure"], kept["httpOnly"], kept["path"]) == (True, True, PATH)
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url(re.compile("end_session"))
        page.goto(site.url)
        page.get_by_role("button", name="Log in").wait_for()
