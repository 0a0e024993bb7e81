"""Images, texts and networks with random weights, as large as wanted: no figure depends on what they mean.

    python -m bench.gpu.inputs FOLDER [--small]

writes the images, while another process does what needs none.
"""

import argparse
import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from labeler.backbones.encoder import Pretrained
from labeler.backbones.images import DEFAULT, load_image_encoder
from labeler.backbones.texts import load_text_encoder
from labeler.core.processes import cores
from labeler.core.settings import FinetuneConfig, LearnerConfig

# Imports of torch, timm, tokenizers and transformers are deferred: the process that writes images needs none.

DIFFERENT = 2000  # files with pixels of their own; the others are links to them, and are decoded like any other
CLASSES = 10


@dataclass(frozen=True)
class Size:
    """How much is measured. texts, images: for each network. pool, labels: of the round.

    beside: the labels and the pool of the round that the CPU does, too; agreement: of the one that is not timed.
    """

    images: int = 8192
    texts: int = 4096
    trained: int = 1000
    epochs: int = 6
    pool: int = 50_000
    labels: int = 1000
    beside: tuple[int, int] = (300, 4000)
    agreement: tuple[int, int] = (200, 600)
    pixels: int = 128
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    networks: tuple[tuple[str, int], ...] = ((DEFAULT, 128), ("resnet50", 224), ("vit_base_patch16_224", 224))
    tokens: tuple[int, ...] = (16, 64, 256)
    vectors: int = 10_000_000


SMALL = Size(
    images=64,
    texts=32,
    trained=64,
    epochs=1,
    pool=160,
    labels=64,
    beside=(64, 128),
    agreement=(64, 128),
    pixels=32,
    finetune=FinetuneConfig(epochs=1, refit=False),
    networks=((DEFAULT, 32), ("resnet18", 32)),
    tokens=(16,),
    vectors=20_000,
)


def learner(size: Size) -> LearnerConfig:
    """The default network, fine-tuned; the time limits no lever."""
    return LearnerConfig(kind="finetune", input_size=size.pixels, round_seconds=600, finetune=size.finetune)


@dataclass(frozen=True)
class Pictures:
    """JPEG files of 256 × 256 pixels. making: the process that writes them; None: they are there."""

    folder: Path
    making: "subprocess.Popen[bytes] | None" = None

    def first(self, n: int) -> tuple[list[Path], np.ndarray]:
        """`n` of the files and their classes."""
        if self.making and self.making.wait():
            raise RuntimeError("The images could not be made.")
        return [self.folder / f"{i}.jpg" for i in range(n)], np.arange(n) % CLASSES


def make_pictures(folder: Path, n: int) -> None:
    """Write `n` files, whose class a colour tells, though not always."""
    folder.mkdir(parents=True, exist_ok=True)
    colours = np.random.default_rng(0).integers(0, 256, (CLASSES, 3))

    def write(i: int) -> None:
        small = np.random.default_rng(i).integers(0, 256, (32, 32, 3)) * 0.7 + colours[i % CLASSES] * 0.3
        Image.fromarray(small.astype(np.uint8)).resize((256, 256)).save(folder / f"{i}.jpg")

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(write, range(min(n, DIFFERENT))))
    for i in range(DIFFERENT, n):
        os.link(folder / f"{i % DIFFERENT}.jpg", folder / f"{i}.jpg")


def image_encoder(name: str, size: int, folder: Path) -> Pretrained:
    """The encoder of that name; of others than the default, whose weights are at hand, one with random weights."""
    if name == DEFAULT:
        return load_image_encoder(name, size)
    import timm
    import torch

    torch.manual_seed(0)
    model: Any = timm.create_model(name, num_classes=2)
    timm.models.save_for_hf(model, str(folder / name), safe_serialization=True)
    return load_image_encoder(str(folder / name), size)


WORDS = [f"word{i}" for i in range(5000)]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def text_encoder(folder: Path) -> Pretrained:
    """A network like MiniLM (6 layers of 384) with random weights."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(SPECIAL) + len(WORDS),
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=1536,
    )
    path = folder / "like-minilm"
    transformers.BertModel(config).save_pretrained(path)
    vocabulary = {word: number for number, word in enumerate(SPECIAL + WORDS)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(path)
    return load_text_encoder(str(path))


def texts(n: int, tokens: int) -> Sequence[str]:
    """`n` texts of so many tokens, with the two that stand at their ends."""
    rng = np.random.default_rng(tokens)
    return [" ".join(WORDS[i] for i in row) for row in rng.integers(0, len(WORDS), (n, tokens - 2))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    size = SMALL if options.small else Size()
    make_pictures(options.folder, max(size.pool, size.images, size.trained))


if __name__ == "__main__":
    main()
