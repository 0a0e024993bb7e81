"""A card beside each model's weights, which says what the model was trained on and how.

`models/round-0007.safetensors` has its card in `models/round-0007.json`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

from labeler.core.errors import LabelerError
from labeler.core.rounds import FinishedRound, Training
from labeler.core.settings import Config
from labeler.core.whole_files import write_whole

# Packages whose version may change a model's numbers.
PACKAGES = ("numpy", "scikit-learn", "torch", "onnxruntime", "transformers", "timm")


@dataclass(frozen=True)
class Card:
    """How a model was trained, in enough detail to train it again.

    data: a hash of the labeled items and their labels, see `data_hash`. taught: content hash and label of each labeled
    item, in the order of training. items: how many items the project had; the normalizer's mean is of these. left_out:
    how many more it had, which were not embedded yet.
    chosen, computed_on, inexact, start: see `Training`. sentences: about each class, which the model started from.
    spread: whether linear heads on texts know how the pool varies, which those of older cards do not.
    """

    round: int
    labels: int
    data: str
    encoder: str  # the key of the encoder whose features the model reads
    seed: int
    config: dict[str, Any]
    versions: dict[str, str]
    metrics: dict[str, Any] | None
    items: int = 0  # 0 in cards of version 0.1, which have no `taught` either
    taught: Sequence[Sequence[str]] = field(default_factory=list)
    chosen: Mapping[str, Any] = field(default_factory=dict)
    sentences: Sequence[Sequence[str]] = field(default_factory=list)
    computed_on: Mapping[str, str] = field(default_factory=dict)
    inexact: Sequence[str] = field(default_factory=list)
    start: float = 0.0
    left_out: int = 0
    spread: bool = False

    @classmethod
    def of(
        cls, finished: FinishedRound, taught: Sequence[Sequence[str]], items: int, encoder: str, config: Config
    ) -> Self:
        """The card of the model that a round trained."""
        result = finished.result
        training = result.training or Training()
        return cls(
            finished.number,
            result.labels,
            data_hash(*zip(*taught, strict=True)) if taught else data_hash((), ()),
            encoder,
            result.seed,
            replace(config, feeds={}).as_dict(),  # where items come from is no matter of whoever is given the model
            versions(),
            asdict(result.metrics) if result.metrics else None,
            items,
            taught,
            training.chosen,
            computed_on=training.computed_on,
            inexact=list(training.inexact),
            start=training.start,
            left_out=finished.left_out,
            spread=True,
        )

    def save(self, weights: Path) -> None:
        """Write the card beside the weights, whole or not at all."""
        write_whole(card_path(weights), json.dumps(asdict(self), ensure_ascii=False, indent=1))


def load(weights: Path) -> Card:
    """The card beside these weights.

    Raises: LabelerError: there is none, or it cannot be read.
    """
    path = card_path(weights)
    try:
        return Card(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise LabelerError(
            "{path} cannot be read as a model's card ({error}): train again.", path=path, error=error
        ) from error


def card_path(weights: Path) -> Path:
    return weights.with_suffix(".json")


def data_hash(hashes: Sequence[str], labels: Sequence[str]) -> str:
    """SHA-256 of the labeled items' content hashes with their labels, in any order: the same data, the same hash."""
    rows = sorted(json.dumps(pair, ensure_ascii=False) for pair in zip(hashes, labels, strict=True))
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def versions() -> dict[str, str]:
    """The installed versions of `PACKAGES`."""
    installed = {}
    for name in PACKAGES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


def prune(folder: Path, rounds: Sequence[tuple[str, float | None]], keep: int) -> list[Path]:
    """Remove the models, with their cards, of all but the last `keep` rounds and the one with the highest accuracy.

    Args:    rounds: the path below `folder` of each round's model and its accuracy, oldest first.
    Returns: the weights that were removed.
    """
    existing = [(folder / model, accuracy) for model, accuracy in rounds if (folder / model).exists()]
    kept = {path for path, _ in existing[-keep:]}
    if (most_accurate := best(existing)) is not None:
        kept.add(most_accurate)
    removed = [path for path, _ in existing if path not in kept]
    for path in removed:
        path.unlink(missing_ok=True)
        card_path(path).unlink(missing_ok=True)
    return removed


def best(models: Sequence[tuple[Path, float | None]]) -> Path | None:
    """The most accurate model, the latest of equally accurate ones; the latest of all where none was measured."""
    ranked = [(-1.0 if accuracy is None else accuracy, place) for place, (_, accuracy) in enumerate(models)]
    return models[max(ranked)[1]][0] if ranked else None
