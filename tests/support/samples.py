"""Settings, and small data whose labels can be learned: sentences, letters with several topics, points."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from labeler.core.rounds import Dataset
from labeler.core.settings import Config, LabelingConfig, LearnerConfig, QueryConfig


def text_config(**changes: object) -> Config:
    """Two classes of texts, small batches, nothing at random in the queue."""
    values: dict[str, object] = {
        "name": "Reviews",
        "classes": ("good", "bad"),
        "modality": "text",
        "query": QueryConfig(strategy="margin", seed_size=4, batch=3, random_share=0.0),
        "labeling": LabelingConfig(reservation_seconds=60),
        "learner": LearnerConfig(backbone="char_tfidf", backbone_search="off"),
    }
    return Config(**(values | changes))  # type: ignore[arg-type]


GOOD = ["warm", "funny", "moving", "clever", "lovely", "bright", "tender", "witty", "gentle", "superb"]
BAD = ["dull", "cold", "tedious", "clumsy", "ugly", "stale", "empty", "bland", "harsh", "awful"]


def reviews(n: int) -> list[tuple[str, str]]:
    """`n` different sentences with the label that their adjectives give away."""
    kinds = [("good", GOOD), ("bad", BAD)]
    sentences = []
    for i in range(n):
        label, words = kinds[i % 2]
        j = i // 2
        sentences.append((f"a {words[j % 10]} and {words[(j // 10 + j + 1) % 10]} film, number {i}", label))
    return sentences


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
    rows = []
    for i in range(n):
        names = tuple(name for bit, name in enumerate(TOPICS) if i >> bit & 1)
        words = [word for name in names for word in (TOPICS[name][i // 8 % 4], TOPICS[name][(i // 8 + i + 1) % 4])]
        rows.append((f"dear shop, {' and '.join(words) or 'a question'}, yours, number {i}", names))
    return rows


def blobs(n: int, classes: Sequence[int], width: int = 8, images: bool = False) -> tuple[Dataset, np.ndarray]:
    """Points around a centre for each class; two layers, the second three columns wide."""
    rng = np.random.default_rng(0)
    targets = np.array([classes[i % len(classes)] for i in range(n)])
    centres = rng.normal(0, 1.5, (max(classes) + 1, width))
    embeddings = (3 + centres[targets] + rng.normal(size=(n, width))).astype(np.float32)
    names: list[Path | str] = [Path(f"{i}.png") if images else f"text {i}" for i in range(n)]
    return Dataset(names, embeddings, (width - 3, 3)), targets
