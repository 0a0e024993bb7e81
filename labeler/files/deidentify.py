"""A DICOM file without what identifies a patient: only fields on a list of allowed ones stay.

The standard's basic profile names about 650 fields that must go. A list of the fields that may stay is shorter and
safer: it drops private fields, free texts, dates, names of people and places, and whatever a later edition adds, in
nested sequences too. None of `STAYS` is among the fields of the profile (tests/projects/test_scans.py holds it). No
pixel is changed: text that was burned into them stays, so files that are marked as having such text are refused.

Source: DICOM PS3.15 (2026c), annex E, table E.1-1 (basic application level confidentiality profile); E.1.1 (what a
        de-identified file says of itself).
"""

import hashlib
import hmac
import io
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labeler.core.errors import LabelerError, SourceError
from labeler.core.extras import require
from labeler.core.whole_files import write_whole

if TYPE_CHECKING:
    from pydicom import Dataset

# Imports of pydicom are deferred: it is an extra, and few projects hold scans.

# Pixels, how they are to be drawn, and where a slice lies in its stack.
STAYS = frozenset(
    (
        *("SOPClassUID", "Modality", "InstanceNumber", "ImagePositionPatient", "ImageOrientationPatient"),
        *("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames"),
        *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelSpacing", "PixelAspectRatio"),
        *("SliceThickness", "SmallestImagePixelValue", "LargestImagePixelValue", "PixelPaddingValue"),
        *("WindowCenter", "WindowWidth", "RescaleIntercept", "RescaleSlope", "RescaleType", "LossyImageCompression"),
        *("ModalityLUTSequence", "VOILUTSequence", "LUTDescriptor", "LUTData", "BurnedInAnnotation"),
        *(f"{colour}PaletteColorLookupTableDescriptor" for colour in ("Red", "Green", "Blue")),
        *(f"{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue")),
        *(f"Segmented{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue")),
        *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "PixelValueTransformationSequence"),
        *("FrameVOILUTSequence", "PlanePositionSequence"),
        *("PixelData", "FloatPixelData", "DoubleFloatPixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
    )
)
METHOD = "labeler: all but the fields of an allow list removed"
PROFILE = ("113100", "DCM", "Basic Application Confidentiality Profile")
KEY_BYTES = 32


@dataclass(frozen=True)
class Pseudonyms:
    """Names in place of identifiers: the same for the same identifier, and no way back without the key."""

    key: bytes

    @classmethod
    def of(cls, path: Path) -> "Pseudonyms":
        """The pseudonyms of the key in a file, which is made if it is not there; only its owner can read it."""
        if not path.exists():
            write_whole(path, secrets.token_bytes(KEY_BYTES))
            path.chmod(0o600)
        return cls(path.read_bytes())

    def of_text(self, text: str, kind: str) -> str:
        """A short pseudonym. Args: kind: what is named; the same text names different things of different kinds."""
        return hmac.new(self.key, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()[:12]

    def of_uid(self, uid: str) -> str:
        from pydicom.uid import generate_uid

        return generate_uid(entropy_srcs=[self.key.hex(), uid])


def deidentified(content: bytes, pseudonyms: Pseudonyms, keep: Sequence[str]) -> bytes:
    """The file with its pixels, the fields that draw them, and those of `keep`; all else is gone.

    The same file and key give the same bytes, so that an import can be repeated.

    Args:   keep: keywords of DICOM fields, such as `PatientAge`, which stay in clear.
    Raises: LabelerError: the file says that text is burned into its pixels.
    """
    require("dicom")
    from pydicom import Dataset, dcmread
    from pydicom.dataset import FileMetaDataset

    data = dcmread(io.BytesIO(content))
    if data.get("BurnedInAnnotation") == "YES":
        raise LabelerError(
            "says that text is burned into its pixels (BurnedInAnnotation), which may name the patient: blank it out"
            " first."
        )
    kept = _allowed(data, STAYS | set(keep))
    kept.SOPInstanceUID = pseudonyms.of_uid(str(data.get("SOPInstanceUID", "")))
    kept.PatientIdentityRemoved, kept.DeidentificationMethod = "YES", METHOD
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = PROFILE
    kept.DeidentificationMethodCodeSequence = [code]
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = data.file_meta.TransferSyntaxUID
    meta.MediaStorageSOPClassUID = data.file_meta.get("MediaStorageSOPClassUID", data.get("SOPClassUID"))
    meta.MediaStorageSOPInstanceUID = kept.SOPInstanceUID
    kept.file_meta, kept.preamble = meta, b"\0" * 128
    buffer = io.BytesIO()
    kept.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _allowed(data: "Dataset", names: frozenset[str]) -> "Dataset":
    """The fields with these keywords, in sequences too."""
    from pydicom import Dataset, Sequence

    kept = Dataset()
    for element in data:
        if element.keyword in names:
            if element.VR == "SQ":
                element.value = Sequence([_allowed(part, names) for part in element.value])
            kept.add(element)
    return kept


def fields(content: bytes, keep: Sequence[str]) -> dict[str, str]:
    """The values of these fields as text, those that the file has; several values are separated by backslashes."""
    require("dicom")
    from pydicom import dcmread

    data = dcmread(io.BytesIO(content), stop_before_pixels=True, specific_tags=list(keep))
    return {name: text for name in keep if (text := str(data.get(name, "") or "").strip())}


def check_fields(names: Sequence[str]) -> None:
    """Refuse names that are no keywords of the standard, or that are sequences or pixels.

    Raises: SourceError: names the first one.
    """
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    for name in names:
        tag = tag_for_keyword(name)
        if tag is None or dictionary_VR(tag) in ("SQ", "OB", "OW", "OB or OW", "OF", "OD", "UN"):
            raise SourceError(
                "{name!r} is no DICOM field with a value: name fields by the standard's keywords, such as PatientAge.",
                name=name,
            )


def is_field(name: str) -> bool:
    """Whether this is the keyword of a DICOM field."""
    require("dicom")
    from pydicom.datadict import tag_for_keyword

    return tag_for_keyword(name) is not None
