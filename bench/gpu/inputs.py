"""Images, texts and networks with random weights, as large as wanted: no figure depends on what they mean."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
import transformers
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from labeler.backbones.encoder import Pretrained
from labeler.backbones.images import DEFAULT, load_image_encoder
from labeler.backbones.texts import load_text_encoder
from labeler.core.processes import cores
from labeler.core.settings import FinetuneConfig, LearnerConfig

DIFFERENT = 2000  # files with pixels of their own; the others are links to them, and are decoded like any other


@dataclass(frozen=True)
class Size:
    """How much is measured. texts, images: for each network. pool, labels: of the round. seconds: for a peer."""

    images: int = 8192
    texts: int = 4096
    trained: int = 1000
    epochs: int = 6
    pool: int = 50_000
    cpu_pool: int = 4000
    labels: int = 1000
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
    cpu_pool=160,
    labels=64,
    pixels=32,
    finetune=FinetuneConfig(epochs=1, refit=False),
    networks=((DEFAULT, 32),),
    tokens=(16,),
    vectors=20_000,
)


def learner(size: Size) -> LearnerConfig:
    """The default network, fine-tuned; the time limits no lever."""
    return LearnerConfig(kind="finetune", input_size=size.pixels, round_seconds=600, finetune=size.finetune)


def image_files(folder: Path, n: int, classes: int) -> tuple[list[Path], np.ndarray]:
    """`n` JPEG files of 256 × 256 pixels and their classes, which a colour tells apart, though not always."""
    folder.mkdir(parents=True, exist_ok=True)
    targets = np.arange(n) % classes
    colours = np.random.default_rng(0).integers(0, 256, (classes, 3))

    def write(i: int) -> Path:
        path, original = folder / f"{i}.jpg", i % DIFFERENT
        if i >= DIFFERENT:
            os.link(folder / f"{original}.jpg", path)
            return path
        rng = np.random.default_rng(i)
        small = rng.integers(0, 256, (32, 32, 3)) * 0.7 + colours[targets[i]] * 0.3
        Image.fromarray(small.astype(np.uint8)).resize((256, 256)).save(path)
        return path

    with ThreadPoolExecutor(cores()) as pool:
        first = list(pool.map(write, range(min(n, DIFFERENT))))
        return first + list(pool.map(write, range(len(first), n))), targets


def image_encoder(name: str, size: int, folder: Path) -> Pretrained:
    """The encoder of that name; of others than the default, whose weights are at hand, one with random weights."""
    if name == DEFAULT:
        return load_image_encoder(name, size)
    torch.manual_seed(0)
    model: Any = timm.create_model(name, num_classes=2)
    timm.models.save_for_hf(model, str(folder / name), safe_serialization=True)
    return load_image_encoder(str(folder / name), size)


WORDS = [f"word{i}" for i in range(5000)]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def text_encoder(folder: Path) -> Pretrained:
    """A network like MiniLM (6 layers of 384) with random weights."""
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
