"""A project whose database cannot be used has a page that says so and what to do; the others go on."""

from pathlib import Path

import pytest

from labeler.core.errors import DatabaseError, FullError, NewerError, ReadOnlyError
from labeler.projects import project as projects
from labeler.projects.backing_up import back_up
from labeler.projects.project import Project
from labeler.store import Store
from labeler.store.driver import connect
from tests.support.fill import add
from tests.support.pages import everything, visit
from tests.support.people import home_of_people
from tests.support.samples import text_config


@pytest.fixture
def damaged(project: Project) -> Project:
    """A project that was backed up and damaged then, beside one that is whole and the first of the list."""
    home = project.folder.parent
    with projects.create(home / "a-whole-one", text_config(name="Whole")).store() as store:
        add(store, 4)
    back_up(home)
    project.database.write_bytes(b"no database at all" * 400)
    return project


def test_a_damaged_database_has_a_page_with_the_way_to_the_last_backup(damaged: Project):
    app = visit("progress")
    app.sidebar.selectbox[0].select(damaged.slug).run()
    assert not app.exception
    shown = everything(app)
    assert "A database is damaged" in shown
    assert f"labeler check {damaged.folder}" in shown
    assert f"{damaged.folder} --project {damaged.slug}" in app.code[0].value
    app.sidebar.selectbox[0].select("a-whole-one").run()
    assert not app.exception
    assert "damaged" not in everything(app)


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        (FullError, "The disk of the server is full"),
        (ReadOnlyError, "A database cannot be written"),
    ],
)
def test_a_full_disk_and_one_that_cannot_be_written_are_said(
    project: Project, monkeypatch: pytest.MonkeyPatch, kind: type[DatabaseError], title: str
):
    def refuse(*_: object) -> None:
        raise kind("{path}: so it is.", path=project.database)

    monkeypatch.setattr(Store, "read", refuse)
    monkeypatch.setattr(Store, "__enter__", refuse)
    shown = everything(visit("label"))
    assert title in shown
    assert f"{project.database}: so it is." in shown


def test_a_project_of_a_newer_version_is_said_and_left_alone(project: Project):
    with project.store() as store:
        add(store, 1)
    with connect(project.database) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('labeler', 'm999_new', '')"
        )
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(NewerError):
        project.store()
    shown = everything(visit("label"))
    assert "This project was used with a newer version" in shown
    assert "There is no backup of this project that this version can open." in shown


def test_a_member_of_a_damaged_project_is_not_told_that_there_is_none(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    with home_of_people(tmp_path / "home", 2) as people:
        monkeypatch.setenv("LABELER_HOME", str(tmp_path / "home"))
        monkeypatch.setattr("pages.shared.access.visitor", lambda: people["annotator"])
        people["project"].database.write_bytes(b"no database at all" * 400)
        shown = everything(visit("label"))
    assert "A project here cannot be read, yours perhaps" in shown
