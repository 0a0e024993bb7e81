"""DICOM files on their way into a project: fields as columns, their group, and what identifies patients removed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from labeler.core.items import DicomReport, Problem
from labeler.core.settings import DicomConfig
from labeler.files import deidentify
from labeler.files.deidentify import Pseudonyms
from labeler.files.sources import FOLDER_GROUPS, Row
from labeler.projects.project import Project

KEY = "pseudonyms.key"  # in the project's folder
EVERY = "*"  # in `dicom.drop_columns`: every column but those of images, labels and the split
BURNED = "BurnedInAnnotation"


@dataclass
class ScanImport:
    """The DICOM files of one import.

    group_field: the field that names each file's group, such as PatientID. from_table: whether a table names the files,
    whose own columns and groups stay as they are.
    """

    project: Project
    group_field: str | None = None
    from_table: bool = False
    files: int = 0
    undeclared: int = 0
    burned: int = 0
    stacks: int = 0
    others: int = 0  # images that are no DICOM files
    columns: dict[str, None] = field(default_factory=dict)  # of the table, in clear
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.settings = self.project.config.dicom

    def prepared(self, row: Row, contents: Sequence[bytes]) -> tuple[Row, list[bytes]]:
        """The row with the columns and the group of its files, and the files as they are stored.

        Raises: LabelerError: a file cannot be de-identified.
        """
        names = [*self.settings.keep, BURNED, *([self.group_field] if self.group_field else [])]
        values = deidentify.fields(contents[0], names)
        self._count(len(contents), values.get(BURNED), row)
        columns = {name: values[name] for name in self.settings.keep if name in values}
        group, remove = values.get(self.group_field) if self.group_field else row.group, self.settings.deidentify
        if remove and not self.from_table:  # names of folders and files often are those of patients
            source = f"{values.get('Modality', 'DICOM')} {self._pseudonyms.of_text(row.source, 'source')}"
            row, group = replace(row, source=source), group and self._pseudonyms.of_text(group, "group")
        columns |= row.metadata if self.from_table or group is None else {self.group_field or FOLDER_GROUPS: group}
        row = replace(row, metadata=columns, group=group)
        if not remove:
            return row, list(contents)
        pseudonyms, keep = self._pseudonyms, self.settings.keep
        return row, [deidentify.deidentified(content, pseudonyms, keep) for content in contents]

    def pass_by(self, row: Row) -> None:
        """Count a row whose image is no DICOM file; it is stored as it is."""
        with self._lock:
            self.others += 1
            self._keep(row)

    def _keep(self, row: Row) -> None:
        if self.from_table:
            self.columns |= dict.fromkeys(row.metadata)

    @property
    def _pseudonyms(self) -> Pseudonyms:
        with self._lock:
            return Pseudonyms.of(self.project.folder / KEY)

    def _count(self, files: int, burned: str | None, row: Row) -> None:
        with self._lock:
            self._keep(row)
            self.files += files
            self.stacks += files > 1
            self.burned += burned == "YES"
            self.undeclared += burned not in ("YES", "NO")

    def report(self) -> DicomReport | None:
        """What the import read; None where there is nothing to say: no DICOM file, and nothing is to be removed."""
        if not self.files and not (self.settings.deidentify and self.others):
            return None
        kept = tuple(name for name in self.settings.keep if name not in DicomConfig().keep)
        removed = self.settings.deidentify
        # of the columns to be dropped that of the groups is left, with pseudonyms
        columns = tuple(name for name in self.columns if removed and not is_dropped(name, self.settings))
        return DicomReport(
            self.files, removed, self.undeclared, self.burned, kept, self.stacks, columns, self.others if removed else 0
        )


def is_dropped(column: str, settings: DicomConfig) -> bool:
    """Whether imports of tables do not store this column."""
    return column in settings.drop_columns or EVERY in settings.drop_columns


def without_dropped(project: Project, rows: Iterable[Row | Problem], group: str | None) -> Iterator[Row | Problem]:
    """The rows of a table without the columns of `dicom.drop_columns`; the column of the groups gets pseudonyms."""
    settings = project.config.dicom
    if not settings.drop_columns:
        return iter(rows)
    pseudonyms = Pseudonyms.of(project.folder / KEY)

    def without(row: Row | Problem) -> Row | Problem:
        if isinstance(row, Problem):
            return row
        kept = {name: value for name, value in row.metadata.items() if not is_dropped(name, settings)}
        if group is None or row.group is None or not is_dropped(group, settings):
            return replace(row, metadata=kept)
        pseudonym = pseudonyms.of_text(row.group, "group")
        return replace(row, metadata=kept | {group: pseudonym}, group=pseudonym)

    return map(without, rows)
