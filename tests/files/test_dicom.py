"""DICOM files → values in their unit, the window that they ask for, and a sentence for what cannot be read."""

import io

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import JPEGLossless

from labeler.core.errors import LabelerError
from labeler.files import dicom, windows
from labeler.files.images import open_image
from labeler.files.windows import Scan
from tests.support.scan_files import lookup_table, write_dicom

RAMP = np.arange(0, 4000, 10, dtype=np.int16).reshape(20, 20)


def read(path) -> Scan:
    scan = dicom.read(path, "a.dcm")
    assert isinstance(scan, Scan)
    return scan


def test_slope_and_intercept_lead_to_hounsfield_units(tmp_path):
    scan = read(write_dicom(tmp_path / "a.dcm", RAMP, Modality="CT", RescaleSlope=2, RescaleIntercept=-1024))
    assert scan.unit == "HU"
    assert np.array_equal(scan.values, RAMP * 2.0 - 1024)
    assert set(windows.HOUNSFIELD) < set(windows.windows(scan))


def test_the_window_of_the_file_is_the_first_choice(tmp_path):
    scan = read(write_dicom(tmp_path / "a.dcm", RAMP, WindowCenter=[100, 7], WindowWidth=[200, 9]))
    assert scan.window == (0, 200)
    assert next(iter(windows.windows(scan).items())) == ("file", (0, 200))
    pixels = np.asarray(open_image(tmp_path / "a.dcm"))[..., 0]  # what a learner sees
    assert pixels.flat[0] == 0
    assert pixels.flat[10] == 128  # the value 100
    assert (pixels.flat[20:] == 255).all()


def test_in_monochrome1_the_lowest_value_is_white(tmp_path):
    plain = write_dicom(tmp_path / "2.dcm", RAMP)
    turned = write_dicom(tmp_path / "1.dcm", RAMP, PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(np.asarray(open_image(turned)), 255 - np.asarray(open_image(plain)))


def test_of_many_frames_the_middle_one_is_taken(tmp_path):
    frames = np.stack([np.full((4, 5), value, dtype=np.uint16) for value in (10, 20, 30, 40, 50)])
    scan = read(write_dicom(tmp_path / "a.dcm", frames))
    assert scan.frame == (3, 5)
    assert (scan.values == 30).all()


def test_settings_of_single_frames_are_found(tmp_path):
    frames = np.stack([np.full((4, 5), value, dtype=np.uint16) for value in (10, 20)])
    groups = []
    for intercept in (-1, -2):
        group, change = Dataset(), Dataset()
        change.RescaleSlope, change.RescaleIntercept = 1, intercept
        group.PixelValueTransformationSequence = [change]
        groups.append(group)
    scan = read(write_dicom(tmp_path / "a.dcm", frames, PerFrameFunctionalGroupsSequence=groups))
    assert (scan.values == 18).all()


def test_a_table_of_values_is_applied(tmp_path):
    stored = np.array([[0, 1], [2, 3]], dtype=np.uint16)
    table = lookup_table([0, 1000, 60000, 65535], first=0)
    scan = read(write_dicom(tmp_path / "a.dcm", stored, VOILUTSequence=[table]))
    assert scan.values.tolist() == [[0, 1000], [60000, 65535]]
    assert scan.window == (0, 65535)


def test_colour_is_shown_as_it_is(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    image = dicom.read(write_dicom(tmp_path / "a.dcm", pixels), "a.dcm")
    assert isinstance(image, Image.Image)
    assert np.array_equal(np.asarray(image), pixels)


def test_an_unreadable_file_is_refused_in_a_sentence(tmp_path):
    whole = write_dicom(tmp_path / "a.dcm", RAMP).read_bytes()
    for broken in (b"", b"no file", whole[:140], whole[:-300]):
        with pytest.raises(LabelerError, match=r"^a\.dcm .*\.$"):
            dicom.read(io.BytesIO(broken), "a.dcm")
    report = write_dicom(tmp_path / "b.dcm", RAMP)
    from pydicom import dcmread

    data = dcmread(report)
    del data.PixelData
    data.save_as(report)
    with pytest.raises(LabelerError, match="without an image"):
        dicom.read(report, "b.dcm")


def test_a_compression_that_needs_a_further_package_names_it(tmp_path):
    from pydicom.encaps import encapsulate

    path = write_dicom(tmp_path / "a.dcm", RAMP)
    from pydicom import dcmread

    data = dcmread(path)
    data.file_meta.TransferSyntaxUID = JPEGLossless
    data.PixelData = encapsulate([b"\xff\xd8" + bytes(100)])
    data["PixelData"].is_undefined_length = True
    data.save_as(path)
    with pytest.raises(LabelerError, match=r"JPEG Lossless.*pylibjpeg"):
        dicom.read(path, "a.dcm")


def test_dicom_is_recognised_by_its_content(tmp_path):
    assert dicom.is_dicom(write_dicom(tmp_path / "a.dcm", RAMP).read_bytes())
    assert not dicom.is_dicom(b"\x89PNG" + bytes(200))
    assert not dicom.is_dicom(b"")
