"""DICOM files made on the fly."""

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid

PROFILE = Path(__file__).parents[1] / "files" / "basic_profile.txt"


def basic_profile() -> list[BaseTag]:
    """The fields that the standard's basic profile removes or replaces."""
    lines = [line.split() for line in PROFILE.read_text().splitlines() if not line.startswith("#")]
    return [Tag(int(group, 16), int(element, 16)) for group, _action, *elements in lines for element in elements]


def write_dicom(path: Path, values: np.ndarray, syntax: str = ExplicitVRLittleEndian, **changes: Any) -> Path:
    """A file that holds `values`: (rows, columns), (frames, rows, columns), or (rows, columns, 3) of 8 bit."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
    meta.TransferSyntaxUID = UID(syntax)
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    colour = values.ndim == 3 and values.shape[2] == 3
    if values.ndim == 3 and not colour:
        data.NumberOfFrames = len(values)
    data.Rows, data.Columns = values.shape[:2] if colour else values.shape[-2:]
    data.SamplesPerPixel = 3 if colour else 1
    if colour:
        data.PlanarConfiguration = 0
    data.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 8 * values.dtype.itemsize
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(values.dtype.kind == "i")
    data.PixelData = values.tobytes()
    for name, value in changes.items():
        setattr(data, name, value)
    data.save_as(path, enforce_file_format=True)
    return path


def lookup_table(values: list[int], first: int) -> Dataset:
    """A table of values for the stored ones from `first` on, as DICOM writes it."""
    table = Dataset()
    table.add_new("LUTDescriptor", "SS", [len(values), first, 16])
    table.add_new("LUTData", "OW", np.array(values, dtype=np.uint16).tobytes())
    return table
