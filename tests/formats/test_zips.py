"""A zip of another tool's folder is read as that folder; any other zip is one of images."""

import zipfile
from pathlib import Path

import pytest

from labeler.core.errors import SourceError
from labeler.core.settings import LimitsConfig
from labeler.formats.base import Name
from labeler.formats.preview import preview
from labeler.formats.recognise import recognise
from labeler.formats.zips import PREFIX, unpacked
from labeler.projects import importer
from labeler.projects.other_tools import config_like, export_for
from tests.support.tools import CLASSES, everything, facts, through

TITLES: dict[Name, str] = {"coco": "COCO", "hugging-face": "Hugging Face", "label-studio": "Label Studio"}


@pytest.mark.parametrize("name", TITLES)
def test_a_zip_keeps_what_its_folder_keeps(tmp_path: Path, name: Name):
    before = everything(tmp_path / "before", "image")
    zipped, folder = (through(before, tmp_path / f"way{suffix}", name, suffix) for suffix in (".zip", ""))
    assert facts(zipped) == facts(folder)
    assert len(facts(zipped)["images"]) == 8
    assert [*(zipped.folder / importer.FOLDER).glob("*")] == []


@pytest.mark.parametrize("name", TITLES)
def test_a_zip_is_shown_and_gives_its_classes_as_its_folder_does(tmp_path: Path, name: Name):
    out = tmp_path / "out.zip"
    export_for(everything(tmp_path / "before", "image"), out, name)
    beginning = preview(out)
    assert (beginning.title, beginning.name, len(beginning.rows)) == (TITLES[name], "out.zip", 8)
    config = config_like(out, "Others")
    assert (sorted(config.classes), config.modality) == (sorted(CLASSES), "image")


def packed(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_json", ".json").replace("_png", ".png"), content)
    return path


def test_a_zip_of_images_with_a_file_of_no_tool_stays_as_it_is(tmp_path: Path):
    source = packed(tmp_path / "images.zip", cat__a_png=b"x", notes_json=b'{"a": 1}')
    with unpacked(source) as place:
        assert place == source


def test_names_that_lead_out_of_a_zip_lead_nowhere(tmp_path: Path):
    coco = b'{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [], "categories": []}'
    source = tmp_path / "out.zip"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("annotations.json", coco)
        for name in ("../../a.png", "..\\..\\a.png", "/b.png", "images/../../../b.png"):
            archive.writestr(name, b"x")
    place = tmp_path / "place"
    place.mkdir()
    with unpacked(source, place) as folder:
        assert isinstance(folder, Path)
        assert recognise(folder) is not None
        assert {path.name for path in folder.rglob("*")} == {"annotations.json", "b.png"}
    assert {path.name for path in tmp_path.rglob("*")} == {"out.zip", "place"}


@pytest.mark.parametrize("names", [("a.txt", "a.txt/b.txt"), ("a.txt/b.txt", "a.txt")])
def test_a_zip_in_which_a_file_has_the_name_of_a_folder_is_refused(tmp_path: Path, names: tuple[str, str]):
    with zipfile.ZipFile(source := tmp_path / "tasks.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "text")
    with pytest.raises(SourceError, match=r"tasks\.zip is not a zip file"), unpacked(source, tmp_path):
        pass
    assert [*tmp_path.iterdir()] == [source]


def test_a_zip_with_a_name_that_is_too_long_is_refused_and_the_entry_named(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "long.zip", "w") as archive:
        archive.writestr("top/tasks.json", "[]")
        archive.writestr(f"top/{'x' * 300}.json", "[]")
    with pytest.raises(SourceError, match=r"long\.zip holds a file whose name cannot be used here: top/x+…"):
        unpacked_names(tmp_path / "long.zip")


def unpacked_names(path: Path) -> list[str]:
    with unpacked(path) as source:
        return [str(source)]


def test_a_zip_that_would_unpack_to_too_much_is_refused_before_it_is(tmp_path: Path):
    source = packed(tmp_path / "out.zip", annotations_json=b" " * 3_000_000)
    with (
        pytest.raises(SourceError, match=r"limits\.unpacked_gigabytes"),
        unpacked(source, tmp_path, LimitsConfig(unpacked_gigabytes=0.001)),
    ):
        pass


def test_what_a_crash_has_left_unpacked_goes_with_the_next_import(tmp_path: Path):
    project = everything(tmp_path / "p")
    (project.folder / importer.FOLDER / f"{PREFIX}x" / "out.zip").mkdir(parents=True)
    with project.store() as store:
        assert importer.is_left(store)
    importer.finish_left(project)
    with project.store() as store:
        assert not importer.is_left(store)
