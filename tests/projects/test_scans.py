"""DICOM files on their way into a project: nothing that identifies a patient is stored, slices become a stack."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag, tag_for_keyword

from labeler.core.errors import SourceError
from labeler.core.settings import Config, DicomConfig
from labeler.files import deidentify, images
from labeler.files.deidentify import Pseudonyms, deidentified
from labeler.files.renditions import Renditions, Wish
from labeler.files.sources import SourceColumns
from labeler.files.stacks import packed
from labeler.files.windows import Scan
from labeler.projects import project as projects
from labeler.projects.importer import import_source
from labeler.report.sentences.scans import of_scans, of_table
from tests.support.scan_files import basic_profile, write_dicom

RAMP = np.arange(0, 400, 1, dtype=np.int16).reshape(20, 20)
SECRET = "GANGNAM-7731"  # in every field that can hold it
TEXTS = ("LO", "SH", "PN", "ST", "LT", "UT", "UC")
DATES = {"PatientBirthDate": "19610516", "StudyDate": "20260102", "SeriesDate": "20260102", "StudyTime": "101112"}
COMMON = {"Modality": "CT", "Manufacturer": "Maker", "BurnedInAnnotation": "NO"}


def identifying() -> dict[str, Any]:
    """Every text of the standard's basic profile, dates, and a nested field."""
    request = Dataset()
    request.RequestedProcedureDescription = SECRET
    shared = Dataset()
    shared.FrameComments = SECRET
    known = [tag for tag in basic_profile() if dictionary_has_tag(tag) and tag.group > 4]
    values = {keyword_for_tag(tag): SECRET for tag in known if dictionary_VR(tag) in TEXTS}
    return values | DATES | {"RequestAttributesSequence": [request], "SharedFunctionalGroupsSequence": [shared]}


def patient(path, values=RAMP, **changes):
    path.parent.mkdir(parents=True, exist_ok=True)
    written = write_dicom(path, values, **(identifying() | COMMON | changes))
    data = dcmread(written)
    data.private_block(0x0019, SECRET, create=True).add_new(1, "LO", SECRET)
    data.save_as(written)
    return written


@pytest.fixture
def scans(tmp_path):
    return projects.create(tmp_path / "project", Config("Scans", ("good", "bad"), dicom=DicomConfig(deidentify=True)))


def scan(path, frame: int | None = None) -> Scan:
    image = images.read(path, frame=frame)
    assert isinstance(image, Scan)
    return image


def items(project):
    with project.store() as store:
        return [store.items.get(item.id) for item in store.items.all()]


def test_no_field_of_the_basic_profile_is_on_the_list_of_those_that_stay():
    """A field that a later list lets through must be reasoned for in docs/medical-images.md, and then excepted here."""
    stays = {tag_for_keyword(name) for name in (*deidentify.STAYS, *DicomConfig().keep)}
    assert None not in stays
    assert len(basic_profile()) == 652
    assert stays.isdisjoint(basic_profile())


@pytest.mark.parametrize("group", ["PatientID", "folder"])
def test_nothing_of_the_patient_is_anywhere_in_the_project(scans, tmp_path, group):
    for number in range(3):
        patient(tmp_path / SECRET / SECRET / f"{SECRET}-{number}.dcm", RAMP + number)
    report = import_source(scans, tmp_path / SECRET, SourceColumns(group=group))
    assert {item.metadata[group] for item in items(scans)} == {item.group for item in items(scans)}
    assert (report.added, report.dicom.files, report.dicom.undeclared) == (3, 3, 0)
    Renditions(scans.renditions).draw(scans.folder / items(scans)[0].media, "a" * 32, Wish())
    for path in scans.folder.rglob("*"):
        assert SECRET not in str(path)
        if path.is_file():
            content = path.read_bytes()
            for value in (SECRET, *DATES.values()):
                assert value.encode() not in content, path.name
    assert "de-identified" in of_scans(report.dicom)[0]


def test_pixels_and_their_window_stay_and_the_file_says_that_it_was_deidentified(tmp_path):
    content = patient(
        tmp_path / "a.dcm", RescaleSlope=2, RescaleIntercept=-7, WindowCenter=50, WindowWidth=80
    ).read_bytes()
    (tmp_path / "b.dcm").write_bytes(deidentified(content, Pseudonyms(b"key"), ()))
    before, after = scan(tmp_path / "a.dcm"), scan(tmp_path / "b.dcm")
    assert np.array_equal(before.values, after.values)
    assert (after.window, after.unit) == (before.window, "HU")
    data = dcmread(tmp_path / "b.dcm")
    assert data.PatientIdentityRemoved == "YES"
    assert data.SOPInstanceUID != dcmread(tmp_path / "a.dcm").SOPInstanceUID
    outside = deidentify.STAYS | {"SOPInstanceUID", "PatientIdentityRemoved", "DeidentificationMethod"}
    assert {element.keyword for element in data} - outside == {"DeidentificationMethodCodeSequence"}


def test_importing_again_finds_the_same_items_and_groups(scans, tmp_path):
    patient(tmp_path / "in" / "a.dcm")
    patient(tmp_path / "in" / "b.dcm", RAMP + 1, PatientID="another")
    by_patient = SourceColumns(group="PatientID")
    assert import_source(scans, tmp_path / "in", by_patient).added == 2
    groups = {item.group for item in items(scans)}
    assert len(groups) == 2
    again = import_source(scans, tmp_path / "in", by_patient)
    assert (again.added, again.duplicates, again.in_two_groups) == (0, 2, 0)
    assert {item.group for item in items(scans)} == groups


def test_fields_on_the_list_stay_and_become_columns(tmp_path):
    config = Config("Scans", ("good", "bad"), dicom=DicomConfig(True, ("Modality", "PatientAge")))
    project = projects.create(tmp_path / "project", config)
    patient(tmp_path / "in" / "a.dcm", PatientAge="064Y")
    report = import_source(project, tmp_path / "in")
    [item] = items(project)
    assert item.metadata == {"Modality": "CT", "PatientAge": "064Y"}
    assert dcmread(project.folder / item.media).PatientAge == "064Y"
    assert any("PatientAge" in sentence for sentence in of_scans(report.dicom))


def test_columns_of_a_table_are_told_or_dropped_and_its_groups_get_pseudonyms(scans, tmp_path):
    patient(tmp_path / "in" / "a.dcm")
    table = tmp_path / "in" / "table.csv"
    table.write_text(f"file,patient,name,site\na.dcm,{SECRET},{SECRET},north\n")
    columns = SourceColumns(image="file", group="patient")
    report = import_source(scans, table, columns)
    assert any("stored as they are: patient, name, site." in sentence for sentence in of_scans(report.dicom))
    for number, (drop, stored) in enumerate({("name", "patient"): {"site", "patient"}, ("*",): {"patient"}}.items()):
        dicom = DicomConfig(deidentify=True, keep=(), drop_columns=drop)
        project = projects.create(tmp_path / str(number), Config("Scans", ("good", "bad"), dicom=dicom))
        told = of_scans(import_source(project, table, columns).dicom)
        assert any("stored as they are: site." in sentence for sentence in told) == ("site" in stored)
        [item] = items(project)
        assert item.metadata.keys() == stored
        pseudonym = Pseudonyms.of(project.folder / "pseudonyms.key").of_text(SECRET, "group")
        assert item.group == item.metadata["patient"] == pseudonym
        assert SECRET.encode() not in project.database.read_bytes()


def test_images_of_a_table_that_are_no_dicom_files_are_told_with_the_columns_beside_them(scans, tmp_path):
    Image.fromarray(np.eye(20, dtype=np.uint8) * 255).save(tmp_path / "a.png")
    (tmp_path / "table.csv").write_text(f"file,name,site\na.png,{SECRET},north\n")
    columns = SourceColumns(image="file")
    report = import_source(scans, tmp_path / "table.csv", columns)
    first, second = of_scans(report.dicom)
    assert first == "1 file is no DICOM file and was stored as it is, with all that its metadata say."
    assert second.startswith("These columns of the table are stored as they are: name, site.")
    assert of_table(report) == []
    photos = projects.create(tmp_path / "photos", Config("Photos", ("good", "bad")))
    report = import_source(photos, tmp_path / "table.csv", columns)
    assert report.dicom is None
    assert of_table(report) == ["The other columns stay with each item and are taken out with its label: name, site."]


def test_a_field_that_does_not_exist_is_refused(tmp_path):
    config = Config("Scans", ("good", "bad"), dicom=DicomConfig(True, ("PatientsAge",)))
    project = projects.create(tmp_path / "project", config)
    patient(tmp_path / "in" / "a.dcm")
    with pytest.raises(SourceError, match="'PatientsAge' is no DICOM field"):
        import_source(project, tmp_path / "in")


def test_text_that_is_burned_into_pixels_is_refused_or_told(scans, tmp_path):
    patient(tmp_path / "in" / "a.dcm", BurnedInAnnotation="YES")
    report = import_source(scans, tmp_path / "in")
    assert report.added == 0
    assert "burned into its pixels" in str(report.problems[0])
    open_project = projects.create(tmp_path / "open", Config("Scans", ("good", "bad")))
    told = of_scans(import_source(open_project, tmp_path / "in").dicom)
    assert "stored with all its fields" in told[0]
    assert "1 image says that text is burned" in told[1]


def test_files_that_do_not_say_are_told(scans, tmp_path):
    (tmp_path / "in").mkdir()
    write_dicom(tmp_path / "in" / "a.dcm", RAMP)
    report = import_source(scans, tmp_path / "in")
    assert "does not say whether text is burned" in of_scans(report.dicom)[1]


# ---------------------------------------------------------------- stacks


def series(folder, slices=5, uid="1.2.3", **changes):
    """Slices in an order that is not that of their names; each has its height as its value."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(slices):
        height = float((number * 2) % slices)
        write_dicom(
            folder / f"{number}.dcm",
            np.full((8, 8), int(height), dtype=np.int16),
            SeriesInstanceUID=uid,
            ImagePositionPatient=[0, 0, height],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            **(COMMON | changes),
        )


def test_the_slices_of_a_series_are_one_item_in_the_order_of_their_place(scans, tmp_path):
    series(tmp_path / "in" / "p1")
    series(tmp_path / "in" / "p2", uid="1.2.4", Modality="MR")
    write_dicom(tmp_path / "in" / "alone.dcm", RAMP, **COMMON)
    report = import_source(scans, tmp_path / "in")
    assert (report.added, report.dicom.files, report.dicom.stacks) == (3, 11, 2)
    stacks = [scans.folder / item.media for item in items(scans) if item.media.endswith(".stack")]
    for path in stacks:
        assert images.frames(path) == 5
        assert [int(scan(path, n).values[0, 0]) for n in range(5)] == [0, 1, 2, 3, 4]
        assert scan(path).frame == (3, 5)


def test_stacks_can_be_switched_off_and_files_without_a_place_stay_images(tmp_path):
    series(tmp_path / "in", slices=3)
    config = Config("Scans", ("good", "bad"), dicom=DicomConfig(stacks=False))
    assert import_source(projects.create(tmp_path / "one", config), tmp_path / "in").added == 3
    for number in range(2):
        (tmp_path / "chest").mkdir(exist_ok=True)
        write_dicom(tmp_path / "chest" / f"{number}.dcm", RAMP + number, SeriesInstanceUID="1.2.9")
    project = projects.create(tmp_path / "two", Config("Scans", ("good", "bad")))
    assert import_source(project, tmp_path / "chest").added == 2


@pytest.mark.parametrize("kind", ["frames", "slices"])
def test_each_frame_is_drawn_through_the_window_of_the_middle_one(tmp_path, kind):
    frames = np.stack([np.full((8, 8), 10 * n, dtype=np.uint16) for n in range(5)])
    frames[:, 0, 0], frames[:, 0, 1] = 0, 100
    if kind == "frames":
        path = write_dicom(tmp_path / "a.dcm", frames)
    else:
        path = tmp_path / "a.stack"
        path.write_bytes(
            packed(write_dicom(tmp_path / f"{n}.dcm", frame).read_bytes() for n, frame in enumerate(frames))
        )
    renditions = Renditions(tmp_path / "renditions")
    first = renditions.draw(path, "k" * 32, Wish(frame=1))
    assert first.about.frame == (1, 5)
    middle = renditions.draw(path, "k" * 32, Wish())
    assert middle.about.frame == (3, 5)
    greys = [_grey(renditions.draw(path, "k" * 32, Wish("full", frame=n)).content) for n in range(1, 6)]
    assert greys == [round(255 * 10 * n / 100) for n in range(5)]
    assert list(first.about.drawn) == list(middle.about.drawn)
    assert renditions.ready(path, "k" * 32, Wish("full", frame=9)).about.frame == (5, 5)


def _grey(content) -> int:
    return int(np.asarray(Image.open(io.BytesIO(content)).convert("L"))[5, 5])
