"""The wheel, installed outside the checkout: the command runs, and the app is served with all that it needs."""

import os
import socket
import subprocess
import sys
import sysconfig
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

import labeler
from labeler.projects import project as projects
from tests.support.fill import no_jobs
from tests.support.machine import CHROMIUM, ROOT

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Installation:
    """A bare environment in which the wheel is installed, over the libraries that the tests run on."""

    folder: Path

    @property
    def command(self) -> str:
        return str(self.folder / "environment" / "bin" / "labeler")

    @property
    def elsewhere(self) -> Path:
        """A working directory outside the checkout."""
        return self.folder / "elsewhere"

    @property
    def variables(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LABELER_HOME")}

    def run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.elsewhere, env=self.variables, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installed = Installation(tmp_path_factory.mktemp("installation"))
    installed.elsewhere.mkdir()
    environment = installed.folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = str(environment / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--quiet"]
    subprocess.run([*pip, str(wheel)], check=True)
    # A path file of a folder named by a path file is not read: an editable checkout of the tests stays out.
    site = environment / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return installed


@pytest.fixture(scope="module")
def demo(installation: Installation) -> Path:
    """The folder of projects that the installed command made the demo in."""
    home = installation.elsewhere / "projects"
    assert installation.run(installation.command, "demo") == "The demo project is in projects/demo.\n"
    return home


@pytest.fixture(scope="module")
def url(installation: Installation, demo: Path) -> Iterator[str]:
    """The address at which the installed command serves the demo; no round of it is run."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    serve = [installation.command, "serve", str(demo), "--port", port]
    process = subprocess.Popen(
        serve, cwd=installation.elsewhere, env=installation.variables, stdout=subprocess.PIPE, text=True
    )
    try:
        with no_jobs(projects.open_project(demo / "demo")):
            assert process.stdout
            greeting = next(line for line in process.stdout if "labeler is at" in line)
            assert f"labeler is at http://127.0.0.1:{port} " in greeting
            yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def test_two_packages_are_at_the_top(wheel: Path) -> None:
    names = {name.split("/")[0] for name in ZipFile(wheel).namelist()}
    assert names == {"labeler", "strategies", f"labeler-{labeler.__version__}.dist-info"}


@pytest.mark.parametrize("folder", ["labeler", "strategies", "pages", ".streamlit"])
def test_every_file_is_in_the_wheel(wheel: Path, folder: str) -> None:
    inside = folder if folder in ("labeler", "strategies") else f"labeler/app/{folder}"
    files = {path.relative_to(ROOT / folder).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}
    expected = {f"{inside}/{file}" for file in files if not file.endswith(".pyc")}
    assert expected - set(ZipFile(wheel).namelist()) == set()


def test_the_installed_package_is_the_one_that_runs(installation: Installation) -> None:
    python = str(installation.folder / "environment" / "bin" / "python")
    code = "import labeler, strategies; print(labeler.__file__, strategies.__file__, labeler.__version__)"
    package, query_strategies, version = installation.run(python, "-c", code).split()
    assert Path(package).is_relative_to(installation.folder)
    assert Path(query_strategies).is_relative_to(installation.folder)
    assert version == labeler.__version__


def test_a_page_is_served(url: str) -> None:
    with urllib.request.urlopen(url, timeout=120) as reply:
        assert "<title>" in reply.read().decode()


# A process of its own, since the browser tests may hold a Playwright in this one.
BROWSER = """
import sys
from playwright.sync_api import sync_playwright
_, chromium, url = sys.argv
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
    page = browser.new_page(locale="ko-KR")
    page.goto(f"{url}/?annotator=kim")
    page.locator(".stage[data-item] img").first.wait_for(timeout=60_000)
    print(page.get_by_test_id("stSidebarNavLink").first.inner_text())
    browser.close()
"""


@pytest.mark.browser
@pytest.mark.thorough
def test_the_desk_shows_an_image_and_speaks_korean(url: str, installation: Installation) -> None:
    assert CHROMIUM is not None
    assert "라벨링" in installation.run(sys.executable, "-c", BROWSER, CHROMIUM, url)
