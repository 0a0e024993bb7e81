"""How fast backbones encode on this machine: as the labeler runs them, in float32 alone, and in eager torch.

    python -m bench.speed.embedding [items]

Images are noise of 128 × 128 pixels in PNG files, texts are sentences of 5 to 60 words. Loading, exporting and a first
batch are not counted; decoding and tokenising are.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from labeler.backbones import onnx
from labeler.backbones.choose import load_encoder
from labeler.backbones.encoder import Pretrained
from labeler.core.items import Modality
from labeler.core.settings import LearnerConfig


def per_second(encoder: Pretrained, inputs: Sequence[Path | str]) -> float:
    encoder.encode(inputs[:64])
    began = time.perf_counter()
    encoder.encode(inputs)
    return len(inputs) / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", type=int, nargs="?", default=400)
    parser.add_argument("--texts", default="auto", help="the encoder of texts")
    options = parser.parse_args()
    n, backbones = options.items, {"image": "auto", "text": options.texts}
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(500)]
    texts = [" ".join(rng.choice(words, rng.integers(5, 60))) for _ in range(n)]
    report = {}
    with tempfile.TemporaryDirectory() as scratch:
        images = [Path(scratch) / f"{i}.png" for i in range(n)]
        for path in images:
            Image.fromarray(rng.integers(0, 256, (128, 128, 3), dtype=np.uint8)).save(path)
        inputs_by_kind: dict[Modality, Sequence[Path | str]] = {"image": images, "text": texts}
        for kind, inputs in inputs_by_kind.items():
            encoder = load_encoder(LearnerConfig(backbone=backbones[kind]), kind, texts, Path(scratch))
            assert isinstance(encoder, Pretrained)
            eager = replace(encoder)
            vars(eager)["_run"] = onnx.in_torch(encoder.network, mixed=False)
            ours, exact, torch = (per_second(one, inputs) for one in (encoder, replace(encoder, mixed=False), eager))
            report[encoder.name] = {
                f"{kind}s_per_second": round(ours, 1),
                "in_float32": round(exact, 1),
                "eager_torch": round(torch, 1),
                "ratio": round(ours / torch, 2),
            }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
