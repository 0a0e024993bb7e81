"""A library that is not installed is named, with the command that installs it."""

import re
import tomllib
from pathlib import Path

import pytest

from labeler.backbones.images import load_image_encoder
from labeler.backbones.texts import load_text_encoder
from labeler.core import extras
from labeler.core.errors import LabelerError
from labeler.files import dicom
from tests.support.machine import ROOT


@pytest.fixture
def without(monkeypatch):
    """Makes a library look as if it were not installed."""

    def hide(library):
        monkeypatch.setattr(extras, "find_spec", lambda name: None if name == library else object())

    return hide


@pytest.mark.parametrize(
    ("library", "extra", "use"),
    [
        ("timm", "images", lambda: load_image_encoder("resnet18", 64)),
        ("torchvision", "images", lambda: load_image_encoder("resnet18", 64)),
        ("transformers", "texts", lambda: load_text_encoder("klue/roberta-base")),
        ("pydicom", "dicom", lambda: dicom.read(Path("scan.dcm"), "scan.dcm")),
    ],
)
def test_a_missing_library_is_named_with_its_extra(without, library, extra, use):
    without(library)
    with pytest.raises(LabelerError) as raised:
        use()
    assert str(raised.value) == f'{library} is not installed: install it with `pip install "labeler[{extra}]"`.'


def test_the_extras_are_those_of_the_package():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for extra, libraries in extras.LIBRARIES.items():
        names = {re.split(r"[\[=>]", requirement)[0] for requirement in declared[extra]}
        assert set(libraries) <= names
