"""Imports through the public API: files, rows and addresses, as jobs that are watched and cancelled."""

import threading
import time
from typing import Any

import pytest

from labeler.core.jobs import ImportRequest
from labeler.jobs import imports
from tests.support.programs import bearer, program

P = "/projects/reviews/imports"
CSV = b"text,label,site\nfine,good,a\npoor,bad,b\n,good,c\nodd,none,d\n"


@pytest.fixture
def client(project):
    return program()


@pytest.fixture
def at_once(monkeypatch):
    """Imports run in the calling thread, and read in its process."""
    monkeypatch.setattr(imports, "start", lambda project: imports._run_all(project.folder))
    real = imports.import_source
    monkeypatch.setattr(imports, "import_source", lambda *args, **named: real(*args, **named | {"apart": False}))


def ok(reply, status: int) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    return reply.json()


def test_an_uploaded_table_is_imported_and_what_was_left_out_is_said(client, project, at_once):
    reply = client.post(P, files={"files": ("letters.csv", CSV)}, data={"label": "label"})
    asked = ok(reply, 202)
    assert reply.headers["location"] == f"/api/v1/projects/{project.uid}/imports/{asked['id']}"
    state = ok(client.get(f"{P}/{asked['id']}"), 200)
    assert (state["state"], state["name"], state["requested_by"]) == ("done", "letters.csv", "kim")
    brought = state["brought"]
    assert (brought["added"], brought["labels_added"], brought["not_imported"]) == (2, 2, 2)
    assert brought["columns"] == ["site"]
    assert [row["source"] for row in brought["left_out"]] == ["letters.csv row 4", "letters.csv row 5"]
    assert [*(project.folder / imports.UPLOADS).iterdir()] == []
    with project.store() as store:
        assert [row.how for row in store.audit.rows(action="imported")] == ["job"]
    assert [entry["id"] for entry in ok(client.get(P), 200)["items"]] == [asked["id"]]


def test_rows_are_a_table(client, project, at_once):
    rows = [{"text": "fine", "label": "good", "visit": 3}, {"text": "poor", "label": "bad", "visit": None}]
    asked = ok(client.post(P, json={"rows": rows, "label": "label", "name": "../mail"}), 202)
    assert ok(client.get(f"{P}/{asked['id']}"), 200)["brought"]["added"] == 2
    with project.store() as store:
        assert [(row["source"], row["text"], row["metadata"]) for row in store.items.stream()] == [
            ("mail.jsonl row 1", "fine", {"visit": "3"}),
            ("mail.jsonl row 2", "poor", {}),
        ]


def test_a_file_is_read_as_the_format_that_is_named_or_refused_with_what_it_is(client, project, at_once):
    lines = ("lines.jsonl", b'{"text": "fine", "label": ["good"]}\n')
    read = ok(client.post(P, files={"files": lines}, data={"format": "doccano"}), 202)
    assert ok(client.get(f"{P}/{read['id']}"), 200)["brought"]["labels_added"] == 1
    refused = ok(client.post(P, files={"files": lines}, data={"format": "ris"}), 202)
    state = ok(client.get(f"{P}/{refused['id']}"), 200)
    assert state["state"] == "failed"
    assert state["error"] == "lines.jsonl is no file of RIS, but a table with the columns text, label."


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"address": "s3://secret/scans"}, 422, "is in no object store that this server may read"),
        ({"rows": [{"text": "a"}], "format": "excel"}, 400, "'format'"),
        ({"address": "file:///etc"}, 422, "is in no object store"),
        ({"rows": []}, 400, "'rows'"),
        ({"rows": [{"text": ["a"]}]}, 400, ""),
        ({"rows": [{"text": "a"}], "nmae": "x"}, 400, "There is no field 'nmae'"),
        ({}, 400, "nothing to import"),
        ([], 400, "nothing to import"),
    ],
)
def test_what_cannot_be_imported_is_refused_and_leaves_nothing(client, project, body, status, words):
    reply = client.post(P, json=body)
    assert reply.status_code == status, reply.text
    assert words in reply.json()["detail"]
    assert ok(client.get(P), 200)["items"] == []
    assert [*(project.folder / imports.UPLOADS).glob("*")] == []


def test_an_import_that_is_cancelled_leaves_no_item(client, project, monkeypatch):
    """It is cancelled after its first rows were read."""
    has_begun, is_cancelled = threading.Event(), threading.Event()
    real = imports.import_source

    def slow(*args, on_progress, **named):
        def report(done: int, total: int) -> None:
            has_begun.set()
            is_cancelled.wait(10)
            time.sleep(0.01)
            on_progress(done, total)

        return real(*args, on_progress=report, **named | {"apart": False})

    monkeypatch.setattr(imports, "import_source", slow)
    monkeypatch.setattr("labeler.jobs.runner.EVERY", 0.0)
    threads = []
    begin = imports.start
    monkeypatch.setattr(imports, "start", lambda project: threads.append(begin(project)))
    table = "text\n" + "".join(f"text {n}\n" for n in range(500))
    number = ok(client.post(P, files={"files": ("letters.csv", table.encode())}), 202)["id"]
    assert has_begun.wait(10)
    assert ok(client.delete(f"{P}/{number}"), 200)["state"] == "cancelled"
    is_cancelled.set()
    threads[0].join(10)
    assert ok(client.get(f"{P}/{number}"), 200)["state"] == "cancelled"
    with project.store() as store:
        assert (store.items.counts().pool, store.imports.all()) == (0, [])
    assert [*(project.folder / imports.UPLOADS).iterdir()] == []


def test_an_import_that_ended_is_not_cancelled_and_one_that_is_not_there_is_missing(client, at_once):
    number = ok(client.post(P, json={"rows": [{"text": "a"}]}), 202)["id"]
    assert ok(client.delete(f"{P}/{number}"), 200)["state"] == "done"
    assert client.get(f"{P}/999").status_code == client.delete(f"{P}/999").status_code == 404


def test_the_list_of_imports_comes_in_pages(client, project):
    with project.store() as store:
        for name in "abc":
            store.import_jobs.request(ImportRequest(name, name, {}), "kim")
    first = ok(client.get(P, params={"limit": 2}), 200)
    rest = ok(client.get(P, params={"limit": 2, "cursor": first["next"]}), 200)
    assert [[entry["name"] for entry in page["items"]] for page in (first, rest)] == [["c", "b"], ["a"]]
    assert rest["next"] is None


def test_a_change_under_a_key_is_one_import(client, project, at_once):
    headers = bearer() | {"Idempotency-Key": "k"}
    body = {"rows": [{"text": "a"}]}
    assert client.post(P, json=body, headers=headers).json() == client.post(P, json=body, headers=headers).json()
    assert len(ok(client.get(P), 200)["items"]) == 1
