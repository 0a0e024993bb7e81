"""Pictures of every page in every state, for looking at them: both languages, light and dark, wide and narrow.

The states are an empty home, a project just begun, one after its first round, one after twenty rounds, and one in
trouble: a round failed, rows could not be imported, labels stand outside the classes. A home with accounts has pages
of its own, and so have a damaged and a newer database, settings that cannot be read, refused answers, a full disk and
one that is mounted read-only. Nothing is trained.

    python -m bench.lead.screens /tmp/screens
    python -m bench.lead.screens /tmp/screens --states trouble --pages project review --languages ko --widths 390
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from urllib.parse import quote, urlencode

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from bench.lead.project import make
from bench.soak.home import small_disk
from labeler.access import accounts
from labeler.access.roles import ROLES
from labeler.access.settings import FILE
from labeler.api.account import COOKIE
from labeler.core.actor import Actor
from labeler.core.errors import UNEXPECTED, DatabaseError
from labeler.core.items import Answer, NewItem
from labeler.i18n.messages import catalogue, mark
from labeler.jobs.attendance import Troubles
from labeler.jobs.keeper import keep
from labeler.projects import backup_settings, guidelines
from labeler.projects import project as projects
from labeler.projects.backing_up import back_up
from labeler.projects.project import Project
from tests.support.machine import CHROMIUM, ROOT, environment
from tests.support.samples import reviews, text_config

PARTS = ("Curve", "Holdout", "Against random", "When to stop", "Agreement", "Slices", "Rounds", "Report")
PAGES = (
    *("", "items", "review", "team", "strategies", "project", "audit", "server"),
    *(f"progress/{part}" for part in PARTS),
)
ACCOUNTS = ("members", "account/login", "account/", "account/invitation")  # pages of a home with accounts
# States in which something is broken, each in a home of its own, with the pages that say so.
BROKEN = {
    "damaged": ("", "progress/Curve", "team", "server"),
    "newer": ("", "project"),
    "unreadable": ("", "project"),
    "refused": ("", "team"),
    "full": ("", "project", "server"),
    "readonly": ("", "items", "progress/Curve", "review", "team", "project", "audit", "server"),
}
STATES = ("empty", "begun", "first", "many", "images", "trouble", "people", *BROKEN)
WIDTHS = (1280, 390)
HEIGHT = 850
TALLEST = 12_000  # pixels of a page that is shown whole


def begun(home: Path) -> Project:
    """A project of texts with items and nothing answered."""
    project = projects.create(home / "begun", text_config(name="Customers' reviews"))
    with project.store() as store:
        rows = enumerate(reviews(120))
        store.items.add([NewItem(f"{i:032x}", f"reviews.csv row {i + 2}", text) for i, (text, _label) in rows])
        store.holdout.draw()
    return project


def trouble(home: Path) -> Project:
    """A project whose last round failed, with flagged items and labels outside the classes."""
    project = make(home / "trouble", 3)
    guidelines.write(project, "# Rules\n\nOne letter, one concern.")
    with project.store() as store:
        items = store.items.all()[:3]
        store.answers.add(
            "박민준",
            [Answer(f"flag-{i.id}", i.id, "flag", note="Two letters in one file / 두 통이 섞임") for i in items],
        )
        store.rounds.request("new labels")
        if job := store.rounds.claim():
            store.rounds.fail(job, mark(UNEXPECTED, kind="OSError", error="[Errno 28] No space left on device"))
    settings = project.folder / "project.toml"
    first = project.config.classes[0]
    settings.write_text(settings.read_text(encoding="utf-8").replace(f'"{first}"', f'"{first}s"', 1), encoding="utf-8")
    return project


def damaged(home: Path) -> None:
    """A project whose database is damaged, with an earlier backup; the one that was due has failed."""
    project = make(home / "damaged", 3)
    back_up(home, backup_settings.place(home))
    with project.database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 40 * 4096)
    (home / backup_settings.FILE).write_text('[backup]\nwhere = "/proc/backups"\n')
    keep(home, True, datetime.now(UTC))
    try:
        with project.store() as store:
            store.items.all()
    except DatabaseError as error:
        Troubles(home, "worker").note(project.folder, error)


def newer(home: Path) -> None:
    """A project that a newer version has opened."""
    project = make(home / "newer", 3)
    with project.store() as store, store.write():
        store.db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('labeler', 'm999', '')"
        )
        store.db.execute("PRAGMA user_version = 999")


def unreadable(home: Path) -> None:
    """A project whose settings were torn by hand."""
    settings = make(home / "unreadable", 3).folder / "project.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("classes = [", "classes = ", 1), encoding="utf-8")


def refused(home: Path) -> None:
    """A project with answers that were not taken."""
    project = make(home / "refused", 3)
    reasons = [
        mark("{label!r} is not a class of this project any more: reload the page.", label="무응답"),
        mark("there is no item {item_id} in this project.", item_id=99_999),
    ]
    with project.store() as store:
        for number, reason in enumerate(reasons):
            fields = {"action": "label", "label": "무응답", "note": "two letters in one file"}
            store.refused.record("김지수", f"{number:015}-1", (3, 99_999)[number], fields, reason)


def kept_in_browser(home: Path) -> str:
    """A script that gives a browser the answers that it would keep in the state `refused`."""
    uid, owner = projects.open_project(home / "refused").uid, quote("김지수")
    entries = {
        f"labeler/denied/{uid}/{owner}/{number:015}-1": json.dumps(
            {"item_id": 3 + number, "action": "label", "label": "무응답", "reason": "The item is not in this project."}
        )
        for number in range(2)
    }
    return f"for (const [name, text] of Object.entries({json.dumps(entries)})) localStorage.setItem(name, text);"


def people(home: Path) -> None:
    """A home with accounts: an admin, a member in each role, an account that is closed, and an open invitation."""
    os.environ["LABELER_HOME"] = str(home)
    project = make(home / "people", 3)
    (home / FILE).write_text('mode = "local"\n')
    accounts.add_account("김지수", is_admin=True)
    by = Actor("김지수")
    for name, role in zip(("Anna Weber", "박민준", "이서연", "Omar Haddad"), ROLES, strict=True):
        accounts.give_role(accounts.add_account(name, by=by), project.uid, role, by)
    accounts.disable(accounts.add_account("Jan Novák", by=by), by)
    accounts.invite(by, None, project.uid, "annotator")


def secrets(home: Path) -> tuple[str, str]:
    """The secrets of a new session of the admin and of a new invitation."""
    os.environ["LABELER_HOME"] = str(home)
    admin = accounts.accounts().accounts.by_name("김지수")
    assert admin is not None
    uid = projects.open_project(home / "people").uid
    return accounts.begin_session(admin, "127.0.0.1"), accounts.invite(Actor(admin.name), None, uid, "annotator")


def make_state(home: Path, state: str) -> None:
    """Make the project of a state in a folder of its name, if there is none."""
    home.mkdir(parents=True, exist_ok=True)
    if (home / state).exists():
        return
    if state == "begun":
        begun(home)
    elif state == "first":
        make(home / "first", 1)
    elif state == "many":
        make(home / "many", 20)
    elif state == "images":
        make(home / "images", 20, modality="image")
    elif state == "trouble":
        trouble(home)
    elif state == "people":
        people(home)
    elif state in ("full", "readonly"):
        make(home / state, 3)
    elif state in BROKEN:
        {"damaged": damaged, "newer": newer, "unreadable": unreadable, "refused": refused}[state](home)


@contextmanager
def app(home: Path) -> Iterator[str]:
    """The address of the app alone: without a worker, nothing is trained."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", f"--server.port={port}"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(home), stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        while not answers(url):
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def settle(page: Page) -> None:
    """Wait until the script has run and nothing is drawn any more."""
    page.locator("[data-testid=stMain]").wait_for()
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
        " && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')",
        timeout=60_000,
    )
    page.wait_for_timeout(700)  # charts and pictures


def shoot(page: Page, path: Path, whole: bool) -> None:
    """One picture; of the whole page where it scrolls."""
    if whole:
        width = page.viewport_size["width"] if page.viewport_size else WIDTHS[0]
        height = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": width, "height": max(HEIGHT, min(height + 20, TALLEST))})
        page.wait_for_timeout(400)
        page.screenshot(path=path)
        page.set_viewport_size({"width": width, "height": HEIGHT})
    else:
        page.screenshot(path=path)


def open_all(page: Page) -> None:
    """Open every part of the Project page that is closed."""
    for summary in page.locator("[data-testid=stExpander] details:not([open]) > summary").all()[::-1]:
        summary.click()
    settle(page)
    page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")


def pictures(browser: Browser, url: str, out: Path, state: str, chosen: argparse.Namespace, home: Path) -> None:
    """All pages of one state, in all languages, schemes and widths."""
    session, invitation = secrets(home) if state == "people" else ("", "")
    pages = [page for page in BROKEN.get(state, chosen.pages) if session or page not in ACCOUNTS]
    pages = [page for page in pages if page in chosen.pages]
    for language, scheme, width in product(chosen.languages, chosen.schemes, chosen.widths):
        context = browser.new_context(
            viewport={"width": width, "height": HEIGHT},
            color_scheme=scheme,
            locale={"en": "en-US", "ko": "ko-KR"}[language],
            timezone_id="Asia/Seoul",
        )
        if state == "refused":
            context.add_init_script(kept_in_browser(home))
        page = context.new_page()
        page.set_default_timeout(60_000)
        for name in pages:
            if session:
                context.add_cookies([{"name": COOKIE, "value": session, "url": url}])
            if name.startswith("account"):
                account_page(
                    page, url, out, f"{state}-{name.replace('/', '_')}-{language}-{scheme}-{width}", invitation
                )
                continue
            place, _, part = name.partition("/")
            part = catalogue(language).get(part, part)
            values = {"language": language, "annotator": "김지수"} | ({"project": state} if state != "empty" else {})
            page.goto(f"{url}/{place}?{urlencode(values | ({'part': part} if part else {}))}")
            settle(page)
            title = f"{state}-{name.replace('/', '_').replace(' ', '_') or 'label'}-{language}-{scheme}-{width}.png"
            shoot(page, out / title, whole=place != "")
            if state == "refused" and place == "":
                page.locator(".kept button").click()
                page.screenshot(path=out / title.replace("-label-", "-label_kept-"))
            if place == "project" and state not in ("empty", "newer", "unreadable", "readonly"):
                open_all(page)
                shoot(page, out / title.replace("-project-", "-project_open-"), whole=True)
        context.close()


def account_page(page: Page, url: str, out: Path, title: str, invitation: str) -> None:
    """The picture of a page of accounts, which is no page of Streamlit."""
    name = title.split("-")[1].replace("_", "/")
    if name != "account/":
        page.context.clear_cookies()
    page.goto(f"{url}/{name}" + (f"/{invitation}" if name.endswith("invitation") else ""))
    page.screenshot(path=out / f"{title}.png")


def fill(folder: Path) -> None:
    """Leave no room on the disk of a folder."""
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 12))


@contextmanager
def read_only(folder: Path) -> Iterator[bool]:
    """Whether the folder is mounted read-only until the block ends: only root can, and file modes do not hold root."""
    mounted = os.name == "posix" and not mount("--bind", folder, folder)
    try:
        yield mounted and not mount("-o", "remount,bind,ro", folder)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", folder], check=True)


def mount(*arguments: str | Path) -> int:
    """The exit status of `mount`."""
    return subprocess.run(["mount", *arguments], capture_output=True).returncode


def sheets(out: Path) -> None:
    """A contact sheet for each state and page: all its pictures beside each other."""
    groups: dict[str, list[Path]] = {}
    for path in sorted(out.glob("*-*-*-*-*.png")):
        groups.setdefault("-".join(path.stem.split("-")[:2]), []).append(path)
    for name, paths in groups.items():
        opened = [Image.open(path).convert("RGB") for path in paths]
        scaled = [i.resize((round(i.width * 0.5), round(i.height * 0.5)), Image.Resampling.LANCZOS) for i in opened]
        sheet = Image.new("RGB", (sum(i.width + 8 for i in scaled), max(i.height for i in scaled)), "grey")
        left = 0
        for image in scaled:
            sheet.paste(image, (left, 0))
            left += image.width + 8
        sheet.save(out / f"sheet-{name}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    for name, choices in {
        "states": STATES,
        "pages": (*(page or "label" for page in PAGES), *ACCOUNTS),
        "languages": ("en", "ko"),
        "schemes": ("light", "dark"),
    }.items():
        parser.add_argument(f"--{name}", nargs="*", default=choices, choices=choices)
    parser.add_argument("--widths", nargs="*", type=int, default=WIDTHS)
    parser.add_argument("--home", type=Path, help="keep the projects in this folder, or take those that are there")
    chosen = parser.parse_args()
    chosen.pages = ["" if page == "label" else page for page in chosen.pages]
    chosen.out.mkdir(parents=True, exist_ok=True)
    os.environ.pop("LABELER_HOME", None)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        home = chosen.home or Path(scratch) / "home"
        special = {state: home.with_name(f"{home.name}-{state}") for state in ("people", *BROKEN)}
        special["empty"] = Path(scratch) / "empty"
        homes = {state: special.get(state, home) for state in chosen.states}
        for state, place in homes.items():
            if state not in ("empty", "full"):  # the second is made on a disk of its own
                make_state(place, state)
        for place in dict.fromkeys(homes[state] for state in chosen.states):
            is_full = place.name.endswith("-full")
            disk = small_disk(place, 200) if is_full else nullcontext(False)
            if place.name.endswith("-readonly"):
                disk = read_only(place / "readonly")
            with disk as is_special, app(place) as url:
                if is_full and is_special:
                    make_state(place, "full")
                    fill(place)
                for state in (s for s in chosen.states if homes[s] == place):
                    pictures(browser, url, chosen.out, state, chosen, place)
        browser.close()
    sheets(chosen.out)
    print(f"{len(list(chosen.out.glob('*.png')))} pictures in {chosen.out}")


if __name__ == "__main__":
    main()
