"""Imports as jobs: read in a process with limits, whole or undone, cancelled, and taken up after a crash."""

import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from labeler.core.errors import SourceError
from labeler.core.limited import LimitError
from labeler.core.settings import Config, LimitsConfig
from labeler.files.sources import SourceColumns
from labeler.jobs import imports
from labeler.jobs.imports import ask, import_once, kept, report_of
from labeler.projects import importer
from labeler.projects import project as projects
from labeler.projects.importer import finish_left, import_source, is_left
from labeler.projects.project import Project
from labeler.store.imports import Imports
from labeler.store.incoming import Incoming
from tests.support.samples import reviews

N = 250


@pytest.fixture
def source(tmp_path) -> Path:
    """A table of texts with known labels, of which one row cannot be imported."""
    rows = [f'"{text}",{label}' for text, label in reviews(N)]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "t.csv").write_text("\n".join(["text,label", *rows, "odd,unknown"]))
    return tmp_path / "in" / "t.csv"


LABELED = SourceColumns(text="text", label="label")


def left(project: Project) -> tuple[int, int, list[str]]:
    """How many items there are, how many imports, and what lies about on the disk."""
    with project.store() as store:
        rows = store.db.value("SELECT COUNT(*) FROM items")
        files = [path.name for folder in ("imports", "uploads") for path in (project.folder / folder).glob("*")]
        return rows, len(store.imports.all()), files


def test_a_job_imports_and_says_what_it_brought(project, source):
    upload = kept(project, source, source.parent)
    number = ask(replace_actor(project, "lee"), upload, LABELED)
    assert import_once(project)
    assert not import_once(project)
    with project.store() as store:
        job, report = store.import_jobs.get(number), report_of(store.import_jobs.report_of(number))
        (row,) = [row for row in store.audit.rows() if row.action == "imported"]
    assert (job.state, job.request.name, row.by) == ("done", "t.csv", "lee")
    assert (report.added, report.labels_added, report.not_imported) == (N, N, 1)
    assert str(report.problems[0]) == "t.csv row 252: the label 'unknown' is not among the classes 'good', 'bad'"
    assert left(project) == (N, 1, [])


def replace_actor(project: Project, name: str) -> Project:
    """The project, opened by somebody."""
    return replace(project, actor=project.actor.named(name))


def test_a_cancelled_job_leaves_nothing(project, source, monkeypatch):
    number = ask(project, kept(project, source, source.parent), LABELED)
    monkeypatch.setattr("labeler.jobs.runner.EVERY", 0.0)

    def cancel(_job: int, _message: str, done: int, _total: int) -> bool:
        with project.store() as store:
            return not (done >= 100 and store.import_jobs.cancel(number))

    monkeypatch.setattr("labeler.store.background.Background.report", lambda self, *values: cancel(*values))
    import_once(project)
    assert left(project) == (0, 0, [])
    with project.store() as store:
        assert store.import_jobs.get(number).state == "cancelled"


def test_an_upload_stays_until_its_import_has_ended(project, source, monkeypatch):
    upload = kept(project, source, source.parent)
    number = ask(project, upload, LABELED)

    def too_large(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(imports, "import_source", too_large)
        import_once(project)
    with project.store() as store:
        assert store.import_jobs.get(number).state == "queued"
    assert upload.exists()
    import_once(project)
    assert left(project) == (N, 1, [])
    assert not upload.exists()


def test_a_job_that_is_cancelled_while_its_rows_are_stored_is_undone(project, source, monkeypatch):
    number = ask(project, source, LABELED)
    store_rows = importer._into

    def cancelled_meanwhile(store, staged, facts):
        store.import_jobs.cancel(number)
        return store_rows(store, staged, facts)

    monkeypatch.setattr(importer, "_into", cancelled_meanwhile)
    import_once(project)
    with project.store() as store:
        assert store.import_jobs.get(number).state == "cancelled"
        assert (store.items.counts().pool, store.items.counts().holdout) == (0, 0)


def die_while_reading(folder: Path, source: Path) -> None:
    """Import in this process, and kill it when a part of the rows is read."""

    def kill(done: int, _total: int) -> None:
        if done >= 200:
            os.kill(os.getpid(), signal.SIGKILL)

    import_source(projects.open_project(folder), source, LABELED, on_progress=kill)


def die_while_storing(folder: Path, source: Path) -> None:
    """Import in this process, and kill it when a part of the rows is stored."""
    take = Incoming.take

    def take_and_die(self, *rows, **options):
        result = take(self, *rows, **options)
        if self.db.value("SELECT COUNT(*) FROM items") >= 100:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    Incoming.take = take_and_die  # type: ignore[method-assign]
    importer.AT_ONCE = 50
    import_source(projects.open_project(folder), source, LABELED)


def in_a_process_that_dies(function, *arguments: object) -> None:
    """Run a function in a process, which is killed."""
    process = multiprocessing.get_context("fork").Process(target=function, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def test_a_worker_that_is_killed_while_it_reads_leaves_no_half_import(project, source):
    in_a_process_that_dies(die_while_reading, project.folder, source)
    assert left(project)[:2] == (0, 0)
    with project.store() as store:
        assert is_left(store)
    (part,) = (project.folder / importer.FOLDER).glob(".*.part")
    part.with_name(f"{part.name}-journal").touch()  # as SQLite leaves it where it is killed at the right moment
    assert not import_once(project)  # what is left goes, and there is no job
    assert left(project) == (0, 0, [])
    assert import_source(project, source, LABELED).added == N


def test_an_import_that_is_killed_while_it_stores_is_completed_by_the_worker(project, source):
    in_a_process_that_dies(die_while_storing, project.folder, source)
    assert 0 < left(project)[0] < N
    finish_left(project)
    assert left(project) == (N, 1, [])
    with project.store() as store:
        assert store.items.counts().holdout == round(0.15 * N)
        assert store.rounds.waiting()


def test_an_image_that_a_row_names_is_on_the_disk_whatever_the_power_does(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    for i in range(6):
        Image.new("RGB", (4, 4), (i, i, i)).save(tmp_path / "in" / f"{i}.png")
    project = projects.create(tmp_path / "p", Config(name="p", classes=("a", "b"), modality="image"))
    synchronised, fsync = set(), os.fsync

    def spy(descriptor):
        fsync(descriptor)
        synchronised.add(os.fstat(descriptor).st_ino)

    def power_fails(_project):
        for image in project.media.rglob("*.png"):  # a file is lost unless it and its name are on the disk
            if not {image.stat().st_ino, image.parent.stat().st_ino} <= synchronised:
                image.unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", spy)
    store_rows = importer._stored
    monkeypatch.setattr(importer, "_stored", power_fails)
    with pytest.raises(KeyboardInterrupt):
        import_source(project, tmp_path / "in")
    monkeypatch.setattr(importer, "_stored", store_rows)
    finish_left(project)
    with project.store() as store:
        images = [project.folder / item.media for item in store.items.all()]
    assert len(images) == 6
    assert all(image.exists() for image in images)


def test_the_rows_of_an_import_are_on_the_disk_before_their_file_goes(project, source, monkeypatch):
    end, waits = Imports.end, []

    def spy(self, *values):
        waits.append((self.db.value("PRAGMA synchronous"), (project.folder / "imports" / "rows.sqlite").exists()))
        end(self, *values)

    monkeypatch.setattr(Imports, "end", spy)
    import_source(project, source, LABELED)
    assert waits == [(2, True)]  # FULL: it waits for the disk, for all transactions before it


def test_an_import_that_was_killed_from_outside_again_and_again_is_done_in_the_end(project, source):
    number = ask(project, source, LABELED)
    with project.store() as store:
        for _ in range(4):
            store.import_jobs.claim("outside")
        assert import_once(project)
        assert store.import_jobs.get(number).state == "done"


def test_reading_beyond_its_memory_is_ended_and_says_so(project, tmp_path):
    (tmp_path / "t.json").write_text('[{"text": "' + "가" * 30_000_000 + '"}]', encoding="utf-8")  # one entry, not many
    tight = replace(project, config=replace(project.config, limits=LimitsConfig(import_megabytes=64)))
    with pytest.raises(LimitError, match=r"t\.json needed more than 64 MB of memory and was ended"):
        import_source(tight, tmp_path / "t.json", apart=True)
    assert left(project) == (0, 0, [])


def test_what_a_process_refuses_is_raised_with_its_sentence(project, tmp_path):
    (tmp_path / "t.csv").write_bytes(b"text\nfine\n\xff\xfe\xfd\n")
    with pytest.raises(SourceError, match=r"t\.csv is not UTF-8 or Korean \(CP949\) text at byte 10 \(row 3\)"):
        import_source(project, tmp_path / "t.csv", apart=True)


def test_a_thread_runs_what_is_asked_for(project, source):
    ask(project, source, LABELED)
    imports.start(project).join(60)
    assert left(project)[:2] == (N, 1)
