"""A card beside each model's weights: what it was trained on and how, so that it can be told from others and used.

`models/round-0007.safetensors` has its card in `models/round-0007.json`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

from labeler.core.errors import LabelerError
from labeler.core.rounds import RoundResult
from labeler.core.settings import Config
from labeler.core.whole_files import write_whole

# What a model's numbers may depend on.
PACKAGES = ("numpy", "scikit-learn", "torch", "onnxruntime", "transformers", "timm")


@dataclass(frozen=True)
class Card:
    """What is known about a model, enough to train it anew.

    data: a hash of the labeled items and their labels, see `data_hash`. taught: these themselves, content hash and
    label of each, in the order in which they were given. items: how many items the project had, which the features'
    mean is of. chosen: the levers of fine-tuning in the end, see `Training`.
    """

    round: int
    labels: int
    data: str
    encoder: str  # the key of the encoder whose features it reads
    seed: int
    config: dict[str, Any]
    versions: dict[str, str]
    metrics: dict[str, Any] | None
    items: int = 0  # 0 and nothing taught: of version 0.1
    taught: Sequence[Sequence[str]] = field(default_factory=list)
    chosen: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, number: int, result: RoundResult, taught: Sequence[Sequence[str]], items: int, encoder: str, config: Config
    ) -> Self:
        """The card of the model that a round trained."""
        return cls(
            number,
            result.labels,
            data_hash(*zip(*taught, strict=True)) if taught else data_hash((), ()),
            encoder,
            result.seed,
            config.as_dict(),
            versions(),
            asdict(result.metrics) if result.metrics else None,
            items,
            taught,
            result.training.chosen if result.training else {},
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
        raise LabelerError(f"{path} cannot be read as a model's card ({error}): train again.") from error


def card_path(weights: Path) -> Path:
    return weights.with_suffix(".json")


def data_hash(hashes: Sequence[str], labels: Sequence[str]) -> str:
    """SHA-256 of the labeled items' content hashes with their labels, in any order: the same data, the same hash."""
    rows = sorted(json.dumps(pair, ensure_ascii=False) for pair in zip(hashes, labels, strict=True))
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def versions() -> dict[str, str]:
    """The installed versions of what a model's numbers may depend on."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def prune(folder: Path, rounds: Sequence[tuple[str, float | None]], keep: int) -> list[Path]:
    """Remove the models, with their cards, of all but the last `keep` rounds and the one with the highest accuracy.

    Args:    rounds: the path below `folder` of each round's model and its accuracy, oldest first.
    Returns: the weights that are gone now.
    """
    there = [(folder / model, accuracy) for model, accuracy in rounds if (folder / model).exists()]
    kept = {path for path, _ in there[-keep:]}
    if (finest := best(there)) is not None:
        kept.add(finest)
    gone = [path for path, _ in there if path not in kept]
    for path in gone:
        path.unlink(missing_ok=True)
        card_path(path).unlink(missing_ok=True)
    return gone


def best(models: Sequence[tuple[Path, float | None]]) -> Path | None:
    """The model of the highest accuracy, of equal ones the latest; the latest where none was measured."""
    ranked = [(-1.0 if accuracy is None else accuracy, place) for place, (_, accuracy) in enumerate(models)]
    return models[max(ranked)[1]][0] if ranked else None
