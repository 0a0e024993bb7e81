"""The memory of the app while a large table is uploaded in a browser, previewed and imported.

    python -m bench.hostile.uploads --megabytes 500
    PYTHONPATH=OLDER_CHECKOUT python bench/hostile/uploads.py    # the same of another version

Resident memory of the app's own process is read ten times a second; that of processes which it starts for a file is not
the app's. An uploaded file counts against the app's limit of a file in versions that have a lower one, so it is raised.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from playwright.sync_api import Page, sync_playwright

MEBIBYTE = 1 << 20
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
PATIENCE_MS = 600_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500, help="of the table")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="labeler-uploads-") as name:
        scratch = Path(name)
        write_table(scratch / "table.csv", options.megabytes)
        print(json.dumps(measured(scratch, scratch / "table.csv")))


def write_table(path: Path, megabytes: int) -> None:
    """A table of so many megabytes: a text of 1,000 letters and a label a row."""
    rows = "".join(f"{'lorem ipsum dolor sit amet ' * 37} {n},{'good' if n % 2 else 'bad'}\n" for n in range(1000))
    with path.open("w", encoding="ascii") as file:
        file.write("text,label\n")
        while file.tell() < megabytes * MEBIBYTE:
            file.write(rows)


def measured(scratch: Path, table: Path) -> dict[str, Any]:
    """MB of resident memory before, and at most during each step, and the seconds of each step."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "labeler", "serve", str(scratch / "home"), "--port", str(port)]
    server = subprocess.Popen(command, env=os.environ | {"STREAMLIT_SERVER_MAX_UPLOAD_SIZE": "4000"})
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page()
            page.set_default_timeout(PATIENCE_MS)
            opened(page, f"http://127.0.0.1:{port}/project")
            watch = Watch(app_of(server))
            chooser = page.get_by_test_id("stFileUploader").locator("input[type=file]")
            chooser.wait_for(state="attached")
            watch.step("before")
            time.sleep(2)
            chooser.set_input_files(table)
            watch.step("upload and preview")
            page.get_by_text("rows of table.csv").wait_for()
            page.get_by_role("button", name="Create project and import").wait_for()
            time.sleep(2)
            figures = watch.end()
            browser.close()
        return {"table_mb": table.stat().st_size // MEBIBYTE} | figures
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


def opened(page: Page, address: str) -> None:
    """Open the page as soon as the server is there."""
    for _ in range(600):
        try:
            page.goto(address)
            return
        except Exception:  # it is not listening yet
            time.sleep(0.2)


def app_of(server: subprocess.Popen[bytes]) -> psutil.Process:
    return next(child for child in psutil.Process(server.pid).children() if "streamlit" in child.cmdline())


class Watch:
    """Reads the memory of a process until it is told to end."""

    def __init__(self, process: psutil.Process) -> None:
        self.process, self.figures = process, dict[str, dict[str, float]]()
        self._name, self._began = "", time.monotonic()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def step(self, name: str) -> None:
        """What is measured from now on."""
        self._name = name
        self.figures[name] = {"most_mb": 0.0, "seconds": 0.0}
        self._began = time.monotonic()

    def end(self) -> dict[str, dict[str, float]]:
        self._is_over.set()
        self._thread.join()
        return self.figures

    def _run(self) -> None:
        while not self._is_over.wait(0.1):
            if not self._name:
                continue
            resident = self.process.memory_info().rss / MEBIBYTE
            figures = self.figures[self._name]
            figures["most_mb"] = round(max(figures["most_mb"], resident))
            figures["seconds"] = round(time.monotonic() - self._began, 1)


if __name__ == "__main__":
    main()
