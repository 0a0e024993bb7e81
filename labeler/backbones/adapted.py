"""Weights that self-supervised training left on disk: the file, and the encoder that they make.

`adapted.safetensors` holds the changed tensors, and what is known of them. It is used while `learner.adapted` is set;
the pretrained weights stay as they are.
"""

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from labeler.backbones.encoder import Encoder, Pretrained, network_of
from labeler.backbones.weights import key
from labeler.core.errors import BackboneError
from labeler.core.whole_files import write_whole
from labeler.i18n.messages import _, n_, translate

if TYPE_CHECKING:
    from labeler.backbones.network import Network

# Imports of torch are deferred: the app reads what an adaptation brought, and does without torch.

FILE = "adapted.safetensors"


@dataclass(frozen=True)
class Gain:
    """Accuracy of the project's head on the labeled holdout, on features of the pretrained and of the adapted weights.

    labels: of the pool. n: labels of the holdout. low, high: the 95% interval of `after` − `before`.
    """

    labels: int
    n: int
    before: float
    after: float
    low: float
    high: float

    def __str__(self) -> str:
        gained, low, high = (100 * value for value in (self.after - self.before, self.low, self.high))
        verdict = _("it helps") if low > 0 else _("it does harm") if high < 0 else _("it may be chance")
        return _(
            "Frozen heads on {labels:,} labels get {before:.1%} of {n:,} holdout items right with the pretrained"
            " weights, and {after:.1%} with the adapted ones: {gained:+.1f} points (95% interval {low:+.1f} to"
            " {high:+.1f}), so {said}.",
            labels=self.labels,
            before=self.before,
            n=self.n,
            after=self.after,
            gained=gained,
            low=low,
            high=high,
            said=verdict,
        )


@dataclass(frozen=True)
class Adaptation:
    """What is known of adapted weights.

    base: the key of the encoder that they were trained from. items: a hash of the inputs' content hashes, `n` in all.
    seconds: that the training took. losses: the mean of the first and of the last steps. weights: SHA-256 of the
    tensors. gain: None where there were too few labels to measure it.
    """

    base: str
    objective: str
    blocks: int
    seconds: float
    steps: int
    losses: tuple[float, float]
    seed: int
    items: str
    n: int
    weights: str
    gain: Gain | None = None

    def __str__(self) -> str:
        first, last = self.losses
        unknown = _("There are too few labels yet to measure whether that helps.")
        learned = n_(
            "The last block learned from {items:,} items of the pool by {objective}: {steps:,} steps in {seconds:.0f}"
            " s, in which the loss went from {first:.2f} to {last:.2f}.",
            "The last {n} blocks learned from {items:,} items of the pool by {objective}: {steps:,} steps in"
            " {seconds:.0f} s, in which the loss went from {first:.2f} to {last:.2f}.",
            self.blocks,
            items=self.n,
            objective=translate(self.objective),
            steps=self.steps,
            seconds=self.seconds,
            first=first,
            last=last,
        )
        return f"{learned} {self.gain or unknown}"


def save(path: Path, tensors: Mapping[str, np.ndarray], about: Adaptation) -> None:
    """Write the tensors and what is known of them to one file, whole or not at all."""
    data = to_bytes(dict(tensors), {"labeler": json.dumps(asdict(about))})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)


def load(path: Path) -> tuple[Adaptation, dict[str, np.ndarray]]:
    """What `save` wrote.

    Raises: BackboneError: there is no such file, or it is damaged.
    """
    try:
        with safe_open(path, "numpy") as file:
            about = _about(file.metadata())
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except FileNotFoundError:
        raise BackboneError(
            "{path} is missing: run `python -m labeler adapt`, or set learner.adapted = false.", path=path
        ) from None
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise _damaged(path) from error
    if hash_of(tensors) != about.weights:
        raise _damaged(path)
    return about, tensors


def kept(folder: Path) -> Adaptation | None:
    """What is known of the adapted weights in `folder`; None if there are none that can be read."""
    try:
        with safe_open(folder / FILE, "numpy") as file:
            return _about(file.metadata())
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None


def _about(metadata: Mapping[str, str] | None) -> Adaptation:
    values: dict[str, Any] = json.loads((metadata or {})["labeler"])
    gain = values["gain"] and Gain(**values["gain"])
    return Adaptation(**(values | {"losses": tuple(values["losses"]), "gain": gain}))


def _damaged(path: Path) -> BackboneError:
    return BackboneError(
        "{path} is damaged: run `python -m labeler adapt` again, or set learner.adapted = false.", path=path
    )


def hash_of(tensors: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of the tensors with their names, in any order."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor).tobytes())
    return digest.hexdigest()


def adapted(encoder: Encoder, folder: Path) -> Pretrained:
    """The encoder with the adapted weights that are kept in `folder` in place.

    Its key depends on them, so nothing that the pretrained weights gave is taken for theirs.

    Raises: BackboneError: there are none, they are damaged, or they belong to another backbone.
    """
    base = adaptable(encoder)
    about, tensors = load(folder / FILE)
    if about.base != base.key:
        raise BackboneError(
            "{folder} was adapted from another backbone or input size than the settings name: "
            "run `python -m labeler adapt` again, or set learner.adapted = false.",
            folder=folder / FILE,
        )
    return with_weights(base, tensors)


def adaptable(encoder: Encoder) -> Pretrained:
    """The network that the encoder is; of several used together, the one that is a network.

    Raises: BackboneError: it is none.
    """
    network = network_of(encoder)
    if network is None:
        raise BackboneError(
            "{name} is no network and cannot be adapted: set learner.adapted = false, "
            "or choose another learner.backbone.",
            name=encoder.name,
        )
    return network


def with_weights(base: Pretrained, tensors: Mapping[str, np.ndarray]) -> Pretrained:
    """The encoder with these tensors in place, by their names in its network, and a key of its own."""

    def build() -> "Network":
        import torch

        network = copy.deepcopy(base.network)
        network.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()}, strict=False)
        return network

    return replace(base, name=f"{base.name} (adapted)", key=key("adapted", base.key, hash_of(tensors)), build=build)
