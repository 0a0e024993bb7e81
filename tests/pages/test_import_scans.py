"""DICOM files on the Project page: the patient is proposed as the group, and what identifies patients is warned of."""

import numpy as np
import pytest

from labeler.projects import project as projects
from tests.support.pages import everything, visit, widget
from tests.support.samples import text_config
from tests.support.scan_files import write_dicom


@pytest.fixture(autouse=True)
def the_page_waits(monkeypatch):
    """The page waits until the import has ended, however busy the machine is."""
    monkeypatch.setattr("pages.project.import_jobs.WAIT_SECONDS", 60.0)


def test_scans_are_imported_by_patient_and_without_what_identifies_patients(own_home, tmp_path):
    project = projects.create(own_home / "scans", text_config(name="Scans", modality="image"))
    for number in range(8):
        path = tmp_path / "in" / f"{number}.dcm"
        path.parent.mkdir(exist_ok=True)
        write_dicom(path, np.full((8, 8), number, np.int16), PatientID=f"P{number % 4}", PatientName="Hong^Gildong")
    app = visit("project")
    widget(app, "radio", "From").set_value("path").run()
    widget(app, "text_input", "Path").input(str(tmp_path / "in")).run()
    assert widget(app, "selectbox", "Groups").value == "PatientID"
    assert "Names, numbers and dates of patients would be stored" in everything(app)
    widget(app, "checkbox", "Remove from the DICOM files").check().run()
    assert "would be stored" not in everything(app)
    app.button(key="import").click().run()
    shown = everything(app)
    assert "8 DICOM files were de-identified" in shown
    assert "8 images do not say whether text is burned" in shown
    assert "all items of 1 of 4 groups (column PatientID)" in shown
    saved = projects.open_project(project.folder).config
    assert (saved.dicom.deidentify, saved.evaluation.group_column) == (True, "PatientID")
    assert all(b"Gildong" not in path.read_bytes() for path in project.media.rglob("*.dcm"))


def test_columns_of_a_table_that_stay_in_clear_are_named_and_can_be_left_out(own_home, tmp_path):
    project = projects.create(own_home / "scans", text_config(name="Scans", modality="image"))
    for number in range(4):
        write_dicom(tmp_path / f"{number}.dcm", np.full((8, 8), number, np.int16), BurnedInAnnotation="NO")
    rows = [f"{n}.dcm,Hong Gildong,north" for n in range(4)]
    (tmp_path / "scans.csv").write_text("\n".join(["file,name,site", *rows]))
    app = visit("project")
    widget(app, "radio", "From").set_value("path").run()
    widget(app, "text_input", "Path").input(str(tmp_path / "scans.csv")).run()
    assert (
        widget(app, "multiselect", "Columns that are not stored").value == []
    )  # also where the files stay as they are
    widget(app, "checkbox", "Remove from the DICOM files").check().run()
    assert "These columns of the table would be stored as they are: name, site." in everything(app)
    widget(app, "multiselect", "Columns that are not stored").set_value(["name"]).run()
    shown = everything(app)
    assert "would be stored as they are: site." in shown
    assert "The other columns stay" not in shown  # which named the one that is left out, too
    app.button(key="import").click().run()
    assert "These columns of the table are stored as they are: site." in everything(app)
    assert projects.open_project(project.folder).config.dicom.drop_columns == ("name",)
    with project.store() as store:
        assert {tuple(store.items.get(item.id).metadata) for item in store.items.all()} == {("site",)}
