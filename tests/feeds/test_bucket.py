"""Objects of a store: new and changed ones, images where they are and texts as copies."""

import json
from dataclasses import replace

import pytest

from labeler.core.errors import SourceError
from labeler.core.items import Problem
from labeler.core.settings import FeedConfig
from labeler.feeds import files
from labeler.feeds.look import Look
from labeler.feeds.read import check, look_at
from labeler.files.addresses import Address
from labeler.files.objects import listing
from labeler.i18n.messages import mark, translate
from tests.support.objects import in_memory, picture

pytest.importorskip("fsspec")


def test_images_stay_in_the_store_and_are_read_once(tmp_path):
    with in_memory() as store:
        store.pipe("/scans/day/1.png", picture(1))
        store.pipe("/scans/day/notes.txt", b"no image")
        store.pipe("/scans/day/.part.png", b"half")
        look = Look("scans", FeedConfig("bucket", "memory://scans/day"), "image", tmp_path, tmp_path)
        brought = look_at(look)
        ((path, columns),) = brought.sources
        assert json.loads(path.read_text(encoding="utf-8")) == {"image": "memory://scans/day/1.png"}
        assert columns.image == "image"
        assert [*brought.versions] == ["day/1.png"]


def test_what_is_refused_of_a_bucket_names_the_object_once(tmp_path):
    with in_memory() as store:
        store.pipe("/scans/day/1.png", picture(1))
        store.pipe("/scans/day/2.png", b"no image")
        look = Look("scans", FeedConfig("bucket", "memory://scans"), "image", tmp_path, tmp_path)
        brought = look_at(look)
    ((path, _columns),) = brought.sources
    problem = brought.at_its_place(path, Problem("scans.jsonl row 2", mark("{name} is no image.", name="2.png")))
    assert problem.source == "day/2.png"
    assert translate(problem) == "day/2.png is no image."


def test_images_of_a_folder_are_a_group_where_the_feed_says_so(tmp_path):
    with in_memory() as store:
        store.pipe("/scans/kim/1.png", picture(1))
        store.pipe("/scans/2.png", picture(2))
        look = Look("scans", FeedConfig("bucket", "memory://scans", group="folder"), "image", tmp_path, tmp_path)
        ((path, columns),) = look_at(look).sources
        assert columns.group == "folder"
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert sorted(record["folder"] for record in records) == ["", "kim"]


def test_a_look_that_goes_on_asks_for_no_folder_that_was_read(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_FILES", 2)
    keys = ["0.txt", "a/1.txt", "a/2.txt", "a/b/3.txt", "a/b/4.txt", "a-/5.txt", "c/6.txt"]
    with in_memory() as store:
        for key in keys:
            store.pipe(f"/mail/{key}", b"hello")
        asked: list[list[str]] = []
        taken: list[str] = []
        look, ls = Look("mail", FeedConfig("bucket", "memory://mail"), "text", tmp_path, tmp_path), type(store).ls

        def watched(of_store: object, path: str, **how: object) -> object:
            asked[-1].append(path)
            return ls(of_store, path, **how)

        monkeypatch.setattr(type(store), "ls", watched)
        for _ in keys:
            asked.append([])
            brought = look_at(look)
            taken += brought.versions
            look = replace(look, resume=brought.resume)
            if not brought.is_more:
                break
    assert taken == keys
    first, *_, last = [[path.partition("mail")[2] for path in paths] for paths in asked]
    assert (first, last) == (["", "/a", "/a/b", "/a-", "/c"], ["", "/a-", "/c"])


def test_no_folder_is_left_out_where_a_store_ends_their_names_with_a_slash(monkeypatch):
    with in_memory() as store:
        for key in ("0.txt", "a/1.txt", "a/b/2.txt", "a/b.txt", "a-/3.txt"):
            store.pipe(f"/mail/{key}", b"hello")
        ls = type(store).ls

        def slashed(of_store: object, path: str, **how: object) -> object:
            return [
                e | ({"name": f"{e['name']}/"} if e["type"] == "directory" else {}) for e in ls(of_store, path, **how)
            ]

        monkeypatch.setattr(type(store), "ls", slashed)
        everything = [found.address.key for found in listing(Address("memory", "mail", ""))]
        for n, key in enumerate(everything):
            behind = [found.address.key for found in listing(Address("memory", "mail", ""), key)]
            assert behind == everything[n + 1 :]


def test_an_object_added_to_a_folder_that_was_read_comes_with_the_next_look(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_FILES", 2)
    known: dict[str, str] = {}
    with in_memory() as store:
        for key in ("a/1.txt", "a/2.txt", "b/3.txt"):
            store.pipe(f"/mail/{key}", b"hello")
        look = Look("mail", FeedConfig("bucket", "memory://mail"), "text", tmp_path, tmp_path)
        look = replace(look, unread=lambda versions: {k for k, v in versions.items() if known.get(k) != v})
        brought = []
        for late in ("a/0.txt", "b/4.txt", "b/0.txt"):
            found = look_at(look)
            brought.append([*found.versions])
            known |= found.versions
            look = replace(look, resume=found.resume)
            store.pipe(f"/mail/{late}", b"hello")
    assert brought == [["a/1.txt", "a/2.txt"], ["b/3.txt"], ["a/0.txt", "b/4.txt"]]


def test_tables_and_texts_are_copied(tmp_path):
    with in_memory() as store:
        store.pipe("/mail/a.csv", b"body\nhello\n")
        store.pipe("/mail/b.txt", "눈".encode("cp949"))
        feed = FeedConfig("bucket", "memory://mail", text="body")
        texts, table = look_at(Look("mail", feed, "text", tmp_path, tmp_path)).sources
        assert json.loads(texts[0].read_text(encoding="utf-8")) == {"body": "눈", "file": "b.txt"}
        assert (table[0].name, table[0].read_bytes(), table[1].text) == ("a.csv", b"body\nhello\n", "body")


def test_a_store_that_nobody_has_named_is_refused(tmp_path):
    with in_memory("memory://other"), pytest.raises(SourceError, match="whoever runs it names them"):
        check(FeedConfig("bucket", "memory://scans"), tmp_path)
