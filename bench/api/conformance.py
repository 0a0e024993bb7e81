"""Requests that schemathesis makes up from the schema of the public API, against a served app with a project in it.

    python -m bench.api.conformance --st /path/to/st

`st` is the command of schemathesis, which is no requirement of the tests: it is installed beside, such as in a virtual
environment of its own. The command fails where a reply is none that the schema names, where the server fails, where it
lets in who carries no token, or where it refuses what the schema allows with another status than a refusal of what
would contradict the project (409, 422).
"""

import argparse
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.desk.server import free_port
from labeler.access import api_tokens
from labeler.core.items import Answer, NewItem
from labeler.core.settings import Config
from labeler.projects import project as projects
from labeler.projects.importer import content_hash

# Whoever archives the project, or renames its classes, leaves nothing for the other requests.
LEFT_OUT = ("archive_project", "change_classes")
SETTINGS = """
[parameters]
"path.p" = "reviews"
"path.id" = 1
"path.number" = 1
"path.request_id" = "a1"

[checks]
positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "422", "503"]
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.api.conformance", description=__doc__)
    parser.add_argument("--st", default="st", help="command of schemathesis")
    parser.add_argument("--examples", type=int, default=30, help="made-up requests an operation")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="labeler-conformance-") as folder:
        sys.exit(checked(Path(folder), options))


def checked(folder: Path, options: argparse.Namespace) -> int:
    """The exit code of schemathesis, which prints what it found."""
    home, port = folder / "home", free_port()
    os.environ["LABELER_HOME"] = str(home)
    fill(home)
    token = api_tokens.signed("kim", "conformance", "administer", [api_tokens.ALL_PROJECTS], 1)
    (folder / "schemathesis.toml").write_text(SETTINGS)
    server = subprocess.Popen([sys.executable, "-m", "labeler", "serve", str(home), "--port", str(port)])
    try:
        wait(port)
        return subprocess.run(
            [
                *(options.st, "run", f"http://127.0.0.1:{port}/api/v1/openapi.json"),
                *("-H", f"Authorization: Bearer {token}", "--max-examples", str(options.examples)),
                *("--request-timeout", "130"),  # predictions have two minutes, and loading torch takes seconds
                *("--continue-on-failure", "--phases", "examples,coverage,fuzzing"),
                *(part for name in LEFT_OUT for part in ("--exclude-operation-id", name)),
            ],
            cwd=folder,
        ).returncode
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(120)


def wait(port: int) -> None:
    """Wait until the server answers."""
    for _ in range(1200):
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
            return
        time.sleep(0.1)
    raise SystemExit("labeler serve did not answer within two minutes.")


def fill(home: Path) -> None:
    """A project of a few texts, some of which are answered."""
    project = projects.create(home / "reviews", Config("Reviews", ("good", "bad"), "text"))
    texts = [f"review number {n}" for n in range(40)]
    with project.store() as store:
        store.items.add([NewItem(content_hash(text.encode()), "made up", text=text) for text in texts])
        store.holdout.draw()
        given = [Answer(f"a{n}", n, "label", ("good", "bad")[n % 2]) for n in range(1, 9)]
        store.answers.add("kim", given)


if __name__ == "__main__":
    main()
