import numpy as np
import pytest

from labeler.core.errors import TooFewClassesError
from labeler.core.rounds import Dataset, Labels
from labeler.learner.model import Normalizer
from labeler.learner.task import LearningTask
from labeler.quality.label_errors import out_of_sample


def blobs(n: int = 120, classes: int = 3, seed: int = 0) -> tuple[Dataset, np.ndarray]:
    """Well-separated clusters, one a class."""
    rng = np.random.default_rng(seed)
    targets = np.arange(n) % classes
    centres = 4 * np.eye(classes, 6)
    embeddings = (centres[targets] + rng.normal(scale=0.5, size=(n, 6))).astype(np.float32)
    return Dataset([str(i) for i in range(n)], embeddings, (6,)), targets


def opinion(dataset: Dataset, targets: np.ndarray, n_classes: int = 3, seed: int = 1) -> np.ndarray:
    labels = Labels(np.arange(len(dataset)), targets)
    normalizer = Normalizer.fit(dataset.embeddings, dataset.dims)
    return out_of_sample(LearningTask(dataset, labels, n_classes, normalizer), seed)


def test_models_doubt_exactly_the_labels_that_were_flipped() -> None:
    dataset, truth = blobs()
    given = truth.copy()
    flipped = [5, 40, 77]
    given[flipped] = (given[flipped] + 1) % 3
    proba = opinion(dataset, given)
    assert proba.shape == (120, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert set(np.argsort(proba[np.arange(120), given])[:3]) == set(flipped)


def test_no_label_is_judged_by_a_model_that_has_seen_it() -> None:
    """With noise for features a model that knew the label would agree with it far more often than by chance."""
    rng = np.random.default_rng(0)
    dataset = Dataset([str(i) for i in range(200)], rng.normal(size=(200, 300)).astype(np.float32), (300,))
    targets = rng.integers(0, 2, 200)
    agreed = (opinion(dataset, targets, 2).argmax(axis=1) == targets).mean()
    assert 0.35 < agreed < 0.65


def test_the_same_seed_gives_the_same_opinion_and_progress_counts_folds() -> None:
    dataset, targets = blobs()
    np.testing.assert_array_equal(opinion(dataset, targets, seed=4), opinion(dataset, targets, seed=4))
    progress: list[tuple[int, int]] = []
    labels, normalizer = Labels(np.arange(120), targets), Normalizer.fit(dataset.embeddings, dataset.dims)
    out_of_sample(LearningTask(dataset, labels, 3, normalizer), 0, folds=4, on_progress=lambda *at: progress.append(at))
    assert progress[-1][0] == progress[-1][1]


def test_too_few_labels_say_what_is_needed() -> None:
    dataset, targets = blobs(12)
    with pytest.raises(TooFewClassesError, match="20 are needed"):
        opinion(dataset, targets)
