"""Networks of images and of texts that are so small that training them takes a second, as encoders."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from labeler.backbones.encoder import Arrays, Pretrained
from labeler.backbones.network import Network, Pixels

MASK, SPECIAL, WORDS = 1, [0, 1, 2, 3], 200


def image_network(seed: int = 0) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        blocks = [
            torch.nn.Sequential(torch.nn.Conv2d(a, b, 3, stride=2), torch.nn.BatchNorm2d(b), torch.nn.ReLU())
            for a, b in ((3, 8), (8, 16), (16, 24))
        ]
    return Network([Pixels((0.5,) * 3, (0.5,) * 3), *blocks], taps=[2, 3])


def pictures(paths: Sequence[Path]) -> list[Arrays]:
    """Four colours each, which the path's name seeds."""
    colours = [np.random.default_rng(int(p.stem)).integers(0, 256, (3, 2, 2), dtype=np.uint8) for p in paths]
    return [(colour.repeat(8, axis=1).repeat(8, axis=2),) for colour in colours]


def vision_transformer_folder(path: Path) -> Path:
    """A folder of weights: a vision transformer of 14-pixel patches for 56 pixels, with a head for 7 classes."""
    import timm

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = timm.create_model(
            "vit_small_patch14_dinov2", img_size=56, depth=3, embed_dim=48, num_heads=3, num_classes=7
        )
    timm.models.save_for_hf(model, str(path), safe_serialization=True)
    return path


class Letters:
    """A tokenizer of letters; a text stands between two special tokens, as BERT has it."""

    tokenizer = SimpleNamespace(mask_token_id=MASK, all_special_ids=SPECIAL)

    def __call__(self, texts: Sequence[str]) -> list[Arrays]:
        rows = [np.array([2, *(4 + ord(letter) % (WORDS - 4) for letter in text), 3]) for text in texts]
        return [(row, np.ones_like(row)) for row in rows]


def text_network() -> Network:
    from transformers import BertConfig, BertModel

    from labeler.backbones.texts import _bert

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=WORDS,
            hidden_size=16,
            num_hidden_layers=3,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=128,
        )
        return _bert(BertModel(config, add_pooling_layer=False))


IMAGES = Pretrained("tiny", "tiny-1", (16, 24), image_network, pictures, (np.zeros((2, 3, 16, 16), dtype=np.uint8),))
TEXTS = Pretrained("tiny", "tiny-2", (16, 16), text_network, Letters(), (np.ones((2, 6), dtype=np.int64),) * 2, 2)
