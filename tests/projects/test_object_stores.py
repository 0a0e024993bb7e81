"""A project whose images stay in an object store: imported by address, noticed when they change, never copied."""

import numpy as np
import pytest

from labeler.core.errors import ImageError, ObjectError, SourceError, StoreError
from labeler.core.items import Item
from labeler.core.settings import Config, DicomConfig
from labeler.files import addresses
from labeler.files.addresses import source_of
from labeler.files.images import open_image
from labeler.files.object_cache import fetch_ahead
from labeler.files.sources import SourceColumns
from labeler.formats.preview import preview
from labeler.jobs import checkups
from labeler.models.erasure import erase_items
from labeler.projects import backing_up, project
from labeler.projects.exporter import export_labels
from labeler.projects.importer import import_source
from labeler.projects.project import Project
from labeler.projects.unreadable import bring_back, set_aside
from tests.support.objects import in_memory, picture
from tests.support.scan_files import write_dicom


@pytest.fixture
def store():
    with in_memory() as opened:
        yield opened


@pytest.fixture
def target(tmp_path) -> Project:
    return project.create(tmp_path / "project", Config(name="test", classes=("cat", "dog"), modality="image"))


@pytest.fixture
def remote(target, store) -> Project:
    """A project of six images in a store."""
    for n in range(6):
        store.pipe(f"/b/photos/{('cat', 'dog')[n % 2]}/{n}.png", picture(n))
    import_source(target, source_of("memory://b/photos"))
    return target


def items(target: Project) -> dict[str, Item]:
    """By the last parts of their addresses."""
    with target.store() as opened:
        return {str(item.media).rpartition("/")[2]: item for item in opened.items.all()}


def cached(target: Project) -> int:
    return len([file for file in target.objects.folder.glob("*/*") if file.is_file()])


def test_a_listing_is_imported_with_labels_and_without_copies(remote, store):
    stored = items(remote)
    assert stored["3.png"].media == stored["3.png"].source == "memory://b/photos/dog/3.png"
    assert not remote.media.exists()
    with remote.store() as opened:
        label_of = opened.items.labels()
    assert {name: label_of[item.id] for name, item in stored.items()} == {
        f"{n}.png": ("cat", "dog")[n % 2] for n in range(6)
    }
    again = import_source(remote, source_of("memory://b/photos/"))
    assert (again.added, again.duplicates) == (0, 6)


def test_a_table_of_addresses_is_imported_and_bad_rows_are_said(target, store, tmp_path):
    store.pipe("/b/1.png", picture(1))
    store.pipe("/b/no.png", b"no image")
    store.pipe("/b/named.bin", picture(2, "JPEG"))
    rows = ["memory://b/1.png,cat", "memory://b/no.png,", "memory://b/gone.png,", "memory://b/named.bin,dog"]
    (tmp_path / "t.csv").write_text("\n".join(["image,label", *rows, "s3://u:sesame@b/1.png,"]), encoding="utf-8")
    report = import_source(target, tmp_path / "t.csv", SourceColumns(image="image", label="label"))
    assert (report.added, report.labels_added, report.not_imported) == (2, 2, 3)
    said = " ".join(map(str, report.problems))
    assert "gone.png is not in the store" in said
    assert "t.csv row 3: is not an image of a known format" in said
    assert "sesame" not in said
    assert items(target)["named.bin"].object.suffix == ".jpg"
    assert open_image(target.image_of(items(target)["named.bin"])).size == (12, 12)


def test_what_is_no_image_or_is_hidden_is_left_out_of_a_listing(target, store):
    for key in ("a.png", "b.txt", ".hidden.png", "deep/er/c.png"):
        store.pipe(f"/b/{key}", picture(len(key)))
    report = import_source(target, source_of("memory://b"))
    assert (report.added, report.not_imported) == (2, 1)
    assert preview(source_of("memory://b")).folders == (("", 1), ("er", 1))
    with pytest.raises(ObjectError, match="is not in the store"):
        import_source(target, source_of("memory://b/nothing"))


def test_images_are_fetched_when_they_are_read_and_ahead(remote, store):
    inputs = [remote.input_of(item) for item in items(remote).values()]
    for item in items(remote).values():
        remote.objects.forget(item.content_hash)
    assert cached(remote) == 0
    assert open_image(inputs[0]).size == (12, 12)
    assert cached(remote) == 1
    fetch_ahead(inputs)
    for content in inputs:
        content.fetch().result()
    assert cached(remote) == 6


def test_a_changed_object_is_set_aside_said_and_taken_up_again(remote, store):
    item = items(remote)["2.png"]
    store.pipe("/b/photos/cat/2.png", picture(99))
    with remote.store() as opened:
        assert set_aside(remote, opened) == 1
        (aside,) = opened.set_aside.all()
        assert aside.id == item.id
        assert "memory://b/photos/cat/2.png has changed in the store" in str(aside.reason)
        assert bring_back(remote, opened) == 0
        store.pipe("/b/photos/cat/2.png", picture(2))  # another version with the same content
        assert bring_back(remote, opened) == 1


def test_a_changed_object_is_a_new_item_where_it_is_imported_again(remote, store):
    before = items(remote)["2.png"]
    store.pipe("/b/photos/cat/2.png", picture(99))
    assert import_source(remote, source_of("memory://b/photos")).added == 1
    with remote.store() as opened:
        same_address = [item for item in opened.items.all() if item.media == before.media]
    assert len({item.content_hash for item in same_address}) == 2
    remote.objects.forget(before.content_hash)
    with pytest.raises(ImageError, match="changed"):
        open_image(remote.image_of(before))


def test_a_moved_object_is_found_where_it_is_imported_again(remote, store):
    store.mv("/b/photos/cat/2.png", "/b/photos/moved.png")
    with remote.store() as opened:
        assert set_aside(remote, opened) == 1
    assert import_source(remote, source_of("memory://b/photos")).added == 0
    item = items(remote)["moved.png"]
    remote.objects.forget(item.content_hash)
    assert open_image(remote.image_of(item)).size == (12, 12)


def test_a_store_that_does_not_answer_sets_nothing_aside(remote, store, monkeypatch):
    def fails(self, path, **_):
        raise PermissionError(path)

    with monkeypatch.context() as patched, remote.store() as opened:
        patched.setattr(type(store), "info", fails)
        with pytest.raises(StoreError, match=r"6 of 6 images cannot be read from their store"):
            set_aside(remote, opened)
        assert opened.set_aside.all() == []
        (finding,) = checkups.check_project(remote.folder).findings
        assert "6 of 6" in finding.what
    assert checkups.check_project(remote.folder).findings == []


def test_a_check_names_the_object_that_is_gone(remote, store):
    store.rm("/b/photos/cat/2.png")
    (finding,) = checkups.check_project(remote.folder).findings
    assert "memory://b/photos/cat/2.png is not in the store any more" in finding.what
    assert "import it from where it is now" in finding.todo


def test_what_the_server_may_not_read_any_more_is_not_read(remote):
    item = items(remote)["2.png"]
    remote.objects.forget(item.content_hash)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(addresses.VARIABLE, "memory://b/others")
        with pytest.raises(ImageError, match="LABELER_OBJECT_STORES"):  # which no round fails over
            remote.image_of(item).read_bytes()
        with remote.store() as opened, pytest.raises(StoreError, match="LABELER_OBJECT_STORES"):
            set_aside(remote, opened)
        with pytest.raises(SourceError, match="LABELER_OBJECT_STORES"):
            import_source(remote, source_of("memory://b/photos"))


def test_exports_have_the_address_and_backups_leave_the_bytes_out(remote, tmp_path):
    export_labels(remote, tmp_path / "labels.csv")
    assert "memory://b/photos/cat/2.png" in (tmp_path / "labels.csv").read_text(encoding="utf-8")
    assert cached(remote) == 6
    made = backing_up.back_up(remote.folder, tmp_path / "backups")
    assert not any("objects/" in file.path for file in made.manifest.files)


def test_an_erased_item_leaves_nothing_here_and_its_object_is_counted(remote, store):
    item = items(remote)["2.png"]
    erased = erase_items(remote, [item.id])
    assert (erased.items, erased.in_store) == (1, 1)
    assert not remote.objects.has(item.content_hash)
    assert "2.png" not in remote.database.read_bytes().decode("latin-1")
    assert store.exists("/b/photos/cat/2.png")


def test_a_scan_that_is_to_be_deidentified_is_not_taken_from_a_store(tmp_path, store):
    settings = Config(
        name="test", classes=("a", "b"), modality="image", dicom=DicomConfig(deidentify=True, stacks=False)
    )
    target = project.create(tmp_path / "scans", settings)
    write_dicom(tmp_path / "scan.dcm", np.zeros((8, 8), dtype=np.uint16))
    store.pipe("/b/scan.dcm", (tmp_path / "scan.dcm").read_bytes())
    report = import_source(target, source_of("memory://b"))
    assert report.added == 0
    assert "copy it, and import the copy" in str(report.problems[0])
    assert cached(target) == 0
