"""A project's adapted backbone: how it comes about before or beside the rounds, what is kept of it, what it brought.

`embeddings/adapted.safetensors` holds the changed tensors, and what is known of them. It is used while
`learner.adapted` is set; the pretrained weights stay as they are.
"""

import copy
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from labeler import decisions
from labeler import project as projects
from labeler.background import Tell, run_next
from labeler.config import Config
from labeler.embed import Encoder, Pretrained
from labeler.errors import BackboneError, LabelerError
from labeler.labelsets import labels_at
from labeler.project import Project
from labeler.store import Store
from labeler.types import AdaptationJob, AdaptationRequest, Dataset, Item, Labels, Modality, Progress
from labeler.weights import key
from labeler.words import _, mark, n_, translate

if TYPE_CHECKING:
    from labeler.onnx import Network

FILE = "adapted.safetensors"
FEWEST_HOLDOUT = 50  # with fewer labels one item is 2 points of accuracy

# What docs/benchmarks.md has, in a sentence for those who wonder whether it is worth their time.
MEASURED: dict[Modality, str] = {
    "image": mark(
        "Measured with two minutes of training: on photographs 4.9, 3.1 and 2.1 points of accuracy were gained at 50,"
        " 100 and 300 labels; on handwritten digits 2.8 points at 50 labels, and nothing from 100 on."
    ),
    "text": mark(
        "Measured with two minutes of training: on English film reviews it gained nothing that chance does not explain"
        " (0.6, 0.2 and 0.2 points of accuracy at 50, 100 and 300 labels), so it is hardly worth the time."
    ),
}


@dataclass(frozen=True)
class Gain:
    """Accuracy of frozen heads on the labeled holdout with the pretrained and with the adapted weights.

    labels: of the pool. n: labels of the holdout. low, high: the 95 % interval of `after` − `before`.
    """

    labels: int
    n: int
    before: float
    after: float
    low: float
    high: float

    def __str__(self) -> str:
        gained, low, high = (100 * value for value in (self.after - self.before, self.low, self.high))
        said = _("it helps") if low > 0 else _("it does harm") if high < 0 else _("it may be chance")
        return _(
            "Frozen heads on {labels:,} labels get {before:.1%} of {n:,} holdout items right with the pretrained"
            " weights, and {after:.1%} with the adapted ones: {gained:+.1f} points (95 % interval {low:+.1f} to"
            " {high:+.1f}), so {said}.",
            labels=self.labels,
            before=self.before,
            n=self.n,
            after=self.after,
            gained=gained,
            low=low,
            high=high,
            said=said,
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
        return f"{learned} {self.gain or _('There are too few labels yet to measure whether that helps.')}"


# ---------------------------------------------------------------- the file


def save(path: Path, tensors: Mapping[str, np.ndarray], about: Adaptation) -> None:
    """Write the tensors and what is known of them to one file, whole or not at all."""
    from safetensors.numpy import save as to_bytes

    data = to_bytes(dict(tensors), {"labeler": json.dumps(asdict(about))})
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)


def load(path: Path) -> tuple[Adaptation, dict[str, np.ndarray]]:
    """What `save` wrote.

    Raises: BackboneError: there is no such file, or it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            about = _about(file.metadata())
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except FileNotFoundError:
        raise BackboneError(
            f"{path} is missing: run `python -m labeler adapt`, or set learner.adapted = false."
        ) from None
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise _damaged(path) from error
    if hash_of(tensors) != about.weights:
        raise _damaged(path)
    return about, tensors


def kept(project: Project) -> Adaptation | None:
    """What is known of the project's adapted weights; None if there are none that can be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(project.embeddings / FILE, "numpy") as file:
            return _about(file.metadata())
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None


def _about(metadata: Mapping[str, str] | None) -> Adaptation:
    values: dict[str, Any] = json.loads((metadata or {})["labeler"])
    gain = values["gain"] and Gain(**values["gain"])
    return Adaptation(**(values | {"losses": tuple(values["losses"]), "gain": gain}))


def _damaged(path: Path) -> BackboneError:
    return BackboneError(f"{path} is damaged: run `python -m labeler adapt` again, or set learner.adapted = false.")


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
            f"{folder / FILE} was adapted from another backbone or input size than the settings name: "
            "run `python -m labeler adapt` again, or set learner.adapted = false."
        )
    return with_weights(base, tensors)


def adaptable(encoder: Encoder) -> Pretrained:
    """The encoder, if it is a network.

    Raises: BackboneError: it is none.
    """
    if not isinstance(encoder, Pretrained):
        raise BackboneError(
            f"{encoder.name} is no network and cannot be adapted: set learner.adapted = false, "
            "or choose another learner.backbone."
        )
    return encoder


def with_weights(base: Pretrained, tensors: Mapping[str, np.ndarray]) -> Pretrained:
    """The encoder with these tensors in place, by their names in its network, and a key of its own."""

    def build() -> "Network":
        import torch

        network = copy.deepcopy(base.network)
        network.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()}, strict=False)
        return network

    return replace(base, name=f"{base.name} (adapted)", key=key("adapted", base.key, hash_of(tensors)), build=build)


# ---------------------------------------------------------------- adapting


def adapt_once(project: Project) -> bool:
    """Run the project's next adaptation if one is asked for and no other process is at it; True if one ended."""
    return run_next(project, lambda store: store.adaptations, _adapt)


def _adapt(project: Project, store: Store, job: AdaptationJob, tell: Tell) -> dict[str, Any]:
    return asdict(run(project, store, job.request, lambda message: lambda done, total: tell(message, done, total)))


def run(project: Project, store: Store, request: AdaptationRequest, reporter: Callable[[str], Progress]) -> Adaptation:
    """Adapt the backbone to the pool, keep the weights, and measure what they bring if there are labels.

    The holdout's items are not looked at before that. Whatever ends it before the new weights are there, the old
    ones stay.

    Args:   reporter: gives, for a step in words, what is told how far it is.
    Raises: LabelerError: another adaptation is running, or the backbone cannot be adapted.
    """
    from labeler.adapt import adapt  # torch and its company load when there is work
    from labeler.backbones import load_encoder

    config = project.config
    try:
        with FileLock(project.folder / "adapt.lock", timeout=0):
            with store.read():
                items, labels, flagged = store.items(), store.labels(), store.flagged()
            pool = [item for item in items if item.split == "pool" and item.id not in flagged]
            texts = [item.text for item in items if item.text is not None]
            reporter(mark("loading the backbone"))(0, 0)
            pretrained = replace(config.learner, adapted=False)
            base = adaptable(load_encoder(pretrained, config.modality, texts, project.embeddings))
            found = adapt(
                base,
                _inputs(project, pool),
                config.modality,
                request.seconds,
                request.seed,
                request.blocks,
                reporter(mark("adapting")),
            )
            about = Adaptation(
                base.key,
                found.objective,
                request.blocks,
                found.seconds,
                found.steps,
                found.losses,
                request.seed,
                hashlib.sha256("\n".join(sorted(item.content_hash for item in pool)).encode()).hexdigest(),
                len(pool),
                hash_of(found.tensors),
            )
            save(project.embeddings / FILE, found.tensors, about)
            encoders = base, with_weights(base, found.tensors)
            about = replace(about, gain=_gain(project, config, items, labels, encoders, reporter))
            save(project.embeddings / FILE, found.tensors, about)
            if request.use:
                use(project, True)
            return about
    except Timeout:
        raise LabelerError("Another adaptation of this project is running: wait for it, or end it.") from None


def use(project: Project, on: bool) -> None:
    """Have the adapted weights used from the next round on, or the pretrained ones again.

    Raises: BackboneError: there are none, or they are damaged.
    """
    if on:
        load(project.embeddings / FILE)
    now = projects.open_project(project.folder)  # the settings may have changed meanwhile
    now.save(replace(now.config, learner=replace(now.config.learner, adapted=on)))


def _inputs(project: Project, items: Sequence[Item]) -> list[Path | str]:
    return [item.text if item.text is not None else project.folder / str(item.media) for item in items]


def _gain(
    project: Project,
    config: Config,
    items: Sequence[Item],
    labels: Mapping[int, str],
    encoders: tuple[Pretrained, Pretrained],
    reporter: Callable[[str], Progress],
) -> Gain | None:
    """What the adapted weights bring to heads on all labels of the pool; None if there are too few labels to tell."""
    from labeler.course.curves import paired_gain
    from labeler.heads import fit_heads
    from labeler.model import Normalizer

    known = [item for item in items if item.id in labels]
    found = labels_at(range(len(known)), [labels[item.id] for item in known], config)
    known = [known[p] for p in found.positions]
    in_pool = np.array([item.split == "pool" for item in known], dtype=bool)
    learning, measuring = np.flatnonzero(in_pool), np.flatnonzero(~in_pool)
    inputs, targets = _inputs(project, known), found.targets
    if len(measuring) < FEWEST_HOLDOUT or len(np.unique(decisions.sets(targets[learning]))) < 2:
        return None
    right = list[np.ndarray]()
    for encoder in encoders:
        features = encoder.encode(inputs, reporter(mark("measuring")))
        dataset = Dataset(inputs, features, encoder.dims)
        normalizer, taught = Normalizer.fit(features, encoder.dims), Labels(learning, targets[learning])
        heads = fit_heads(dataset, taught, len(config.classes), normalizer)
        right.append(decisions.right(heads.predict_proba(dataset, measuring), targets[measuring]).astype(float))
    before, after = right
    low, high = paired_gain(after.tolist(), before.tolist())[1:]
    assert low is not None
    assert high is not None
    return Gain(len(learning), len(measuring), float(before.mean()), float(after.mean()), low, high)
