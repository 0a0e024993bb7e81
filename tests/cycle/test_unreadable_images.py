"""Images that cannot be read are set aside: rounds, labeling and the export go on without them."""

import shutil

import numpy as np
import pytest
from PIL import Image

from labeler.core.items import Answer
from labeler.core.settings import Config, LearnerConfig, QueryConfig
from labeler.cycle import snapshot
from labeler.files.addresses import source_of
from labeler.jobs.rounds import work_once
from labeler.projects import project as projects
from labeler.projects import unreadable
from labeler.projects.importer import import_source
from labeler.projects.project import Project
from tests.support.encoders import Colours
from tests.support.objects import in_memory

N = 24


@pytest.fixture
def pictures(tmp_path):
    """A folder of images in two classes, told apart by their colour."""
    rng = np.random.default_rng(0)
    for number in range(N):
        name = ("dark", "light")[number % 2]
        level = (40, 200)[number % 2] + rng.integers(-20, 20, (8, 8, 3))
        (tmp_path / "pictures" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(level.astype(np.uint8)).save(tmp_path / "pictures" / name / f"{number:02}.png")
    return tmp_path / "pictures"


@pytest.fixture
def filled(tmp_path, pictures, monkeypatch) -> Project:
    """A project with these images and their labels, read by an encoder that opens each file."""
    monkeypatch.setattr(snapshot, "load_encoder", lambda *_: Colours())
    query = QueryConfig(strategy="margin", seed_size=4, batch=3, random_share=0.0)
    learner = LearnerConfig(kind="frozen", backbone_search="off")
    config = Config("colours", ("dark", "light"), "image", query=query, learner=learner)
    project = projects.create(tmp_path / "colours", config)
    import_source(project, pictures, keep_labels="holdout")
    return project


def damage(project: Project) -> list[int]:
    """The ids of an item whose file is empty, one whose file is cut off, and one whose file is gone."""
    with project.store() as store:
        empty, torn, gone = [item for item in store.items.all() if item.split == "pool"][:3]
    (project.folder / empty.media).write_bytes(b"")
    path = project.folder / torn.media
    path.write_bytes(path.read_bytes()[:40])
    (project.folder / gone.media).unlink()
    return [empty.id, torn.id, gone.id]


def test_a_round_goes_on_without_the_images_that_cannot_be_read(filled):
    broken = damage(filled)
    assert work_once(filled)
    with filled.store() as store:
        assert store.rounds.latest_job().state == "done"
        assert [entry.id for entry in store.set_aside.all()] == broken
        empty, torn, _ = (entry.reason for entry in store.set_aside.all())
        assert empty == "the file is empty"
        assert str(filled.folder) not in torn
        assert store.items.counts().open.pool == store.items.counts().pool - len(broken)
        asked = {reserved.item.id for _ in range(8) for reserved in store.desk.reserve("kim", "tab", 8)}
        assert len(asked) == 8
        assert not asked & set(broken)


def test_an_image_that_breaks_after_it_was_embedded_is_set_aside_when_it_is_read(filled):
    work_once(filled)
    broken = damage(filled)
    with filled.store() as store:
        assert unreadable.set_aside(filled, store) == len(broken)
        assert unreadable.set_aside(filled, store) == 0


def test_answers_to_an_item_that_is_set_aside_stay_in_the_export(filled):
    with filled.store() as store:
        item = next(item for item in store.items.all() if item.split == "pool")
        store.desk.reserve("kim", "tab", 1)
        store.answers.add("kim", [Answer("a", item.id, "label", "dark")])
        (filled.folder / item.media).write_bytes(b"")
        unreadable.set_aside(filled, store)
        assert {row["item_id"]: row["label"] for row in store.items.export()}[item.id] == "dark"


def test_importing_the_image_again_or_mending_its_file_brings_the_item_back(filled, pictures):
    broken = damage(filled)
    with filled.store() as store:
        unreadable.set_aside(filled, store)
        names = [entry.media for entry in store.set_aside.all()]
        import_source(filled, pictures)
        assert store.set_aside.all() == []
        (filled.folder / names[0]).rename(filled.folder / "elsewhere")
        (filled.folder / names[0]).touch()
        unreadable.set_aside(filled, store)
        shutil.move(filled.folder / "elsewhere", filled.folder / names[0])
        assert unreadable.bring_back(filled, store) == 1
        assert not store.items.flagged() & set(broken)


def test_a_round_goes_on_without_the_objects_that_are_gone_or_have_changed(tmp_path, pictures, filled):
    with in_memory() as store:
        for path in pictures.rglob("*.png"):
            store.pipe(f"/b/{path.parent.name}/{path.name}", path.read_bytes())
        project = projects.create(tmp_path / "remote", filled.config)
        import_source(project, source_of("memory://b"), keep_labels="holdout")
        shutil.rmtree(project.objects.folder)
        store.rm("/b/dark/00.png")
        store.pipe("/b/light/01.png", (pictures / "light" / "03.png").read_bytes())
        assert work_once(project)
        with project.store() as opened:
            assert opened.rounds.latest_job().state == "done"
            assert [entry.media for entry in opened.set_aside.all()] == [
                "memory://b/dark/00.png",
                "memory://b/light/01.png",
            ]
