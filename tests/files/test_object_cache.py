"""Objects of a store on this machine: whole, bounded, and never taken for what they are not."""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labeler.core.errors import ImageError, ObjectError, StoreError
from labeler.files import objects
from labeler.files.addresses import parsed
from labeler.files.object_cache import ObjectCache, RemoteImage, hash_of
from tests.support.objects import in_memory


@pytest.fixture
def store():
    with in_memory() as opened:
        yield opened


def image(folder: Path, content: bytes, name: str = "a.png", most_bytes: int = 10_000) -> RemoteImage:
    return RemoteImage(f"memory://b/{name}", hash_of(content), ".png", ObjectCache(folder / "objects", most_bytes))


def test_an_object_is_fetched_once(tmp_path, store):
    store.pipe("/b/a.png", b"first")
    remote = image(tmp_path, b"first")
    assert remote.read_bytes() == b"first"
    store.rm("/b/a.png")
    assert remote.read_bytes() == b"first"
    assert remote.is_here


def test_a_changed_object_is_never_taken_for_the_item(tmp_path, store):
    store.pipe("/b/a.png", b"second")
    remote = image(tmp_path, b"first")
    with pytest.raises(ImageError, match="changed in the store"):
        remote.read_bytes()
    assert not remote.is_here


def test_what_is_gone_or_not_given_is_said(tmp_path, store, monkeypatch):
    with pytest.raises(ObjectError, match=r"memory://b/a.png is not in the store any more"):
        image(tmp_path, b"first").read_bytes()
    for error, sentence in [
        (PermissionError("AKIA123 ?sig=s"), "credentials are missing, wrong or too old"),
        (TimeoutError("AKIA123 ?sig=s"), "has not answered in time"),
        (ConnectionError("http://10.0.0.1/?sig=s AKIA123"), r"cannot be read from the store \(ConnectionError\)"),
        (type("NoCredentialsError", (Exception,), {})("AKIA123 sig"), "no credentials that open memory://b"),
        (type("AzureSigningError", (Exception,), {})("AKIA123 sig"), "whoever runs it sets MEMORY_KEY"),
    ]:

        def fails(self, path, error=error, **_):
            raise error

        monkeypatch.setattr(type(store), "info", fails)
        with pytest.raises(StoreError, match=sentence) as raised:
            image(tmp_path, b"first").read_bytes()
        assert "sig" not in str(raised.value) + repr(raised.value.__cause__)
        assert raised.value.__suppress_context__  # so that no traceback in a log quotes it


def test_a_store_that_cannot_be_connected_to_without_credentials_names_their_variables(tmp_path, store, monkeypatch):
    def refuses(*_):
        raise ValueError("Must provide account_name AKIA123")  # as adlfs does

    monkeypatch.setattr(objects, "_store", refuses)
    with pytest.raises(StoreError, match=r"no credentials that open memory://b/a\.png.* sets MEMORY_KEY") as raised:
        image(tmp_path, b"first").read_bytes()
    assert raised.value.__suppress_context__


def test_a_store_whose_library_cannot_be_loaded_is_said_to_be_unreadable(tmp_path, store, monkeypatch):
    def breaks(*_):
        raise ImportError("cannot import name 'AKIA123'")

    monkeypatch.setattr(objects, "_store", breaks)
    with pytest.raises(StoreError, match=r"memory://b/a\.png cannot be read from the store \(ImportError\)"):
        image(tmp_path, b"first").read_bytes()


def test_the_least_used_go_first_and_the_size_is_kept(tmp_path, store):
    contents = [bytes([n]) * 1000 for n in range(30)]
    for n, content in enumerate(contents):
        store.pipe(f"/b/{n}.png", content)
        image(tmp_path, content, f"{n}.png").read_bytes()
        image(tmp_path, contents[0], "0.png").read_bytes()  # used all the time
        files = [file for file in (tmp_path / "objects").glob("*/*") if file.is_file()]
        assert sum(file.stat().st_size for file in files) <= 10_000
    assert image(tmp_path, contents[0]).is_here
    assert not image(tmp_path, contents[1]).is_here
    assert image(tmp_path, contents[29]).is_here


def test_an_object_larger_than_the_cache_is_read_nevertheless(tmp_path, store):
    store.pipe("/b/a.png", b"x" * 50_000)
    assert image(tmp_path, b"x" * 50_000).read_bytes() == b"x" * 50_000


def test_many_threads_that_want_one_object_ask_for_it_once(tmp_path, store, monkeypatch):
    store.pipe("/b/a.png", b"first")
    asked, read = [], objects.read

    def counted(address):
        asked.append(address)
        return read(address)

    monkeypatch.setattr(objects, "read", counted)
    remote, begin = image(tmp_path, b"first"), threading.Barrier(8)

    def read_it(_):
        begin.wait()
        return remote.read_bytes()

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(read_it, range(8))) == {b"first"}
    assert asked == [parsed("memory://b/a.png")]


def _keep_and_read(folder: Path, seed: int) -> int:
    """How many contents were not what they should be."""
    cache, torn = ObjectCache(folder / "objects", 40_000), 0
    for step in range(60):
        content = bytes([(seed * 7 + step) % 20]) * 4000
        cache.keep(hash_of(content), content)
        for number in range(20):
            wanted = bytes([number]) * 4000
            found = cache.read(hash_of(wanted))
            torn += found not in (None, wanted)
    return torn


def test_several_processes_share_a_cache_and_never_read_a_torn_file(tmp_path):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.starmap(_keep_and_read, [(tmp_path, seed) for seed in range(3)]) == [0, 0, 0]
    sizes = [file.stat().st_size for file in (tmp_path / "objects").glob("*/*")]
    assert 0 < sum(sizes) <= 40_000 + 3 * 4000
