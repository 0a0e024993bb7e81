"""What the tests share: projects made on the fly. No network, no GPU, no data from outside the repo."""

import gc
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from argon2 import PasswordHasher

from labeler.access import passwords
from labeler.core import processes
from labeler.i18n.messages import DEFAULT, use
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store import Store, schema
from tests.support.machine import CHROMIUM, ROOT, SHARED
from tests.support.samples import text_config

# No test asserts a time. `HYPOTHESIS_PROFILE=thorough` tries many more examples of each property.
hypothesis.settings.register_profile("quick", deadline=None, max_examples=15)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=500)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

NEW_HOLDOUT_SEED = schema.new_holdout_seed
PUBLIC_SEED = 20_201_122  # of the holdout in projects from before each had a seed of its own

# Workers of tests do not yield: beside the other tests they would hardly run.
os.environ["LABELER_NICENESS"] = "0"


# Rooms whose tests load torch, or run rounds, processes or pages: `make check` leaves them to `make test`.
SLOW_ROOMS = {"backbones", "bench", "cli", "cycle", "experiments", "explain", "jobs", "learner", "models", "notebook"}
SLOW_ROOMS |= {"package", "pages"}
# `make quick` does not even import them.
collect_ignore = sorted(SLOW_ROOMS | {"browser"}) if os.environ.get("LABELER_QUICK") else []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SLOW_ROOMS & {*item.path.relative_to(ROOT).parts}:
            item.add_marker(pytest.mark.slow)
    skip_what_cannot_run(items)
    longest_files_first(items)


def pytest_sessionstart(session: pytest.Session) -> None:
    """The tests compute in float32 on each processor, and on a GPU only where `-m gpu` asks for those about it.

    Imports leave no garbage: nobody looks for it meanwhile.
    """
    if session.config.option.markexpr != "gpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    processes.multiplies_bfloat16 = lambda: False  # type: ignore[assignment]
    # Projects of the tests draw the same holdout each time.
    schema.new_holdout_seed = lambda: PUBLIC_SEED
    gc.disable()


def pytest_collection_finish() -> None:
    """Garbage is looked for from now on, but not among what was imported: each time would take half a second."""
    gc.freeze()
    gc.enable()


def longest_files_first(items: list[pytest.Item]) -> None:
    """The files with the most slow tests first: no process is left alone with a long file."""
    weights: Counter[Path] = Counter()
    for item in items:
        if not item.get_closest_marker("skip"):
            weights[item.path] += bool(item.get_closest_marker("slow"))
    items.sort(key=lambda item: -weights[item.path])


def skip_what_cannot_run(items: list[pytest.Item]) -> None:
    """Skip what this machine lacks, and say so."""
    for item in items:
        if item.get_closest_marker("thorough") and not os.environ.get("LABELER_THOROUGH"):
            item.add_marker(pytest.mark.skip(reason="`make thorough` runs it"))
        if item.get_closest_marker("browser") and CHROMIUM is None:
            item.add_marker(pytest.mark.skip(reason="there is no chromium on this machine"))
        if item.get_closest_marker("shared") and not SHARED.is_dir():
            item.add_marker(pytest.mark.skip(reason="there is no ../shared here"))
        if item.get_closest_marker("gpu"):
            import torch

            if not torch.cuda.is_available():
                item.add_marker(pytest.mark.skip(reason="there is no CUDA device"))


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has a home of its own; none touches the developer's projects, or depends on encoders fetched there."""
    home = tmp_path / "home"
    monkeypatch.setenv("LABELER_HOME", str(home))
    monkeypatch.setenv("LABELER_ENCODERS", str(tmp_path / "encoders"))
    return home


@pytest.fixture
def random_holdout(monkeypatch: pytest.MonkeyPatch) -> None:
    """New projects draw their holdouts as those of people do, another one each time."""
    monkeypatch.setattr(schema, "new_holdout_seed", NEW_HOLDOUT_SEED)


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of passwords take a tenth of a second otherwise, as they should."""
    monkeypatch.setattr(passwords, "_hasher", lambda: PasswordHasher(1, 8, 1))
    passwords._of_nobody.cache_clear()


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """Streamlit's test runner leaves the app as the main module, which every spawned process then runs first."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(autouse=True)
def english() -> None:
    """Each test begins in English, whatever the one before spoke."""
    use(DEFAULT)


@pytest.fixture(scope="session")
def empty_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """An empty project of texts, to be copied."""
    return projects.create(tmp_path_factory.mktemp("empty") / "reviews", text_config())


@pytest.fixture
def project(own_home: Path, empty_project: Project) -> Project:
    """An empty project of texts. A copy takes a tenth of the time in which the tables are made."""
    shutil.copytree(empty_project.folder, own_home / "reviews")
    return Project(own_home / "reviews", empty_project.config)


@pytest.fixture
def store(project: Project) -> Iterator[Store]:
    with project.store() as opened:
        yield opened
