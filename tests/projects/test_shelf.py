"""Projects renamed, archived, deleted and brought back: nothing in them changes."""

import pytest
from filelock import FileLock, Timeout
from PIL import Image

from labeler.core.errors import ConfigError, ProjectError
from labeler.core.items import Answer
from labeler.files.renditions import Renditions, Wish
from labeler.projects import guidelines, shelf
from labeler.projects import project as projects
from labeler.projects.importer import import_source
from tests.support.fill import add
from tests.support.samples import text_config


@pytest.fixture
def answered(project):
    with project.store() as store:
        add(store, 3)
        store.answers.add("kim", [Answer("1", 1, "label", "good")])
    return project


def test_another_name_leaves_the_folder(answered):
    renamed = shelf.rename(answered, "  영화평 ")
    assert (projects.open_project(answered.folder).config.name, renamed.slug) == ("영화평", "reviews")
    with pytest.raises(ConfigError, match="needs a name"):
        shelf.rename(answered, " ")


@pytest.mark.parametrize("place", ["archive", "trash"])
def test_a_project_that_is_put_away_leaves_the_list_and_comes_back_whole(answered, own_home, place):
    folder = shelf.put_away(answered, own_home, place)
    assert projects.in_home(own_home) == []
    assert shelf.on_shelf(own_home, place) == [folder]
    back = shelf.bring_back(folder, own_home)
    assert projects.in_home(own_home) == [back]
    with projects.open_project(back).store() as store:
        assert [(row["annotator"], row["label"]) for row in store.answers.export()] == [("kim", "good")]


def test_a_second_project_of_the_same_name_takes_no_ones_place(answered, own_home):
    shelf.put_away(answered, own_home, "trash")
    again = projects.create(own_home / "reviews", text_config(name="another"))
    shelf.put_away(again, own_home, "trash")
    assert [folder.name for folder in shelf.on_shelf(own_home, "trash")] == ["reviews", "reviews-2"]
    projects.create(own_home / "reviews", text_config(name="third"))
    assert shelf.bring_back(own_home / ".trash" / "reviews", own_home).name == "reviews-2"


@pytest.mark.parametrize("name", shelf.LOCKS)
def test_nobody_puts_away_a_project_that_is_at_work(answered, own_home, monkeypatch, name):
    monkeypatch.setattr(shelf, "WAIT", 0.0)
    with FileLock(answered.folder / name), pytest.raises(ProjectError, match="wait until it has ended"):
        shelf.put_away(answered, own_home, "archive")
    assert projects.in_home(own_home) == [answered.folder]


def test_who_comes_late_does_not_make_the_folder_of_a_project_anew(answered, own_home, tmp_path):
    """Such a folder took the place of the project, which then came back under another name."""
    picture = tmp_path / "scan.tif"
    Image.new("L", (4, 4)).save(picture)
    folder = shelf.put_away(answered, own_home, "archive")
    with pytest.raises(Timeout):
        answered.lock("explainer.lock").__enter__()
    with pytest.raises(FileNotFoundError):
        Renditions(answered.renditions).draw(picture, "0" * 32, Wish())
    with pytest.raises(ProjectError, match="meanwhile"):
        import_source(answered, picture)
    with pytest.raises(FileNotFoundError):
        guidelines.add_example(answered, "good", "a.png", b"")
    assert shelf.bring_back(folder, own_home) == answered.folder


def test_a_lock_that_was_waited_for_while_the_project_was_moved_leaves_nothing(answered, monkeypatch):
    answered.folder.rename(answered.folder.with_name("moved"))
    looks = iter([True, False])
    monkeypatch.setattr(projects, "is_project", lambda folder: next(looks))
    with pytest.raises(Timeout):
        answered.lock("worker.lock").__enter__()
    assert not answered.folder.exists()


def test_a_project_that_is_served_by_itself_stays(answered):
    with pytest.raises(ProjectError, match="served by itself"):
        shelf.put_away(answered, answered.folder, "trash")
