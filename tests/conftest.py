"""What the tests share: projects made on the fly. No network, no GPU, no data from outside the repo."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from labeler import project as projects
from labeler.config import Config, LabelingConfig, LearnerConfig, QueryConfig
from labeler.project import Project
from labeler.store import Store
from labeler.types import NewItem

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
CHROMIUM = shutil.which("chromium")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine lacks, and say so."""
    for item in items:
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
    """Each test has a home of its own; none touches the developer's projects."""
    home = tmp_path / "home"
    monkeypatch.setenv("LABELER_HOME", str(home))
    return home


def text_config(**changes: object) -> Config:
    """Two classes of texts, small batches, nothing at random in the queue."""
    values: dict[str, object] = {
        "name": "Reviews",
        "classes": ("good", "bad"),
        "modality": "text",
        "query": QueryConfig(seed_size=4, batch=3, random_share=0.0),
        "labeling": LabelingConfig(reservation_seconds=60),
        "learner": LearnerConfig(backbone="char_tfidf"),
    }
    return Config(**(values | changes))  # type: ignore[arg-type]


GOOD = ["warm", "funny", "moving", "clever", "lovely", "bright", "tender", "witty", "gentle", "superb"]
BAD = ["dull", "cold", "tedious", "clumsy", "ugly", "stale", "empty", "bland", "harsh", "awful"]


def reviews(n: int) -> list[tuple[str, str]]:
    """`n` different sentences with the label that their adjectives give away."""
    kinds = [("good", GOOD), ("bad", BAD)]
    found = []
    for i in range(n):
        label, words = kinds[i % 2]
        j = i // 2
        found.append((f"a {words[j % 10]} and {words[(j // 10 + j + 1) % 10]} film, number {i}", label))
    return found


@pytest.fixture
def project(own_home: Path) -> Project:
    """An empty project of texts."""
    return projects.create(own_home / "reviews", text_config())


@pytest.fixture
def store(project: Project) -> Iterator[Store]:
    with project.store() as opened:
        yield opened


def add(store: Store, n: int, split: str | None = "pool", first: int = 0) -> None:
    """`n` unlabeled texts in the order t0, t1, …; their content hashes sort in that order."""
    store.add_items(
        [NewItem(f"{i:06d}", f"row {i}", text=f"t{i}", split=split) for i in range(first, first + n)]  # type: ignore[arg-type]
    )


def environment(home: Path) -> dict[str, str]:
    """What a process of the labeler's needs, started by a test."""
    return os.environ | {"LABELER_HOME": str(home), "PYTHONPATH": str(ROOT)}
