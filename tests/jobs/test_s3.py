"""An S3 that moto serves on this machine: imported by the process of imports, read, changed, gone."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from labeler.core.errors import ImageError, ObjectError, StoreError
from labeler.core.settings import Config
from labeler.files import objects
from labeler.files.addresses import VARIABLE, parsed, source_of
from labeler.files.images import open_image
from labeler.files.sources import OBVIOUS, SourceColumns
from labeler.formats.preview import apart, first_pictures, preview
from labeler.jobs.imports import ask, import_once
from labeler.projects import project
from labeler.projects.unreadable import set_aside
from tests.support.objects import BUCKET, HAS_S3, picture, served_s3

pytestmark = pytest.mark.skipif(not HAS_S3, reason='needs `pip install s3fs "moto[s3]" flask flask-cors`')


@pytest.fixture(scope="module")
def s3():
    with served_s3() as served:
        for n in range(8):
            served.put(f"photos/{('cat', 'dog')[n % 2]}/{n}.png", picture(n))
        yield served


@pytest.fixture
def remote(tmp_path, s3):
    """A project whose images the process of imports has read from the S3."""
    target = project.create(tmp_path / "p", Config(name="p", classes=("cat", "dog"), modality="image"))
    ask(target, source_of(f"s3://{BUCKET}/photos"), SourceColumns())
    assert import_once(target)
    return target


def test_an_import_names_objects_and_what_s3_says_of_them(remote, s3):
    with remote.store() as store:
        (job,) = store.import_jobs.all()
        items = {item.source: item for item in store.items.all()}
        assert (job.state, job.error) == ("done", None)
        assert store.items.count_labeled() == len([i for i in items.values() if i.split == "pool"])
    assert len(items) == 8
    item = items[f"s3://{BUCKET}/photos/cat/2.png"]
    head = s3.client.head_object(Bucket=BUCKET, Key="photos/cat/2.png")
    assert (item.object.bytes, item.object.version) == (head["ContentLength"], head["ETag"].strip('"'))
    remote.objects.forget(item.content_hash)
    with ThreadPoolExecutor(4) as threads:
        assert {image.size for image in threads.map(open_image, [remote.image_of(item)] * 8)} == {(12, 12)}


def test_a_preview_reads_objects_in_a_process_of_its_own(s3):
    source = source_of(f"s3://{BUCKET}/photos")
    assert apart(preview, source).folders == (("cat", 4), ("dog", 4))
    assert len(apart(first_pictures, source, OBVIOUS, 2, 64)) == 2


def test_changed_and_missing_objects_are_set_aside(remote, s3):
    s3.put("photos/cat/2.png", picture(99))
    s3.client.delete_object(Bucket=BUCKET, Key="photos/dog/3.png")
    try:
        with remote.store() as store:
            item = store.items.get(store.set_aside.db.value("SELECT id FROM items WHERE source LIKE '%/2.png'"))
            assert set_aside(remote, store) == 2
            reasons = [str(entry.reason) for entry in store.set_aside.all()]
        assert sorted(reason.split(" ", 2)[1] for reason in reasons) == ["has", "is"]
        remote.objects.forget(item.content_hash)
        with pytest.raises(ImageError, match="has changed in the store"):
            remote.image_of(item).read_bytes()
    finally:
        s3.put("photos/cat/2.png", picture(2))
        s3.put("photos/dog/3.png", picture(3))


def test_no_credential_is_written_anywhere(remote, tmp_path):
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"sesame-open" not in content
            assert b"AWS_SECRET" not in content


def test_what_does_not_answer_is_said_without_the_address_of_the_server(s3, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG, "labeler")
    with pytest.raises(ObjectError, match="is not in the store any more"):
        objects.facts(parsed(f"s3://{BUCKET}/nothing.png"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv(VARIABLE, "s3://")
    objects._store.cache_clear()
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(StoreError) as refused:
        objects.facts(parsed(f"s3://{BUCKET}/photos/cat/2.png"))
    assert "127.0.0.1" not in str(refused.value) + caplog.text
    s3fs.S3FileSystem.clear_instance_cache()
    objects._store.cache_clear()
