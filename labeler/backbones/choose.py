"""Which pretrained network turns a project's inputs into features."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from labeler.backbones import images
from labeler.backbones import texts as text_backbones
from labeler.backbones.adapted import adapted
from labeler.backbones.encoder import Encoder
from labeler.backbones.images import load_image_encoder
from labeler.backbones.texts import load_text_encoder
from labeler.core.items import Modality, Progress
from labeler.core.settings import LearnerConfig

# Imports of labeler.backbones.tfidf are deferred: scikit-learn is slow to load, and few projects need it.

ANY_SCRIPT = "char_tfidf"


def load_encoder(
    learner: LearnerConfig,
    modality: Modality,
    texts: Sequence[str] | None,
    folder: Path,
    on_progress: Progress | None = None,
) -> Encoder:
    """The encoder that the settings name, ready to encode.

    `backbone = "auto"` is EfficientNet-Lite0 for images. For texts it looks at the letters: MiniLM reads Latin
    script; texts in any other get features of their own characters, which are fitted to `texts`.
    A path of weights may be relative to the project's folder, or to the working directory. With `adapted` the
    encoder has the weights that `labeler.backbones.adapted` left in `folder`.

    Args:    texts: the project's texts, all of them; None for images.
             folder: below the project's folder, where an encoder that is fitted to the project keeps its state.
    Raises:  BackboneError: the name is unknown, or the weights are missing, damaged or not those that were published.
    """
    if learner.adapted:
        return adapted(load_encoder(replace(learner, adapted=False), modality, texts, folder, on_progress), folder)
    name, bases = learner.backbone, (folder.parent, Path())
    if modality == "image":
        return load_image_encoder(images.DEFAULT if name == "auto" else name, learner.input_size, *bases)
    if name == "auto":
        name = text_backbones.DEFAULT if mostly_latin(texts or ()) else ANY_SCRIPT
    if name == ANY_SCRIPT:
        from labeler.backbones import tfidf

        return tfidf.load_or_fit(texts or (), folder, on_progress)
    return load_text_encoder(name, *bases)


def mostly_latin(texts: Sequence[str]) -> bool:
    """Whether more than half of the letters in an evenly spaced sample of 500 texts are of Latin script."""
    letters = [c for text in texts[:: max(1, len(texts) // 500)] for c in text[:2000] if c.isalpha()]
    return 2 * sum(map(_is_latin, letters)) > len(letters)


@lru_cache(maxsize=10_000)
def _is_latin(letter: str) -> bool:
    return "LATIN" in unicodedata.name(letter, "")
