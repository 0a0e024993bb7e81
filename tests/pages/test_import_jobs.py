"""Imports that take a while, on the Project page: watched, cancelled, and their end and failures said."""

import pytest
from PIL import Image

from labeler.core.jobs import ImportRequest
from labeler.projects import project as projects
from tests.support.fill import add
from tests.support.pages import everything, visit, widget


@pytest.fixture(autouse=True)
def the_page_waits(monkeypatch):
    """The page waits until the import has ended, and takes no file for a small one."""
    monkeypatch.setattr("pages.project.import_jobs.WAIT_SECONDS", 60.0)
    monkeypatch.setattr("pages.project.import_jobs.is_light", lambda path: False)


def table(folder, n: int = 30):
    """A table of texts with a header that nobody can take for a text."""
    (folder / "t.csv").write_text("text,label\n" + "".join(f"a fine film {i},good\n" for i in range(n)))
    return folder / "t.csv"


def test_an_import_that_is_no_small_one_runs_as_a_job_and_says_what_it_brought(project, tmp_path):
    app = visit("project")
    widget(app, "radio", "From").set_value("path").run()
    widget(app, "text_input", "Path").input(str(table(tmp_path))).run()
    app.button(key="import").click().run()
    assert "30 items added" in everything(app)
    with project.store() as store:
        (job,) = store.import_jobs.all()
    assert (job.state, job.request.name) == ("done", "t.csv")


def test_a_failed_import_is_spoken_of_until_another_one_has_worked(project, tmp_path):
    with project.store() as store:
        number = store.import_jobs.request(ImportRequest("/nowhere/u.csv", "u.csv", {}), "lee")
        store.import_jobs.fail(number, "u.csv is gone.")
        add(store, 30)
    app = visit("project")
    assert "u.csv is gone." in everything(app)
    widget(app, "radio", "From").set_value("path").run()
    widget(app, "text_input", "Path").input(str(table(tmp_path))).run()
    app.button(key="import").click().run()
    assert "30 items added" in app.success[0].value
    assert "u.csv is gone." not in everything(app)
    app.button(key="import").click().run()
    assert "0 items added, 30 already there" in app.info[0].value
    assert "u.csv is gone." not in everything(app)


def test_images_are_refused_in_a_project_of_texts_before_they_are_imported(project, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    app = visit("project")
    widget(app, "radio", "From").set_value("path").run()
    widget(app, "text_input", "Path").input(str(tmp_path)).run()
    assert "holds images, but this project is for texts" in app.error[0].value
    assert app.button(key="import").disabled


def test_a_new_project_whose_file_is_refused_is_not_left_behind(own_home, tmp_path):
    (tmp_path / "t.csv").write_text("text,label\n" + "a fine film,\n" * 3 + "\ud800", errors="surrogatepass")
    app = visit("project")
    widget(app, "radio", "From").set_value("path").run()
    widget(app, "text_input", "Path").input(str(tmp_path / "t.csv")).run()
    assert "t.csv is not UTF-8 or Korean (CP949) text" in everything(app)
    assert projects.in_home(own_home) == []


def test_an_import_at_work_is_shown_and_cancelled_and_a_failed_one_says_why(project):
    with project.store() as store:
        store.import_jobs.request(ImportRequest("/nowhere/t.csv", "t.csv", {}), "lee")
    app = visit("project")
    assert "Import of t.csv" in everything(app)
    with project.store() as store:
        store.import_jobs.claim()
    app.run()
    assert app.get("progress")[0].proto.text == "Reading …"
    app.button(key="cancel-import-jobs-1").click().run()
    assert "The import was cancelled: nothing of it is left." in everything(app)
    with project.store() as store:
        number = store.import_jobs.request(ImportRequest("/nowhere/u.csv", "u.csv", {}), "lee")
        store.import_jobs.fail(number, "u.csv is gone.")
    assert "u.csv is gone." in everything(visit("project"))
