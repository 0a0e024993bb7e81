"""Somebody labels on Label Studio's own page, in the order of this program's queue, with its rounds and its curve.

    python -m bench.guests.label_studio --venv VENV [--data reviews.csv] [--answers 60] [--pictures FOLDER]

VENV is an environment in which label-studio 1.23.2 is installed. Label Studio and `labeler serve` run on loopback, so
Label Studio's own protection against such addresses is off. Texts are the tests' own, or those of a CSV file with the
columns text and label. Everything that a person does happens in Chromium: each text is read from the page, and its
label is given by the key of the choice.

Printed are how many annotations became answers, how often the page showed the text that the queue asked first, the
rounds that came of them, and how long it took from one to the next.
"""

import argparse
import csv
import json
import os
import secrets
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench.desk.server import free_port
from labeler.access.api_tokens import signed
from labeler.core.settings import QueryConfig
from labeler.events.addresses import VARIABLE
from labeler.jobs.label_studio import TAB
from labeler.progress.history import course
from labeler.projects import project as projects
from labeler.projects.project import Project
from tests.support.machine import CHROMIUM
from tests.support.samples import reviews, text_config
from tests.support.server import serving, wait_for

EMAIL, PASSWORD = "expert@example.org", secrets.token_urlsafe(12)
CONFIGURATION = (
    '<View><Text name="item" value="$text"/><Choices name="label" toName="item" choice="single" showInline="true">'
    "{choices}</Choices></View>"
)
SHOWN = ".lsf-htx-richtext, .htx-richtext, .lsf-richtext__container"
PATIENCE = 60  # seconds in which the next text must be on the page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, required=True, help="where label-studio is installed")
    parser.add_argument("--data", type=Path, help="a CSV file with the columns text and label")
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--answers", type=int, default=60)
    parser.add_argument("--pictures", type=Path, default=Path("."), help="folder for pictures of both programs' pages")
    options = parser.parse_args()
    texts = dict(_texts(options.data, options.items))
    with TemporaryDirectory() as scratch, _label_studio(options.venv, Path(scratch) / "there") as there:
        home = Path(scratch) / "home"
        home.mkdir()
        query = QueryConfig(seed_size=20, batch=10)
        config = replace(text_config(name="Reviews"), classes=tuple(sorted(set(texts.values()))), query=query)
        project = projects.create(home / "reviews", config)
        with serving(home, variables={VARIABLE: there.host}) as server:
            os.environ["LABELER_HOME"] = str(home)
            report = _labeled(project, server.url, there, texts, options)
    print(json.dumps(report, indent=1))


def _labeled(
    project: Project, url: str, there: "_There", texts: dict[str, str], options: argparse.Namespace
) -> dict[str, Any]:
    """What came of labeling on Label Studio's page."""
    choices = "".join(f'<Choice value="{name}" hotkey="{i}"/>' for i, name in enumerate(project.config.classes, 1))
    about = {"title": "Reviews", "label_config": CONFIGURATION.format(choices=choices)}
    number = there.call("POST", "/api/projects/", about)["id"]
    there.call("POST", f"/api/projects/{number}/import", [{"text": text} for text in texts])
    token = signed("lead", "Label Studio", "manage", [project.uid], 1)
    address = url.replace("//", f"//labeler:{token}@") + f"/api/label-studio/{project.uid}"
    there.call("POST", "/api/ml", {"url": address, "project": number, "title": "labeler"})
    with project.store() as store:
        wait_for(lambda: store.label_studio.tasks() and store.desk.held("lead", TAB), 120)
        wait_for(lambda: (link := store.label_studio.link()) and link.asked, 120)
    pauses, first_asked = _in_browser(project, there, number, texts, options)
    with project.store() as store:
        wait_for(lambda: len(store.answers.export()) >= options.answers, 120)
        wait_for(lambda: not store.rounds.waiting(), 300)
        rounds = course(store)
        answers = store.answers.export()
    _picture_of_progress(url, options.pictures)
    return {
        "annotations": options.answers,
        "answers": len(answers),
        "the queue's first text was shown": f"{first_asked} of {options.answers}",
        "rounds": len(rounds),
        "curve": rounds[["labels", "accuracy", "low", "high"]].round(3).to_dict("records"),
        "seconds from key to next text": {"median": round(statistics.median(pauses), 2), "max": round(max(pauses), 2)},
    }


def _in_browser(
    project: Project, there: "_There", number: int, texts: dict[str, str], options: argparse.Namespace
) -> tuple[list[float], int]:
    """Seconds from each answer to the next text, and how many texts were those that the queue asked first."""
    keys = {name: str(i) for i, name in enumerate(project.config.classes, 1)}
    pauses, first_asked, answered = [], 0, set[str]()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 850})
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(f"{there.url}/user/login/")
        page.fill("input[name=email]", EMAIL)
        page.fill("input[name=password]", PASSWORD)
        with page.expect_navigation():
            page.click("button[type=submit]")
        # The button draws tasks by the project's sampling; the address of the labeling page itself does not.
        page.goto(f"{there.url}/projects/{number}/data")
        page.get_by_text("Label All Tasks").first.click()
        before = ""
        for answer in range(options.answers):
            began = time.monotonic()
            text = _next_text(page, before, texts)
            pauses.append(time.monotonic() - began)
            first_asked += text == _asked_first(project, answered)
            answered.add(text)
            page.keyboard.press(keys[texts[text]])
            page.wait_for_timeout(100)
            if answer == options.answers // 2:
                page.screenshot(path=options.pictures / "label_studio_page.png")
            page.keyboard.press("Control+Enter")
            before = text
        page.wait_for_timeout(2000)
        browser.close()
    return pauses[1:], first_asked


def _next_text(page: Page, before: str, texts: dict[str, str]) -> str:
    """The text on the page, once it is another one than before."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for shown in page.locator(SHOWN).all_inner_texts():
            text = " ".join(shown.split())
            if text in texts and text != before:
                return text
        page.wait_for_timeout(30)
    raise SystemExit("Label Studio showed no other text in time.")


def _asked_first(project: Project, answered: set[str]) -> str:
    """The text that the queue asks first of those that were not answered on the page."""
    with project.store() as store:
        items = [reserved.item for reserved in store.desk.held("lead", TAB)]
    texts = (" ".join((item.text or "").split()) for item in items)
    return next((text for text in texts if text not in answered), "")


def _picture_of_progress(url: str, folder: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 850})
        page.goto(f"{url}/progress?project=reviews&annotator=lead&language=en")
        page.locator("canvas, svg.marks").first.wait_for(timeout=1000 * PATIENCE)  # the curve
        page.screenshot(path=folder / "label_studio_progress.png")
        browser.close()


def _texts(path: Path | None, n: int) -> Iterator[tuple[str, str]]:
    """Texts with their labels, each once, with single spaces."""
    if path is None:
        yield from reviews(n)
        return
    with path.open(encoding="utf-8", newline="") as file:
        for row, _ in zip(csv.DictReader(file), range(n), strict=False):
            yield " ".join(row["text"].split()), row["label"]


class _There:
    """A running Label Studio with one account."""

    def __init__(self, port: int, token: str) -> None:
        self.url, self.host, self._token = f"http://127.0.0.1:{port}", f"127.0.0.1:{port}", token

    def call(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Token {self._token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, method=method, headers=headers, data=content)
        with urllib.request.urlopen(request, timeout=300) as reply:
            return json.loads(reply.read() or b"null")

    def is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2):
                return True
        except OSError:
            return False


@contextmanager
def _label_studio(venv: Path, folder: Path) -> Iterator[_There]:
    folder.mkdir(parents=True)
    port, token = free_port(), secrets.token_hex(20)
    quiet = {"COLLECT_ANALYTICS": "False", "LATEST_VERSION_CHECK": "False", "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": ""}
    loopback = {"ML_BLOCK_LOCAL_IP": "false", "SSRF_PROTECTION_ENABLED": "false"}
    base = {"LABEL_STUDIO_BASE_DATA_DIR": str(folder), "LABEL_STUDIO_HOST": f"http://127.0.0.1:{port}"}
    command = [str(venv / "bin" / "label-studio"), "start", "-b", "--username", EMAIL, "--password", PASSWORD]
    command += ["--user-token", token, "--enable-legacy-api-token", "--data-dir", str(folder)]
    command += ["--internal-host", "127.0.0.1", "-p", str(port)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | quiet | loopback | base
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    there = _There(port, token)
    try:
        wait_for(there.is_up, 300)
        yield there
    finally:
        server.terminate()
        server.wait(60)


if __name__ == "__main__":
    main()
