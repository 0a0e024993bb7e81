"""Which pretrained network turns a project's inputs into features."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from labeler.backbones.adapted import adapted
from labeler.backbones.auto import resolved
from labeler.backbones.catalogue import CHARACTERS, JOINT
from labeler.backbones.encoder import Encoder, Joined, network_of
from labeler.backbones.images import load_image_encoder
from labeler.backbones.pixels import keeping_pixels
from labeler.backbones.texts import load_text_encoder
from labeler.core.items import Modality, Progress
from labeler.core.settings import LearnerConfig

# Imports of labeler.backbones.tfidf are deferred: scikit-learn is slow to load, and few projects need it.


def load_encoder(
    learner: LearnerConfig,
    modality: Modality,
    texts: Sequence[str] | None,
    folder: Path,
    on_progress: Progress | None = None,
) -> Encoder:
    """The encoder that the settings name, ready to encode.

    `backbone = "auto"` is what labeler.backbones.auto chose for the project. Names with ` + ` between them are encoders
    that are used together. A path of weights may be relative to the project's folder, or to the working directory.
    With `adapted` the encoder's network has the weights that `labeler.backbones.adapted` left in `folder`.

    Args:    texts: the project's texts, all of them; None for images.
             folder: below the project's folder, where an encoder that is fitted to the project keeps its state.
    Raises:  BackboneError: the name is unknown, or the weights are missing, damaged or not those that were published.
    """
    if learner.adapted:
        base = load_encoder(replace(learner, adapted=False), modality, texts, folder, on_progress)
        if isinstance(base, Joined):
            network = network_of(base)
            return Joined(tuple(adapted(part, folder) if part is network else part for part in base.parts))
        return adapted(base, folder)
    choice = resolved(learner, modality, texts, folder)
    names = (choice.backbone if choice else learner.backbone).split(JOINT)
    parts = [_load(name.strip(), learner, modality, texts, folder, on_progress) for name in names]
    return parts[0] if len(parts) == 1 else Joined(tuple(parts))


def _load(
    name: str,
    learner: LearnerConfig,
    modality: Modality,
    texts: Sequence[str] | None,
    folder: Path,
    on_progress: Progress | None,
) -> Encoder:
    """One encoder by its name."""
    bases, mixed = (folder.parent, Path()), learner.finetune.mixed_precision
    if modality == "image":
        encoder = load_image_encoder(name, learner.input_size, *bases)
        if learner.kind != "frozen" and learner.decoded_gigabytes:  # frozen features are computed once
            encoder = keeping_pixels(encoder, folder, learner.decoded_gigabytes)
        return encoder if mixed else replace(encoder, mixed=False)
    if name == CHARACTERS:
        from labeler.backbones import tfidf

        return tfidf.load_or_fit(texts or (), folder, on_progress)
    encoder = load_text_encoder(name, *bases)
    return encoder if mixed else replace(encoder, mixed=False)
