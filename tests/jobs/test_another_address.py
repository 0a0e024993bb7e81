"""`labeler serve --address`, seen from another address, in a network of the test's own."""

import json
import shutil
import subprocess
import sys

import pytest

from labeler.access import accounts as access
from tests.support.machine import ROOT, environment

ADDRESS = "10.9.8.7"  # of the test's network alone
# What runs in that network: the server, and somebody who asks it for its first page under two names.
INSIDE = f"""
import json, signal, subprocess, sys, time, urllib.error, urllib.request

subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(["ip", "addr", "add", "{ADDRESS}/32", "dev", "lo"], check=True)


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def ask(host):
    request = urllib.request.Request("http://{ADDRESS}:8501/review", headers={{"Host": host, "Accept": "text/html"}})
    try:
        reply = urllib.request.build_opener(Stay).open(request, timeout=5)
    except urllib.error.HTTPError as error:
        reply = error
    return reply.status, reply.headers.get("location")


serve = [sys.executable, "-m", "labeler", "serve", sys.argv[1], "--port", "8501", "--address", "{ADDRESS}"]
server = subprocess.Popen([*serve, "--host-name", "{ADDRESS}"], stdout=sys.stderr)
try:
    for attempt in range(600):
        try:
            answers = [ask("{ADDRESS}:8501"), ask("elsewhere.example")]
            break
        except OSError:
            time.sleep(0.1)
    print(json.dumps(answers))
finally:
    server.send_signal(signal.SIGTERM)
    server.wait(30)
"""


def own_network() -> list[str]:
    """The command that runs another one in a network of its own; the test is skipped where there is none."""
    command = ["unshare", "--map-root-user", "--net"]
    if not (shutil.which("unshare") and shutil.which("ip")):
        pytest.skip("needs unshare and ip")
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no network of one's own")
    return command


def test_from_another_address_one_gets_to_the_log_in_and_no_further(own_home, quick_hashes):
    own_home.mkdir()
    (own_home / "access.toml").write_text('mode = "local"\n')
    access.add_account("kim", "maple river seven")
    inside = [*own_network(), sys.executable, "-c", INSIDE, str(own_home)]
    result = subprocess.run(
        inside, cwd=ROOT, env=environment(own_home), capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == [[303, "/account/login?next=%2Freview"], [421, None]]
