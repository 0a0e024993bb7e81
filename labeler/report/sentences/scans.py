"""Sentences on the DICOM files of an import: what identifies patients, and what de-identification cannot remove."""

from labeler.core.items import DicomReport, ImportReport
from labeler.i18n.messages import _, n_


def of_table(report: ImportReport) -> list[str]:
    """Which columns of a table an import has stored, where `of_scans` does not name them."""
    if not report.columns or (report.dicom is not None and report.dicom.deidentified):
        return []
    names = ", ".join(report.columns)
    return [_("The other columns stay with each item and are taken out with its label: {names}.", names=names)]


def of_scans(report: DicomReport) -> list[str]:
    """What an import of DICOM files means for the privacy of the patients, the most important sentence first."""
    sentences = []
    if not report.deidentified:
        sentences.append(
            n_(
                "{n:,} DICOM file was stored with all its fields, among them names, numbers and dates of patients,"
                " which anybody can read who can read the project's folder. To import without them, create the project"
                " anew with de-identification (`--deidentify`, or the checkbox beside the import).",
                "{n:,} DICOM files were stored with all their fields, among them names, numbers and dates of patients,"
                " which anybody can read who can read the project's folder. To import without them, create the project"
                " anew with de-identification (`--deidentify`, or the checkbox beside the import).",
                report.files,
            )
        )
    elif report.files:
        sentences.append(
            n_(
                "{n:,} DICOM file was de-identified: only its pixels and the fields that draw them are stored.",
                "{n:,} DICOM files were de-identified: only their pixels and the fields that draw them are stored.",
                report.files,
            )
        )
    if report.others:
        sentences.append(
            n_(
                "{n:,} file is no DICOM file and was stored as it is, with all that its metadata say.",
                "{n:,} files are no DICOM files and were stored as they are, with all that their metadata say.",
                report.others,
            )
        )
    sentences += _in_clear(report) if report.deidentified else []
    if report.burned and not report.deidentified:
        sentences.append(
            n_(
                "{n:,} image says that text is burned into its pixels, which may name the patient.",
                "{n:,} images say that text is burned into their pixels, which may name the patient.",
                report.burned,
            )
        )
    if report.undeclared:
        sentences.append(
            n_(
                "{n:,} image does not say whether text is burned into its pixels. No import changes pixels: look at it"
                " before others do.",
                "{n:,} images do not say whether text is burned into their pixels. No import changes pixels: look at"
                " them before others do.",
                report.undeclared,
            )
        )
    if report.stacks:
        sentences.append(
            n_(
                "{n:,} item is a stack of slices, to be scrolled.",
                "{n:,} items are stacks of slices, to be scrolled.",
                report.stacks,
            )
        )
    return sentences


def _in_clear(report: DicomReport) -> list[str]:
    """Which fields and columns de-identification has left as they were."""
    sentences = []
    if report.kept:
        sentences.append(
            _("These fields stay in clear, because `dicom.keep` names them: {names}.", names=", ".join(report.kept))
        )
    if report.columns:
        sentences.append(
            _(
                "These columns of the table are stored as they are: {names}. Where one identifies a patient, create the"
                " project anew without it (`--drop-column`, or the list beside the import).",
                names=", ".join(report.columns),
            )
        )
    return sentences
