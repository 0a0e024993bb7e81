"""What tests are made of: settings, sentences whose label can be learned, and what this machine has."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from labeler.core.items import Answer, NewItem
from labeler.core.rounds import Dataset, Ranked, RoundResult
from labeler.core.settings import Config, LabelingConfig, LearnerConfig, QueryConfig
from labeler.projects.project import Project
from labeler.store import Store

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
CHROMIUM = shutil.which("chromium")


def text_config(**changes: object) -> Config:
    """Two classes of texts, small batches, nothing at random in the queue."""
    values: dict[str, object] = {
        "name": "Reviews",
        "classes": ("good", "bad"),
        "modality": "text",
        "query": QueryConfig(strategy="margin", seed_size=4, batch=3, random_share=0.0),
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


TOPICS = {
    "배송": ["late", "delayed", "parcel", "courier"],
    "환불": ["refund", "money", "receipt", "returned"],
    "칭찬": ["thanks", "friendly", "helpful", "kind"],
}


def topics_config(**changes: object) -> Config:
    """Texts that have several of three topics, or none; else as `text_config`."""
    return text_config(**({"name": "고객의 소리", "classes": tuple(TOPICS), "answers": "several"} | changes))


def letters(n: int) -> list[tuple[str, tuple[str, ...]]]:
    """`n` different letters with the topics that their words give away; one in eight has none."""
    found = []
    for i in range(n):
        names = tuple(name for bit, name in enumerate(TOPICS) if i >> bit & 1)
        words = [word for name in names for word in (TOPICS[name][i // 8 % 4], TOPICS[name][(i // 8 + i + 1) % 4])]
        found.append((f"dear shop, {' and '.join(words) or 'a question'}, yours, number {i}", names))
    return found


def add(store: Store, n: int, split: str | None = "pool", first: int = 0) -> None:
    """`n` unlabeled texts in the order t0, t1, …; their content hashes sort in that order."""
    store.items.add(
        [NewItem(f"{i:06d}", f"row {i}", text=f"t{i}", split=split) for i in range(first, first + n)]  # type: ignore[arg-type]
    )


def rank(store: Store, item_ids: list[int], strategy: str = "margin", labels: int = 0) -> None:
    """A finished round whose ranking is `item_ids`; a worker that is running does not see it begin."""
    ranking = tuple(Ranked(i, strategy, 1.0 / i) for i in item_ids)
    result = RoundResult(labels, strategy, 7, None, None, ranking, 0.1, 0.2)
    with store.write():
        store.rounds.request("test")
        job = store.rounds.claim()
        assert job is not None
        store.rounds.finish(job, store.rounds.next_number(), result, item_ids, "models/m.safetensors")


def environment(home: Path) -> dict[str, str]:
    """What a process of the labeler's needs, started by a test."""
    return os.environ | {"LABELER_HOME": str(home), "PYTHONPATH": str(ROOT)}


def blobs(n: int, classes: Sequence[int], width: int = 8, images: bool = False) -> tuple[Dataset, np.ndarray]:
    """Points around a centre for each class; two layers, the second three columns wide."""
    rng = np.random.default_rng(0)
    targets = np.array([classes[i % len(classes)] for i in range(n)])
    centres = rng.normal(0, 1.5, (max(classes) + 1, width))
    embeddings = (3 + centres[targets] + rng.normal(size=(n, width))).astype(np.float32)
    names: list[Path | str] = [Path(f"{i}.png") if images else f"text {i}" for i in range(n)]
    return Dataset(names, embeddings, (width - 3, 3)), targets


def answer(project: Project, n: int, annotator: str = "kim") -> None:
    """Give the true label to the next `n` items that are asked."""
    true = dict(reviews(80))
    with project.store() as store:
        for held in store.desk.reserve(annotator, "t", n)[:n]:
            label = true[held.item.text]
            store.answers.add(
                annotator, [Answer(f"{annotator}-{held.item.id}", held.item.id, "label", label, 1.0, "t")]
            )
